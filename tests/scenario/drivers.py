# SPDX-License-Identifier: Apache-2.0
"""disk_format sometimes names a driver. Data that a hypervisor takes under another format's name is stored
without any setting. There is a warning where another hypervisor would not take it."""
import gzip
import io
import pathlib
import random
import subprocess
import tarfile

from support.fixture import scenario
from support.stack import ACTIONS, Stack, data

MIB = 1 << 20
HYBRID = pathlib.Path("/usr/lib/ipxe/ipxe.iso")


def make(folder, kind, *options):
    folder.mkdir(exist_ok=True)
    (folder / "source").write_bytes(random.Random(kind).randbytes(MIB))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, folder / "source", folder / "made"],
                   check=True, capture_output=True, timeout=180)
    return (folder / "made").read_bytes()


def disk():
    boot = bytearray(data(MIB))
    boot[510:512] = b"\x55\xaa"
    return bytes(boot)


def tgz(body):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("0.vhd")
        entry.size = len(body)
        tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def named_for_drivers(folder):
    """(properties of the image, the body, the expected warning)"""
    return [
        ({"disk_format": "vmdk", "vmware_disktype": "preallocated"}, disk(), None),
        ({"disk_format": "vmdk", "hypervisor_type": "vmware"}, data(MIB), None),
        ({"disk_format": "vmdk", "vmware_ostype": "debian"}, disk(), None),
        ({"disk_format": "vhd"}, make(folder, "vhdx"), "Hyper-V"),
        ({"disk_format": "ami", "container_format": "ami"}, make(folder, "qcow2"), "qcow2"),
        ({"disk_format": "ami"}, make(folder, "qcow2"), "qcow2"),
        ({"disk_format": "vhd", "container_format": "ovf"}, tgz(make(folder, "vpc")), None),
        ({"disk_format": "vhd", "hypervisor_type": "xen"}, tgz(make(folder, "vpc")), None),
        ({"disk_format": "raw"}, HYBRID.read_bytes(), "iso"),
    ]


@scenario
def driver_formats_are_stored(fixture):
    table = named_for_drivers(fixture.folder / "made")
    stack = Stack(fixture)
    for properties, body, warning in table:
        for action in ACTIONS:
            image = stack.image(**properties)
            told = stack.put(image, body, action=action)
            stack.stored(told, image, body, action)
            said = told.get("X-Intake-Warning")
            assert (warning in said if warning else said is None), (properties, said)


@scenario
def driver_formats_need_a_matching_property(fixture):
    """Without a matching name or property the same data is refused."""
    folder = fixture.folder / "made"
    stack = Stack(fixture)
    for properties, body in (
            ({"disk_format": "vmdk"}, disk()),
            ({"disk_format": "vmdk", "vmware_disktype": "sparse"}, disk()),
            ({"disk_format": "vmdk", "vmware_disktype": "preallocated"}, make(folder, "vdi")),
            ({"disk_format": "vhdx"}, make(folder, "vpc")),
            ({"disk_format": "aki"}, make(folder, "qcow2")),
            ({"disk_format": "vhd"}, tgz(make(folder, "vpc")))):
        image = stack.image(**properties)
        # the missing footer of a fixed vhd shows at the end
        stack.refused(stack.put(image, body), image, 400, "format_mismatch", reached=properties["disk_format"] == "vhd")


@scenario
def raw_is_not_advised_where_it_is_wrong(fixture):
    """With the advice to declare it raw, the image would not boot."""
    body = make(fixture.folder / "made", "qcow2")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
    stack = Stack(fixture)
    for before in (b"\xef\xbb\xbf", b"\n", b"\r\n", head, b"4000\r\n", b"QFI"):
        image = stack.image(disk_format="qcow2")
        reason = "format_mismatch" if before == b"QFI" else "damaged_body"
        said = stack.refused(stack.put(image, before + body), image, 400, reason)
        assert "--disk-format raw" not in said["message"], said
    for properties in ({"hypervisor_type": "vmware", "vmware_disktype": "sparse", "disk_format": "vmdk"},
                       {"img_hv_type": "hyperv", "disk_format": "vhdx"}):
        image = stack.image(**properties)
        said = stack.refused(stack.put(image, disk()), image, 400, "format_mismatch")
        assert "raw" not in said["message"], said
    image = stack.image(disk_format="qcow2")
    assert "--disk-format raw" in stack.refused(stack.put(image, disk()), image, 400, "format_mismatch")["message"]


PAGES = (
    (b"<!DOCTYPE html><html><title>403 Forbidden</title></html>\n", "HTML"),
    (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>\n', "XML"),
    (b'{"error": "not found"}\n', "JSON"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1234\n", "LFS"),
    (b"a" * 64 + b"  cirros.img\n" + b"b" * 64 + b"  fedora.img\n", "checksums"),
    (b"SHA256 (cirros.img) = " + b"a" * 64 + b"\n", "checksums"),
)


@scenario
def text_documents_are_refused(fixture):
    stack = Stack(fixture)
    for body, words in PAGES:
        for kind in ("raw", "ami", "ari"):
            image = stack.image(disk_format=kind)
            said = stack.refused(stack.put(image, body), image, 400, "format_mismatch")
            assert words in said["message"], said
    for body in (b"hello, world\n", b"<?xml version='1.0'?>\n".ljust(MIB, b"\0")):
        image = stack.image()
        stack.stored(stack.put(image, body), image, body)


def packed(*command):
    return subprocess.run(command, input=data(MIB), capture_output=True, check=True, timeout=180).stdout


@scenario
def compressed_data_is_refused_or_warned_of(fixture):
    stack = Stack(fixture)
    for body in (packed("xz", "-0"), packed("zstd", "-q", "-c"), packed("bzip2"),
                 b"\x04\x22\x4d\x18" + data(MIB), b"7z\xbc\xaf\x27\x1c" + data(MIB), b"PK\3\4" + data(MIB)):
        image = stack.image()
        said = stack.refused(stack.put(image, body), image, 400, "compressed")
        assert "--disk-format raw" not in said["message"], said
        image = stack.image(disk_format="ari", container_format="ari")
        told = stack.put(image, body)
        stack.stored(told, image, body)
        assert told.get("X-Intake-Warning") is None
    for body in (gzip.compress(data(MIB)), b"\x02\x21\x4c\x18" + data(MIB)):
        image = stack.image()
        told = stack.put(image, body)
        stack.stored(told, image, body)
        stack.warned(told, "compressed")
    stack.set(compressed="off")
    body = packed("xz", "-0")
    image = stack.image()
    told = stack.put(image, body)
    stack.stored(told, image, body)
    assert told.get("X-Intake-Warning") is None


@scenario
def data_decoded_as_text_is_refused(fixture):
    """Programs damage a file when they take it for text."""
    stack = Stack(fixture)
    for kind, made in (("qcow2", "qcow2"), ("raw", "raw")):
        body = make(fixture.folder / "made", made)
        for spoilt in (body.decode(errors="replace").encode(), body.decode("latin-1").encode()):
            image = stack.image(disk_format=kind)
            said = stack.refused(stack.put(image, spoilt), image, 400, "damaged_body")
            assert "text" in said["message"] and "raw" not in said["message"], said
