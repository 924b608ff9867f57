# SPDX-License-Identifier: Apache-2.0
"""A Glance under uWSGI has few processes. When all of them are busy with uploads it counts as busy, not as out. With
max_uploads and slow = spool it serves other requests whatever the uploads do."""
import contextlib
import threading
import time

import requests

import clients
from cloud import KIB, PATIENCE, check, same, wait_until
from proxy import another_proxy
from servers import another_uwsgi
from uploads import OCTETS, landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
PROCESSES = 2  # one upload each
SLOW = f"{192 * KIB}"  # bytes a second


def small_uwsgi(cloud):
    """Glance under uWSGI with two processes and no threads, as Kolla runs it."""
    return another_uwsgi(cloud, {"processes": PROCESSES, "threads": 1})


def started(cloud, stack):
    """A slow upload, and its image."""
    image_id = stack.enter_context(cloud.new_image())
    slowly = ("--limit-rate", SLOW, *OCTETS)
    process = clients.curl_started(cloud, image_id, cloud.small().path, *slowly)
    stack.callback(process.kill)
    return process, image_id


def health(proxy):
    """The state of the only endpoint in /readyz, which must say ready."""
    answer = proxy.readiness()
    same("the status of /readyz", answer.status_code, 200)
    return answer.json()["endpoints"][0]["state"]


def test_glance_is_ready_while_all_processes_upload(cloud):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(small_uwsgi(cloud))
        more = "[glance]\nhealth_interval = 1s\n[upload]\nquota = off\n"
        proxy = stack.enter_context(another_proxy(cloud, POLICY, url, more))
        wait_until("the endpoint is up", lambda: health(proxy) == "up")
        uploads = [started(cloud, stack) for _ in range(PROCESSES)]
        seen = []
        while any(process.poll() is None for process, _ in uploads):
            seen.append(health(proxy))
            time.sleep(0.2)
        check("busy" in seen, f"the endpoint was never busy: {sorted(set(seen))}")
        check("out" not in seen, "the endpoint was out while it took two uploads")
        for process, image_id in uploads:
            same("what curl was answered", process.communicate()[0].strip(), b"204")
            landed_in_test(cloud, image_id, cloud.small())
        wait_until("the endpoint is up again", lambda: health(proxy) == "up")
        same("its metric", proxy.metric(f'glance_intake_endpoint_up{{endpoint="{url}"}}'), 1)
        requests.get(proxy.url + "/v2/images", headers={"X-Auth-Token": cloud.token()}, timeout=PATIENCE).raise_for_status()
    return f"{len(seen)} looks, {seen.count('busy')} of them busy"


# --- other requests beside slow uploads --------------------------------------------------------

CLIENTS = 6
SLOW_CLIENT = f"{200 * KIB}"  # bytes a second
EVERY = 0.1  # seconds between two GETs
SHIELD = "[glance]\nmax_uploads = 1\n[upload]\nquota = off\nslow = spool\n"


class Gets:
    """GETs that are started at fixed times, one not waiting for another, and how long each of them took."""

    def __init__(self, cloud, url):
        self.took = []
        self._headers = {"X-Auth-Token": cloud.token()}
        self._url = url + "/v2/images?limit=1"
        self._stop = threading.Event()
        self._threads = []
        self._clock = threading.Thread(target=self._start_all)

    def _start_all(self):
        began = time.monotonic()
        while not self._stop.wait(max(0, began + EVERY * len(self._threads) - time.monotonic())):
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


def upload_slowly(cloud, stack):
    images = []
    for _ in range(CLIENTS):
        image_id = stack.enter_context(cloud.new_image())
        process = clients.curl_started(cloud, image_id, cloud.small().path, "--limit-rate", SLOW_CLIENT, *OCTETS)
        stack.callback(process.kill)
        images.append((process, image_id))
    return images


def test_gets_are_fast_beside_slow_uploads(cloud):
    """Two processes and six clients at 200 KiB/s: without a limit, a GET waits for seconds."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(small_uwsgi(cloud))
        proxy = stack.enter_context(another_proxy(cloud, POLICY, url, SHIELD))
        with Gets(cloud, proxy.url) as alone:
            time.sleep(3)
        with Gets(cloud, proxy.url) as beside:
            uploads = upload_slowly(cloud, stack)
            answers = [process.communicate()[0].strip() for process, _ in uploads]
        same("what the clients were answered", answers, [b"204"] * CLIENTS)
        for _, image_id in uploads:
            landed_in_test(cloud, image_id, cloud.small())
        slow = proxy.metric("glance_intake_slow_uploads_total")
        check(1 <= slow <= CLIENTS, f"{slow} uploads came slowly")  # while it waits, an image may have come as a whole
        check(beside.p95() < 0.5 + 3 * alone.p95(), f"p95 of a GET: {beside.p95():.2f} s; alone: {alone.p95():.2f} s")
    return f"p95 of {len(beside.took)} GETs {1000 * beside.p95():.0f} ms, alone {1000 * alone.p95():.0f} ms"
