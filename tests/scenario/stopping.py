# SPDX-License-Identifier: Apache-2.0
"""SIGTERM: requests in flight are finished, and nothing new is accepted."""
import json
import signal

from support.fixture import scenario
from support.glance import BEHIND, UPLOAD, answer
from support.proxy import STREAM, wait_until
from support.raw_http import LAST_CHUNK, Client, chunk, head, request

HALF = bytes(2 << 20)


def begin(proxy, glance, chunked=False):
    """A client that has sent half of an upload, which Glance has got."""
    client = proxy.client()
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {2 * len(HALF)}"
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", framing), chunk(HALF) if chunked else HALF)
    glance.wait("half of it", lambda _: glance.uploads() and glance.uploads()[-1].length >= len(HALF) - BEHIND)
    return client


def refuses_connections(proxy):
    def refused():
        try:
            Client(proxy.address).close()
            return False
        except ConnectionError:  # or a reset, for a connection in the accept queue
            return True
    wait_until("new connections are refused", refused)


def drains(fixture, number, chunked):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    with begin(proxy, glance, chunked) as client:
        proxy.signal(number)
        refuses_connections(proxy)
        client.send(chunk(HALF) + LAST_CHUNK if chunked else HALF)
        assert client.answer().status == 204
    assert glance.uploads()[0].length == 2 * len(HALF)
    assert proxy.wait_exit() == 0
    assert "verdict=stored" in proxy.log()


@scenario(threaded=True)
def sigterm_lets_an_upload_finish(fixture):
    drains(fixture, signal.SIGTERM, chunked=False)


@scenario
def sigint_lets_a_chunked_upload_finish(fixture):
    drains(fixture, signal.SIGINT, chunked=True)


@scenario
def sigterm_lets_a_download_finish(fixture):
    for half in (b"h" * 10_000, b"h" * 600_000):
        def in_two(asked):
            asked.read().send(head("HTTP/1.1 200 OK", f"Content-Length: {2 * len(half)}"), half)
            asked.hold().send(half)

        glance = fixture.glance(other=in_two)
        proxy = fixture.proxy(glance)
        with proxy.client() as client:
            told = client.send(request("GET", "/v2/images/x/file")).answer_head()
            while told.length < len(half):
                told.add(client.stream.up_to(len(half) - told.length))
            proxy.signal(signal.SIGTERM)
            refuses_connections(proxy)
            glance.requests[0].go()
            told.read_body(client.stream, until_close=True)
        assert proxy.wait_exit() == 0
        glance.stop()


@scenario
def idle_connection_does_not_delay_the_exit(fixture):
    proxy = fixture.proxy(fixture.glance())
    with proxy.client() as client, proxy.client():
        assert client.ask("GET", "/v2/images").status == 200
        proxy.signal(signal.SIGTERM)
        assert proxy.wait_exit() == 0  # long before drain_timeout


@scenario
def new_upload_while_draining_is_refused(fixture):
    """It is refused, or the connection is closed after the request in flight."""
    glance = fixture.glance(other=lambda asked: asked.read().hold().send(answer("200 OK")))
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        client.send(request("GET", "/v2/images"))
        glance.wait("the first request", lambda _: glance.requests)
        proxy.signal(signal.SIGTERM)
        refuses_connections(proxy)
        client.send(request("PUT", UPLOAD, body=b"image"))
        glance.requests[0].go()
        first = client.answer()
        assert first.status == 200
        if first.get("Connection") != "close":
            told = client.answer()
            assert (told.status, json.loads(told.body)["reason"]) == (503, "draining")
    assert proxy.wait_exit() == 0
    assert glance.uploads() == []


def cut_short(fixture, stop, conf=None):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=conf)
    with begin(proxy, glance):
        stop(proxy)
        proxy.wait_exit()
        glance.wait("the cut", lambda _: glance.uploads()[0].cut)
    assert not glance.uploads()[0].complete
    assert "verdict=aborted" in proxy.log()


@scenario(threaded=True)
def second_signal_stops_at_once(fixture):
    def twice(proxy):
        proxy.signal(signal.SIGTERM)
        refuses_connections(proxy)
        proxy.signal(signal.SIGTERM)

    cut_short(fixture, twice)


@scenario
def drain_timeout_ends_the_wait(fixture):
    cut_short(fixture, lambda proxy: proxy.signal(signal.SIGTERM),
              conf={"DEFAULT": {"drain_timeout": "700ms"}})
