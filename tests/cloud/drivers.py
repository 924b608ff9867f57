# SPDX-License-Identifier: Apache-2.0
"""Before a real Glance: data that a hypervisor takes under another format's name is stored. Damaged or
truncated data, and data that is no disk, is refused."""
import gzip
import io
import os
import subprocess
import tarfile

import clients
from cloud import KIB, MIB, check, wait_until
from proxy import scratch
from refusals import is_refusal, unchanged
from uploads import OCTETS, landed_in_test

PAGE = b"<!DOCTYPE html><html><title>403 Forbidden</title></html>\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1234\n"


def converted(kind, *options):
    """1 MiB of random data as an image of this kind, made by qemu-img."""
    with scratch() as directory:
        source, made = os.path.join(directory, "source"), os.path.join(directory, "made")
        with open(source, "wb") as file:
            file.write(os.urandom(MIB))
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, source, made], check=True)
        with open(made, "rb") as file:
            return file.read()


def archive(mode, entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as tar:
        for name, body in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def ova():
    """The manifest comes before the descriptor. The disk's name is only in a pax header."""
    disk = converted("vmdk", "-o", "subformat=streamOptimized")
    return archive("w", (("a.mf", b"SHA1(a.ovf)= 0\n"), ("a.ovf", b"<Envelope/>"), ("d" * 120 + ".vmdk", disk)))


def packed(data):
    return subprocess.run(["xz", "-0"], input=data, capture_output=True, check=True).stdout


TAKEN = {
    "flat VMDK data": (lambda: os.urandom(MIB), {"disk_format": "vmdk", "vmware_disktype": "preallocated"}),
    "VHDX called vhd": (lambda: converted("vhdx"), {"disk_format": "vhd"}),
    "qcow2 called ami": (lambda: converted("qcow2"), {"disk_format": "ami", "container_format": "ami"}),
    ".vhd.tgz": (lambda: archive("w:gz", (("0.vhd", converted("vpc")),)),
                 {"disk_format": "vhd", "container_format": "ovf"}),
    "OVA": (ova, {"disk_format": "vmdk", "container_format": "ova"}),
}
REFUSED = {
    "decoded as text": (lambda: converted("qcow2").decode(errors="replace").encode(), "qcow2", "damaged_body"),
    "Latin-1 made UTF-8": (lambda: converted("qcow2").decode("latin-1").encode(), "qcow2", "damaged_body"),
    "a line in front": (lambda: b"\n" + converted("qcow2"), "raw", "damaged_body"),
    "cut-off qcow2": (lambda: converted("qcow2")[: 190 * KIB], "qcow2", "truncated"),
    "cut-off VHD": (lambda: converted("vpc")[:-512], "vhd", "truncated"),
    "an error page": (lambda: PAGE, "raw", "format_mismatch"),
    "a pointer of Git LFS": (lambda: LFS, "raw", "format_mismatch"),
    "packed": (lambda: packed(os.urandom(MIB)), "raw", "compressed"),
}


def file_of(cloud, name, body):
    def make(path):
        with open(path, "wb") as file:
            file.write(body)

    return cloud.file(name.replace(" ", "-"), make)


def test_driver_formats_are_stored(cloud):
    for name, (make, fields) in TAKEN.items():
        file = file_of(cloud, f"taken {name}", make())
        with cloud.new_image(**fields) as image_id:
            result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
            check(result.status == 204, f"{name}: {result.status}: {result.printed}")
            landed_in_test(cloud, image_id, file)


def test_damaged_and_truncated_data_is_refused(cloud):
    for name, (make, disk_format, reason) in REFUSED.items():
        file = file_of(cloud, f"refused {name}", make())
        with cloud.new_image(disk_format=disk_format) as image_id, unchanged(cloud, image_id):
            result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
            try:
                answer = is_refusal(cloud, image_id, result.status, result.printed, 400, reason)
                check("--disk-format raw" not in answer["message"], f"bad advice: {answer['message']}")
            except AssertionError as why:
                raise AssertionError(f"{name}: {why}") from why
            check(not cloud.puts(image_id), f"{name}: Glance has seen an upload")


def test_truncated_vhdx_is_refused(cloud):
    """Its block table is at 3 MiB. Glance has begun the upload by then, and drops it."""
    file = file_of(cloud, "refused cut-off VHDX", converted("vhdx")[: 5 * MIB])
    with cloud.new_image(disk_format="vhdx") as image_id:
        result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
        is_refusal(cloud, image_id, result.status, result.printed, 400, "truncated")
        wait_until("the image is queued again", lambda: cloud.image(image_id)["status"] == "queued")
        check(cloud.in_bucket(image_id) is None, "there is an object of it")


def test_gzip_is_warned_of(cloud):
    """An initramfs is compressed with gzip, too."""
    file = file_of(cloud, "packed initrd", gzip.compress(os.urandom(MIB)))
    with cloud.new_image(disk_format="raw") as image_id:
        result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
        check(result.status == 204, f"{result.status}: {result.printed}")
        check("compressed" in result.headers.get("x-intake-warning", ""), f"no warning: {result.headers}")
