# SPDX-License-Identifier: Apache-2.0
"""The proxy under test: its configuration, its process, and what it reports."""
import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile

import requests

from cloud import HERE, PATIENCE, wait_until
from processes import Memory

UPLOADS = "upload", "stage"  # the events that carry data, as /uploads names them


class Proxy:
    template = os.path.join(HERE, "conf", "glance-intake.conf.in")  # of its configuration

    def __init__(self, binary, endpoint, port, admin_port, directory, policy, more=""):
        self.binary = binary
        self.endpoint = endpoint
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.directory = directory
        self.log_path = os.path.join(directory, f"proxy-{port}.log")
        self.policy = policy
        self.more = more  # configuration besides that of conf/
        self._policy_path = os.path.join(directory, f"proxy-{port}.policy")
        self.admin_port = admin_port
        self._process = None

    def _write_policy(self):
        """As JSON, which is also YAML."""
        with open(self._policy_path, "w", encoding="utf-8") as file:
            json.dump(self.policy, file)

    def start(self):
        self._write_policy()
        with open(self.template, encoding="utf-8") as file:
            text = file.read()
        values = {
            "PORT": self.port,
            "ADMIN_PORT": self.admin_port,
            "ENDPOINT": self.endpoint,
            "POLICY": self._policy_path,
            "SPOOL": os.path.join(self.directory, f"spool-{self.port}"),
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        conf = os.path.join(self.directory, f"proxy-{self.port}.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        with open(conf + ".more", "w", encoding="utf-8") as file:
            file.write(self.more)
        command = [self.binary, "--config-file", conf, "--config-file", conf + ".more"]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
        wait_until(f"the proxy answers (its log: {self.log_path})", self._answers)

    def _answers(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"the proxy ended with {self._process.returncode}: {self.log_path}")
        try:
            return requests.get(self.admin_url + "/healthz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def readiness(self):
        return requests.get(self.admin_url + "/readyz", timeout=PATIENCE)

    def is_ready(self):
        return self.readiness().ok

    def reload(self, policy):
        """Loads the policy, and waits until it is in force."""
        self.policy = policy
        self._write_policy()
        said = "the configuration was read again"
        before = self.log().count(said)
        self.signal(signal.SIGHUP)
        wait_until("the policy is in force", lambda: self.log().count(said) > before)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:  # its end may be half of a character
            return file.read()

    def signal(self, number):
        self._process.send_signal(number)

    def ended(self):
        """Waits for the exit status. It is negative for a signal."""
        status = self._process.wait(PATIENCE)
        self._process = None
        return status

    def stop(self):
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self.ended()
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.ended()

    def memory(self):
        return Memory(self._process.pid)

    def newest_upload(self, image_id, state):
        """The first entry of /uploads for the image's uploads that are "in_flight" or "finished", or {}."""
        uploads = requests.get(self.admin_url + "/uploads", timeout=PATIENCE).json()[state]
        wanted = [each for each in uploads if each["image"] == image_id and each["door"] in UPLOADS]
        return wanted[0] if wanted else {}

    def upload_in_flight(self, image_id):
        """The entry of /uploads for the image's upload, or {}."""
        return self.newest_upload(image_id, "in_flight")

    def ended_upload(self, image_id):
        """Waits for the newest finished upload of the image in /uploads. An upload is finished just after its
        answer."""
        what = f"an upload to {image_id} has ended"
        return wait_until(what, lambda: self.newest_upload(image_id, "finished"))

    def metric(self, name):
        """The value of a metric. Its name may have labels: NAME{LABEL="VALUE"}."""
        text = requests.get(self.admin_url + "/metrics", timeout=PATIENCE).text
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])


def scratch():
    """A temporary directory for the `with` block."""
    return tempfile.TemporaryDirectory(prefix="glance-intake-")


@contextlib.contextmanager
def another_proxy(cloud, policy, endpoint=None, more=""):
    """A proxy with its own policy on other ports. It is cloud.proxy in the `with` block."""
    first, port = cloud.proxy, cloud.proxy.admin_port + 1
    with scratch() as directory:
        endpoint = endpoint or cloud.glance_url
        cloud.proxy = Proxy(first.binary, endpoint, port, port + 1, directory, policy, more)
        try:
            cloud.proxy.start()
            yield cloud.proxy
        finally:
            cloud.proxy.stop()
            cloud.proxy = first
