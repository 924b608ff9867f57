# SPDX-License-Identifier: Apache-2.0
"""PUT /v2/images/{id}/file that succeeds: the bytes arrive unchanged, in the right store."""
import functools
import hashlib

from support.fixture import scenario
from support.glance import IMAGE, TOKEN, UPLOAD
from support.raw_http import LAST_CHUNK, chunk, head, request

SMALL = bytes(range(256)) * 4  # every byte value, NUL, CR and LF among them


@functools.cache
def large():
    """Several times each buffer, and a bit more."""
    return hashlib.shake_128(b"image").digest(3 * (1 << 20) + 7)


def check(asked, told, data):
    """What Glance must have got, and what the client must have been told."""
    assert asked.start == f"PUT {UPLOAD} HTTP/1.1"
    assert asked.body == data and asked.complete
    assert (asked.get("Content-Length"), asked.chunked) == (str(len(data)), False)
    assert asked.all("Content-Type") == ["application/octet-stream"]
    assert asked.all("X-Image-Meta-Store") == ["test"]
    assert told.status == 204
    assert told.all("X-Intake-Store") == ["test"]
    assert told.all("X-Intake-Rule") == ["default"]
    assert told.all("X-Intake-Bytes") == [str(len(data))]


@scenario(threaded=True)
def small_body_with_length_is_stored(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        told = client.ask("PUT", UPLOAD, body=SMALL)
        check(glance.uploads()[0], told, SMALL)
        assert client.ask("PUT", UPLOAD, body=SMALL).status == 204  # on the same connection


@scenario(threaded=True, representative=True)
def large_body_with_length_is_stored(fixture):
    glance = fixture.glance()
    told = fixture.proxy(glance).ask("PUT", UPLOAD, body=large())
    check(glance.uploads()[0], told, large())


@scenario(threaded=True)
def chunked_body_is_stored(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
        for start in range(0, len(large()), 300_001):
            client.send(chunk(large()[start:start + 300_001]))
        told = client.send(LAST_CHUNK).answer()
    check(glance.uploads()[0], told, large())


@scenario
def chunk_extensions_and_trailers_are_dropped(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
        told = client.send(b'3;name="value"\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n').answer()
    check(glance.uploads()[0], told, b"abc")
    assert glance.uploads()[0].get("X-Trailer") is None


@scenario
def tiny_chunks_are_stored(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
        client.send(b"".join(chunk(SMALL[at:at + 1]) for at in range(len(SMALL))), LAST_CHUNK)
        told = client.answer()
    check(glance.uploads()[0], told, SMALL)


@scenario
def body_split_anywhere_is_stored(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    sent = request("PUT", UPLOAD, body=large())
    body = len(sent) - len(large())
    points = [1, body - 4, body - 2, body - 1, body, body + 1, body + 65535, body + (1 << 20),
              len(sent) - 1]
    for point in points:
        with proxy.client() as client:
            told = client.send(sent[:point], sent[point:]).answer()
            check(glance.uploads()[-1], told, large())


@scenario
def body_sent_byte_by_byte_is_stored(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        sent = request("PUT", UPLOAD, body=SMALL[:100])
        told = client.send(*(sent[at:at + 1] for at in range(len(sent)))).answer()
    check(glance.uploads()[0], told, SMALL[:100])


@scenario
def queries_have_the_callers_token(fixture):
    glance = fixture.glance()
    fixture.proxy(glance).ask("PUT", UPLOAD, f"X-Auth-Token: {TOKEN}", body=SMALL)
    asked = [(asked.method, asked.target) for asked in glance.requests]
    image = ("GET", f"/v2/images/{IMAGE}")
    assert sorted(asked[:3]) == [image, ("GET", "/v2/info/stores"), ("GET", "/v2/info/usage")]
    assert asked[3:] == [("PUT", UPLOAD), image]
    assert {tuple(asked.all("X-Auth-Token")) for asked in glance.requests} == {(TOKEN,)}
    ids = {asked.get("X-Openstack-Request-Id") for asked in glance.requests}
    assert len(ids) == 1, "one request id for all that is done for one request"


@scenario
def content_type_is_fixed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for sent in ((), ("Content-Type: text/plain",), ("Content-Type: application/x-www-form-urlencoded",),
                 ("Content-Type: APPLICATION/octet-stream",), ("Content_Type: text/plain",)):
        told = proxy.ask("PUT", UPLOAD, *sent, body=SMALL)
        check(glance.uploads()[-1], told, SMALL)
        assert "content-type" in told.get("X-Intake-Fixed"), sent
        assert glance.uploads()[-1].get("Content_Type") is None
    told = proxy.ask("PUT", UPLOAD, "Content-Type: application/octet-stream",
                     "X-Image-Meta-Store: test", body=SMALL)
    check(glance.uploads()[-1], told, SMALL)
    assert told.get("X-Intake-Fixed") is None


@scenario(threaded=True)
def expect_gets_100_after_the_preflight(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for data in (SMALL, large()):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Expect: 100-continue",
                             f"Content-Length: {len(data)}"))
            assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
            assert glance.requests[-1].method in ("GET", "PUT")
            told = client.send(data).answer()
            check(glance.uploads()[-1], told, data)
