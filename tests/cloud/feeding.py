# SPDX-License-Identifier: Apache-2.0
"""uWSGI ends an upload whose client is silent for socket-timeout. The proxy feeds Glance, so that only its own
stall_timeout decides about a client.

FEEDING_SILENCE is how many seconds its client is silent."""
import contextlib
import os
import socket
import time

import requests

from cloud import MIB, PATIENCE, check, same, wait_until
from proxy import another_proxy
from servers import another_uwsgi
from uploads import landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
IMPATIENT = {"plugins": "http,python3", "threads": 4, "socket-timeout": 4}
LISTENERS = "http-socket", "http"
BEFORE_SILENCE = MIB
SILENCE = float(os.environ.get("FEEDING_SILENCE", "5"))  # more than socket-timeout


class SilentUpload:
    """A client that sends half of its file."""

    def __init__(self, cloud, stack, proxy):
        self.image_id = stack.enter_context(cloud.new_image())
        with open(cloud.small().path, "rb") as file:
            first, self._rest = file.read(BEFORE_SILENCE), file.read()
        self._socket = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), PATIENCE))
        self._socket.sendall(
            f"PUT /v2/images/{self.image_id}/file HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {cloud.token()}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {cloud.small().size}\r\n\r\n".encode()
        )
        self._socket.sendall(first)

    def goes_on(self):
        self._socket.sendall(self._rest)

    def status(self):
        """Of the answer."""
        return int(self._socket.recv(4096).split()[1])


def silent_uploads(cloud, stack, urls, feed_interval):
    more = f"[glance]\nfeed_interval = {feed_interval}\n[upload]\nquota = off\n"
    proxies = [stack.enter_context(another_proxy(cloud, POLICY, url, more)) for url in urls]
    for proxy in proxies:  # the first request of a Glance may take longer than the proxy waits for it
        requests.get(proxy.url + "/v2/images?limit=1", headers={"X-Auth-Token": cloud.token()}, timeout=PATIENCE).raise_for_status()
    return [SilentUpload(cloud, stack, proxy) for proxy in proxies]


def test_silent_client_before_impatient_uwsgi(cloud):
    """The clients are silent until uWSGI has given up those that are not fed."""
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(another_uwsgi(cloud, IMPATIENT, listener)) for listener in LISTENERS]
        fed = silent_uploads(cloud, stack, urls, "1s")
        began = time.monotonic()
        for listener, upload in zip(LISTENERS, silent_uploads(cloud, stack, urls, "0")):
            status = upload.status()
            check(status in (500, 502), f"the answer without feeding, by {listener}: {status}")
            wait_until("the image is queued again", lambda: cloud.image(upload.image_id)["status"] == "queued")
        time.sleep(max(0, began + SILENCE - time.monotonic()))
        for listener, upload in zip(LISTENERS, fed):
            upload.goes_on()
            same(f"the answer with feeding, by {listener}", upload.status(), 204)
            landed_in_test(cloud, upload.image_id, cloud.small())
