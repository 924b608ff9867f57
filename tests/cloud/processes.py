# SPDX-License-Identifier: Apache-2.0
"""What /proc says of a process."""
import os
import re


def is_gone(pid):
    """A zombie counts as gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(") ")[2].startswith("Z")
    except FileNotFoundError:
        return True


def cpu_of(pid, sessions):
    """Seconds of CPU of a process and its ended children, if it is in one of these sessions (proc(5), stat)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if fields[3] in sessions else 0


class Memory:
    """The memory of a process, in MiB (proc(5), status)."""

    def __init__(self, pid):
        self.pid = pid

    def now(self):
        return self._field("VmRSS")

    def peak(self):
        """The maximum since the start or forget_peak()."""
        return self._field("VmHWM")

    def forget_peak(self):
        """Restarts peak() (clear_refs)."""
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def _field(self, name):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"{name}:\s+(\d+) kB", file.read())[1]) // 1024
