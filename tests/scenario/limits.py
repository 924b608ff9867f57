# SPDX-License-Identifier: Apache-2.0
"""Connections and patience are finite."""
import json
import time

from support.proxy import wait_until
from support.scene import scenario
from support.wire import Cut, head, request

TARGET = request("GET", "/v2/images")


@scenario
def max_connections(scene):
    proxy = scene.proxy(scene.glance(), conf={"DEFAULT": {"workers": 1}, "listen": {"max_connections": 3}})
    clients = [proxy.client() for _ in range(3)]
    for client in clients:
        assert client.ask("GET", "/v2/images").status == 200
    told = proxy.client().send(TARGET).answer()
    assert (told.status, json.loads(told.body)["reason"]) == (503, "too_many_connections")
    for client in clients:  # those that were first are still served
        assert client.ask("GET", "/v2/images").status == 200
    clients[0].close()
    wait_until("there is room again", lambda: proxy.ask("GET", "/v2/images").status == 200)


def ended_after(client):
    """Seconds until the proxy closes; the answer it may give first must not be a success."""
    began = time.monotonic()
    try:
        assert client.answer().status == 408
    except Cut:
        pass
    assert client.closed()
    return time.monotonic() - began


@scenario
def header_timeout(scene):
    proxy = scene.proxy(scene.glance(), conf={"listen": {"header_timeout": "1s"}})
    with proxy.client() as client:
        assert 0.5 < ended_after(client.send(TARGET[:20])) < 10
    with proxy.client() as client:  # never says anything
        assert ended_after(client) < 10


@scenario
def a_head_that_drips(scene):
    """header_timeout is for the whole head: a byte now and then does not buy more time."""
    proxy = scene.proxy(scene.glance(), conf={"listen": {"header_timeout": "1s"}})
    with proxy.client() as client:
        client.sock.settimeout(0.1)
        dripping = iter(head("GET /v2/images HTTP/1.1", "Host: h", "X-Long: " + "a" * 1000))
        began = time.monotonic()

        def ended():
            try:
                client.send(bytes([next(dripping)]))
                return not client.stream.fill() or b" 408 " in client.stream.ahead
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        wait_until("the proxy has had enough", ended)
        assert time.monotonic() - began < 10


@scenario
def keepalive_timeout(scene):
    glance = scene.glance()
    proxy = scene.proxy(glance, conf={"listen": {"keepalive_timeout": "1s"}})
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images").status == 200
        assert ended_after(client) < 10


@scenario
def keepalive_is_not_for_a_slow_answer(scene):
    def slow(asked):
        time.sleep(1.5)
        asked.read().send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    quick = {"header_timeout": "500ms", "keepalive_timeout": "500ms"}
    proxy = scene.proxy(scene.glance(other=slow), conf={"listen": quick})
    assert proxy.ask("GET", "/v2/images").body == b"ok"


@scenario
def a_head_of_any_size(scene):
    glance = scene.glance()
    proxy = scene.proxy(glance)
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images", "X-Long: " + "a" * 7000).status == 200
    with proxy.client() as client:
        client.send_until_refused(request("GET", "/v2/images", "X-Long: " + "a" * 300_000))
        assert client.answer().status in (400, 431)
    with proxy.client() as client:
        client.send_until_refused(request("GET", "/v2/images?" + "a" * 300_000))
        assert client.answer().status in (400, 414)
    assert len(glance.requests) == 1
