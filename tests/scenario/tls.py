# SPDX-License-Identifier: Apache-2.0
"""TLS of the listener, and TLS to Glance."""
import contextlib
import functools
import hashlib
import itertools
import json
import socket
import ssl
import time

from support.fixture import scenario, serving, trusting
from support.glance import IMAGE, UPLOAD, accept_upload, answer, facts, json_answer
from support.proxy import STREAM
from support.raw_http import LAST_CHUNK, PATIENCE, chunk, head

SMALL = bytes(range(256))


@functools.cache
def large():
    return hashlib.shake_128(b"tls").digest(3 * (1 << 20) + 7)


def listening(fixture, glance, **conf):
    """A proxy with TLS, and a client context that trusts it."""
    cert, key = fixture.certificate("listener")
    tls = {"tls_cert_file": cert, "tls_key_file": key, **conf}
    return fixture.proxy(glance, conf={"listen": tls, **STREAM}), trusting(cert)


@scenario(threaded=True)
def uploads_over_tls_are_stored(fixture):
    glance = fixture.glance()
    proxy, tls = listening(fixture, glance)
    with proxy.client(tls=tls) as client:
        assert client.ask("GET", "/v2/images").status == 200
        assert client.ask("PUT", UPLOAD, body=SMALL).status == 204
    for data in (SMALL, large()):
        with proxy.client(tls=tls) as client:
            assert client.ask("PUT", UPLOAD, body=data).status == 204
        with proxy.client(tls=tls) as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
            client.send(*(chunk(data[at:at + 70_000]) for at in range(0, len(data), 70_000)))
            assert client.send(LAST_CHUNK).answer().status == 204
    assert [asked.body for asked in glance.uploads()] == [SMALL, SMALL, SMALL, large(), large()]
    assert {asked.get("X-Forwarded-Proto") for asked in glance.requests} == {"https"}


class Records:
    """A client that chooses the sizes of its TLS records and of its sends."""

    def __init__(self, proxy, tls):
        self.sock = socket.create_connection(proxy.address, PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls.wrap_bio(self.into, self.out, server_hostname=proxy.address[0])
        self.done(self.tls.do_handshake)

    def done(self, action):
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                self.sock.sendall(self.out.read())
                self.into.write(self.sock.recv(1 << 16))

    def records(self, data, sizes):
        """The bytes to send for `data`, in records of these sizes, repeated."""
        at = 0
        for size in itertools.cycle(sizes):
            self.tls.write(data[at:at + size])
            at += size
            if at >= len(data):
                return self.out.read()

    def send(self, wire, piece, pause=0.0):
        for at in range(0, len(wire), piece):
            self.sock.sendall(wire[at:at + piece])
            time.sleep(pause)


@scenario(threaded=True)
def records_of_any_size_are_read(fixture):
    """Many records are read at once, and part of one."""
    cert, key = fixture.certificate("listener")
    listen = {"tls_cert_file": cert, "tls_key_file": key}
    glance = fixture.glance()
    sent = head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(large())}") + large()
    proxy = fixture.proxy(glance, conf={"listen": listen})
    for verify in ("size", "digest"):
        proxy.reload(conf={"listen": listen, "upload": {"verify": verify}})
        for sizes, piece, pause in (([1 << 14], 1 << 20, 0), ([1 << 14], 100_003, 0.002), ([700], 1 << 18, 0),
                                    ([1, 1 << 14, 5000], 300_007, 0.002), ([1 << 14, 17], 1 << 16, 0)):
            client = Records(proxy, trusting(cert))
            client.send(client.records(sent, sizes), piece, pause)
            assert client.done(lambda: client.tls.read(12)) == b"HTTP/1.1 204", (verify, sizes)
            client.sock.close()
            assert glance.uploads()[-1].sha512 == hashlib.sha512(large()).hexdigest()


@scenario
def download_over_tls_is_intact(fixture):
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("200 OK", body=large())))
    proxy, tls = listening(fixture, glance)
    with proxy.client(tls=tls) as client:
        for _ in range(2):
            assert client.ask("GET", "/v2/images/x/file").body == large()


@scenario
def early_answer_over_tls_is_read(fixture):
    def script(asked):
        asked.read(10_000).send(answer("413 Payload Too Large", body=b"too large"))
        asked.await_close()

    proxy, tls = listening(fixture, fixture.glance(upload=script))
    for framing in (f"Content-Length: {64 << 20}", "Transfer-Encoding: chunked"):
        with proxy.client(tls=tls) as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", framing))
            client.send(bytes(2 << 20) if "Length" in framing else chunk(bytes(200_000)))
            told = client.answer()
            assert (told.status, told.body) == (413, b"too large"), framing


@scenario
def reset_over_tls_cuts_the_upload(fixture):
    glance = fixture.glance()
    proxy, tls = listening(fixture, glance)
    with proxy.client(tls=tls) as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {8 << 20}"), large())
        glance.the_upload(received=len(large()) // 2)
        client.reset()
    glance.wait("the cut", lambda _: glance.uploads()[0].cut)
    assert not glance.uploads()[0].complete


def told_of_tls(client, method="GET"):
    """Checks the answer to plain HTTP on a TLS port."""
    told = client.answer(method)
    assert (told.status, told.get("Connection")) == (400, "close"), told.start
    assert told.get("Content-Type") == "text/plain; charset=UTF-8"
    assert client.closed()
    return told


@scenario
def plain_http_on_a_tls_port_is_refused(fixture):
    """In plain text, whatever part of the request has come. Nothing reaches Glance."""
    glance = fixture.glance()
    proxy, tls = listening(fixture, glance, header_timeout="5s")
    ask = head("GET /v2/images HTTP/1.1", "Host: images.example.org:9292")
    with proxy.client() as client:
        told = told_of_tls(client.send(ask))
        assert b"Begin the address with https://" in told.body, told.body
        assert b"https://images.example.org:9292\n" in told.body, told.body
    clients = [fixture.client(proxy).send(sent) for sent in (
        b"G", b"p", ask[:9], head("GET / HTTP/1.1", "Host: <b>"), head("GET / HTTP/1.1"), b"GET\r\n",
        b"SSH-2.0-OpenSSH\r\n", head("PUT / HTTP/1.1", "Host: h", "Content-Length: 90000") + SMALL)]
    for client in clients:  # all wait at once for the header_timeout of the parts
        told_of_tls(client)
    with proxy.client() as client:
        assert told_of_tls(client.send(head("HEAD /v2/images HTTP/1.1", "Host: h")), "HEAD").body == b""
    assert proxy.metric("refusals_total", reason="plain_http") == 10
    assert proxy.client(tls=tls).ask("GET", "/v2/images").status == 200
    assert len(glance.requests) == 1


@scenario
def other_bytes_on_a_tls_port_get_no_http_answer(fixture):
    """They are left to TLS. A silent client is closed after header_timeout."""
    glance = fixture.glance()
    proxy, tls = listening(fixture, glance, header_timeout="3s")
    clients = [fixture.client(proxy).send(sent) for sent in (
        b"", b"\x16", b"\x16\x03\x01\x00", b"\x80\x2e\x01\x00\x02", b"\0\0\0\0\0", b"\r\nGET / HTTP/1.1\r\n")]
    for client in clients:  # all wait at once
        while client.stream.fill():  # an alert or nothing, then the end
            assert b"HTTP/1.1" not in client.stream.ahead
    assert proxy.metric("refusals_total", reason="plain_http") == 0
    assert proxy.client(tls=tls).ask("GET", "/v2/images").status == 200


@scenario(threaded=True)
def many_plain_http_clients_block_nobody(fixture):
    """At once, beside an upload over TLS."""
    glance = fixture.glance()
    proxy, tls = listening(fixture, glance)
    with proxy.client(tls=tls) as upload, contextlib.ExitStack() as connections:
        upload.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(large())}"), large()[:1 << 20])
        plain = [connections.enter_context(proxy.client()) for _ in range(100)]
        for client in plain:
            client.send(b"P")
        for client in plain:
            told_of_tls(client)
        assert upload.send(large()[1 << 20:]).answer().status == 204
        plain[0].reset()
    assert glance.uploads()[0].body == large()
    proxy.wait_metric(0, "connections")


@scenario
def tls_to_glance_is_verified(fixture):
    cert, key = fixture.certificate("glance")
    glance = fixture.glance(tls=serving(cert, key), upload=accept_upload)
    table = [({"ca_file": cert}, True), ({"insecure": "true"}, True), ({}, False)]
    for conf, trusted in table:
        proxy = fixture.proxy(glance, conf={"glance": conf})
        seen = len(glance.uploads())
        for body in (SMALL, large()):
            told = proxy.ask("PUT", UPLOAD, body=body)
            if trusted:
                assert told.status == 204 and glance.uploads()[-1].body == body
            else:
                assert told.status == 502
                assert json.loads(told.body)["reason"] == "glance_unreachable"
                assert len(glance.uploads()) == seen
        proxy.stop()


@scenario
def whole_upload_is_stored_although_the_client_half_closes(fixture):
    """It ends with a close_notify before Glance has answered the question for the image. The proxy may then hold a part
    of the body decrypted, or not even a whole record of it."""
    glance = fixture.glance(image=lambda asked: asked.hold().send(json_answer("200 OK", facts())))
    cert, key = fixture.certificate("listener")
    proxy = fixture.proxy(glance, conf={"listen": {"tls_cert_file": cert, "tls_key_file": key},
                                        "upload": {"verify": "off"}})
    body = bytes(range(250)) * 40

    def begin(expect, early):
        """Sends the head in one record and the body in another one, of which so many bytes come early."""
        before = len(glance.requests)
        client = Records(proxy, trusting(cert))
        wire = client.records(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *expect),
                              [1 << 14])
        rest = client.records(body, [1 << 14])
        with contextlib.suppress(ssl.SSLWantReadError):
            client.tls.unwrap()
        rest += client.out.read()
        client.sock.sendall(wire + rest[:early])

        def questions():
            return [asked for asked in glance.requests[before:] if asked.target.endswith(IMAGE)]

        glance.wait("the question", lambda _: questions())
        client.sock.sendall(rest[early:])
        client.sock.shutdown(socket.SHUT_WR)
        return client, questions()[0]

    clients = [begin(expect, early) for expect in ([], ["Expect: 100-continue"]) for early in (0, 6_000, len(body))]
    time.sleep(2)  # the proxy looks for the end of a client at the first tick
    for client, question in clients:
        question.go()
        said = b""
        while not said.endswith(b"\r\n\r\n") or b" 204 " not in said:
            got = client.sock.recv(1 << 16)
            assert got, said
            client.into.write(got)
            with contextlib.suppress(ssl.SSLWantReadError):
                said += client.tls.read(1 << 16)
    assert {asked.body for asked in glance.uploads()} == {body}
