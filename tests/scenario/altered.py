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

ROOMY = ("data.iso", "new-fixed.vhd", "filled-fixed.vhd")  # the file may be longer than its header says

LINE_ENDS = {
    "CR LF made LF": lambda data: data.replace(b"\r\n", b"\n"),
    "LF made CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR made LF": lambda data: data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"),
}


def made(fixture):
    """{name: (specimen, its bytes)}"""
    return {path.name: (specimen, path.read_bytes())
            for path, specimen in corpus.make_all(fixture.folder / "corpus").items()}


@scenario(threaded=True)
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


@scenario(threaded=True)
def converted_line_ends_are_refused_or_warned_of(fixture):
    """The upload is refused where sizes inside the file show the damage. Where only the file's length shows it,
    there is a warning."""
    files, stack, seen = made(fixture), Stack(fixture), set()
    for name, (specimen, data) in files.items():
        if name.rpartition(".")[2] not in ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "qed") and name != "data.iso":
            continue
        for way, alter in LINE_ENDS.items():
            altered = alter(data)
            if len(altered) == len(data) or (name in ROOMY and len(altered) > len(data)):
                continue
            told = stack.put(image := stack.image(disk_format=specimen.disk_format), altered)
            if told.status == 204:
                stack.warned(told, "damaged_body")
            else:
                assert told.status == 400, (name, way, told.start)
                stack.wait_queued(image)
            seen.add((specimen.disk_format, told.status))
    assert {("qcow2", 204), ("vmdk", 400), ("vhd", 400), ("vhdx", 400), ("vdi", 400), ("iso", 400)} <= seen, seen
