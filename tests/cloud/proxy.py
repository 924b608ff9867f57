# SPDX-License-Identifier: Apache-2.0
"""The proxy under test: started with its own configuration, watched, and stopped by its pid."""
import os
import re
import signal
import subprocess
import tempfile

import requests

from cloud import HERE, Memory, wait_until


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
            "SPOOL": os.path.join(self.directory, f"spool-{self.port}"),
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

    def memory(self):
        return Memory(self._process.pid)

    def _newest_upload(self, image_id, state):
        uploads = requests.get(self.admin_url + "/uploads", timeout=5).json()[state]
        return next((upload for upload in uploads if upload["image"] == image_id), {})

    def upload_in_flight(self, image_id):
        """What /uploads tells of the one to this image; nothing if there is none."""
        return self._newest_upload(image_id, "in_flight")

    def ended_upload(self, image_id):
        """The same of the newest that has ended, which an upload does just after its answer."""
        what = f"an upload to {image_id} has ended"
        return wait_until(10, what, lambda: self._newest_upload(image_id, "finished"))

    def metric(self, name):
        """The value of one that has no labels."""
        text = requests.get(self.admin_url + "/metrics", timeout=5).text
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE)[1])


def scratch():
    """A directory for one test, removed with the `with` block."""
    return tempfile.TemporaryDirectory(prefix="glance-intake-")
