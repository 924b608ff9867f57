# SPDX-License-Identifier: Apache-2.0
"""Gigabytes pass through small buffers: the slower side sets the pace, and memory does not grow."""
import threading
import time

from support.buffers import MOST
from support.fixture import scenario
from support.glance import UPLOAD
from support.proxy import STREAM
from support.raw_http import LAST_CHUNK, chunk, head, request

PIECE = bytes(1 << 20)
MUCH = 384  # MiB; many times each bound below
GROWTH = 96  # MiB that memory may grow; ASan keeps freed memory


class Download:
    """A long answer of Glance. Counts the bytes sent."""

    def __init__(self, chunked, mebibytes=MUCH):
        self.chunked = chunked
        self.mebibytes = mebibytes
        self.sent = 0

    def __call__(self, asked):
        framing = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {self.mebibytes << 20}"
        asked.read().send(head("HTTP/1.1 200 OK", framing))
        piece = chunk(PIECE) if self.chunked else PIECE
        for _ in range(self.mebibytes):
            asked.send(piece)
            self.sent += len(PIECE)
        if self.chunked:
            asked.send(LAST_CHUNK)


def settled(count):
    """The value of count() once it has stopped growing for half a second."""
    last, since = count(), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.05)
        if count() != last:
            last, since = count(), time.monotonic()
    return last


def check_growth(proxy, before, bound=GROWTH):
    grown = proxy.rss_mib() - before
    assert grown < bound, f"{grown:.0f} MiB more than before"


@scenario(alone=True)
def memory_is_bounded_when_the_client_does_not_read(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    assert proxy.ask("GET", "/v2/images").status == 200
    before = proxy.rss_mib()
    for chunked in (False, True):
        glance.other = download = Download(chunked)
        with proxy.client() as client:
            client.send(request("GET", "/v2/images/x/file")).answer_head()
            assert settled(lambda: download.sent) < MOST
            check_growth(proxy, before)


@scenario(alone=True)
def download_memory_is_bounded(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    assert proxy.ask("GET", "/v2/images").status == 200
    before = proxy.rss_mib()
    for chunked in (False, True):
        glance.other = Download(chunked)
        assert proxy.ask("GET", "/v2/images/x/file").length == MUCH << 20
        check_growth(proxy, before)


@scenario(alone=True, plain=True)
def five_gib_download_needs_little_memory(fixture):
    glance = fixture.glance(other=Download(chunked=False, mebibytes=5 << 10))
    proxy = fixture.proxy(glance)
    assert proxy.ask("PUT", UPLOAD, body=PIECE).status == 204
    before = proxy.rss_mib()
    with proxy.client() as client:
        client.send(request("GET", "/v2/images/x/file")).answer_head()
        left = (5 << 30) - len(client.stream.ahead)
        room = bytearray(1 << 20)
        while left:
            taken = client.sock.recv_into(room)
            assert taken, f"cut with {left} bytes to come"
            left -= taken
        check_growth(proxy, before, bound=8)


def send_much(client, chunked):
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {MUCH << 20}"
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", framing))
    client.send(*[chunk(PIECE) if chunked else PIECE] * MUCH)
    return client.send(LAST_CHUNK) if chunked else client


def uploads_of_much(fixture, conf, framings):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=conf)
    assert proxy.ask("PUT", UPLOAD, body=PIECE).status == 204
    before = proxy.rss_mib()
    for chunked in framings:
        with proxy.client() as client:
            assert send_much(client, chunked).answer().status == 204
        assert glance.uploads()[-1].length == MUCH << 20
        check_growth(proxy, before)


@scenario(alone=True)
def upload_memory_is_bounded(fixture):
    uploads_of_much(fixture, STREAM, (False, True))


@scenario(alone=True)
def spooled_upload_memory_is_bounded(fixture):
    uploads_of_much(fixture, None, (True,))


@scenario(alone=True)
def memory_is_bounded_when_glance_does_not_read(fixture):
    def reluctant(asked):
        asked.read(10_000).hold().await_close()
        asked.close()

    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    assert proxy.ask("PUT", UPLOAD, body=PIECE).status == 204
    glance.upload = reluctant
    before = proxy.rss_mib()
    for chunked in (False, True):
        with proxy.client() as client:
            sending = threading.Thread(target=pour, args=(client, chunked), daemon=True)
            seen = len(glance.uploads())
            sending.start()
            glance.wait("the start", lambda it, seen=seen: len(it.uploads()) > seen
                        and it.uploads()[-1].length == 10_000)
            taken = settled(lambda: int(proxy.metric("bytes_total", direction="to_glance")))
            assert taken < MOST, taken
            check_growth(proxy, before)
            assert sending.is_alive(), "the client was not held back"
            client.reset()
        glance.uploads()[-1].go()
        sending.join()


def pour(client, chunked):
    try:
        send_much(client, chunked)
    except OSError:
        pass  # the scenario has closed the connection
