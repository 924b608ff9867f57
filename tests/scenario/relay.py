# SPDX-License-Identifier: Apache-2.0
"""Requests that are no uploads are relayed unchanged in both directions."""
from support.fixture import scenario
from support.glance import answer
from support.raw_http import LAST_CHUNK, body_pieces, chunk, head, request


def giving(*pieces):
    """A Glance that answers everything with these bytes."""
    return lambda asked: asked.read().send(*pieces)


@scenario(threaded=True)
def every_method_is_relayed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
    with proxy.client() as client:
        for method in methods:
            assert client.ask(method, "/v2/images").status == 200
    assert [asked.method for asked in glance.requests] == methods


@scenario
def head_has_the_length_and_no_body(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for start, length, targets in (("200 OK", "12345678901", ["/v2/images/x/file"] * 2),
                                   ("300 Multiple Choices", "1712", ["/", "/versions", "/v9/images"])):
        glance.other = giving(head(f"HTTP/1.1 {start}", "Content-Type: application/json", f"Content-Length: {length}"))
        with proxy.client() as client:
            for target in targets:
                assert client.ask("HEAD", target).all("Content-Length") == [length], target


@scenario
def head_request_may_have_a_body(fixture):
    """The answer has no body. If Glance answers early, it goes on reading, because closing would reset the
    connection."""
    sizes = (1, 100_000, 1_000_000)
    for early in (False, True):
        def heading(asked, early=early):
            seven = head("HTTP/1.1 200 OK", "Content-Length: 7")
            if early:
                asked.send(seven).await_close()
            else:
                asked.read().send(seven)

        glance = fixture.glance(port=0, other=heading)
        proxy = fixture.proxy(glance)
        for size in sizes:
            with proxy.client() as client:
                told = client.send(request("HEAD", "/v2/images/x/file", body=bytes(size))).answer_head()
                assert told.status == 200 and told.get("Content-Length") in ("7", None), (early, size)
        if not early:
            assert [asked.length for asked in glance.requests] == list(sizes)
        proxy.stop()


@scenario
def head_of_unknown_length_has_no_body(fixture):
    def told(asked):
        body = chunk(b"versions") + LAST_CHUNK if asked.method == "GET" else b""
        asked.read().send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), body)

    proxy = fixture.proxy(fixture.glance(other=told))
    with proxy.client() as client:
        nothing = client.ask("HEAD", "/v2/images/x/file")
        assert nothing.status == 200
        if nothing.get("Connection") == "close":
            assert client.closed()
        else:
            assert client.ask("GET", "/v2/schemas").body == b"versions"


@scenario
def answers_of_every_kind_are_relayed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)

    glance.other = giving(head("HTTP/1.1 204 No Content", "X-Kept: yes"))
    with proxy.client() as client:
        for _ in range(2):
            told = client.ask("DELETE", "/v2/images/x")
            assert (told.status, told.get("X-Kept"), told.get("Content-Length")) == (204, "yes", None)

    glance.other = giving(head("HTTP/1.1 304 Not Modified", 'ETag: "e"'))
    with proxy.client() as client:
        for _ in range(2):
            told = client.ask("GET", "/v2/images/x", 'If-None-Match: "e"')
            assert (told.status, told.get("ETag")) == (304, '"e"')
            assert glance.requests[-1].get("If-None-Match") == '"e"'

    glance.other = giving(answer("206 Partial Content", "Content-Range: bytes 2-5/10", body=b"cdef"))
    told = proxy.ask("GET", "/v2/images/x/file", "Range: bytes=2-5")
    assert (told.status, told.get("Content-Range"), told.body) == (206, "bytes 2-5/10", b"cdef")
    assert glance.requests[-1].get("Range") == "bytes=2-5"

    interim = head("HTTP/1.1 102 Processing") + head("HTTP/1.1 103 Early Hints", "Link: </x>")
    glance.other = giving(interim, answer("200 OK", body=b"final"))
    told = proxy.ask("GET", "/v2/images")
    assert (told.status, told.body, told.get("Link")) == (200, b"final", None), "an interim answer is skipped"

    with proxy.client() as client:
        for start in ("200 OK", "201 Created", "202 Accepted", "300 Multiple Choices", "401 Unauthorized",
                      "403 Forbidden", "404 Not Found", "410 Gone", "413 Payload Too Large",
                      "500 Internal Server Error", "503 Service Unavailable", "599 Odd"):
            glance.other = giving(answer(start, body=b"said"))
            told = client.ask("GET", "/v2/images")
            assert (told.status, told.body) == (int(start[:3]), b"said"), start


@scenario
def answer_of_unknown_length_is_streamed(fixture):
    def in_two(asked):
        asked.read().send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), chunk(b"first"))
        asked.hold().send(chunk(b"second"), LAST_CHUNK)

    glance = fixture.glance(other=in_two)
    with fixture.proxy(glance).client() as client:
        told = client.send(request("GET", "/v2/images/x/file")).answer_head()
        assert told.get("Content-Length") is None
        pieces = body_pieces(told, client.stream, until_close=True)
        assert next(pieces) == b"first"  # while Glance has not sent the rest
        glance.requests[0].go()
        assert b"".join(pieces) == b"second"


@scenario
def answer_that_ends_with_the_connection_is_relayed(fixture):
    def until_close(asked):
        asked.read().send(head("HTTP/1.0 200 OK"), b"all of it")
        asked.close()

    told = fixture.proxy(fixture.glance(other=until_close)).ask("GET", "/v2/images/x/file")
    assert (told.body, told.complete) == (b"all of it", True)


@scenario
def repeated_and_empty_fields_keep_their_order(fixture):
    sent = ["X-One: 1", "Accept:", "X-Two: a", "X-One: 2", "x-two: b"]
    given = ["Set-Cookie: a=1", "Vary: Accept", "Set-Cookie: b=2", "Vary: Cookie"]
    glance = fixture.glance(other=giving(answer("200 OK", *given)))
    told = fixture.proxy(glance).ask("GET", "/v2/images", *sent)

    seen = [f"{name}: {value}".strip() for name, value in glance.requests[0].fields]
    assert [line for line in seen if line in sent] == sent
    back = [f"{name}: {value}" for name, value in told.fields]
    assert [line for line in back if line in given] == given


@scenario
def glances_date_is_kept(fixture):
    glance = fixture.glance(other=giving(answer("200 OK", "Date: Thu, 01 Jan 2026 00:00:00 GMT")))
    told = fixture.proxy(glance).ask("GET", "/v2/images")
    assert told.all("Date") == ["Thu, 01 Jan 2026 00:00:00 GMT"]


@scenario
def bodies_with_and_without_length_are_relayed(fixture):
    document = b'{"name": "cirros"}'
    big = bytes(range(256)) * 12000  # 3 MiB: several buffers
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"max_request_body": "8MiB"}})
    for body in (document, big):
        assert proxy.ask("POST", "/v2/images", body=body).status == 200
        with proxy.client() as client:
            client.send(head("PATCH /v2/images/x HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
            client.send(chunk(body[:7]), chunk(body[7:]), LAST_CHUNK)
            assert client.answer().status == 200
    seen = [(asked.get("Content-Length"), asked.chunked, asked.body) for asked in glance.requests]
    assert seen == [(str(len(document)), False, document), (None, True, document),
                    (str(len(big)), False, big), (None, True, big)]


@scenario
def target_is_normalised(fixture):
    """The path keeps its meaning. The query is not changed: Glance reads it."""
    targets = [
        ("/v2/images?name=a%20b&x=+&&y", None), ("/v2/images?", None), ("/v2/images/", None),
        ("/v2/images?limit=1?x=/../&q=%zz%", None), ("/v2/images?a=[\"<{|}>\"]\\^`", None),
        ("/v2/metadefs/namespaces/OS::Compute;x=y,z+!$&'()*@~", None),
        ("/v2/%69mages/%c3%a9?q=%41", "/v2/images/%C3%A9?q=%41"), ("//v2//images", "/v2/images"),
        ("/v2/images/a%2Fb%3fc%2525", "/v2/images/a/b%3Fc%2525"),
        ("/v2/metadefs/namespaces/OS%3A%3ACompute", "/v2/metadefs/namespaces/OS::Compute"),
        ("/v2/images/ID/tags/gr\xc3\xb6\xc3\x9fe?name=B\xc3\xbcro",
         "/v2/images/ID/tags/gr%C3%B6%C3%9Fe?name=B%C3%BCro"),
        ("http://glance.example/v2/images?x", "/v2/images?x"),
    ]
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        for target, _ in targets:
            assert client.ask("GET", target).status == 200, target
    assert [asked.target for asked in glance.requests] == [normal or sent for sent, normal in targets]


@scenario
def host_is_kept(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(head("GET /v2/images HTTP/1.1", "Host: images.example.org:8443")).answer()
    assert glance.requests[0].all("Host") == ["images.example.org:8443"]


@scenario
def hop_by_hop_fields_are_dropped(fixture):
    glance = fixture.glance(other=giving(answer(
        "200 OK", "Connection: X-Gone", "X-Gone: 1", "Keep-Alive: timeout=5", "X-Kept: 1")))
    told = fixture.proxy(glance).ask(
        "GET", "/v2/images", "Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: 300",
        "Proxy-Connection: keep-alive", "TE: trailers", "Upgrade: h2c", "X-Stays: 1")
    asked = glance.requests[0]
    for name in ("X-Hop", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade"):
        assert asked.get(name) is None, name
    assert asked.get("X-Stays") == "1"
    assert "X-Hop" not in (asked.get("Connection") or "")
    assert (told.get("X-Gone"), told.get("Keep-Alive"), told.get("X-Kept")) == (None, None, "1")


@scenario
def expect_on_another_request_gets_100(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(head("POST /v2/images HTTP/1.1", "Host: h", "Expect: 100-continue",
                         "Content-Length: 2"))
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        assert client.send(b"{}").answer().status == 200
    assert glance.requests[0].body == b"{}"
