# SPDX-License-Identifier: Apache-2.0
"""Files that a program has altered on their way without making them short: something put in front of
them, or line ends of a text made of what only looks like some."""

from support import corpus
from support.stack import DOORS, Desk
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


def made(scene):
    """{name: (specimen, its bytes)}"""
    return {path.name: (specimen, path.read_bytes())
            for path, specimen in corpus.make_all(scene.folder / "corpus").items()}


@scenario(threaded=True)
def bytes_in_front_of_the_image_are_refused(scene):
    """Whatever the image says the file is, nothing of it reaches Glance, and raw is no way out."""
    files, desk = made(scene), Desk(scene)
    for words, front in FRONTS.items():
        for name in DISKS:
            specimen, data = files[name]
            for claim in {specimen.disk_format, "raw", "qcow2"}:
                image = desk.image(disk_format=claim)
                said = desk.refused(desk.put(image, front + data), image, 400, "damaged_body")
                assert words in said["message"] and "--disk-format" not in said["message"], (name, said)
    for door in DOORS:
        image, data = desk.image(disk_format="qcow2"), files["filled.qcow2"][1]
        desk.refused(desk.put_chunked(image, FRONTS["byte order mark"] + data, door=door), image, 400,
                     "damaged_body", door)
        desk.stored(desk.put(image, data, door=door), image, data, door)


@scenario
def damaged_warn_warns_and_off_is_silent(scene):
    """Declared raw, which it is not: where nobody objects it is stored as it came."""
    files = made(scene)
    body = FRONTS["byte order mark"] + files["filled.qcow2"][1]
    desk = Desk(scene, damaged="warn")
    for level in ("warn", "off"):
        if level == "off":
            desk.set(damaged="off")
        told = desk.put(image := desk.image(), body)
        desk.stored(told, image, body)
        if level == "warn":
            desk.warned(told, "damaged_body")
        else:
            assert told.get("X-Intake-Warning") is None


@scenario(threaded=True)
def converted_line_ends_are_refused_or_warned_of(scene):
    """Of a file that a program takes for a text: refused where its own sizes show it, and warned of
    where only its length does."""
    files, desk, seen = made(scene), Desk(scene), set()
    for name, (specimen, data) in files.items():
        if name.rpartition(".")[2] not in ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "qed") and name != "data.iso":
            continue
        for way, alter in LINE_ENDS.items():
            altered = alter(data)
            if len(altered) == len(data) or (name in ROOMY and len(altered) > len(data)):
                continue
            told = desk.put(image := desk.image(disk_format=specimen.disk_format), altered)
            if told.status == 204:
                desk.warned(told, "damaged_body")
            else:
                assert told.status == 400, (name, way, told.start)
                desk.wait_queued(image)
            seen.add((specimen.disk_format, told.status))
    assert {("qcow2", 204), ("vmdk", 400), ("vhd", 400), ("vhdx", 400), ("vdi", 400), ("iso", 400)} <= seen, seen
