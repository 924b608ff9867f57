# SPDX-License-Identifier: Apache-2.0
"""Limits of connections, times and heads."""
import json
import time

from support.fixture import scenario
from support.glance import UPLOAD
from support.proxy import wait_until
from support.raw_http import Cut, chunks, head, request

TARGET = request("GET", "/v2/images")
LATE = 60  # seconds: more than a slow machine needs for a timeout of one or two, and less than the defaults


@scenario
def max_connections_is_enforced(fixture):
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"workers": 1}, "listen": {"max_connections": 3}})
    clients = [proxy.client() for _ in range(3)]
    for client in clients:
        assert client.ask("GET", "/v2/images").status == 200
    told = proxy.client().send(TARGET).answer()
    assert (told.status, json.loads(told.body)["reason"]) == (503, "too_many_connections")
    for client in clients:  # those that were first are still served
        assert client.ask("GET", "/v2/images").status == 200
    clients[0].close()
    wait_until("there is room again", lambda: proxy.ask("GET", "/v2/images").status == 200)


def ended_after(client, began):
    """Seconds from `began` until the proxy closes the connection. It may send a 408 before that."""
    try:
        assert client.answer().status == 408
    except Cut:
        pass
    assert client.closed()
    return time.monotonic() - began


@scenario
def header_timeout_is_enforced(fixture):
    proxy = fixture.proxy(fixture.glance(), conf={"listen": {"header_timeout": "1s"}})
    for sent in (TARGET[:20], b""):  # also of a client that sends nothing
        began = time.monotonic()
        with proxy.client() as client:
            client.send_until_refused(sent)
            assert 0.5 < ended_after(client, began) < LATE


@scenario
def header_timeout_covers_the_whole_head(fixture):
    """A byte now and then does not extend it."""
    proxy = fixture.proxy(fixture.glance(), conf={"listen": {"header_timeout": "1s"}})
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
        assert time.monotonic() - began < LATE


@scenario
def keepalive_timeout_is_enforced(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"keepalive_timeout": "2s"}})
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images").status == 200
        assert ended_after(client, time.monotonic()) < LATE


@scenario
def keepalive_timeout_ignores_slow_answers(fixture):
    def slow(asked):
        time.sleep(3)
        asked.read().send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    quick = {"header_timeout": "2s", "keepalive_timeout": "2s"}
    proxy = fixture.proxy(fixture.glance(other=slow), conf={"listen": quick})
    assert proxy.ask("GET", "/v2/images").body == b"ok"


@scenario
def too_long_heads_get_431_or_414(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images", "X-Long: " + "a" * 7000).status == 200
    with proxy.client() as client:
        client.send_until_refused(request("GET", "/v2/images", "X-Long: " + "a" * 300_000))
        assert client.answer().status == 431
    with proxy.client() as client:
        client.send_until_refused(request("GET", "/v2/images?" + "a" * 300_000))
        assert client.answer().status == 414
    assert len(glance.requests) == 1


@scenario
def long_queries_are_served_or_get_414(fixture):
    """Either comes at once."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for count in (100, 160, 170, 180, 300, 500, 1000, 2000, 3000):
        query = "&".join(f"a{number}=b" for number in range(count))
        for asked, good in ((request("GET", f"/v2/images?{query}"), 200),
                            (request("PUT", f"{UPLOAD}?{query}", body=b"image"), 204)):
            with proxy.client() as client:
                client.send_until_refused(asked)
                expected = good if len(query) < 16_000 else 414
                assert client.answer().status == expected, (count, good)


@scenario
def two_long_tokens_are_relayed(fixture):
    """A service that acts for a user sends two tokens of 8 KiB each, and other fields."""
    fields = [f"X-Auth-Token: {'a' * 8192}", f"X-Service-Token: {'b' * 8192}"]
    fields += [f"X-Field-{number}: some value" for number in range(8)]
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        for _ in range(2):
            assert client.ask("GET", "/v2/images?limit=20", *fields).status == 200
        assert client.ask("PUT", UPLOAD, *fields, body=b"image").status == 204
    assert [len(asked.get("X-Service-Token")) for asked in glance.requests] == [8192] * len(glance.requests)


@scenario
def heads_of_all_lengths_are_served_or_get_431(fixture):
    """libmicrohttpd keeps the heads of request and answer in one buffer. There is an answer or a refusal,
    however full it is."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    statuses = set()
    for asked_for in range(0, 20_000, 400):
        for told in (1, 200, 1000, max(1, 17_000 - asked_for), max(1, 17_800 - asked_for), 60_000):
            glance.other = lambda asked: asked.read().send(
                head("HTTP/1.1 200 OK", "Content-Length: 4", f"X-Told: {'t' * told}") + b"body")
            with proxy.client() as client:
                client.send_until_refused(request("GET", "/v2/images", f"X-Asked: {'a' * asked_for}"))
                answer = client.answer()
            statuses.add(answer.status)
            if answer.status == 200:
                assert (len(answer.get("X-Told")), answer.body) == (told, b"body"), (asked_for, told)
    assert statuses == {200, 431}


@scenario
def heads_of_many_fields_are_served(fixture):
    """Each field needs more memory than its text."""
    fields = [f"X-Asked-{number}: {'a' * 50}" for number in range(120)]
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for told in range(1500, 4000, 20):
        glance.other = lambda asked: asked.read().send(
            head("HTTP/1.1 200 OK", "Content-Length: 4", f"X-Told: {'t' * told}") + b"body")
        answer = proxy.ask("GET", "/v2/images", *fields)
        assert (answer.status, len(answer.get("X-Told")), answer.body) == (200, told, b"body"), told


@scenario
def long_answer_heads_are_relayed(fixture):
    long = f"X-Told: {'t' * 40_000}"
    body = b"in two" * 1000
    framings = [("Transfer-Encoding: chunked", chunks(body, 1000)), (f"Content-Length: {len(body)}", body),
                (f"Content-Length: {300 * len(body)}", 300 * body)]
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for framing, sent in framings:
        glance.other = lambda asked: asked.read().send(head("HTTP/1.1 200 OK", framing, long), sent)
        told = proxy.ask("GET", "/v2/images/x/file")
        assert len(told.get("X-Told")) == 40_000 and told.get("Connection") == "close"
        assert told.body == (sent if "Length" in framing else body)
        with proxy.client() as client:
            client.send(head("GET /v2/images/x/file HTTP/1.0"))
            told = client.answer()
            assert not told.chunked and told.body == (sent if "Length" in framing else body)
    glance.other = lambda asked: asked.read().send(head("HTTP/1.1 200 OK", "Content-Length: 5", long))
    told = proxy.ask("HEAD", "/v2/images/x/file")
    assert (told.get("Content-Length"), len(told.get("X-Told"))) == ("5", 40_000)
    glance.other = lambda asked: asked.read().send(head("HTTP/1.1 204 No Content", long))
    assert proxy.ask("DELETE", "/v2/images/x").status == 204
