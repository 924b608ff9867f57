# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, on several workers, also under ThreadSanitizer."""
import concurrent.futures
import hashlib
import threading

from support.fixture import scenario
from support.glance import UPLOAD, new_upload
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, chunk, head, request

UPLOADS = 200
CLIENTS = 64
WORKERS = {"DEFAULT": {"workers": 4}}


def body(number):
    """Small, large and in between; no two alike."""
    return hashlib.shake_128(b"%d" % number).digest((1_000, 300_000, 700_000)[number % 3])


@scenario(alone=True)
def two_hundred_uploads_at_once_are_stored(fixture):
    together = threading.Barrier(UPLOADS)
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=WORKERS)

    def upload(number):
        data = body(number)
        with proxy.client() as client:
            together.wait()
            if number % 4:
                client.send(request("PUT", new_upload(), body=data))
            else:
                client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"),
                            chunk(data), LAST_CHUNK)
            return client.answer().status, hashlib.sha512(data).hexdigest()

    with concurrent.futures.ThreadPoolExecutor(UPLOADS) as pool:
        results = list(pool.map(upload, range(UPLOADS)))
    assert {status for status, _ in results} == {204}
    assert sorted(sha for _, sha in results) == sorted(asked.sha512 for asked in glance.uploads())
    assert all(asked.complete for asked in glance.uploads())
    proxy.wait_metric(UPLOADS, "uploads_total", result="stored", store="test")
    proxy.wait_metric(0, "uploads_in_flight")


@scenario(threaded=True, alone=True)
def sixty_four_clients_are_served(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=WORKERS)

    def ask(_):
        with proxy.client() as client:
            return [client.ask("GET", f"/v2/images?marker={number}").status for number in range(25)]

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        statuses = [status for one in pool.map(ask, range(CLIENTS)) for status in one]
    assert statuses == [200] * (25 * CLIENTS)
    assert len(glance.requests) == 25 * CLIENTS


@scenario(threaded=True, alone=True)
def aborted_uploads_leave_nothing(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=WORKERS)

    def break_off(number):
        with proxy.client() as client:
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", "Content-Length: 3000000"),
                        bytes(20_000 * (number % 7)))
            client.reset() if number % 2 else client.close()

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(break_off, range(CLIENTS)))
    # Of a connection that is reset, the proxy may see nothing.
    wait_until("those that closed are over", lambda: proxy.metric("uploads_total", result="aborted") >= CLIENTS // 2)
    proxy.wait_metric(0, "uploads_in_flight")
    proxy.wait_metric(0, "connections")
    assert not any(asked.complete for asked in glance.uploads())
    assert proxy.ask("PUT", UPLOAD, body=b"image").status == 204
