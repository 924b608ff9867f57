# SPDX-License-Identifier: Apache-2.0
"""Answers without a length for HTTP/1.0 clients. The end of the connection is the end of the body (RFC 9112 6.3), so
the client has to see from it whether the body is whole."""
import re
import ssl
import time

from support.fixture import scenario, trusting
from support.raw_http import LAST_CHUNK, chunk, head

TARGET = "/v2/images/x/file"
PART = bytes(range(256)) * 20
FILLER = "X-Filler: " + "f" * 6_000
# libmicrohttpd sends the answer, or the proxy itself does, since the heads need more memory than one connection has.
FIELDS = {"small heads": [], "large heads": [FILLER, FILLER]}


def chunked(end):
    """Begins an answer without a length, then calls end(request)."""
    def script(asked):
        asked.read().send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", FILLER) + chunk(PART))
        time.sleep(0.1)
        end(asked)
    return script


def got(client, fields):
    """The body that the client gets, and how it ends."""
    client.send(head(f"GET {TARGET} HTTP/1.0", "Host: h", *fields)).answer_head()
    return rest(client)


def rest(client):
    body, end = client.stream.take(len(client.stream.ahead)), "closed"
    try:
        while piece := client.sock.recv(1 << 16):
            body += piece
    except ConnectionResetError:
        end = "reset"
    except ssl.SSLError:  # Python has no more precise one for it in all versions
        end = "closed without a close_notify"
    return body, end


@scenario
def broken_answer_ends_with_a_reset(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for size, fields in FIELDS.items():
        for how in ("close", "reset"):
            glance.other = chunked(lambda asked: getattr(asked, how)())
            with proxy.client() as client:
                assert got(client, fields) == (PART, "reset"), (size, how)


@scenario
def whole_answer_ends_with_a_close(fixture):
    proxy = fixture.proxy(fixture.glance(other=chunked(lambda asked: asked.send(LAST_CHUNK))),
                          conf={"DEFAULT": {"access_log": "all"}})
    for size, fields in FIELDS.items():
        with proxy.client() as client:
            assert got(client, fields) == (PART, "closed"), size
    proxy.stop()
    assert re.findall(r"verdict=(\w+)", proxy.log()) == ["answered"] * len(FIELDS)


@scenario
def client_that_does_not_read_it_gets_a_reset(fixture):
    def endless(asked):
        while True:
            asked.send(chunk(bytes(1 << 16)))

    glance = fixture.glance(other=chunked(endless))
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "1s"}})
    for size, fields in FIELDS.items():
        with proxy.client() as client:
            client.send(head(f"GET {TARGET} HTTP/1.0", "Host: h", *fields)).answer_head()
            proxy.wait_metric(0, "connections")
            assert rest(client)[1] == "reset", size


@scenario
def stalled_glance_ends_it_with_a_reset(fixture):
    glance = fixture.glance(other=chunked(lambda asked: asked.await_close()))
    proxy = fixture.proxy(glance, conf={"glance": {"stall_timeout": "1s"}})
    for size, fields in FIELDS.items():
        with proxy.client() as client:
            assert got(client, fields) == (PART, "reset"), size


@scenario
def proxy_that_stops_ends_it_with_a_reset(fixture):
    for size, fields in FIELDS.items():
        glance = fixture.glance(other=chunked(lambda asked: (stop(), asked.await_close())))
        proxy = fixture.proxy(glance, conf={"DEFAULT": {"drain_timeout": "300ms"}})
        stop = proxy.process.terminate
        with proxy.client() as client:
            assert got(client, fields) == (PART, "reset"), size
        assert proxy.stop() is None
        glance.stop()


@scenario
def end_over_tls_says_whether_it_is_whole(fixture):
    cert, key = fixture.certificate("listener")
    tls = trusting(cert)
    tls.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Python sets it
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"tls_cert_file": cert, "tls_key_file": key}})
    for size, fields in FIELDS.items():
        for whole in (True, False):
            glance.other = chunked(lambda asked: asked.send(LAST_CHUNK) if whole else asked.close())
            with proxy.client() as client:
                client.sock = tls.wrap_socket(client.sock, server_hostname=proxy.host, suppress_ragged_eofs=False)
                client.stream.sock = client.sock
                body, end = got(client, fields)
            assert body == PART and (end == "closed") == whole, (size, whole, end)
