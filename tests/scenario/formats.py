# SPDX-License-Identifier: Apache-2.0
"""What the image says it is, what the bytes say they are, and images that would have others read
files that are not their own (CVE-2024-32498)."""
import io
import subprocess
import tarfile

from support.stack import DOORS, RIGHT, TOKEN, Desk, data
from support.form import declared, file, form
from support.fixture import scenario

MIB = 1 << 20


class Shelf:
    """Images fresh from qemu-img, by name."""

    def __init__(self, scene):
        self.folder = scene.folder / "shelf"
        self.folder.mkdir()

    def make(self, kind, *options, name=None, size=8 * MIB):
        path = self.folder / (name or f"a.{kind}")
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, *options, path, str(size)],
                       check=True, capture_output=True, timeout=60)
        return path.read_bytes()

    def convert(self, kind, *options):
        source = self.folder / "source.raw"
        source.write_bytes(data(MIB))
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, source, self.folder / "out"],
                       check=True, capture_output=True, timeout=60)
        return (self.folder / "out").read_bytes()

    def iso(self):
        (self.folder / "source.raw").write_bytes(data(MIB))
        subprocess.run(["genisoimage", "-quiet", "-o", self.folder / "out", self.folder / "source.raw"],
                       check=True, capture_output=True, timeout=60)
        return (self.folder / "out").read_bytes()


def with_partitions(kind):
    """A disk of 1 MiB: nothing but an MBR, or a GPT behind it."""
    disk = bytearray(MIB)
    disk[510:512] = b"\x55\xaa"
    disk[446:462] = bytes([0x80, 0, 2, 0, 0x83 if kind == "mbr" else 0xee, 0, 3, 0]) + b"\1\0\0\0\xff\7\0\0"
    if kind == "gpt":
        disk[512:520] = b"EFI PART"
    return bytes(disk)


def ova(disk):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, body in (("a.ovf", b"<Envelope/>\n"), ("a.vmdk", disk)):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


@scenario
def sound_images_are_stored(scene):
    shelf = Shelf(scene)
    stream = shelf.convert("vmdk", "-o", "subformat=streamOptimized")
    good = [
        ("qcow2", shelf.make("qcow2")), ("qcow2", shelf.convert("qcow2")), ("qcow2", shelf.convert("qcow2", "-c")),
        ("qcow2", shelf.make("qcow2", "-o", "compat=0.10", name="old")),
        ("vmdk", shelf.make("vmdk")), ("vmdk", stream),
        ("vhd", shelf.make("vpc")), ("vhd", shelf.convert("vpc", "-o", "subformat=fixed")),
        ("vhdx", shelf.convert("vhdx")), ("vdi", shelf.convert("vdi")), ("iso", shelf.iso()),
        ("raw", bytes(MIB)), ("raw", data(MIB)), ("raw", with_partitions("mbr")), ("raw", with_partitions("gpt")),
        ("ami", data(MIB)), ("aki", data(MIB)), ("ari", b"\x1f\x8b\x08\0" + data(MIB)),
    ]
    desk = Desk(scene)
    for kind, body in good:
        container = kind if kind in ("ami", "aki", "ari") else "bare"
        image = desk.image(disk_format=kind, container_format=container)
        told = desk.put(image, body)
        desk.stored(told, image, body)
        assert told.get("X-Intake-Warning") is None, (kind, told.get("X-Intake-Warning"))
    image = desk.image(disk_format="vmdk", container_format="ova")
    desk.stored(desk.put(image, ova(stream)), image, ova(stream))


def mismatches(shelf):
    """(declared disk_format, container_format, the body, what the message must say)"""
    qcow2, vmdk, vdi = shelf.make("qcow2"), shelf.make("vmdk"), shelf.make("vdi")
    return [
        ("qcow2", "bare", data(MIB), "qcow2"),
        ("qcow2", "bare", bytes(MIB), "qcow2"),
        ("raw", "bare", shelf.iso(), "--disk-format iso"),
        ("raw", "bare", vdi, "--disk-format vdi"),
        ("vdi", "bare", data(MIB), "vdi"),
        ("vhd", "bare", shelf.make("vdi"), "--disk-format vdi"),
        ("vhdx", "bare", shelf.make("vpc"), "--disk-format vhd"),
        ("iso", "bare", with_partitions("mbr"), "iso"),
        ("vmdk", "bare", ova(vmdk), "--container-format ova"),
        ("vmdk", "ova", data(MIB), "OVA"),
        ("vmdk", "ova", vmdk, "OVA"),
        ("qcow2", "bare", qcow2[:4] + b"\0\0\0\x09" + qcow2[8:], "header"),
    ]


@scenario(threaded=True)
def format_mismatch_is_refused_before_glance_is_asked(scene):
    table = mismatches(Shelf(scene))
    desk = Desk(scene)
    for door in DOORS:
        for kind, container, body, words in table:
            image = desk.image(disk_format=kind, container_format=container)
            said = desk.refused(desk.put(image, body, door=door), image, 400, "format_mismatch", door)
            assert words in said["message"], (words, said)
            told = desk.put_chunked(image, body, door=door)
            desk.refused(told, image, 400, "format_mismatch", door)
            told = desk.put(image, form(file(body)), TOKEN, declared(), door=door)
            desk.refused(told, image, 400, "format_mismatch", door)


@scenario
def missing_vhd_footer_is_refused(scene):
    """A fixed vhd is known by its last 512 bytes alone: Glance has all but the last one by then."""
    desk = Desk(scene)
    for door in DOORS:
        for body in (data(MIB), bytes(MIB)):
            image = desk.image(disk_format="vhd")
            told = desk.put(image, body, door=door)
            desk.refused(told, image, 400, "format_mismatch", door, reached=True)
            image = desk.image(disk_format="vhd")
            told = desk.put_chunked(image, body, door=door)  # spooled: the end is there first
            desk.refused(told, image, 400, "format_mismatch", door)


@scenario
def path_sent_as_text_is_refused(scene):
    """What Postman's "raw" tab sends if one pastes the path of the image."""
    desk = Desk(scene)
    for kind in ("qcow2", "raw", "iso", "vmdk"):
        for text in (b"/home/me/cirros.img", b"C:\\images\\win.qcow2", b"@cirros.img", b"cirros.qcow2\n",
                     b"file:///tmp/x.img", b'"/home/me/cirros.img"'):
            image = desk.image(disk_format=kind)
            told = desk.put(image, text, TOKEN, "Content-Type: text/plain")
            said = desk.refused(told, image, 400, "format_mismatch")
            assert "path" in said["message"], said


@scenario
def format_warn_warns_and_off_is_silent(scene):
    table = [row for row in mismatches(Shelf(scene)) if row[1] == "bare"]
    desk = Desk(scene, format="warn")
    for level in ("warn", "off"):
        if level == "off":
            desk.set(format="off")
        for door in DOORS:
            for kind, container, body, _ in table:
                image = desk.image(disk_format=kind, container_format=container)
                told = desk.put(image, body, door=door)
                desk.stored(told, image, body, door)
                if level == "warn":
                    desk.warned(told, "format_mismatch", door)
                else:
                    assert told.get("X-Intake-Warning") is None, (kind, told.get("X-Intake-Warning"))


# --- unsafe ---------------------------------------------------------------------------------


def unsafe_images(shelf):
    """(declared disk_format, the body, what the message must say)"""
    secret = shelf.folder / "secret"
    secret.write_bytes(bytes(MIB))
    backed = shelf.make("qcow2", "-b", "/etc/passwd", "-F", "raw", "-u", name="backed")
    outside = shelf.make("qcow2", "-o", f"data_file={shelf.folder}/outside,data_file_raw=on", name="data-file")
    flat = shelf.make("vmdk", "-o", "subformat=monolithicFlat", name="flat.vmdk")
    elsewhere = shelf.make("vmdk", name="abcdef.vmdk").replace(b'"abcdef.vmdk"', b'"/etc/passwd"')
    unknown = bytearray(shelf.make("qcow2", name="unknown"))
    unknown[72] |= 0x80  # the highest of the incompatible features
    return [
        ("qcow2", backed, "/etc/passwd"),
        ("qcow2", outside, f"{shelf.folder}/outside"),
        ("qcow2", bytes(unknown), "feature"),
        ("vmdk", flat, "monolithicFlat"),
        ("vmdk", elsewhere, "/etc/passwd"),
        ("raw", shelf.make("qcow2"), "qcow2"),
        ("raw", shelf.make("vmdk"), "vmdk"),
        ("raw", backed, "/etc/passwd"),
        ("iso", backed, "/etc/passwd"),
    ]


PLAIN = {("raw", "qcow2"), ("raw", "vmdk")}  # sound images under a wrong name


@scenario(threaded=True, representative=True)
def unsafe_format_is_refused(scene):
    table = unsafe_images(Shelf(scene))
    desk = Desk(scene)
    for door in DOORS:
        for kind, body, words in table:
            image = desk.image(disk_format=kind)
            # a wrong name is the kinder reason, where that is all there is
            reason = "format_mismatch" if (kind, words) in PLAIN else "unsafe_format"
            said = desk.refused(desk.put(image, body, door=door), image, 400, reason, door)
            assert words in said["message"], (words, said)
            desk.refused(desk.put_chunked(image, body, door=door), image, 400, reason, door)
            told = desk.put(image, form(file(body)), TOKEN, declared(), door=door)
            desk.refused(told, image, 400, reason, door)


@scenario
def unsafe_format_is_refused_with_format_off(scene):
    table = unsafe_images(Shelf(scene))
    desk = Desk(scene, format="off")
    for level in ("off", "warn"):
        if level == "warn":
            desk.set(format="warn")
        for kind, body, words in table:
            image = desk.image(disk_format=kind)
            said = desk.refused(desk.put(image, body), image, 400, "unsafe_format")
            assert words in said["message"], (level, words, said)


@scenario
def unsafe_format_warn_warns(scene):
    table = unsafe_images(Shelf(scene))
    desk = Desk(scene, format="off", unsafe_format="warn")
    for door in DOORS:
        for kind, body, words in table:
            image = desk.image(disk_format=kind)
            told = desk.put(image, body, door=door)
            desk.stored(told, image, body, door)
            desk.warned(told, "unsafe_format", door)
            assert words in told.get("X-Intake-Warning"), (words, told.get("X-Intake-Warning"))


@scenario
def two_warnings_are_reported(scene):
    desk = Desk(scene, format="warn", unsafe_format="warn")
    body = Shelf(scene).make("qcow2")
    image = desk.image(disk_format="raw")
    told = desk.put(image, body)
    desk.stored(told, image, body)
    assert {said.split(":")[0] for said in told.all("X-Intake-Warning")} == {"format_mismatch", "unsafe_format"}
    line = desk.log_line(told)
    assert "format_mismatch" in line and "unsafe_format" in line
    for reason in ("format_mismatch", "unsafe_format"):
        assert desk.proxy.metric("warnings_total", reason=reason) == 1


@scenario
def unsafe_format_off_is_silent(scene):
    table = unsafe_images(Shelf(scene))
    desk = Desk(scene, format="off", unsafe_format="off")
    for kind, body, _ in table:
        image = desk.image(disk_format=kind)
        told = desk.put(image, body)
        desk.stored(told, image, body)
        assert told.get("X-Intake-Warning") is None


# --- the disk inside ------------------------------------------------------------------------

VIRTUAL = """\
rules:
  - name: small-disks
    when: { name: ["small-*"] }
    store: test
    mode: force
    max_virtual_size: 1GiB
default: { store: test, mode: force }
"""


@scenario
def max_virtual_size_is_enforced(scene):
    shelf = Shelf(scene)
    desk = Desk(scene, policy=VIRTUAL)
    for kind, made in (("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vhd", "vpc"), ("vhdx", "vhdx"), ("vdi", "vdi")):
        small = shelf.make(made, name="small", size=1 << 29)
        large = shelf.make(made, name="large", size=3 << 30)
        for door in DOORS:
            image = desk.image(disk_format=kind, name="small-one")
            told = desk.put(image, large, door=door)
            # that of a vhdx stands far behind the opening
            said = desk.refused(told, image, 413, "too_large", door, reached=kind == "vhdx")
            assert "the disk in it" in said["message"] and str(1 << 30) in said["message"], said
            desk.stored(desk.put(image, small, *RIGHT, door=door), image, small, door)
            image = desk.image(disk_format=kind, name="any")
            desk.stored(desk.put(image, large, door=door), image, large, door)


@scenario
def raw_virtual_size_is_the_file_size(scene):
    desk = Desk(scene, policy=VIRTUAL.replace("1GiB", "1MiB"))
    body = bytes(MIB)
    for door in DOORS:
        image = desk.image(name="small-one")
        told = desk.put(image, body + b"\0", door=door)
        desk.refused(told, image, 413, "too_large", door)
        desk.stored(desk.put(image, body, door=door), image, body, door)
