# SPDX-License-Identifier: Apache-2.0
"""The rows of tests/bench/cloud: uploads by curl, past the proxy and through it."""
import contextlib
import dataclasses
import os
import subprocess
import tempfile
import time

from another_glance import LIMITS, another_glance
from cloud import HERE as CLOUD, KIB, MIB, Cloud, locked, same
from proxy import Proxy
from servers import HERE, INTAKE, Failure

PATIENCE = 600  # seconds for one upload
FIRST_PORT = 40  # after the cloud's; each proxy has two


@dataclasses.dataclass(frozen=True)
class Contender:
    """`quota` None: no proxy."""

    label: str
    quota: str = None
    streamed: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """`most`: the goal, as a ratio to the upload past the proxy. `first`: the proxy knows nothing of the project
    when the image is created, and the upload comes two seconds later."""

    name: str
    title: str
    size: int
    store: str
    chunked: bool = False
    streamed: bool = False
    first: bool = False
    most: float = None

    def contenders(self):
        return (Contender("direct"), Contender("through the proxy", "check", self.streamed),
                Contender("with quota = off", "off", self.streamed))


ROWS = (
    Row("a", "64 KiB into S3", 64 * KIB, "test", most=1.10),
    Row("b", "256 MiB into S3", 256 * MIB, "test", most=1.06),
    Row("c", "256 MiB into file", 256 * MIB, "file", most=1.06),
    Row("d", "256 MiB chunked into file, spooled", 256 * MIB, "file", chunked=True),
    Row("e", "256 MiB chunked into file, streamed", 256 * MIB, "file", chunked=True, streamed=True, most=1.10),
    Row("f", "256 MiB chunked into S3, spooled", 256 * MIB, "test", chunked=True),
    Row("g", "64 KiB into S3, the first of its project, two seconds after its POST", 64 * KIB, "test", first=True,
        most=1.15),
)


class PlainProxy(Proxy):
    template = os.path.join(HERE, "conf", "glance-intake-cloud.conf")


def data(cloud, size):
    def make(path):
        with open(path, "wb") as file:
            for _ in range(size // (64 * KIB)):
                file.write(os.urandom(64 * KIB))

    return cloud.file(f"bench-{size}.raw", make)


def curl(url, token, row, path):
    """Seconds that curl took. A chunked upload comes as OpenStack's clients send it: without Expect."""
    fields = [f"X-Auth-Token: {token}", "Content-Type: application/octet-stream", f"X-Image-Meta-Store: {row.store}"]
    if row.chunked:
        fields += ["Transfer-Encoding: chunked", "Expect:"]
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{time_total}", "-T",
               "-" if row.chunked else path, *(word for field in fields for word in ("-H", field)), url]
    with open(path, "rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, timeout=PATIENCE)
    status, _, seconds = done.stdout.partition(" ")
    if done.returncode != 0 or status != "204":
        raise Failure(f"an upload to {url} got {status}: {done.stderr.strip()}")
    return float(seconds)


class Uploads:
    def __init__(self, cloud, folder):
        self.cloud = cloud
        self.folder = folder
        self._proxies = {}

    def _new_proxy(self, contender):
        port = self.cloud.admin_port + FIRST_PORT + 2 * len(self._proxies)
        policy = {"default": {"store": "test", "mode": "default"}}
        if contender.streamed:
            policy["stores"] = {"file": {"unknown_length": "stream"}}
        more = f"[upload]\nquota = {contender.quota}\n"
        proxy = PlainProxy(INTAKE.command[0], self.cloud.glance_url, port, port + 1, self.folder, policy, more)
        proxy.start()
        return proxy

    def _url(self, contender, fresh):
        """Of Glance, or of the contender's proxy. `fresh`: of one that remembers nothing."""
        if not contender.quota:
            return self.cloud.glance_url
        proxy = self._proxies.get(contender)
        if not proxy:
            proxy = self._proxies[contender] = self._new_proxy(contender)
        elif fresh:
            proxy.stop()
            proxy.start()
        return proxy.url

    def measure(self, row, contender):
        """The seconds of one upload to a new image, which is created the same way."""
        url = self._url(contender, row.first)
        file = data(self.cloud, row.size)
        with self.cloud.new_image(name="bench", disk_format="raw", url=url) as image_id:
            if row.first:
                time.sleep(2)
            seconds = curl(f"{url}/v2/images/{image_id}/file", self.cloud.token(), row, file.path)
            image = self.cloud.image(image_id)
            same("what Glance has stored", (image["os_hash_value"], image["stores"]), (file.sha512, row.store))
        return seconds

    def stop(self):
        for proxy in self._proxies.values():
            proxy.stop()


@contextlib.contextmanager
def ready_uploads():
    """With the cloud, in which a Glance takes the limits of projects from Keystone."""
    directory = os.environ.get("CLOUD_DIR", "/var/tmp/glance-intake-cloud")
    with locked(directory), tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as folder:
        subprocess.run([os.path.join(CLOUD, "up")], check=True)
        cloud = Cloud(directory)
        with another_glance(cloud, LIMITS) as cloud.glance_url:
            uploads = Uploads(cloud, folder)
            try:
                yield uploads
            finally:
                uploads.stop()
