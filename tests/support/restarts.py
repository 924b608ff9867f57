# SPDX-License-Identifier: Apache-2.0
"""Restarts by SIGUSR2, and sockets that a service manager passes."""
import ctypes
import fcntl
import os
import re
import signal
import subprocess
import sys
import time

from .raw_http import PATIENCE

PR_SET_CHILD_SUBREAPER = 36


class Adopted:
    """A process whose parent has ended. This process is its parent then, as systemd is; see adopt_orphans()."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, patience=PATIENCE):
        end = time.monotonic() + patience
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), patience)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def adopt_orphans():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def begin(fixture, proxy):
    """Starts the proxy, and goes on reading what it tells its service manager."""
    adopt_orphans()
    proxy.start()
    proxy.hears("READY=1")
    fixture.callback(proxy.manager.close)


def restart(proxy):
    """SIGUSR2, until the new process has taken over. Returns the old process."""
    old = proxy.process
    proxy.signal(signal.SIGUSR2)
    proxy.process = Adopted(int(re.search(r"MAINPID=(\d+)", proxy.hears("MAINPID="))[1]))
    proxy.hears("READY=1")
    return old


LAUNCHER = """
import os, sys
count = int(sys.argv[1])
for number in range(count):
    os.dup2(int(sys.argv[2 + number]), 3 + number)
os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2 + count], sys.argv[2 + count:])
"""


def activated(proxy, listeners):
    """Makes the next start of the proxy get these sockets, as from systemd."""
    # The copies are above the numbers that they get, so that none is overwritten.
    numbers = [fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 100) for listener in listeners]
    proxy.command = [sys.executable, "-c", LAUNCHER, str(len(numbers)), *map(str, numbers), *proxy.command]
    proxy.inherited = numbers
