# SPDX-License-Identifier: Apache-2.0
"""The declared format, the format of the bytes, and images that would make others read files of their host
(CVE-2024-32498)."""
import io
import subprocess
import tarfile

from support.fixture import scenario
from support.form import declared, file, form
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data

MIB = 1 << 20


class Shelf:
    """Makes images with qemu-img."""

    def __init__(self, fixture):
        self.folder = fixture.folder / "shelf"
        self.folder.mkdir()

    def make(self, kind, *options, name=None, size=8 * MIB):
        path = self.folder / (name or f"a.{kind}")
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, *options, path, str(size)],
                       check=True, capture_output=True, timeout=180)
        return path.read_bytes()

    def convert(self, kind, *options):
        source = self.folder / "source.raw"
        source.write_bytes(data(MIB))
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, source, self.folder / "out"],
                       check=True, capture_output=True, timeout=180)
        return (self.folder / "out").read_bytes()

    def iso(self):
        (self.folder / "source.raw").write_bytes(data(MIB))
        subprocess.run(["genisoimage", "-quiet", "-o", self.folder / "out", self.folder / "source.raw"],
                       check=True, capture_output=True, timeout=180)
        return (self.folder / "out").read_bytes()


def with_partitions(kind):
    """A disk of 1 MiB with an MBR, or with a GPT behind the MBR, and nothing else."""
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
def sound_images_are_stored(fixture):
    shelf = Shelf(fixture)
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
    stack = Stack(fixture)
    for kind, body in good:
        container = kind if kind in ("ami", "aki", "ari") else "bare"
        image = stack.image(disk_format=kind, container_format=container)
        told = stack.put(image, body)
        stack.stored(told, image, body)
        assert told.get("X-Intake-Warning") is None, (kind, told.get("X-Intake-Warning"))
    image = stack.image(disk_format="vmdk", container_format="ova")
    stack.stored(stack.put(image, ova(stream)), image, ova(stream))


def mismatches(fixture):
    """(disk_format, container_format, body, expected words of the message)"""
    return fixture.once("mismatches", lambda: make_mismatches(Shelf(fixture)))


def make_mismatches(shelf):
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


@scenario
def format_mismatch_is_refused_before_glance_is_asked(fixture):
    table = mismatches(fixture)
    stack = Stack(fixture)
    for action in ACTIONS:
        for kind, container, body, words in table:
            image = stack.image(disk_format=kind, container_format=container)
            said = stack.refused(stack.put(image, body, action=action), image, 400, "format_mismatch", action)
            assert words in said["message"], (words, said)
            told = stack.put_chunked(image, body, action=action)
            stack.refused(told, image, 400, "format_mismatch", action)
            told = stack.put(image, form(file(body)), TOKEN, declared(), action=action)
            stack.refused(told, image, 400, "format_mismatch", action)


@scenario
def missing_vhd_footer_is_refused(fixture):
    """Only its last 512 bytes show a fixed vhd. Glance has all bytes but the last by then."""
    stack = Stack(fixture)
    for action in ACTIONS:
        for body in (data(MIB), bytes(MIB)):
            image = stack.image(disk_format="vhd")
            told = stack.put(image, body, action=action)
            stack.refused(told, image, 400, "format_mismatch", action, reached=True)
            image = stack.image(disk_format="vhd")
            told = stack.put_chunked(image, body, action=action)  # spooled: the end is checked before Glance is asked
            stack.refused(told, image, 400, "format_mismatch", action)


@scenario
def path_sent_as_text_is_refused(fixture):
    """Postman's "raw" tab sends this if the user pastes the path of the image."""
    stack = Stack(fixture)
    for kind in ("qcow2", "raw", "iso", "vmdk"):
        for text in (b"/home/me/cirros.img", b"C:\\images\\win.qcow2", b"@cirros.img", b"cirros.qcow2\n",
                     b"file:///tmp/x.img", b'"/home/me/cirros.img"'):
            image = stack.image(disk_format=kind)
            told = stack.put(image, text, TOKEN, "Content-Type: text/plain")
            said = stack.refused(told, image, 400, "format_mismatch")
            assert "path" in said["message"], said


@scenario
def format_warn_warns_and_off_is_silent(fixture):
    table = [row for row in mismatches(fixture) if row[1] == "bare"]
    stack = Stack(fixture, format="warn")
    for level in ("warn", "off"):
        if level == "off":
            stack.set(format="off")
        for action in ACTIONS:
            for kind, container, body, _ in table:
                image = stack.image(disk_format=kind, container_format=container)
                told = stack.put(image, body, action=action)
                stack.stored(told, image, body, action)
                if level == "warn":
                    stack.warned(told, "format_mismatch", action)
                else:
                    assert told.get("X-Intake-Warning") is None, (kind, told.get("X-Intake-Warning"))


# --- unsafe ---------------------------------------------------------------------------------


def unsafe_images(fixture):
    """(disk_format, body, expected words of the message)"""
    return fixture.once("unsafe_images", lambda: make_unsafe_images(Shelf(fixture)))


def make_unsafe_images(shelf):
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


@scenario(representative=True)
def unsafe_format_is_refused(fixture):
    table = unsafe_images(fixture)
    stack = Stack(fixture)
    for action in ACTIONS:
        for kind, body, words in table:
            image = stack.image(disk_format=kind)
            # where only the declared format is wrong, the message says that
            reason = "format_mismatch" if (kind, words) in PLAIN else "unsafe_format"
            said = stack.refused(stack.put(image, body, action=action), image, 400, reason, action)
            assert words in said["message"], (words, said)
            stack.refused(stack.put_chunked(image, body, action=action), image, 400, reason, action)
            told = stack.put(image, form(file(body)), TOKEN, declared(), action=action)
            stack.refused(told, image, 400, reason, action)


@scenario
def unsafe_format_is_refused_with_format_off(fixture):
    table = unsafe_images(fixture)
    stack = Stack(fixture, format="off")
    for level in ("off", "warn"):
        if level == "warn":
            stack.set(format="warn")
        for kind, body, words in table:
            image = stack.image(disk_format=kind)
            said = stack.refused(stack.put(image, body), image, 400, "unsafe_format")
            assert words in said["message"], (level, words, said)


@scenario
def unsafe_format_warn_warns(fixture):
    table = unsafe_images(fixture)
    stack = Stack(fixture, format="off", unsafe_format="warn")
    for action in ACTIONS:
        for kind, body, words in table:
            image = stack.image(disk_format=kind)
            told = stack.put(image, body, action=action)
            stack.stored(told, image, body, action)
            stack.warned(told, "unsafe_format", action)
            assert words in told.get("X-Intake-Warning"), (words, told.get("X-Intake-Warning"))


@scenario
def two_warnings_are_reported(fixture):
    stack = Stack(fixture, format="warn", unsafe_format="warn")
    body = Shelf(fixture).make("qcow2")
    image = stack.image(disk_format="raw")
    told = stack.put(image, body)
    stack.stored(told, image, body)
    assert {said.split(":")[0] for said in told.all("X-Intake-Warning")} == {"format_mismatch", "unsafe_format"}
    line = stack.log_line(told)
    assert "format_mismatch" in line and "unsafe_format" in line
    for reason in ("format_mismatch", "unsafe_format"):
        assert stack.proxy.metric("warnings_total", reason=reason) == 1


@scenario
def unsafe_format_off_is_silent(fixture):
    table = unsafe_images(fixture)
    stack = Stack(fixture, format="off", unsafe_format="off")
    for kind, body, _ in table:
        image = stack.image(disk_format=kind)
        told = stack.put(image, body)
        stack.stored(told, image, body)
        assert told.get("X-Intake-Warning") is None


# --- the virtual size -----------------------------------------------------------------------

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
def max_virtual_size_is_enforced(fixture):
    shelf = Shelf(fixture)
    stack = Stack(fixture, policy=VIRTUAL)
    for kind, made in (("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vhd", "vpc"), ("vhdx", "vhdx"), ("vdi", "vdi")):
        small = shelf.make(made, name="small", size=1 << 29)
        large = shelf.make(made, name="large", size=3 << 30)
        for action in ACTIONS:
            image = stack.image(disk_format=kind, name="small-one")
            told = stack.put(image, large, action=action)
            # a vhdx has it far behind the first 64 KiB
            said = stack.refused(told, image, 413, "too_large", action, reached=kind == "vhdx")
            assert "the disk in it" in said["message"] and str(1 << 30) in said["message"], said
            stack.wait_over(image, int(kind == "vhdx"))
            stack.stored(stack.put(image, small, *RIGHT, action=action), image, small, action)
            image = stack.image(disk_format=kind, name="any")
            stack.stored(stack.put(image, large, action=action), image, large, action)


@scenario
def raw_virtual_size_is_the_file_size(fixture):
    stack = Stack(fixture, policy=VIRTUAL.replace("1GiB", "1MiB"))
    body = bytes(MIB)
    for action in ACTIONS:
        image = stack.image(name="small-one")
        told = stack.put(image, body + b"\0", action=action)
        stack.refused(told, image, 413, "too_large", action)
        stack.stored(stack.put(image, body, action=action), image, body, action)
