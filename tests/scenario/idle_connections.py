# SPDX-License-Identifier: Apache-2.0
"""Glance, or a load balancer before it, sends data or closes a connection on which no request is pending. No
client may get an answer that is not for its own request."""
import contextlib
import json
import pathlib
import random
import socket
import threading
import time

from support.fixture import scenario, serving
from support.glance import IMAGE, UPLOAD, answer, facts, stored
from support.proxy import wait_until
from support.raw_http import Cut, head, request

ONE_WORKER = {"DEFAULT": {"workers": 1}}
STRAYS = {
    "a late 408": answer("408 Request Time-out", "Connection: close", body=b"too late"),
    "somebody else's 200": answer("200 OK", "X-Openstack-Request-Id: req-of-somebody", body=b"somebody's"),
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a byte": b"\n",
}


def own_answer(asked):
    return answer("200 OK", f"X-Openstack-Request-Id: {asked.get('X-Openstack-Request-Id')}",
                  body=asked.target.encode())


def own_chunked_answer(asked):
    body = asked.target.encode()
    return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
            + f"X-Openstack-Request-Id: {asked.get('X-Openstack-Request-Id')}\r\n\r\n".encode()
            + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


def later(asked, delay, piece):
    def send():
        with contextlib.suppress(OSError):  # the proxy may have closed it
            asked.stream.sock.sendall(piece)
    threading.Timer(delay, send).start()


def straying(stray, delay, own=own_answer):
    """Each answer is followed by bytes that belong to no request."""
    def script(asked):
        asked.read()
        if delay is None:
            asked.send(own(asked) + stray)
        else:
            asked.send(own(asked))
            later(asked, delay, stray)
    return script


def check_own(client, count, straying_glance=None):
    """`straying_glance` sends bytes after each answer. The next request waits until they have come and the proxy has
    closed their connection, or they might cross it."""
    for number in range(count):
        target, own = f"/v2/images?marker={number}", f"req-{number}"
        told = client.ask("GET", target, f"X-Openstack-Request-Id: {own}")
        assert (told.status, told.body) == (200, target.encode()), (number, told.start, told.body)
        assert told.get("X-Openstack-Request-Id") == own, (number, told.fields)
        if straying_glance:
            wait_until("their connection is closed", lambda: straying_glance.connections() == 0)


def sockets_in(state, host):
    """The number of sockets to this scenario's servers in a TCP state."""
    where = "".join(f"{int(part):02X}" for part in reversed(host.split(".")))
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[2].startswith(where) and row[3] == state for row in rows)


ESTABLISHED, TIME_WAIT, CLOSE_WAIT = "01", "06", "08"


@scenario(threaded=True)
def stray_bytes_with_the_answer_are_dropped(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=ONE_WORKER)
    for own in (own_answer, own_chunked_answer):
        for stray in STRAYS.values():
            glance.other = straying(stray, None, own)
            with proxy.client() as client:
                check_own(client, 5)


@scenario(threaded=True, representative=True)
def stray_bytes_on_an_idle_connection_are_dropped(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=ONE_WORKER)
    for stray in STRAYS.values():
        glance.other = straying(stray, 0.01)
        with proxy.client() as client:
            check_own(client, 4, glance)


@scenario
def stray_bytes_after_a_second_are_dropped(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=ONE_WORKER)
    for name in ("somebody else's 200", "a byte"):
        glance.other = straying(STRAYS[name], 1)
        with proxy.client() as client:
            check_own(client, 2, glance)


@scenario
def stray_bytes_under_tls_are_dropped(fixture):
    cert, key = fixture.certificate("glance")
    glance = fixture.glance(tls=serving(cert, key))
    proxy = fixture.proxy(glance, conf={**ONE_WORKER, "glance": {"ca_file": cert}})
    stray = STRAYS["somebody else's 200"]
    for delay in (None, 0.01):
        glance.other = straying(stray, delay)
        with proxy.client() as client:
            check_own(client, 4, glance if delay else None)

    def in_the_record_of_the_body(asked):
        whole = own_answer(asked.read())
        cut = whole.index(b"\r\n\r\n") + 4
        asked.send(whole[:cut])
        time.sleep(0.05)  # the proxy reads the head alone, and then no more than the body
        asked.send(whole[cut:] + stray)

    glance.other = in_the_record_of_the_body
    with proxy.client() as client:
        check_own(client, 4)


@scenario
def idle_tls_connection_is_reused(fixture):
    cert, key = fixture.certificate("glance")
    glance = fixture.glance(tls=serving(cert, key), other=lambda asked: asked.read().send(own_answer(asked)))
    proxy = fixture.proxy(glance, conf={**ONE_WORKER, "glance": {"ca_file": cert}})
    seen = set()
    glance.other = lambda asked: (seen.add(id(asked.stream)), asked.read().send(own_answer(asked)))
    with proxy.client() as client:
        check_own(client, 10)
    assert len(seen) <= 2, seen  # a session ticket may have closed the first connection


@scenario
def idle_connection_is_reused(fixture):
    seen = set()
    glance = fixture.glance(
        other=lambda asked: (seen.add(id(asked.stream)), asked.read().send(own_answer(asked))))
    proxy = fixture.proxy(glance, conf=ONE_WORKER)
    with proxy.client() as client:
        check_own(client, 20)
    assert len(seen) == 1, seen


@scenario
def requests_at_once_share_the_connections(fixture):
    """A connection that the proxy closes, because it takes a new one, stays in TIME_WAIT."""
    clients, rounds = 32, 10
    proxy = fixture.proxy(fixture.small_glance(), conf=ONE_WORKER)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(proxy.client()) for _ in range(clients)]
        for _ in range(rounds):
            for stream in streams:
                stream.send(request("GET", "/v2/images?limit=1", "X-Auth-Token: demo-token"))
            for stream in streams:
                assert stream.answer().status == 200
        assert sockets_in(TIME_WAIT, fixture.host) < rounds


@scenario(threaded=True)
def closed_idle_connections_are_removed(fixture):
    """Also if there are no further requests."""
    def script(asked):
        ended.append(asked.stream.sock)
        asked.read().send(own_answer(asked))

    ended = []
    glance = fixture.glance(other=script)
    proxy = fixture.proxy(glance)
    clients = [fixture.client(proxy) for _ in range(8)]
    for client in clients:
        client.send(request("GET", "/v2/images"))
    for client in clients:
        assert client.answer().status == 200
    assert sockets_in(ESTABLISHED, fixture.host) > 0
    for sock in set(ended):
        with contextlib.suppress(OSError):  # the proxy may have closed some
            sock.shutdown(socket.SHUT_WR)
    wait_until("the proxy has closed them", lambda: glance.connections() == 0)
    assert sockets_in(CLOSE_WAIT, fixture.host) == 0
    with proxy.client() as client:
        check_own(client, 3)


@scenario
def request_that_crosses_a_408_is_repeated(fixture):
    """Glance has sent the 408 before the request arrived. The proxy reads it after sending the request."""
    served = {}

    def script(asked):
        asked.read()
        served[asked.stream] = served.get(asked.stream, 0) + 1
        if served[asked.stream] > 1:
            asked.send(STRAYS["a late 408"]).close()
        else:
            asked.send(own_answer(asked))

    proxy = fixture.proxy(fixture.glance(other=script), conf=ONE_WORKER)
    with proxy.client() as client:
        check_own(client, 10)


@scenario
def answer_408_on_a_new_connection_is_relayed(fixture):
    proxy = fixture.proxy(fixture.glance(other=lambda asked: asked.read().send(STRAYS["a late 408"]).close()))
    assert proxy.ask("GET", "/v2/images").status == 408


@scenario
def stray_bytes_do_not_answer_preflight_queries(fixture):
    """The facts of another image must not decide about this upload."""
    another = head("HTTP/1.1 200 OK", "X-Openstack-Request-Id: req-of-another", "Content-Length: 2") + b"{}"
    strays = [another, answer("404 Not Found", "X-Openstack-Request-Id: req-of-another"),
              STRAYS["a late 408"]]
    glance = fixture.glance()

    def straying_image(asked):
        own = asked.get("X-Openstack-Request-Id")
        done = [put for put in glance.uploads() if put.answered == 204 and put.get("X-Openstack-Request-Id") == own]
        told = {"id": IMAGE, **facts(**(stored(done[-1]) if done else {}))}
        asked.read().send(answer("200 OK", f"X-Openstack-Request-Id: {own}", body=json.dumps(told).encode()))
        later(asked, 0.005, strays[len(glance.requests) % len(strays)])

    glance.image = straying_image
    proxy = fixture.proxy(glance, conf=ONE_WORKER)
    for _ in range(12):
        told = proxy.ask("PUT", UPLOAD, body=b"image")
        assert told.status == 204, (told.start, told.body)
        assert told.get("X-Intake-Verified") == "sha512", told.fields
        time.sleep(0.02)


@scenario(threaded=True)
def stray_bytes_under_load_mix_up_no_answers(fixture):
    """Stray bytes before, with and after answers, closes and half-closes, and many clients. Those that cross a request
    have the id of another one, and are told by it."""
    dice = random.Random(33)

    def script(asked):
        asked.read()
        fate = dice.random()
        if fate < 0.3:
            asked.send(own_answer(asked) + dice.choice(list(STRAYS.values())))
        elif fate < 0.6:
            asked.send(own_answer(asked))
            later(asked, dice.choice((0, 0.001, 0.01, 0.05)), STRAYS["somebody else's 200"])
        elif fate < 0.7:
            asked.send(own_answer(asked)).close()
        elif fate < 0.75:
            asked.send(own_answer(asked))
            asked.stream.sock.shutdown(socket.SHUT_WR)
        else:
            asked.send(own_answer(asked))

    wrong = []

    def ask_on(number):
        for turn in range(60):
            own, target = f"req-{number}-{turn}", f"/v2/images?marker={number}-{turn}"
            try:
                with proxy.client() as client:
                    told = client.ask("GET", target, f"X-Openstack-Request-Id: {own}")
            except Cut as cut:
                wrong.append((own, cut))
                continue
            if (told.status, told.body, told.get("X-Openstack-Request-Id")) != (200, target.encode(), own):
                wrong.append((own, told.start, told.fields, told.body))
            time.sleep(dice.choice((0, 0.002, 0.02)))

    glance = fixture.glance(other=script)
    proxy = fixture.proxy(glance)
    threads = [threading.Thread(target=ask_on, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    wait_until("no socket is in CLOSE-WAIT", lambda: sockets_in(CLOSE_WAIT, fixture.host) == 0)
    glance.other = lambda asked: asked.read().send(own_answer(asked))
    with proxy.client() as client:
        check_own(client, 50)


@scenario
def download_that_ends_with_the_connection_is_complete(fixture):
    """libcurl pauses the transfer for a slow client, and does not watch its socket meanwhile."""
    size = 12 << 20

    def script(asked):
        asked.read().send(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n")
        asked.send(bytes(size)).close()

    proxy = fixture.proxy(fixture.glance(other=script))
    for _ in range(3):
        with proxy.client() as client:
            client.send(request("GET", UPLOAD))
            time.sleep(0.3)  # all buffers between the client and Glance are full
            told = client.answer()
            assert (told.status, told.length) == (200, size), (told.start, told.length)
