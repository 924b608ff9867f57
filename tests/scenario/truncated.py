# SPDX-License-Identifier: Apache-2.0
"""Truncated files: the sizes in a header are compared with the length, before Glance is asked if the length
is known. What only the end can show is checked before the last byte is sent to Glance."""
import subprocess

from support.fixture import scenario
from support.stack import ACTIONS, Stack, data

KIB, MIB = 1 << 10, 1 << 20


def make(folder, kind, *options):
    made = folder / "made"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, folder / "source.raw", made],
                   check=True, capture_output=True, timeout=180)
    return made.read_bytes()


def iso(folder):
    subprocess.run(["genisoimage", "-quiet", "-o", folder / "made", folder / "source.raw"],
                   check=True, capture_output=True, timeout=180)
    return (folder / "made").read_bytes()


def with_footer(stream):
    """As VMware writes it: a second header at the end names the grain directory."""
    sector = bytearray(512)
    sector[12] = 3  # the marker of a footer
    return stream[:56] + b"\xff" * 8 + stream[64:] + sector + stream[:512] + bytes(512)


def gpt(folder):
    made = folder / "made"
    made.write_bytes(bytes(3 * MIB))
    subprocess.run(["/usr/sbin/sfdisk", "-q", made], input=b"label: gpt\nstart=2048\n", check=True,
                   capture_output=True, timeout=180)
    return made.read_bytes()


def whole_files(fixture):
    """(disk_format, the file, bytes to remove, whether Glance sees the upload before it is refused)"""
    return fixture.once("truncated", lambda: make_files(fixture))


def make_files(fixture):
    folder = fixture.folder / "made"
    folder.mkdir()
    (folder / "source.raw").write_bytes(data(3 * MIB))
    fixed = make(folder, "vpc", "-o", "subformat=fixed")
    return [
        ("vdi", make(folder, "vdi"), 1, False),
        ("vdi", make(folder, "vdi", "-o", "static=on"), MIB, False),
        ("vhd", make(folder, "vpc"), 513, False),  # ends inside a block
        ("vhd", make(folder, "vpc"), 512, False),
        ("vhd", fixed[:MIB] + fixed[2 * MIB:], 0, True),
        ("vhdx", make(folder, "vhdx", "-o", "subformat=fixed,block_size=1M"), MIB + 1, True),
        ("vmdk", with_footer(make(folder, "vmdk", "-o", "subformat=streamOptimized")), 1024, True),
        ("vmdk", make(folder, "vmdk"), 2 * MIB, False),  # the grain tables show it
        ("vmdk", make(folder, "vmdk"), 64 * KIB, False),
        ("vmdk", make(folder, "vmdk", "-o", "subformat=streamOptimized"), MIB, False),
        ("qcow2", make(folder, "qcow2"), 2 * MIB, True),  # L2 shows it
        ("qcow2", make(folder, "qcow2")[:128 * KIB], 0, False),  # L1 is missing
        ("iso", iso(folder), MIB, False),
        ("raw", gpt(folder), 1, False),
        ("raw", gpt(folder), MIB, False),
    ]


@scenario
def truncated_files_are_refused(fixture):
    table = whole_files(fixture)
    stack = Stack(fixture)
    for kind, body, missing, heard in table:
        body = body[:len(body) - missing]
        for action in ACTIONS:
            image = stack.image(disk_format=kind)
            told = stack.put(image, body, action=action)
            said = stack.refused(told, image, 400, "truncated", action, reached=heard)
            assert "qemu-img" not in said["message"] and said["hint"], said
            image = stack.image(disk_format=kind)
            # spooled: the end is checked before Glance is asked
            stack.refused(stack.put_chunked(image, body, action=action), image, 400, "truncated", action)


@scenario
def whole_and_longer_files_are_stored(fixture):
    stack = Stack(fixture)
    for kind, body, missing, _ in whole_files(fixture):
        if not missing:
            continue
        sound = [body]
        if kind in ("iso", "raw"):
            sound += [body + bytes(300 * KIB), body + b"signature"]
        if kind == "iso":
            sound += [body[:-4096]]
        for each in sound:
            image = stack.image(disk_format=kind)
            told = stack.put(image, each)
            stack.stored(told, image, each)
            assert told.get("X-Intake-Warning") is None, (kind, told.get("X-Intake-Warning"))


@scenario
def truncated_warn_warns_and_off_is_silent(fixture):
    table = whole_files(fixture)
    stack = Stack(fixture, truncated="warn")
    for level in ("warn", "off"):
        if level == "off":
            stack.set(truncated="off")
        for kind, body, missing, _ in table:
            body = body[:len(body) - missing]
            image = stack.image(disk_format=kind)
            told = stack.put(image, body)
            stack.stored(told, image, body)
            if level == "warn":
                stack.warned(told, "truncated")
            else:
                assert told.get("X-Intake-Warning") is None, (kind, told.get("X-Intake-Warning"))
