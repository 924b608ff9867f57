# SPDX-License-Identifier: Apache-2.0
"""Glance 2025.1 and later inspects an image after storing it, and an image that it refuses then is spoilt. So
the proxy refuses such data first: always, or after Glance has refused an upload like that."""
import signal
import subprocess

from support.fixture import scenario
from support.proxy import wait_until
from support.stack import OCTETS, RIGHT, TOKEN, Stack, data

MIB = 1 << 20
TO_TEST = "default: { store: test, mode: force }\n"
LENIENT = "default: { store: test, mode: force, checks: { format: off, unsafe_format: off } }\n"
LEARNED = "checks the data after storing it"


def fixed_vhd(folder):
    folder.mkdir(exist_ok=True)
    (folder / "source").write_bytes(data(MIB))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed,force_size=on",
                    folder / "source", folder / "made"], check=True, capture_output=True, timeout=180)
    return (folder / "made").read_bytes()


def extended_l2(folder):
    folder.mkdir(exist_ok=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "extended_l2=on", folder / "l2", "1M"],
                   check=True, capture_output=True, timeout=180)
    return (folder / "l2").read_bytes()


def boot_sector():
    return bytes(510) + b"\x55\xaa" + data(MIB)


def inspects(stack, **fault):
    """Makes the small Glance refuse the next uploads after storing them, as Glance 2025.1 does."""
    stack.glance.fault(image="*", answer=415, spoilt=True, **fault)


def spoilt(stack, told, image, body):
    """Checks that the data was stored and then refused: Glance's answer, and the proxy's hint."""
    assert told.status == 415 and "application/octet-stream" in told.body.decode(), (told.start, told.body)
    shown = stack.show(image)
    assert (shown["status"], shown["size"], shown["stores"]) == ("queued", len(body), "test"), shown
    assert shown["os_hash_value"], shown
    assert told.get("X-Intake-Image-Status") == "queued", told.fields
    hint = told.get("X-Intake-Hint")
    assert "delete it and create a new one: curl -X DELETE" in hint and image in hint, hint
    line = stack.log_line(told)
    assert " glance_status=415 verdict=rejected" in line and " image_after=queued " in line, line
    stack.proxy.wait_log(f"Glance has refused the data of image {image} after storing it")
    return hint


def clean(stack, image):
    """Checks that the image still takes data."""
    shown = stack.show(image)
    assert (shown["status"], shown["os_hash_value"], shown.get("stores")) == ("queued", None, None), shown


def refused(stack, image, body, reason):
    said = stack.refused(stack.put(image, body), image, 400, reason)
    assert said["message"].startswith("Glance would refuse this data only after storing all of it"), said
    clean(stack, image)
    return said


@scenario(threaded=True, representative=True)
def auto_learns_from_the_first_refusal(fixture):
    """All workers learn it, and a reload keeps it. A refused content type teaches nothing."""
    body = fixed_vhd(fixture.folder / "made")
    stack = Stack(fixture, conf={"DEFAULT": {"workers": 2}}, policy=TO_TEST)
    inspects(stack)
    image = stack.image(disk_format="vhd")
    hint = spoilt(stack, stack.put(image, body), image, body)
    assert "qemu-img convert -f vpc -O vpc FILE COPY" in hint, hint
    stack.proxy.wait_log(LEARNED)
    for _ in range(12):  # so that both workers get some
        said = refused(stack, stack.image(disk_format="vhd"), body, "format_mismatch")
        assert said["hint"].startswith("qemu-img convert -f vpc -O vpc FILE COPY && curl -T COPY "), said
    stack.proxy.signal(signal.SIGHUP)
    stack.proxy.wait_log("the configuration was read again and is in force")
    refused(stack, stack.image(disk_format="vhd"), body, "format_mismatch")
    refused(stack, stack.image(disk_format="qcow2"), extended_l2(fixture.folder / "made"), "unsafe_format")
    refused(stack, stack.image(), boot_sector(), "unsafe_format")
    said = stack.proxy.log()
    assert said.count(LEARNED) == 1 and "glance_checks = off" in said, said


@scenario
def spoilt_image_is_refused_before_its_body(fixture):
    body = fixed_vhd(fixture.folder / "made")
    stack = Stack(fixture, policy=TO_TEST)
    inspects(stack)
    image = stack.image(disk_format="vhd")
    spoilt(stack, stack.put(image, body), image, body)
    told = stack.put_head(image, *RIGHT, f"Content-Length: {len(body)}")
    assert told.status == 409 and b"delete it and create a new one" in told.body, told.body


@scenario
def failed_safety_check_does_not_imply_format_checks(fixture):
    """Operators do switch Glance's format comparison off."""
    body = extended_l2(fixture.folder / "made")
    stack = Stack(fixture, policy=TO_TEST)
    inspects(stack, times=1)
    image = stack.image(disk_format="qcow2")
    assert "extended_l2" in spoilt(stack, stack.put(image, body), image, body)
    refused(stack, stack.image(disk_format="qcow2"), body, "unsafe_format")
    vhd = fixed_vhd(fixture.folder / "made")
    image = stack.image(disk_format="vhd")
    stack.stored(stack.put(image, vhd), image, vhd)


@scenario
def on_refuses_at_once(fixture):
    folder = fixture.folder / "made"
    stack = Stack(fixture, policy=LENIENT, glance_checks="on")  # a rule cannot allow what Glance refuses
    for properties, body, reason, words in (
            ({"disk_format": "vhd"}, fixed_vhd(folder), "format_mismatch", "-f vpc -O vpc FILE COPY"),
            ({"disk_format": "vmdk", "vmware_disktype": "preallocated"}, data(MIB), "format_mismatch",
             "subformat=streamOptimized"),
            ({"disk_format": "ami"}, boot_sector(), "format_mismatch", "--container-format ami"),
            ({"disk_format": "aki"}, boot_sector(), "format_mismatch", "--container-format aki"),
            ({"disk_format": "qcow2"}, extended_l2(folder), "unsafe_format", "extended_l2"),
            ({}, boot_sector(), "unsafe_format", "-f raw -O qcow2 FILE COPY"),
            ({}, b"LUKS\xba\xbe\0\2".ljust(MIB, b"\0"), "unsafe_format", "version 2 of LUKS")):
        said = refused(stack, stack.image(**properties), body, reason)
        assert words in said["message"], said
    for properties, body in (({"disk_format": "ami", "container_format": "ami"}, boot_sector()),
                             ({"disk_format": "vhd", "container_format": "ovf"}, fixed_vhd(folder)),
                             ({}, fixed_vhd(folder)), ({}, data(MIB))):
        image = stack.image(**properties)
        stack.stored(stack.put(image, body), image, body)
    image = stack.image(disk_format="vhd")  # a stage is not checked: the import is a request of its own
    body = fixed_vhd(folder)
    stack.stored(stack.put(image, body, action="stage"), image, body, action="stage")


@scenario
def off_lets_glance_decide(fixture):
    body = fixed_vhd(fixture.folder / "made")
    stack = Stack(fixture, policy=TO_TEST, glance_checks="off")
    inspects(stack)
    for _ in range(2):
        image = stack.image(disk_format="vhd")
        spoilt(stack, stack.put(image, body), image, body)
    assert LEARNED not in stack.proxy.log()


@scenario
def audit_notes_what_glance_would_refuse(fixture):
    body = fixed_vhd(fixture.folder / "made")
    stack = Stack(fixture, policy="mode: audit\n" + TO_TEST, glance_checks="on")
    image = stack.image(disk_format="vhd")
    told = stack.put(image, body, TOKEN, OCTETS, "X-Image-Meta-Store: test")
    assert (told.status, told.get("X-Intake-Audit")) == (204, "format_mismatch"), told.fields
    stack.proxy.wait_log("would be refused: format_mismatch: declared vhd, and Glance takes a VHD only if")
    inspects(stack)
    image = stack.image(disk_format="vhd")
    spoilt(stack, stack.put(image, body, *RIGHT), image, body)


@scenario
def refused_content_type_teaches_nothing(fixture):
    stack = Stack(fixture, policy="mode: audit\n" + TO_TEST)
    image = stack.image(disk_format="vhd")
    told = stack.put(image, data(1000), TOKEN, "Content-Type: text/plain", "X-Image-Meta-Store: test")
    assert (told.status, told.get("X-Intake-Hint")) == (415, None), told.fields
    clean(stack, image)
    assert LEARNED not in stack.proxy.log()


@scenario
def refused_vhdx_may_be_the_stores_fault(fixture):
    folder = fixture.folder / "made"
    folder.mkdir()
    (folder / "source").write_bytes(data(MIB))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vhdx", folder / "source", folder / "made"],
                   check=True, capture_output=True, timeout=180)
    body = (folder / "made").read_bytes()
    stack = Stack(fixture, policy=TO_TEST)
    inspects(stack, times=1)
    image = stack.image(disk_format="vhdx")
    hint = spoilt(stack, stack.put(image, body), image, body)
    assert "glance_store misreads a VHDX" in hint and "use another store" in hint and "-O qcow2 FILE COPY" in hint, hint
    image = stack.image(disk_format="vhdx")  # another store may take it
    stack.stored(stack.put(image, body), image, body)
    wait_until("it is learned", lambda: LEARNED in stack.proxy.log())
