# SPDX-License-Identifier: Apache-2.0
"""The JSON of updates, which the proxy buffers and reads while locations are closed: malformed, too long, slow or cut
JSON, and the limits of the buffers."""
import json
import select
import time

from ingest import AUDIT, CHUNKED, MAX, NEWER, POINT, RENAME, TOKEN, UPDATE, begin, env, passed, refused, updates
from support.fixture import scenario
from support.glance import answer, facts
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, PATIENCE, chunk, chunks


# --- what cannot be read ------------------------------------------------------------------------------

UNREADABLE = (
    b"[", b"x", b"\xff[]", b"[NaN]", b"\xef\xbb\xbf[]", b'["\\ud800"]', b'"text"',
    b'[{"op": "add", "path": "/name", "path": "/locations/-", "value": 1}]',
    b'[{"op": "add", "path": "/locations/-", "path": "/name", "value": 1}]',
    b'[{"op": "add", "path": "/name", "p\\u0061th": "/locations/-", "value": 1}]',
    b"[" * 100_000,
)


@scenario
def ambiguous_json_is_refused(fixture):
    glance, proxy = env(fixture)
    for body in UNREADABLE:
        said = refused(proxy.ask("PATCH", UPDATE, TOKEN, NEWER, body=body), 400, "json_malformed")
        assert "cannot be read" in said["message"], said
    assert updates(glance) == []


@scenario
def audit_relays_ambiguous_json(fixture):
    glance, proxy = env(fixture, AUDIT)
    for body in UNREADABLE:
        told = proxy.ask("PATCH", UPDATE, TOKEN, NEWER, body=body)
        passed(glance, told, body)
        assert told.get("X-Intake-Audit") == "json_malformed"
    assert proxy.metric("audited_total", what="json_malformed") == len(UNREADABLE)


def padded(size):
    return b"[" + b" " * (size - 2) + b"]"


@scenario
def too_long_json_is_refused(fixture):
    """At once if the head tells the length, else when the limit is passed."""
    glance, proxy = env(fixture)
    passed(glance, proxy.ask("PATCH", UPDATE, NEWER, body=padded(MAX)), padded(MAX))
    with proxy.client() as client:
        begin(client, CHUNKED).send(chunks(padded(MAX)))
        passed(glance, client.answer(), padded(MAX))
    glance.requests.clear()
    with proxy.client() as client:
        begin(client, f"Content-Length: {MAX + 1}", "Expect: 100-continue")
        said = refused(client.answer(), 413, "json_too_long")
        assert "256 KiB" in said["message"] and client.interim == [], said
    with proxy.client() as client:
        begin(client, CHUNKED)
        client.send_until_refused(chunk(padded(MAX + 1)))  # and no end
        refused(client.answer(), 413, "json_too_long")
    assert updates(glance) == []


@scenario(threaded=True)
def audit_relays_too_long_json(fixture):
    """The buffered bytes go first, the rest is streamed."""
    glance, proxy = env(fixture, AUDIT)
    body = POINT + b" " * (3 * MAX)
    for framing, sent in ((f"Content-Length: {len(body)}", body), (CHUNKED, chunks(body))):
        with proxy.client() as client:
            begin(client, framing).send(sent)
            told = client.answer()
        passed(glance, told, body)
        assert told.get("X-Intake-Audit") == "json_too_long"


# --- slow, cut, many ----------------------------------------------------------------------------------


@scenario
def json_may_come_byte_by_byte(fixture):
    glance, proxy = env(fixture)
    for body, status in ((RENAME, 201), (POINT, 403)):
        with proxy.client() as client:
            begin(client, CHUNKED)
            for at in range(len(body)):
                client.send(chunk(body[at:at + 1]))
            assert client.send(LAST_CHUNK).answer().status == status
        with proxy.client() as client:
            begin(client, f"Content-Length: {len(body)}")
            client.send(*(body[at:at + 1] for at in range(len(body))))
            assert client.answer().status == status
    assert [asked.body for asked in glance.requests] == [RENAME] * 2


@scenario
def cut_json_is_not_relayed(fixture):
    """Nothing of an incomplete body reaches Glance."""
    glance, proxy = env(fixture, conf={"DEFAULT": {"workers": 1}})  # it accepts the connections in turn
    for framing, sent in ((f"Content-Length: {len(RENAME)}", RENAME[:-1]), (CHUNKED, chunk(RENAME))):
        for end in ("close", "reset"):
            with proxy.client() as client:
                begin(client, framing).send(sent)
                getattr(client, end)()
    assert proxy.ask("GET", UPDATE).status == 200
    proxy.wait_metric(0, "connections")
    assert [asked.method for asked in glance.requests] == ["GET"]


@scenario
def stalled_json_gets_408(fixture):
    glance, proxy = env(fixture, conf={"listen": {"stall_timeout": "1s"}})
    with proxy.client() as client:
        begin(client, f"Content-Length: {len(RENAME)}").send(RENAME[:5])
        refused(client.answer(), 408, "client_stalled")
    assert glance.requests == []


@scenario
def slow_json_gets_408(fixture):
    """A slow client does not hold a buffer for ever."""
    glance, proxy = env(fixture, conf={"listen": {"stall_timeout": "2s"}})
    with proxy.client() as client:
        begin(client, f"Content-Length: {MAX}")
        until = time.monotonic() + PATIENCE
        while not select.select([client.sock], [], [], 0.2)[0]:
            assert time.monotonic() < until, "the slow client is still served"
            client.send(b" ")
        said = refused(client.answer(), 408, "client_stalled")
        assert "all of its JSON must come within 2 s" in said["message"], said
    assert glance.requests == []


def fill(fixture, proxy, count, source):
    """So many clients at one address, each with all but the last byte of the longest body that is allowed."""
    clients = [fixture.client(proxy, source) for _ in range(count)]
    for client in clients:
        begin(client, f"Content-Length: {MAX}").send(padded(MAX)[:-1])
    return clients


def told_to_come_again(clients, count):
    """Waits until at least `count` of them were refused. Returns the others."""
    told = set()
    while len(told) < count:
        ready = select.select([client.sock for client in clients if client not in told], [], [], PATIENCE)[0]
        assert ready, f"only {len(told)} of {len(clients)} were refused"
        for client in [client for client in clients if client.sock in ready]:
            said = refused(client.answer(), 503, "too_many_connections")
            assert "JSON" in said["message"], said
            told.add(client)
    return [client for client in clients if client not in told]


def end(glance, clients):
    """The accepted clients, which are most of them, complete their updates."""
    statuses = [client.send(b"]").answer().status for client in clients]
    assert set(statuses) <= {201, 503} and statuses.count(201) >= len(statuses) / 2, statuses
    assert all(asked.body == padded(MAX) for asked in updates(glance) if asked.complete)


@scenario
def json_buffers_are_limited(fixture):
    """A worker buffers 4 MiB of JSON from one address and 16 MiB in all. Further clients get 503."""
    glance, proxy = env(fixture, conf={"DEFAULT": {"workers": 1}})
    one = told_to_come_again(fill(fixture, proxy, 20, "127.0.0.100"), 4)
    with proxy.client("127.0.0.101") as other:
        passed(glance, other.ask("PATCH", UPDATE, NEWER, body=padded(MAX)), padded(MAX))
    end(glance, one)
    glance.requests.clear()
    clients = [client for number in range(5) for client in fill(fixture, proxy, 16, f"127.0.0.{102 + number}")]
    rest = told_to_come_again(clients, 16)
    assert proxy.ask("GET", UPDATE).status == 200  # which needs no buffer
    told = proxy.ask("PATCH", UPDATE, NEWER, body=RENAME)  # nor this, a small one
    assert told.status == 201, told.start
    glance.requests.clear()
    end(glance, rest)


def known_by_token(asked):
    """A client without a token is unknown."""
    asked.read().send(answer("200 OK", body=json.dumps(facts()).encode()) if asked.get("X-Auth-Token")
                      else answer("401 Unauthorized", "X-Of-Glance: yes", body=b"Glance's own"))


@scenario
def clients_without_a_token_block_nobody(fixture):
    """A client without a token may buffer a little. For more the proxy asks Glance, and the client gets
    Glance's 401. So the updates of clients with a token pass, however many others there are."""
    glance, proxy = env(fixture, conf={"DEFAULT": {"workers": 1}})
    glance.image = known_by_token
    for client in fill(fixture, proxy, 64, "127.0.0.66"):
        told = client.answer()
        assert (told.status, told.body) == (401, b"Glance's own"), told.start
    assert updates(glance) == []
    dribblers = [fixture.client(proxy, "127.0.0.66") for _ in range(300)]
    for client in dribblers:
        begin(client, f"Content-Length: {MAX}").send(padded(16_000)[:-1])

    def refused_ones():
        return select.select([client.sock for client in dribblers], [], [], 0)[0]
    wait_until("each one is served or refused",
               lambda: proxy.metric("requests_in_flight") + len(refused_ones()) == len(dribblers))
    for size in [len(RENAME), MAX] * 10:
        body = RENAME + b" " * (size - len(RENAME))
        passed(glance, proxy.ask("PATCH", UPDATE, TOKEN, NEWER, body=body), body)
    assert all(asked.get("X-Auth-Token") for asked in updates(glance))


@scenario
def failed_token_check_is_passed_on(fixture):
    for image, status, words in ((answer("503 Service Unavailable", body=b"Glance's own"), 503, b"Glance's own"),
                                 (lambda asked: asked.close(), 502, b"glance_failed")):
        glance, proxy = env(fixture)
        glance.image = image
        told = proxy.ask("PATCH", UPDATE, TOKEN, NEWER, body=padded(MAX))
        assert told.status == status and words in told.body, (told.start, told.body)
        assert updates(glance) == []
        proxy.stop()
        glance.stop()
