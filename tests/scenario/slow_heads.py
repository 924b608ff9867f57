# SPDX-License-Identifier: Apache-2.0
"""header_timeout runs from the first byte of a head to its last. Before that byte, keepalive_timeout applies."""
import time

from malformed_requests import plain_and_tls, refused
from support.fixture import scenario
from support.glance import answer
from support.proxy import wait_until
from support.raw_http import head, request

GOOD = request("GET", "/v2/images")
LONG = head("GET /v2/images HTTP/1.1", "Host: h", "X-Long: " + "a" * 1000)


@scenario(threaded=True, representative=True, long=True)
def partial_head_gets_408(fixture):
    """With any part of the head, as the first request or a later one."""
    for _, connect in plain_and_tls(fixture, fixture.glance(), header_timeout="1s", keepalive_timeout="1h"):
        for part in (1, 10, len(LONG) - 1):  # of the request line, and of the fields
            for before in range(3):
                with connect() as client:
                    if before == 1:
                        assert client.send(GOOD).answer().status == 200
                    client.send(GOOD + LONG[:part] if before == 2 else LONG[:part])
                    if before == 2:
                        assert client.answer().status == 200
                    assert "header_timeout" in refused(client, 408, "client_stalled")["message"]


@scenario
def slow_bytes_do_not_extend_header_timeout(fixture):
    """A byte now and then does not help."""
    for _, connect in plain_and_tls(fixture, fixture.glance(), header_timeout="1s", keepalive_timeout="1h"):
        for later in (False, True):
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


@scenario
def header_timeout_runs_from_the_first_byte(fixture):
    """The end of the request line does not restart it."""
    for _, connect in plain_and_tls(fixture, fixture.glance(), header_timeout="10s"):
        with connect() as client:
            began = time.monotonic()
            client.send(LONG[:24])
            time.sleep(9)
            client.send(LONG[24:40])
            refused(client, 408, "client_stalled")
            assert time.monotonic() - began < 18.5  # and not 9 + 10


@scenario(long=True)
def idle_time_does_not_count_as_head(fixture):
    """Between two requests keepalive_timeout applies, and a slow answer has its own timeouts."""
    def slow(asked):
        time.sleep(2.5)
        asked.read().send(answer("200 OK", body=b"ok"))

    glance = fixture.glance(other=slow)
    for _, connect in plain_and_tls(fixture, glance, header_timeout="1500ms", keepalive_timeout="1h"):
        with connect() as client:
            for part in (len(GOOD), 5, 40):
                client.send(GOOD[:part])
                client.send(GOOD[part:])
                assert client.answer().body == b"ok"
                time.sleep(2)
