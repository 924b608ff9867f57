# SPDX-License-Identifier: Apache-2.0
"""A Glance under uWSGI has few processes. When all of them are busy with uploads it counts as busy, not as out. With
max_uploads and slow = spool it serves other requests whatever the uploads do."""
import contextlib
import threading
import time

import requests

from cloud import PATIENCE, same, wait_until
from paused import PausedUpload
from proxy import another_proxy
from glance_servers import another_uwsgi
from uploads import landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
PROCESSES = 2  # one upload each
PROBED_EVERY = 1  # seconds
LOOKS = 5


def small_uwsgi(cloud):
    """Glance under uWSGI with two processes and no threads, as Kolla runs it."""
    return another_uwsgi(cloud, {"processes": PROCESSES, "threads": 1})


def half_sent(cloud, stack):
    """An upload whose client waits after half of its data."""
    file = cloud.small()
    upload = PausedUpload(cloud, stack, stack.enter_context(cloud.new_image()), file.size, file.path)
    upload.send(file.size // 2)
    return upload


def is_stored(cloud, upload):
    same("what the client is answered", upload.finish().status, 204)
    landed_in_test(cloud, upload.image_id, cloud.small())


def health(proxy):
    """The state of the only endpoint in /readyz."""
    return proxy.readiness().json()["endpoints"][0]["state"]


def test_glance_is_ready_while_all_processes_upload(cloud):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(small_uwsgi(cloud))
        more = f"[glance]\nhealth_interval = {PROBED_EVERY}s\n[upload]\nquota = off\n"
        proxy = stack.enter_context(another_proxy(cloud, POLICY, url, more))
        wait_until("the endpoint is up", lambda: health(proxy) == "up")
        uploads = [half_sent(cloud, stack) for _ in range(PROCESSES)]
        for upload in uploads:  # the cloud's own Glance tells it
            wait_until("a process has it", lambda: cloud.image(upload.image_id)["status"] == "saving")
        silent = f'glance_intake_endpoint_checks_total{{endpoint="{url}",result="silent"}}'
        before = proxy.metric(silent)
        wait_until("a check has begun and ended since then", lambda: proxy.metric(silent) >= before + 2)
        wait_until("the endpoint is busy", lambda: health(proxy) == "busy")
        for _ in range(LOOKS):
            time.sleep(PROBED_EVERY)
            same("the endpoint", health(proxy), "busy")
            same("the status of /readyz", proxy.readiness().status_code, 200)
        for upload in uploads:
            is_stored(cloud, upload)
        wait_until("the endpoint is up again", lambda: health(proxy) == "up")
        same("its metric", proxy.metric(f'glance_intake_endpoint_up{{endpoint="{url}"}}'), 1)
        requests.get(proxy.url + "/v2/images", headers={"X-Auth-Token": cloud.token()}, timeout=PATIENCE).raise_for_status()


# --- other requests beside slow uploads --------------------------------------------------------

CLIENTS = 6
EVERY = 0.1  # seconds between two GETs
AT_MOST = 8  # GETs without an answer: a slow machine would not catch up with more
SHIELD = "[glance]\nmax_uploads = 1\n[upload]\nquota = off\nslow = spool\n"


class Gets:
    """GETs that are started at fixed times, and how long each of them took."""

    def __init__(self, cloud, url):
        self.took = []
        self._headers = {"X-Auth-Token": cloud.token()}
        self._url = url + "/v2/images?limit=1"
        self._stop = threading.Event()
        self._threads = []
        self._clock = threading.Thread(target=self._start_all)

    def _start_all(self):
        began, ticks = time.monotonic(), 0
        while not self._stop.wait(max(0, began + EVERY * ticks - time.monotonic())):
            ticks += 1
            if sum(thread.is_alive() for thread in self._threads) < AT_MOST:
                self._threads.append(threading.Thread(target=self._get))
                self._threads[-1].start()

    def _get(self):
        began = time.monotonic()
        requests.get(self._url, headers=self._headers, timeout=PATIENCE).raise_for_status()
        self.took.append(time.monotonic() - began)

    def __enter__(self):
        self._clock.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._clock.join()
        for thread in self._threads:
            thread.join()
        same("the GETs that were answered", len(self.took), len(self._threads))

    def p95(self):
        return sorted(self.took)[len(self.took) * 95 // 100]


def test_gets_are_fast_beside_slow_uploads(cloud):
    """Two processes and six clients that wait after half of their data. Without a shield, no GET would be answered."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(small_uwsgi(cloud))
        proxy = stack.enter_context(another_proxy(cloud, POLICY, url, SHIELD))
        with Gets(cloud, proxy.url) as alone:
            time.sleep(3)
        with Gets(cloud, proxy.url) as beside:
            uploads = [half_sent(cloud, stack) for _ in range(CLIENTS)]
            name = "glance_intake_slow_uploads_total"
            wait_until("all uploads count as slow", lambda: proxy.metric(name) == CLIENTS)
        for upload in uploads:
            is_stored(cloud, upload)
    return f"p95 of {len(beside.took)} GETs {1000 * beside.p95():.0f} ms, alone {1000 * alone.p95():.0f} ms"
