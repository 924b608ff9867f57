# SPDX-License-Identifier: Apache-2.0
"""The proxy under test: started with its own configuration, watched, and stopped by its pid."""
import os
import re
import signal
import subprocess
import tempfile

import requests

from cloud import HERE, wait_until


class Proxy:
    def __init__(self, binary, endpoint, port, admin_port, directory):
        self.binary = binary
        self.endpoint = endpoint
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.directory = directory
        self.log_path = os.path.join(directory, f"proxy-{port}.log")
        self._admin_port = admin_port
        self._process = None

    def start(self):
        with open(os.path.join(HERE, "conf", "glance-intake.conf.in"), encoding="utf-8") as file:
            text = file.read()
        values = {
            "PORT": self.port,
            "ADMIN_PORT": self._admin_port,
            "ENDPOINT": self.endpoint,
            "POLICY": os.path.join(HERE, "conf", "policy.yaml"),
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        conf = os.path.join(self.directory, f"proxy-{self.port}.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        with open(self.log_path, "a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [self.binary, "--config-file", conf], stdin=subprocess.DEVNULL, stderr=log
            )
        wait_until(30, f"the proxy answers (its log: {self.log_path})", self._answers)

    def _answers(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"the proxy ended with {self._process.returncode}: {self.log_path}")
        try:
            return requests.get(self.admin_url + "/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def is_ready(self):
        return requests.get(self.admin_url + "/readyz", timeout=5).ok

    def signal(self, number):
        self._process.send_signal(number)

    def ended(self, seconds):
        """The exit status, waited for; negative for a signal."""
        status = self._process.wait(seconds)
        self._process = None
        return status

    def stop(self):
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self.ended(30)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.ended(30)

    def resident(self):
        """MiB in memory now."""
        return self._memory("VmRSS")

    def forget_peak(self):
        """Makes peak() start anew (proc(5), clear_refs)."""
        with open(f"/proc/{self._process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def peak(self):
        """The most MiB there were in memory."""
        return self._memory("VmHWM")

    def _memory(self, field):
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"{field}:\s+(\d+) kB", file.read())[1]) // 1024


def scratch():
    """A directory for one test, removed with the `with` block."""
    return tempfile.TemporaryDirectory(prefix="glance-intake-")
