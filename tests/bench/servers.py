# SPDX-License-Identifier: Apache-2.0
"""The proxies that are compared: how each is started, and the CPU time and memory that it uses."""
import ctypes
import dataclasses
import os
import random
import re
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "plain")
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """An error: there is no result."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """`command` and the file of conf/ have placeholders @NAME@; `ssl` turns TLS on there."""

    name: str
    command: tuple
    conf: str
    ssl: str = ""


INTAKE = Kind(
    "glance-intake",
    (os.path.join(BUILD, "glance-intake"), "--config-file", "@FILE@"),
    "glance-intake.conf",
)
PEERS = (
    Kind("nginx, default", ("nginx", "-p", "@RUN@", "-c", "@FILE@"), "nginx-default.conf", "ssl"),
    Kind("nginx, tuned", ("nginx", "-p", "@RUN@", "-c", "@FILE@"), "nginx-tuned.conf", "ssl"),
    Kind("HAProxy, default", ("haproxy", "-db", "-f", "@FILE@"), "haproxy-default.cfg",
         "ssl crt @PEM@"),
    Kind("HAProxy, tuned", ("haproxy", "-db", "-f", "@FILE@"), "haproxy-tuned.cfg",
         "ssl crt @PEM@"),
)


def free_port():
    """A port below the kernel's range for clients: none of them can take it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass  # somebody has it


def filled(text, values):
    """In order: a value may contain the name of a later one."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-5:])


def wait_for_port(port, process, log):
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError as error:
            if process.poll() is not None:
                raise Failure(f"{process.args[0]} has ended: {tail(log)}") from error
            if time.monotonic() > end:
                raise Failure(f"{process.args[0]} does not answer: {tail(log)}") from error
            time.sleep(0.02)


def cpu_of(pid):
    """User and system time of a process in seconds, with all of its threads, past and present. Finer than
    /proc/PID/stat, which has hundredths (clock_getcpuclockid(3))."""
    clock = ctypes.c_int()
    if LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)) != 0:
        raise Failure(f"process {pid} is gone")
    return time.clock_gettime(clock.value)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def kib_of(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"{field}:\s+(\d+) kB", file.read())[1])


class Process:
    """A server's, with those that it has started; from start to `with`'s end."""

    def __init__(self, command, port, log_path, cores=None):
        self.port = port
        self._log_path = log_path
        with open(log_path, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
            )
        wait_for_port(port, self._process, log_path)

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def pids(self):
        mine = self._process.pid
        if self._process.poll() is not None:
            raise Failure(f"{self._process.args[0]} has ended: {tail(self._log_path)}")
        return [mine, *children_of(mine)]

    def cpu(self):
        """Seconds."""
        return sum(cpu_of(pid) for pid in self.pids())

    def memory(self):
        """KiB that are resident now."""
        return sum(kib_of(pid, "VmRSS") for pid in self.pids())

    def peak(self):
        """KiB that were resident at most, since forget_peak()."""
        return sum(kib_of(pid, "VmHWM") for pid in self.pids())

    def forget_peak(self):
        for pid in self.pids():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")


def start_sink(folder, digest=False, pem=None):
    """With TLS if there is a PEM file of certificate and key."""
    port = free_port()
    options = [*(["--digest"] if digest else []), *(["--tls", pem] if pem else [])]
    command = [os.path.join(BUILD, "tests", "bench", "bench-sink"), *options, str(port)]
    return Process(command, port, os.path.join(folder, "sink.log"))


def start(kind, folder, glance, cores, pem=None, verify="size"):
    """Before the port `glance`, on those cores; with TLS as above."""
    port = free_port()
    run = tempfile.mkdtemp(prefix=f"{kind.conf.split('.')[0]}-", dir=folder)
    values = {
        "RUN": run,
        "CONF": os.path.join(HERE, "conf"),
        "FILE": os.path.join(run, kind.conf),
        "PORT": port,
        "ADMIN_PORT": free_port(),
        "GLANCE": glance,
        "SSL": kind.ssl if pem else "",
        "PEM": pem or os.path.join(folder, "bench.pem"),
        "TLS_PEM": pem or "",
        "VERIFY": verify,
    }
    with open(os.path.join(HERE, "conf", kind.conf), encoding="utf-8") as file:
        text = filled(file.read(), values)
    with open(values["FILE"], "w", encoding="utf-8") as file:
        file.write(text)
    command = [filled(part, values) for part in kind.command]
    return Process(command, port, os.path.join(run, "said"), cores)
