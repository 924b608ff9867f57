# SPDX-License-Identifier: Apache-2.0
"""Requests and answers are relayed unchanged, even if they are odd, long or many. config/README.md lists the
exceptions."""
import gzip
import hashlib
import json
import re

from support.fixture import scenario
from support.glance import NO_CONTENT, UPLOAD, answer
from support.raw_http import LAST_CHUNK, Cut, body_pieces, chunk, chunks, head, request
from support.stack import OCTETS, TOKEN

# Fields that the proxy writes (config/README.md, Headers).
OF_THE_PROXY = ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Openstack-Request-Id")


def giving(*pieces):
    """A Glance that answers everything with these bytes."""
    return lambda asked: asked.read().send(*pieces)


def in_turn(*answers):
    """One that answers each request with the next of them."""
    waiting = iter(answers)
    return lambda asked: asked.read().send(next(waiting))


def fields_of(message, *left_out):
    left_out = [name.lower() for name in left_out]
    return [f"{name}: {value}" for name, value in message.fields if name.lower() not in left_out]


# --- to Glance ------------------------------------------------------------------------------


@scenario
def request_arrives_unchanged(fixture):
    """Fields keep their spelling and order, and none is added."""
    sent = ["X-Auth-Token: " + 8192 * "t", "accept: application/json;q=0.5, */*", "ACCEPT-ENCODING: gzip",
            "X-Custom: one", "User-Agent: odd/1.0 (of mine)", "x-custom: two", "Cookie: a=1; b=2",
            "X-Non-Ascii: \xe9\xff", "If-None-Match: \"a\", \"b\"", "Range: bytes=0-1", "Cache-Control: no-cache",
            "Content-Type: application/json; charset=utf-8", "X-Service-Token: of-a-service", "Via: 1.1 somebody"]
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        assert client.ask("POST", "/v2/images?a=b&&c", *sent, body=b" { }\n").status == 200
    asked, = glance.requests
    assert (asked.start, asked.body) == ("POST /v2/images?a=b&&c HTTP/1.1", b" { }\n")
    *fields, via = fields_of(asked, *OF_THE_PROXY, "Content-Length")
    assert fields == sent and via.startswith("Via: 1.1 glance-intake-"), (fields, via)
    for name in (*OF_THE_PROXY, "Content-Length"):
        assert len(asked.all(name)) == 1, name


@scenario
def hop_by_hop_fields_and_trailers_are_dropped(fixture):
    """In both directions, the announcement of trailers included."""
    given = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: X-Checksum", "Upgrade: h2c", "X-Kept: 1")
    glance = fixture.glance(other=giving(given, chunk(b"body"), b"0\r\nX-Checksum: 1\r\n\r\n"))
    with fixture.proxy(glance).client() as client:
        for _ in range(2):
            client.send(head("POST /v2/images HTTP/1.1", "Host: h", "TE: trailers", "Trailer: X-Late",
                             "Transfer-Encoding: chunked", "Connection: TE"))
            told = client.send(chunk(b"{}"), b"0\r\nX-Late: 1\r\n\r\n").answer()
            assert (told.status, told.body, told.get("X-Kept")) == (200, b"body", "1")
            assert (told.get("Trailer"), told.get("Upgrade"), told.get("X-Checksum")) == (None, None, None)
    for asked in glance.requests:
        assert asked.body == b"{}"
        assert [asked.get(name) for name in ("TE", "Trailer", "X-Late", "Connection")] == [None] * 4


@scenario
def conditions_and_ranges_are_relayed(fixture):
    table = [
        ('If-None-Match: "e"', answer("304 Not Modified", 'ETag: "e"')),
        ('If-Match: "x"', answer("412 Precondition Failed", body=b"no")),
        ("If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", answer("304 Not Modified")),
        ('If-Range: "e"', answer("200 OK", body=b"all of it")),
        ("Range: bytes=2-5", answer("206 Partial Content", "Content-Range: bytes 2-5/10", body=b"cdef")),
        ("Range: bytes=0-0,4-5", answer("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x",
                                        body=b"--x\r\n\r\na\r\n--x--\r\n")),
        ("Range: bytes=99-", answer("416 Range Not Satisfiable", "Content-Range: bytes */10", body=b"")),
    ]
    glance = fixture.glance(other=in_turn(*(given for _, given in table)))
    with fixture.proxy(glance).client() as client:
        for asks, given in table:
            told = client.ask("GET", "/v2/images/x/file", asks)
            wanted = given.decode().split("\r\n")
            assert told.start == wanted[0] and told.body == given.split(b"\r\n\r\n", 1)[1], asks
            for line in wanted[1:wanted.index("")]:
                assert line in fields_of(told), (asks, line)
    for (asks, _), asked in zip(table, glance.requests):
        assert asks in fields_of(asked)


# --- from Glance ----------------------------------------------------------------------------


@scenario
def unusual_statuses_are_relayed(fixture):
    """The reason phrase may change, because it says no more than the status."""
    starts = ["299 Fine, More Or Less", "399 Elsewhere", "418 I'm a teapot", "422 Unprocessable Entity",
              "451 Unavailable For Legal Reasons", "499 Gone Away", "507 Insufficient Storage", "599 Odd", "200 "]
    glance = fixture.glance(other=in_turn(*(answer(start, f"X-Is: {start[:3]}", body=b"said") for start in starts)))
    with fixture.proxy(glance).client() as client:
        for start in starts:
            told = client.ask("GET", "/v2/images")
            assert re.match(rf"HTTP/1\.1 {start[:3]} ", told.start), told.start
            assert (told.get("X-Is"), told.body) == (start[:3], b"said"), start


@scenario
def interim_answers_are_skipped(fixture):
    """During an upload, too. The client gets only the 100 that it asked for."""
    interim = b"".join(head(f"HTTP/1.1 {start}", "Link: </x>") for start in
                       ("102 Processing", "103 Early Hints", "199 Odd", "102 Processing"))
    glance = fixture.glance(other=giving(interim, answer("200 OK", body=b"final")),
                            upload=giving(interim, NO_CONTENT))
    with fixture.proxy(glance).client() as client:
        for method in ("GET", "POST"):
            told = client.ask(method, "/v2/images", body=b"" if method == "GET" else b"{}")
            assert (told.status, told.body, told.get("Link"), client.interim) == (200, b"final", None, [])
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", TOKEN, OCTETS, "Content-Length: 4",
                         "Expect: 100-continue"))
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        told = client.send(b"\0\1\2\n").answer()
        assert (told.status, told.get("Link"), client.interim) == (204, None, [])


@scenario
def long_fields_are_relayed(fixture):
    """A token of 8 KiB in the request, and fields of 20 KiB in the answer."""
    long = ["X-Long: " + 18 * 1024 * "s", "X-Also: " + 2048 * "a"]
    glance = fixture.glance(other=giving(answer("200 OK", *long, body=b"said")))
    proxy = fixture.proxy(glance)
    for _ in range(3):
        told = proxy.ask("GET", "/v2/images?name=" + 1000 * "n", "X-Auth-Token: " + 8192 * "t")
        assert (told.status, told.body) == (200, b"said"), told.start
        assert [line for line in fields_of(told) if line in long] == long
    assert {asked.get("X-Auth-Token") for asked in glance.requests} == {8192 * "t"}


@scenario
def very_long_fields_are_relayed(fixture):
    """libmicrohttpd keeps the heads of a request and its answer in 18 KiB. Longer answers are relayed, too."""
    glance = fixture.glance(other=lambda asked: asked.read().send(
        answer("200 OK", "X-Long: " + int(asked.get("X-Wants")) * "s", body=b"said")))
    proxy = fixture.proxy(glance)
    for length in [*range(16_000, 19_000, 100), 33_000]:
        with proxy.client() as client:
            told = client.ask("GET", "/v2/images", f"X-Wants: {length}")
            assert (told.status, told.body, len(told.get("X-Long"))) == (200, b"said", length)


@scenario
def too_long_head_gets_431(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images", "X-Auth-Token: " + 40_000 * "t").status == 431
        assert client.closed()
    assert glance.requests == []


@scenario
def repeated_answer_fields_keep_their_order(fixture):
    given = [line for number in range(40) for line in (f"Set-Cookie: c{number}={number}; Path=/",
                                                       f"Vary: X-{number}", f"Link: </{number}>; rel=next")]
    given += ["WWW-Authenticate: Keystone uri=\"http://k:5000\"", "Www-Authenticate: Basic realm=\"x, y\""]
    glance = fixture.glance(other=giving(answer("401 Unauthorized", *given, body=b"who?")))
    told = fixture.proxy(glance).ask("GET", "/v2/images")
    assert (told.status, told.body) == (401, b"who?")
    assert [line for line in fields_of(told) if line in given] == given


@scenario
def empty_fields_are_relayed(fixture):
    """Openstack-Image-Import-Methods is empty if there is no method."""
    glance = fixture.glance(other=giving(answer("200 OK", "X-Before: 1", "X-Empty:", "X-Blank:   ", "X-After: 2")))
    told = fixture.proxy(glance).ask("GET", "/v2/images")
    given = [(name, value.strip()) for name, value in told.fields if name.startswith("X-") and "Request" not in name]
    assert given == [("X-Before", "1"), ("X-Empty", ""), ("X-Blank", ""), ("X-After", "2")]


@scenario(threaded=True)
def large_list_is_relayed_in_every_framing(fixture):
    """With a length, in chunks, and up to the end of the connection."""
    image = {"name": "\N{SNOWMAN}", "status": "active", "size": 1 << 40, "padding": 700 * "x"}
    text = json.dumps({"images": [{**image, "id": number} for number in range(5000)]}, ensure_ascii=False).encode()
    json_type = "Content-Type: application/json"
    ways = [[answer("200 OK", json_type, body=text)],
            [head("HTTP/1.1 200 OK", json_type, "Transfer-Encoding: chunked"), chunks(text, 1000)],
            [head("HTTP/1.1 200 OK", json_type, "Connection: close"), text]]

    def script(asked):
        asked.read().send(*ways[len(glance.requests) - 1])
        if len(glance.requests) == len(ways):
            asked.close()

    glance = fixture.glance(other=script)
    proxy = fixture.proxy(glance)
    for way in range(len(ways)):
        told = proxy.ask("GET", "/v2/images?limit=5000")
        assert told.complete and told.length == len(text), (way, told.length)
        assert told.sha512 == hashlib.sha512(text).hexdigest(), way


@scenario
def list_is_streamed(fixture):
    def in_two(asked):
        asked.read().send(head("HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked"),
                          chunk(b'{"images": ['))
        asked.hold().send(chunk(b"]}"), LAST_CHUNK)

    glance = fixture.glance(other=in_two)
    with fixture.proxy(glance).client() as client:
        told = client.send(request("GET", "/v2/images")).answer_head()
        pieces = body_pieces(told, client.stream, until_close=True)
        assert next(pieces) == b'{"images": ['
        glance.requests[0].go()
        assert b"".join(pieces) == b"]}"


@scenario
def cut_list_is_cut_for_the_client(fixture):
    """It does not look complete."""
    def cut(asked):
        asked.read().send(head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), chunk(b'{"images": ['))
        asked.reset()

    with fixture.proxy(fixture.glance(other=cut)).client() as client:
        told = client.send(request("GET", "/v2/images")).answer_head()
        try:
            told.read_body(client.stream, until_close=True)
        except Cut:
            pass
        assert not told.complete


@scenario
def compressed_answers_stay_compressed(fixture):
    """Version documents, too: a document that cannot be read is not changed."""
    zipped = gzip.compress(b'{"images": []}' * 1000, mtime=0)
    fields = ["Content-Type: application/json", "Content-Encoding: gzip", "Vary: Accept-Encoding"]
    glance = fixture.glance(other=giving(answer("200 OK", *fields, body=zipped)))
    with fixture.proxy(glance).client() as client:
        for target in ("/v2/images", "/v2/schemas/image"):
            told = client.ask("GET", target, "Accept-Encoding: gzip, deflate, br")
            assert told.body == zipped and set(fields) <= set(fields_of(told)), target
    assert glance.requests[0].get("Accept-Encoding") == "gzip, deflate, br"


@scenario
def no_request_field_is_added(fixture):
    """Without Accept-Encoding Glance compresses nothing. Without Accept it gives errors as text."""
    glance = fixture.glance()
    fixture.proxy(glance).ask("GET", "/v2/images")
    names = [name.lower() for name, _ in glance.requests[0].fields]
    assert not {"accept", "accept-encoding", "user-agent", "content-type", "content-length"} & set(names), names
