# SPDX-License-Identifier: Apache-2.0
"""Three proxies behind a real HAProxy, before one real Glance: what a cloud with three controllers has ([cluster])."""
import contextlib
import os
import subprocess

import requests

from cloud import HERE, PATIENCE, wait_until
from front_proxies import answers, program
from placement import TRIES
from proxy import Proxy, scratch
from glance_servers import free_ports

COUNT = 3
OCTETS = {"Content-Type": "application/octet-stream"}


class Controllers:
    """The proxies, the balancer, and requests to them. `url` is that of the balancer."""

    def __init__(self, cloud, glance_url, directory, policy):
        self.cloud, self.glance_url = cloud, glance_url
        self.front, *ports = free_ports(1 + 2 * COUNT)
        admins, own = ports[:COUNT], ports[COUNT:]
        self.url = f"http://127.0.0.1:{self.front}"
        key = os.path.join(directory, "cluster.key")
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex())
        self.peers = [f"127.0.0.1:{port}" for port in admins]
        more = (f"[listen]\ntrusted_proxies = 127.0.0.1\n[upload]\nformat = off\n"
                f"[cluster]\npeers = {', '.join(self.peers)}\nkey_file = {key}\n")
        self.proxies = [Proxy(cloud.proxy.binary, glance_url, port, admin_port, directory, policy, more)
                        for port, admin_port in zip(own, admins)]

    def known(self):
        """Waits until all proxies have heard each other."""
        for proxy in self.proxies:
            for peer in self.others(proxy):
                wait_until(f"{peer} answers", lambda: self.peer_metric(proxy, "up", peer) == 1)

    def others(self, proxy):
        return [peer for peer in self.peers if not peer.endswith(f":{proxy.admin_port}")]

    @staticmethod
    def peer_metric(proxy, name, peer):
        with contextlib.suppress(TypeError):  # it is not told yet
            return proxy.metric(f'glance_intake_peer_{name}{{peer="{peer}"}}')

    def heard(self, proxy):
        """The bytes in flight at the other proxies, as this one knows."""
        return sum(self.peer_metric(proxy, "bytes_in_flight", peer) or 0 for peer in self.others(proxy))

    def ask(self, method, path, url=None, **options):
        headers = {"X-Auth-Token": self.cloud.token(), **options.pop("headers", {})}
        return requests.request(method, (url or self.url) + path, headers=headers, timeout=PATIENCE, **options)

    def put(self, image_id, body, call="file", url=None):
        """The status; 0 if there was no answer."""
        with contextlib.suppress(requests.RequestException):
            return self.ask("PUT", f"/v2/images/{image_id}/{call}", url, headers=OCTETS, data=body).status_code
        return 0

    def image(self, image_id):
        return self.cloud.image(image_id)

    @contextlib.contextmanager
    def new_image(self):
        with self.cloud.new_image(disk_format="raw") as image_id:
            yield image_id

    def staged(self, stack, body):
        """An image that waits for its import. Sqlite's writers lock each other out now and then."""
        for _ in range(TRIES):
            image_id = stack.enter_context(self.new_image())
            if self.put(image_id, body, "stage") == 204:
                return image_id
        raise AssertionError("nothing could be staged")

    def settled(self, image_id):
        """Its facts once nothing runs any more, as far as that comes: sqlite may fail a task for good."""
        def at_rest():
            image = self.image(image_id)
            busy = image["status"] in ("saving", "importing") or image.get("os_glance_import_task")
            return None if busy else image
        with contextlib.suppress(AssertionError):
            return wait_until("it is at rest", at_rest)
        return self.image(image_id)


def render(values):
    with open(os.path.join(HERE, "conf", "cluster-haproxy.cfg.in"), encoding="ascii") as file:
        text = file.read()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


@contextlib.contextmanager
def balancer(controllers, directory):
    path = os.path.join(directory, "haproxy.cfg")
    ports = {f"PORT{number}": proxy.port for number, proxy in enumerate(controllers.proxies)}
    with open(path, "w", encoding="ascii") as file:
        file.write(render({"FRONT": controllers.front, **ports}))
    command = [program("haproxy"), "-db", "-f", path]
    subprocess.run([*command, "-c"], check=True, capture_output=True)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until("HAProxy answers", lambda: answers(controllers.front))
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def environment(cloud):
    with scratch() as directory:
        controllers = Controllers(cloud, cloud.glance_url, directory, cloud.policy())
        try:
            for proxy in controllers.proxies:
                proxy.start()
            with balancer(controllers, directory):
                controllers.known()
                yield controllers
        finally:
            for proxy in controllers.proxies:
                proxy.stop()
