# SPDX-License-Identifier: Apache-2.0
"""The program of tests/glance, which keeps images as Glance does."""
import json
import re
import subprocess
import threading
import urllib.request

from .raw_http import PATIENCE


class SmallGlance:
    """The program of tests/glance on a free port. Stores file (default) and test; knows
    demo-token."""

    def __init__(self, binary, address, folder):
        data = folder / "images"
        data.mkdir()
        self.log = folder / "small-glance.log"
        self._requests, self._read = [], 0  # those in the log's bytes so far
        self._reading = threading.Lock()
        self.process = subprocess.Popen(
            [binary, "--bind", f"{address}:0", "--data", data, "--stores", "file,test",
             "--log", self.log], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        where = re.fullmatch(r"small-glance listening on (\S+):(\d+)\n", line)
        assert where, f"small-glance said {line!r}"
        self.url = f"http://{where[1]}:{where[2]}"

    def ask(self, method, path, document=None):
        """Past the proxy: what Glance itself says."""
        body = document if document is None else json.dumps(document).encode()
        return json.loads(self.send(method, path, body, "application/json") or "null")

    def upload(self, image, body):
        """Past the proxy, too."""
        self.send("PUT", f"/v2/images/{image}/file", body, "application/octet-stream")

    def send(self, method, path, body, content_type):
        asked = urllib.request.Request(self.url + path, body, method=method, headers={
            "X-Auth-Token": "demo-token", "Content-Type": content_type})
        with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
            return reply.read()

    def fault(self, **fault):
        """See tests/glance/fault.h."""
        self.ask("PUT", "/small-glance/faults", fault)

    def no_faults(self):
        self.ask("DELETE", "/small-glance/faults")

    def set_limits(self, **limits):
        """What a project may have; of what is not named, as much as it likes."""
        self.ask("PUT", "/small-glance/limits", limits)

    def set_stores(self, *names):
        self.ask("PUT", "/small-glance/stores", names)

    def delete(self, image):
        self.ask("DELETE", f"/v2/images/{image}")

    def create(self, **properties):
        return self.ask("POST", "/v2/images", {"name": "cirros", "disk_format": "raw",
                                               "container_format": "bare", **properties})["id"]

    def requests(self):
        """Those so far. A line that is still being written does not count."""
        with self._reading, open(self.log, "rb") as log:
            log.seek(self._read)
            new = log.read()
            new = new[:new.rfind(b"\n") + 1]
            self._read += len(new)
            self._requests += map(json.loads, new.splitlines())
            return self._requests[:]

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
