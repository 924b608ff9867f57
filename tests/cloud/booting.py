# SPDX-License-Identifier: Apache-2.0
"""A disk that boots: its boot sector writes a word to the serial port, and ends the emulator."""
import subprocess

# 16-bit code for the x86: xor ax,ax; mov ds,ax; cld; mov si,WORD; mov dx,0x3f8; each: lodsb; test al,al; jz end;
# out dx,al; jmp each; end: mov al,0x10; out 0xf4,al; hlt. The last port is that of isa-debug-exit.
CODE = bytes.fromhex("31c08ed8fcbe%04xbaf803ac84c07403eeebf8b010e6f4f4" % 0x187C)
EXIT_STATUS = 0x10 << 1 | 1
PATIENCE = 120  # seconds, without KVM on a loaded machine


def bootable(word, size):
    """A raw disk of `size` bytes, most of them zeros."""
    assert len(CODE) == 0x18
    sector = (CODE + word.encode() + b"\0").ljust(510, b"\0") + b"\x55\xaa"
    return sector + bytes(size - len(sector))


def said_by(path, disk_format):
    """What the disk writes to the serial port when it boots."""
    done = subprocess.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-m", "16", "-nodefaults", "-display", "none", "-serial", "stdio",
         "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", f"file={path},format={disk_format},if=ide"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == EXIT_STATUS, (done.returncode, done.stderr)
    return done.stdout.decode(errors="replace")
