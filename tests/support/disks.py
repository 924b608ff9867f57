# SPDX-License-Identifier: Apache-2.0
"""Disks as they are: empty, with partitions and file systems, encrypted, and without any structure. Made by the usual
programs; random data has a fixed seed. The functions take the Workshop (corpus.py) and the path of the new file."""
import hashlib
import os
import subprocess

KIB, MIB = 1 << 10, 1 << 20
DISK = 8 * MIB  # of an empty disk

# Where Debian keeps sfdisk, mke2fs and cryptsetup, which only root has in its PATH.
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def random_bytes(count):
    return hashlib.shake_128(b"corpus").digest(count)


def run(*command, **options):
    """The command's output; a command that fails shows it."""
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PATH": PATH},
                          check=False, **options)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def zeros(_, path):
    path.touch()
    os.truncate(path, DISK)


def partitioned(label, path, size=DISK):
    """One partition from 1 MiB on, empty."""
    path.touch()
    os.truncate(path, size)
    identity = {"dos": "0x5eed5eed", "gpt": "5eed5eed-0000-4000-8000-000000000001"}[label]
    partition = "uuid=5eed5eed-0000-4000-8000-000000000002, " if label == "gpt" else "bootable, "
    table = f"label: {label}\nlabel-id: {identity}\n{partition}start=2048, type=linux\n"
    run("sfdisk", "--quiet", path, input=table.encode())


def put(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def mbr(_, path):
    partitioned("dos", path)


def gpt(_, path):
    partitioned("gpt", path)


def filled_mbr(_, path):
    partitioned("dos", path, 2 * MIB)
    put(path, 0, random_bytes(440))  # the maximum size of a boot loader there
    put(path, MIB, random_bytes(700 * KIB))


def filled_gpt(workshop, path):
    partitioned("gpt", path, 4 * MIB)
    put(path, MIB, workshop.file_system.read_bytes())


def text_only(workshop, path):
    """As a disk that has only the description of its volumes so far."""
    zeros(workshop, path)
    put(path, 4608, (workshop.files / "hosts.txt").read_bytes()[:1500])


def swap(workshop, path):
    zeros(workshop, path)
    run("mkswap", path)


def ext4(workshop, path):
    run("mke2fs", "-q", "-t", "ext4", "-d", workshop.files, path, "2M")


def noise(_, path):
    path.write_bytes(random_bytes(MIB))


def luks(version, *options):
    def make(_, path):
        path.touch()
        os.truncate(path, 4 * MIB)
        run("cryptsetup", "luksFormat", "--batch-mode", "--type", version, "--pbkdf-force-iterations",
            "1000", *options, path, "-", input=b"passphrase")
        put(path, 3 * MIB, random_bytes(MIB))
    return make
