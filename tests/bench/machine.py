# SPDX-License-Identifier: Apache-2.0
"""The machine that the figures come from."""
import os
import platform
import re
import subprocess
import time

from servers import INTAKE, ROOT


def said(*command):
    """The first line of a command's output or error output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          cwd=ROOT)
    return done.stdout.split("\n")[0].strip() if done.returncode in (0, 1) else "unknown"


def version(*command):
    return re.search(r"\d+\.\d+[\w.+~-]*", said(*command))[0]


def field(path, name):
    with open(path, encoding="utf-8") as file:
        found = re.search(rf"^{name}\s*[:=]\s*\"?([^\"\n]*)", file.read(), re.MULTILINE)
    return found[1] if found else "unknown"


def idle_seconds():
    """Of all cores since the start."""
    with open("/proc/stat", encoding="ascii") as file:
        idle, waiting = file.readline().split()[4:6]
    return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")


def busy_with_others():
    """The share of the machine in percent that other processes use."""
    before = idle_seconds()
    time.sleep(2)
    return max(0, 100 * (1 - (idle_seconds() - before) / (2 * os.cpu_count())))


def memory_bytes(name):
    return int(field("/proc/meminfo", name).split()[0]) << 10


def memory_available():
    return memory_bytes("MemAvailable")


def load():
    return f"{busy_with_others():.0f} % of the machine was busy with something else"


def intake():
    """The version of this proxy, and the commit."""
    state = said("git", "describe", "--always", "--dirty")
    return f"{version(INTAKE.command[0], '--version')} ({state})"


def facts(software):
    """`software`: versions by name."""
    return [
        f"{field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores, "
        f"{memory_bytes('MemTotal') / (1 << 30):.0f} GiB",
        f"{field('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release()}",
        ", ".join(f"{name} {number}" for name, number in software.items()),
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()) + f"; {load()} before it",
    ]
