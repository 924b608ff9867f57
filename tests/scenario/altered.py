# SPDX-License-Identifier: Apache-2.0
"""Files that a program has changed on the way without making them shorter: bytes in front of the image, or
converted line ends."""

from support import corpus
from support.fixture import scenario
from support.stack import ACTIONS, Stack

FRONTS = {
    "byte order mark": b"\xef\xbb\xbf",
    "line end": b"\r\n",
    "headers of an HTTP message": b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n",
    "size of an HTTP chunk": b"10000\r\n",
}
# These have a magic number behind the added bytes. A format without one looks like a raw disk.
DISKS = ("filled.qcow2", "filled.vmdk", "filled.vhd", "filled.vhdx", "filled.vdi", "data.iso", "filled-gpt.raw")

ROOMY = ("data.iso", "filled-fixed.vhd")

LINE_ENDS = {
    "CR LF made LF": lambda data: data.replace(b"\r\n", b"\n"),
    "LF made CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR made LF": lambda data: data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"),
}


def made(fixture):
    """{name: (specimen, its bytes)}"""
    return {path.name: (specimen, path.read_bytes())
            for path, specimen in corpus.made_once(fixture.shared).items()}


@scenario
def bytes_in_front_of_the_image_are_refused(fixture):
    """Nothing reaches Glance, in whatever format the image is declared, raw included."""
    files, stack = made(fixture), Stack(fixture)
    for words, front in FRONTS.items():
        for name in DISKS:
            specimen, data = files[name]
            for claim in {specimen.disk_format, "raw", "qcow2"}:
                image = stack.image(disk_format=claim)
                said = stack.refused(stack.put(image, front + data), image, 400, "damaged_body")
                assert words in said["message"] and "--disk-format" not in said["message"], (name, said)
    for action in ACTIONS:
        image, data = stack.image(disk_format="qcow2"), files["filled.qcow2"][1]
        stack.refused(stack.put_chunked(image, FRONTS["byte order mark"] + data, action=action), image, 400,
                      "damaged_body", action)
        stack.stored(stack.put(image, data, action=action), image, data, action)


@scenario
def damaged_warn_warns_and_off_is_silent(fixture):
    """The image is declared raw, so no other check refuses it: it is stored as sent."""
    files = made(fixture)
    body = FRONTS["byte order mark"] + files["filled.qcow2"][1]
    stack = Stack(fixture, damaged="warn")
    for level in ("warn", "off"):
        if level == "off":
            stack.set(damaged="off")
        told = stack.put(image := stack.image(), body)
        stack.stored(told, image, body)
        if level == "warn":
            stack.warned(told, "damaged_body")
        else:
            assert told.get("X-Intake-Warning") is None


def shows_conversion(data):
    feeds, pairs = data.count(b"\n"), data.count(b"\r\n")
    return (feeds >= 16 and pairs == feeds) or (feeds >= 4096 and pairs == 0)


@scenario
def converted_line_ends_are_refused_or_warned_of(fixture):
    """The upload is refused where sizes inside the file, or its length together with the line ends, show the damage.
    Where there are too few line ends, there is a warning."""
    files, stack, seen = made(fixture), Stack(fixture), set()
    for name, (specimen, data) in files.items():
        if name.rpartition(".")[2] not in ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "qed") and name != "data.iso":
            continue
        for way, alter in LINE_ENDS.items():
            altered = alter(data)
            if len(altered) % 512 == len(data) % 512:
                continue
            told = stack.put(image := stack.image(disk_format=specimen.disk_format), altered)
            if told.status == 204:
                assert not shows_conversion(altered), (name, way)
                stack.warned(told, "damaged_body")
            else:
                assert told.status == 400, (name, way, told.start)
                stack.wait_queued(image)
            seen.add((specimen.disk_format, told.status))
    assert {(kind, 400) for kind in ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso")} <= seen, seen


@scenario
def roomy_files_with_converted_line_ends_are_refused(fixture):
    """The file may be longer than its header says, and the footer of a fixed VHD is at the end of any file."""
    files, stack = made(fixture), Stack(fixture)
    text = b"".join(b"line %d of a file in the image\n" % number for number in range(5000))
    for name in ROOMY:
        specimen, data = files[name]
        for way, whole in (("LF made CR LF", text), ("CR LF made LF", text.replace(b"\n", b"\r\n"))):
            at = len(data) // 2 // 512 * 512
            sound = data[:at] + whole + data[at + len(whole):]
            altered = LINE_ENDS[way](sound)
            if len(altered) % 512 in (0, 511):
                altered = LINE_ENDS[way](sound[:at] + b"\r\n\r\n" + sound[at + 4:])
            image = stack.image(disk_format=specimen.disk_format)
            told = stack.put(image, altered)
            assert told.status == 400, (name, way, told.start)
            stack.wait_queued(image)
        stack.stored(stack.put(image, sound), image, sound)
