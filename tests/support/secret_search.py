# SPDX-License-Identifier: Apache-2.0
"""Looks for a secret where none may be: in a log, and in the memory of a process."""
import base64
import re


def spellings(secret):
    """The secret as it is, and in base64 at each of the three places where it can begin. The characters at the ends of
    the base64 depend on what is around the secret, so they are left out."""
    yield secret.encode()
    for start in range(3):
        yield base64.b64encode(b"\0" * start + secret.encode())[4 * (start > 0):-4]


def memory(pid):
    """The memory that the process has written to, area by area. Only root may read that of a process without cores."""
    place = None
    with open(f"/proc/{pid}/smaps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            if area := re.match(r"(\w+)-(\w+) rw", line):
                place = [int(each, 16) for each in area.groups()]
            elif re.match(r"\w+-\w+ ", line):
                place = None
            elif place and re.match(r"Anonymous: +[1-9]", line):
                mem.seek(place[0])
                yield mem.read(place[1] - place[0])
