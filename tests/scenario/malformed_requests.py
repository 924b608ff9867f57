# SPDX-License-Identifier: Apache-2.0
"""Requests that libmicrohttpd would accept, and the proxy refuses: as the first or a later request, alone or
pipelined, plain or over TLS. The client gets one answer, which is the proxy's own, and the connection ends."""
import json

from support.fixture import scenario, trusting
from support.glance import UPLOAD, answer, new_upload
from support.proxy import STREAM
from support.raw_http import LAST_CHUNK, chunk, head, request

GOOD = request("GET", "/v2/images")
HOST = b"Host: h\r\n"
LINE = b"GET /v2/images HTTP/1.1\r\n"
END = b"\r\n" + GOOD

HEADS = {
    "a first folded line": LINE + b" " + HOST + END,
    "a folded value": LINE + HOST + b"X-Name: a\r\n\tb\r\n" + END,
    "a folded length": LINE + HOST + b"Content-Length:\r\n 54\r\n" + END,
    "NUL in the method": b"GE\0T /v2/images HTTP/1.1\r\n" + HOST + END,
    "NUL in the target": b"GET /v2/images\0/x HTTP/1.1\r\n" + HOST + END,
    "NUL in a name": LINE + HOST + b"X\0Name: a\r\n" + END,
    "NUL in a value": LINE + HOST + b"X-Name: a\0b\r\n" + END,
    "bare LF behind the request line": LINE[:-2] + b"\n" + HOST + END,
    "bare LF behind a field": LINE + b"Host: h\n" + END,
    "bare LF at the end": LINE + HOST + b"\n" + GOOD,
    "lone CR behind the request line": LINE[:-1] + HOST + END,
    "lone CR in a value": LINE + HOST + b"X-Name: a\rb\r\n" + END,
    "ESC in a value": LINE + HOST + b"X-Name: \x1b[31m\r\n" + END,
    "a tab in the target": b"GET /v2/\timages HTTP/1.1\r\n" + HOST + END,
    "a blank line first": b"\r\n" + GOOD,
    "a line feed first": b"\n" + GOOD,
    "NUL first": b"\0" + GOOD,
    "no name": LINE + HOST + b": b\r\n" + END,
    "a blank before the colon": LINE + HOST + b"X-Name : a\r\n" + END,
    "no colon": LINE + HOST + b"X-Name\r\n" + END,
    "a length with a sign": LINE + HOST + b"Content-Length: +5\r\n" + END,
    "a list of lengths": LINE + HOST + b"Content-Length: 5, 5\r\n" + END,
    "no length": LINE + HOST + b"Content-Length:\r\n" + END,
    "no target": b"GET HTTP/1.1\r\n" + HOST + END,
    "no version": b"GET /v2/images\r\n" + HOST + END,
}
LONG = b"a" * 300_000
LARGE = bytes(600_000)  # a body that is read past libmicrohttpd
OTHERS = {  # by name: what is sent, the status, the reason
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version"),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\n" + HOST + END, 505, "http_version"),
    "a long target": (b"GET /v2/images?" + LONG + b" HTTP/1.1\r\n" + HOST + END, 414, "target_too_long"),
    "a long field": (LINE + HOST + b"X-Name: " + LONG + b"\r\n" + END, 431, "head_too_long"),
    "many fields": (LINE + HOST + b"X: y\r\n" * 5000 + END, 431, "head_too_long"),
    "many cookies": (LINE + HOST + b"Cookie: " + b"a;" * 3000 + b"\r\n" + END, 431, "head_too_long"),
}
CHUNKS = {
    "no size": b"\r\n",
    "a size that is none": b"xyz\r\nabc\r\n",
    "a size beyond all bounds": b"ffffffffffffffffff\r\nabc\r\n",
    "bare LF behind the size": b"3\nabc\r\n",
    "bare LF behind the data": b"3\r\nabc\n0\r\n\r\n",
    "lone CR behind the size": b"3\rabc\r\n",
    "a longer chunk": b"3\r\nabcd\r\n",
    "a control character in an extension": b"3;a=\x01\r\nabc\r\n",
    "a blank behind the size": b"3 \r\nabc\r\n",
    "bare LF in a trailer": b"0\r\nX-Name: a\n\r\n",
    "NUL in a trailer": b"0\r\nX-Name: \0\r\n\r\n",
    "a folded trailer": b"0\r\nX-Name: a\r\n b\r\n\r\n",
    "bare LF at the end": b"0\r\n\n",
}


def echo_target(asked):
    asked.read().send(answer("200 OK", body=asked.target.encode()))


def plain_and_tls(fixture, glance, **conf):
    """Yields a proxy and a function that connects to it: first plain, then TLS."""
    cert, key = fixture.certificate("listener")
    plain = fixture.proxy(glance, conf={"listen": conf, **STREAM})
    yield plain, plain.client
    plain.stop()
    tls = fixture.proxy(glance, conf={"listen": {"tls_cert_file": cert, "tls_key_file": key, **conf}, **STREAM})
    yield tls, lambda: tls.client(tls=trusting(cert))


def refused(client, status=400, reason="bad_request"):
    """One complete answer of the proxy, and then the end of the connection."""
    told = client.answer()
    assert (told.status, told.get("Connection")) == (status, "close"), told.start
    said = json.loads(told.body)
    assert said["reason"] == reason and said["message"] and said["hint"], said
    assert said["request_id"] == told.get("X-Openstack-Request-Id") != "", said
    assert len(told.all("Content-Length")) == len(told.all("Date")) == 1, told.fields
    assert client.closed()
    return said


@scenario
def malformed_heads_are_refused(fixture):
    glance = fixture.glance(other=echo_target)
    for proxy, connect in plain_and_tls(fixture, glance):
        for name, sent in HEADS.items():
            for before in range(3):  # alone; after an answered request; pipelined behind one
                with connect() as client:
                    if before == 1:
                        assert client.send(GOOD).answer().status == 200, name
                    client.send(GOOD + sent if before == 2 else sent)
                    if before == 2:
                        assert client.answer().body == b"/v2/images", name
                    refused(client)
        asked = [asked.start for asked in glance.requests]
        assert asked == ["GET /v2/images HTTP/1.1"] * 2 * len(HEADS), asked
        assert proxy.metric("refusals_total", reason="bad_request") == 3 * len(HEADS)
        proxy.wait_metric(0, "connections")
        glance.requests.clear()


@scenario
def malformed_heads_in_pieces_are_refused(fixture):
    glance = fixture.glance()
    for _, connect in plain_and_tls(fixture, glance):
        for name in ("a folded length", "NUL in the target", "lone CR in a value", "no length"):
            with connect() as client:
                client.send(*(bytes([byte]) for byte in HEADS[name][:60]))
                client.send_until_refused(HEADS[name][60:])
                refused(client)
    assert glance.requests == []


@scenario
def unsupported_heads_get_their_status(fixture):
    glance = fixture.glance(other=echo_target)
    for _, connect in plain_and_tls(fixture, glance):
        for sent, status, reason in OTHERS.values():
            for before in (b"", GOOD):
                with connect() as client:
                    client.send_until_refused(before + sent)
                    if before:
                        assert client.answer().status == 200, reason
                    refused(client, status, reason)
    assert len(glance.requests) == 2 * len(OTHERS)


@scenario
def refusal_of_head_has_no_body(fixture):
    with fixture.proxy(fixture.glance()).client() as client:
        told = client.send(b"HEAD / HTTP/1.1\r\n" + HOST + b"A: \0\r\n" + END).answer("HEAD")
        assert told.status == 400 and client.closed()


@scenario
def refusal_waits_for_earlier_answers(fixture):
    """Even if the earlier answer comes late."""
    glance = fixture.glance(other=lambda asked: asked.read().hold().send(answer("200 OK", body=b"late")))
    for _, connect in plain_and_tls(fixture, glance):
        with connect() as client:
            client.send(GOOD + HEADS["a folded value"])
            glance.wait("the request", lambda _: glance.requests)
            glance.requests[0].go()
            assert client.answer().body == b"late"
            refused(client)
        glance.requests.clear()


@scenario
def malformed_chunks_are_refused(fixture):
    """Together with the head, after it, and in the middle of an upload that Glance is reading."""
    glance = fixture.glance()
    for proxy, connect in plain_and_tls(fixture, glance):
        glance.requests.clear()
        for name, bad in CHUNKS.items():
            for target in (new_upload(), "/v2/images"):
                begin = head(f"PUT {target} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked")
                for pieces in ([begin + bad], [begin, bad], [begin + chunk(b"x" * 100), bad]):
                    with connect() as client:
                        refused(client.send(*pieces))
            path = new_upload()

            def large():  # the cases before may still come to Glance
                return [asked for asked in glance.uploads() if asked.target == path]
            with connect() as client:
                client.send(head(f"PUT {path} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"), chunk(LARGE))
                glance.wait("the upload", lambda _: large() and large()[0].length >= len(LARGE) - 70_000)
                refused(client.send(bad))
            glance.wait(f"the cut ({name})", lambda _: large()[0].cut)
        assert not any(asked.complete for asked in glance.uploads())
        proxy.wait_metric(0, "uploads_in_flight")


@scenario
def nothing_behind_a_large_chunked_body_is_served(fixture):
    """The connection ends with the answer, which says so. A sound request may be sent again on another one."""
    glance = fixture.glance()
    for _, connect in plain_and_tls(fixture, glance):
        for behind in (GOOD, HEADS["NUL first"], b"0\r\n\r\n"):
            glance.requests.clear()
            with connect() as client:
                client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"),
                            chunk(LARGE), b"4\r\nlast\r\n" + LAST_CHUNK + behind)
                told = client.answer()
                assert (told.status, told.get("Connection")) == (204, "close"), told.start
                assert client.closed()
            assert glance.uploads()[-1].body == LARGE + b"last"
            assert not any(asked.target == "/v2/images" for asked in glance.requests), behind


@scenario
def folded_fields_smuggle_nothing(fixture):
    """A proxy in front that unfolds lines sees one request with a body. It must not become two."""
    hidden = request("DELETE", "/v2/images/victim", "X-Auth-Token: stolen")
    glance = fixture.glance()
    for _, connect in plain_and_tls(fixture, glance):
        for fold in (b"\r\n ", b"\r\n\t", b" \r\n "):
            for field in (b"Content-Length:" + fold + b"%d" % len(hidden), b"Transfer-Encoding:" + fold + b"chunked",
                          b"X-Name: a" + fold + b"Content-Length: %d" % len(hidden)):
                with connect() as client:
                    refused(client.send(b"POST /v2/images HTTP/1.1\r\n" + HOST + field + b"\r\n\r\n" + hidden))
    assert glance.requests == []


@scenario
def blanks_around_values_are_trimmed(fixture):
    glance = fixture.glance()
    for proxy, connect in plain_and_tls(fixture, glance):
        for blanks in (" ", "\t", " \t  "):
            for framing, body in ((f"Content-Length:{blanks}5{blanks}", b"image"),
                                  (f"Transfer-Encoding:{blanks}chunked{blanks}", chunk(b"image") + LAST_CHUNK)):
                with connect() as client:
                    fields = ["Host: h" + blanks, "X-Auth-Token: t" + blanks, framing]
                    for _ in range(2):
                        client.send(head(f"PUT {new_upload()} HTTP/1.1", *fields, f"Expect: 100-continue{blanks}"))
                        assert b"100 Continue" in client.stream.until(b"\r\n\r\n")
                        assert client.send(body).answer().status == 204, framing
                    assert client.ask("GET", "/v2/images").status == 200
        assert proxy.metric("refusals_total") == 0
    for asked in glance.uploads():
        assert (asked.body, asked.get("Host"), asked.get("X-Auth-Token")) == (b"image", "h", "t"), asked.fields


@scenario
def chunk_extensions_and_trailers_are_accepted(fixture):
    """In pieces of any size. A request right behind them is the next one."""
    glance = fixture.glance(other=echo_target)
    body = b"3;a=b\r\nabc\r\n0002 ; c=\"d;e\"\r\nde\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n"
    begin = head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked")
    for _, connect in plain_and_tls(fixture, glance):
        for size in (1, 7, 1000):
            with connect() as client:
                sent = begin + body + GOOD
                client.send(*(sent[at:at + size] for at in range(0, len(sent), size)))
                assert client.answer().status == 204, size
                assert client.answer().body == b"/v2/images", size
    assert [asked.body for asked in glance.uploads()] == [b"abcde"] * 6
