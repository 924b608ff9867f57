# SPDX-License-Identifier: Apache-2.0
"""Files of every kind that people upload, made by the usual programs.

Most kinds occur twice: almost empty, as after `qemu-img create` (a few bytes among zeros, of which little
remains when zeros are stripped), and filled. Random data has a fixed seed, and identities that can be set are
set: a file is the same in each run, except for the UUIDs and times that qemu-img and genisoimage write.
"""
import dataclasses
import fcntl
import pathlib
import shutil
import tarfile
import tempfile
import typing

from .disks import (
    DISK, KIB, ext4, filled_gpt, filled_mbr, gpt, luks, mbr, noise, random_bytes, run, swap, text_only, zeros
)


@dataclasses.dataclass(frozen=True)
class Specimen:
    name: str
    make: typing.Callable  # (the Workshop, the path of the new file)
    disk_format: str  # the right declaration for it
    container_format: str = "bare"
    driver: str = None  # of qemu-img, where that can check such files
    raw_too: bool = False  # it may be declared raw
    any_inside: bool = False  # in a container_format; disk_format is for its content


class Workshop:
    """A folder with the parts of several specimens."""

    def __init__(self, folder):
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir()
        text = "".join(f"host {n} has the address 10.0.{n >> 8}.{n & 255}\n" for n in range(6000))
        (self.files / "hosts.txt").write_text(text)
        (self.files / "program").write_bytes(random_bytes(150 * KIB))
        self.empty_disk = self._made("empty.disk", gpt)
        self.file_system = self._made("ext4.disk", ext4)
        self.disk = self._made("filled.disk", filled_gpt)
        self.stream_optimized = self._made("disk1.vmdk", convert("vmdk", "subformat=streamOptimized"))

    def _made(self, name, make):
        path = self.folder / name
        make(self, path)
        return path


# --- disk formats -------------------------------------------------------------------------------


def create(driver, options=""):
    """An empty disk, as new."""
    def make(_, path):
        run("qemu-img", "create", "-f", driver, *(["-o", options] if options else []), path, str(DISK))
    return make


def convert(driver, options="", *flags):
    """The filled disk."""
    def make(workshop, path):
        run("qemu-img", "convert", *flags, "-f", "raw", "-O", driver, *(["-o", options] if options else []),
            workshop.disk, path)
    return make


def fixed_vhd(make):
    """With a time and a UUID of its own: a line feed in these, by chance, would change what `curl -d` leaves."""
    def made(workshop, path):
        make(workshop, path)
        data = bytearray(path.read_bytes())
        footer = data[-512:]
        assert footer[:8] == b"conectix"
        footer[24:28], footer[64:68], footer[68:84] = b"TIME", bytes(4), b"A UUID OF THE VHD"[:16]
        footer[64:68] = (~sum(footer) & 0xffffffff).to_bytes(4, "big")
        path.write_bytes(data[:-512] + footer)
    return made


def iso(workshop, path):
    """A disc of data, such as one with cloud-init's settings."""
    run("genisoimage", "-quiet", "-volid", "cidata", "-joliet", "-rock", "-o", path, workshop.files)


# --- files of other kinds -----------------------------------------------------------------------


def copy_of(original):
    def make(_, path):
        shutil.copyfile(original, path)
    return make


def compressed(disk, *command):
    def make(workshop, path):
        path.write_bytes(run(*command, input=getattr(workshop, disk).read_bytes()))
    return make


def archive(files):
    names = "".join(f"{each.relative_to(files)}\n" for each in sorted(files.rglob("*")))
    return run("cpio", "--quiet", "--create", "--format=newc", cwd=files, input=names.encode())


def initrd(*command):
    def make(workshop, path):
        path.write_bytes(run(*command, input=archive(workshop.files)))
    return make


def initrd_with_microcode(workshop, path):
    """A plain archive, which the kernel reads first, and a compressed one after it."""
    early = workshop.folder / "early"
    microcode = early / "kernel" / "x86" / "microcode"
    microcode.mkdir(parents=True)
    (microcode / "GenuineIntel.bin").write_bytes(random_bytes(100 * KIB))
    path.write_bytes(archive(early) + run("zstd", "-q", "-c", input=archive(workshop.files)))


DESCRIPTOR = """\
<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
          xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References><File ovf:id="file1" ovf:href="disk1.vmdk" ovf:size="{size}"/></References>
  <DiskSection>
    <Info>Virtual disks</Info>
    <Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="{capacity}"
          ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
</Envelope>
"""


def ova(workshop, path):
    """The descriptor comes first, as the standard requires."""
    disk = workshop.stream_optimized
    descriptor = workshop.folder / "machine.ovf"
    descriptor.write_text(DESCRIPTOR.format(size=disk.stat().st_size, capacity=workshop.disk.stat().st_size))
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archived:
        for file in (descriptor, disk):
            archived.add(file, file.name)


SPECIMENS = (
    Specimen("new.qcow2", create("qcow2"), "qcow2", driver="qcow2"),
    Specimen("new-0.10.qcow2", create("qcow2", "compat=0.10"), "qcow2", driver="qcow2"),
    Specimen("new-preallocated.qcow2", create("qcow2", "preallocation=metadata"), "qcow2", driver="qcow2"),
    Specimen("filled.qcow2", convert("qcow2"), "qcow2", driver="qcow2"),
    Specimen("filled-0.10.qcow2", convert("qcow2", "compat=0.10"), "qcow2", driver="qcow2"),
    Specimen("filled-extended.qcow2", convert("qcow2", "extended_l2=on"), "qcow2", driver="qcow2"),
    Specimen("zlib.qcow2", convert("qcow2", "", "-c"), "qcow2", driver="qcow2"),
    Specimen("zstd.qcow2", convert("qcow2", "compression_type=zstd", "-c"), "qcow2", driver="qcow2"),

    Specimen("new.vmdk", create("vmdk"), "vmdk", driver="vmdk"),
    Specimen("filled.vmdk", convert("vmdk"), "vmdk", driver="vmdk"),
    Specimen("new-stream.vmdk", create("vmdk", "subformat=streamOptimized"), "vmdk", driver="vmdk"),
    Specimen("filled-stream.vmdk", convert("vmdk", "subformat=streamOptimized"), "vmdk", driver="vmdk"),

    Specimen("new.vhd", create("vpc"), "vhd"),
    Specimen("filled.vhd", convert("vpc"), "vhd"),
    # Only the footer distinguishes it from the disk in it, and its use as a raw disk does no harm.
    Specimen("new-fixed.vhd", fixed_vhd(create("vpc", "subformat=fixed")), "vhd", raw_too=True),
    Specimen("filled-fixed.vhd", fixed_vhd(convert("vpc", "subformat=fixed,force_size")), "vhd", raw_too=True),

    Specimen("new.vhdx", create("vhdx"), "vhdx", driver="vhdx"),
    Specimen("filled.vhdx", convert("vhdx", "block_size=1M"), "vhdx", driver="vhdx"),
    Specimen("filled-fixed.vhdx", convert("vhdx", "block_size=1M,subformat=fixed"), "vhdx", driver="vhdx"),

    Specimen("new.vdi", create("vdi"), "vdi", driver="vdi"),
    Specimen("filled.vdi", convert("vdi"), "vdi", driver="vdi"),
    Specimen("new-static.vdi", create("vdi", "static=on"), "vdi", driver="vdi"),

    Specimen("data.iso", iso, "iso"),
    Specimen("hybrid.iso", copy_of("/usr/lib/ipxe/ipxe.iso"), "iso"),  # it begins with an MBR

    # Not in Glance's default list of disk formats, but an operator may add it.
    Specimen("new.qed", create("qed"), "qed", driver="qed"),
    Specimen("filled.qed", convert("qed"), "qed", driver="qed"),

    Specimen("new.hds", create("parallels"), "ploop", driver="parallels"),
    Specimen("filled.hds", convert("parallels"), "ploop", driver="parallels"),

    Specimen("zeros.raw", zeros, "raw", raw_too=True),
    Specimen("mbr.raw", mbr, "raw", raw_too=True),
    Specimen("gpt.raw", gpt, "raw", raw_too=True),
    Specimen("filled-mbr.raw", filled_mbr, "raw", raw_too=True),
    Specimen("filled-gpt.raw", filled_gpt, "raw", raw_too=True),
    Specimen("ext4.raw", ext4, "raw", raw_too=True),
    Specimen("swap.raw", swap, "raw", raw_too=True),
    Specimen("text.raw", text_only, "raw", raw_too=True),
    Specimen("random.raw", noise, "raw", raw_too=True),
    Specimen("luks1.raw", luks("luks1"), "raw", raw_too=True),
    Specimen("luks2.raw", luks("luks2", "--pbkdf", "pbkdf2", "--luks2-metadata-size", "16k",
                               "--luks2-keyslots-size", "256k"), "raw", raw_too=True),

    Specimen("machine.ova", ova, "vmdk", "ova", raw_too=True, any_inside=True),

    # An amd64 kernel as GRUB and QEMU see it: iPXE's has the header of Linux' boot protocol.
    Specimen("kernel", copy_of("/usr/lib/ipxe/ipxe.lkrn"), "aki", "aki", raw_too=True),
    Specimen("initrd.gz", initrd("gzip", "-n"), "ari", "ari", raw_too=True),
    Specimen("initrd.zst", initrd("zstd", "-q", "-c"), "ari", "ari", raw_too=True),
    Specimen("initrd-microcode", initrd_with_microcode, "ari", "ari", raw_too=True),
    Specimen("ext4.ami", ext4, "ami", "ami", raw_too=True),

    Specimen("filled.gz", compressed("disk", "gzip", "-n"), "ari", "ari", raw_too=True),
    Specimen("filled.xz", compressed("disk", "xz"), "ari", "ari", raw_too=True),
    Specimen("filled.zst", compressed("disk", "zstd", "-q", "-c"), "ari", "ari", raw_too=True),
    Specimen("filled.bz2", compressed("disk", "bzip2"), "ari", "ari", raw_too=True),
    Specimen("empty.gz", compressed("empty_disk", "gzip", "-n"), "ari", "ari", raw_too=True),
    Specimen("empty.xz", compressed("empty_disk", "xz"), "ari", "ari", raw_too=True),
    Specimen("empty.zst", compressed("empty_disk", "zstd", "-q", "-c"), "ari", "ari", raw_too=True),
    Specimen("empty.bz2", compressed("empty_disk", "bzip2"), "ari", "ari", raw_too=True),
    # As Cinder uploads a volume where it may compress it.
    Specimen("filled-volume.gz", compressed("disk", "gzip", "-n"), "raw", "compressed", raw_too=True,
             any_inside=True),
    Specimen("empty-volume.gz", compressed("empty_disk", "gzip", "-n"), "raw", "compressed", raw_too=True,
             any_inside=True),
)


def make_all(folder):
    """All specimens, in this new folder: {path: specimen}."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    made = {folder / specimen.name: specimen for specimen in SPECIMENS}
    with tempfile.TemporaryDirectory() as scratch:
        workshop = Workshop(pathlib.Path(scratch))
        for path, specimen in made.items():
            specimen.make(workshop, path)
    return made


def made_once(folder):
    """make_all() in this folder, unless a process that shares the folder has done so. The files are only to be read."""
    files, unfinished = folder / "corpus", folder / "corpus.new"
    with open(folder / "corpus.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not files.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            make_all(unfinished)
            unfinished.rename(files)
    return {files / specimen.name: specimen for specimen in SPECIMENS}


def stripped(path, folder):
    """A copy without the three bytes that `curl -d` removes."""
    copy = folder / f"{path.name}.stripped"
    copy.write_bytes(path.read_bytes().translate(None, b"\0\r\n"))
    return copy
