# SPDX-License-Identifier: Apache-2.0
"""header_timeout runs from the first byte of a head to its last. Before that byte, keepalive_timeout applies."""
import concurrent.futures
import time

from malformed_requests import plain_and_tls, refused
from support.fixture import scenario
from support.glance import answer
from support.proxy import wait_until
from support.raw_http import head, request

GOOD = request("GET", "/v2/images")
SLOW = request("GET", "/v2/images", "X-Slow: yes")
LONG = head("GET /v2/images HTTP/1.1", "Host: h", "X-Long: " + "a" * 1000)


@scenario(threaded=True, long=True)
def partial_head_gets_408(fixture):
    """With any part of the head, as the first request or a later one."""
    for _, connect in plain_and_tls(fixture, fixture.glance(), header_timeout="5s", keepalive_timeout="1h"):
        clients = []
        for part in (1, 10, len(LONG) - 1):  # of the request line, and of the fields
            for before in range(3):
                client = connect()
                clients.append(client)
                if before == 1:
                    assert client.send(GOOD).answer().status == 200
                client.send(GOOD + LONG[:part] if before == 2 else LONG[:part])
                if before == 2:
                    assert client.answer().status == 200
        for client in clients:  # all wait at once
            assert "header_timeout" in refused(client, 408, "client_stalled")["message"]
            client.close()


@scenario
def slow_bytes_do_not_extend_header_timeout(fixture):
    """A byte now and then does not help."""
    def drip(connect, later):
        with connect() as client:
            if later:
                assert client.send(GOOD).answer().status == 200
            bytes_left = iter(LONG)
            client.sock.settimeout(0.1)

            def ended():
                try:
                    client.send(bytes([next(bytes_left)]))
                    return not client.stream.fill() or b" 408 " in client.stream.ahead
                except TimeoutError:
                    return False
            wait_until("the proxy has had enough", ended)

    for _, connect in plain_and_tls(fixture, fixture.glance(), header_timeout="3s", keepalive_timeout="1h"):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(drip, (connect, connect), (False, True)))


@scenario
def header_timeout_runs_from_the_first_byte(fixture):
    """The end of the request line does not restart it."""
    for _, connect in plain_and_tls(fixture, fixture.glance(), header_timeout="6s"):
        with connect() as client:
            client.send(LONG[:24])
            time.sleep(3)
            again = time.monotonic()
            client.send(LONG[24:40])
            refused(client, 408, "client_stalled")
            assert time.monotonic() - again < 6  # which a restart would take


@scenario(long=True)
def idle_time_does_not_count_as_head(fixture):
    """Between two requests keepalive_timeout applies, and a slow answer has its own timeouts."""
    def ask(connect, part):
        with connect() as client:
            for sent, pause in ((GOOD, 3.5), (SLOW, 0), (GOOD, 0)):
                client.send(sent[:part])
                client.send(sent[part:])
                assert client.answer().body == b"ok"
                time.sleep(pause)

    def other(asked):
        time.sleep(3.5 if asked.get("X-Slow") else 0)
        asked.read().send(answer("200 OK", body=b"ok"))

    glance = fixture.glance(other=other)
    for _, connect in plain_and_tls(fixture, glance, header_timeout="3s", keepalive_timeout="1h"):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(ask, [connect] * 3, (len(GOOD), 5, 40)))
