# SPDX-License-Identifier: Apache-2.0
"""Files that a program has altered on their way without making them short: something put in front of
them, or line ends of a text made of what only looks like some."""

from support import corpus
from support.stack import ACTIONS, Stack
from support.fixture import scenario

FRONTS = {
    "byte order mark": b"\xef\xbb\xbf",
    "line end": b"\r\n",
    "headers of an HTTP message": b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n",
    "size of an HTTP chunk": b"10000\r\n",
}
# Each names what it is behind its front; what has no magic at its beginning is only a raw disk.
DISKS = ("filled.qcow2", "filled.vmdk", "filled.vhd", "filled.vhdx", "filled.vdi", "data.iso", "filled-gpt.raw")

ROOMY = ("data.iso", "new-fixed.vhd", "filled-fixed.vhd")  # may have more in them than they say

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
    """Whatever the image says the file is, nothing of it reaches Glance, and raw is no way out."""
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
    """Declared raw, which it is not: where nobody objects it is stored as it came."""
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
    """Of a file that a program takes for a text: refused where its own sizes show it, and warned of
    where only its length does."""
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
