# SPDX-License-Identifier: Apache-2.0
"""What Glance takes and should not: it would store a part for the whole, something packed for
what is in it, or nothing at all."""
import json

from support.stack import DOORS, OCTETS, RIGHT, TOKEN, Desk, data
from support.glance import UPLOAD
from support.fixture import scenario
from support.raw_http import LAST_CHUNK, head

DATA = data(1000)
LENGTH = f"Content-Length: {len(DATA)}"
CHUNKED = "Transfer-Encoding: chunked"

REFUSED = {  # by name: the fields beside those that are right, the reason
    "a part": (["Content-Range: bytes 0-999/5000", LENGTH], "content_range"),
    "a part of unknown": (["Content-Range: bytes 0-999/*", CHUNKED], "content_range"),
    "all as a part": (["Content-Range: bytes 0-999/1000", LENGTH], "content_range"),
    "a part, underscore": (["Content_Range: bytes 0-999/5000", LENGTH], "content_range"),
    "gzip": (["Content-Encoding: gzip", LENGTH], "content_encoding"),
    "gzip, chunked": (["Content-Encoding: gzip", CHUNKED], "content_encoding"),
    "GZIP": (["content-encoding: GZIP", LENGTH], "content_encoding"),
    "two codings": (["Content-Encoding: identity, gzip", LENGTH], "content_encoding"),
    "two fields": (["Content-Encoding: identity", "Content-Encoding: br", LENGTH], "content_encoding"),
    "gzip, underscore": (["Content_Encoding: gzip", LENGTH], "content_encoding"),
    "zstd": (["Content-Encoding: zstd", CHUNKED], "content_encoding"),
    "length 0": (["Content-Length: 0"], "empty_body"),
    "no framing": ([], "empty_body"),
}


@scenario(representative=True)
def bad_headers_are_refused_before_the_body(scene):
    desk = Desk(scene)
    for door in DOORS:
        for name, (fields, reason) in REFUSED.items():
            image = desk.image()
            if reason == "empty_body":  # who sends nothing has nothing to ask for
                with desk.client() as client:
                    told = desk.begin(client, image, *RIGHT, *fields, door=door).answer()
            else:
                told = desk.put_head(image, *RIGHT, *fields, door=door)
            said = desk.refused(told, image, 400, reason, door)
            assert "curl -T" in said["hint"], name
            assert desk.proxy.metric("refusals_total", reason=reason) >= 1


@scenario
def refusal_is_read_behind_the_body(scene):
    """The answer can be read, and what follows is never taken for a request."""
    desk = Desk(scene)
    for fields, reason in REFUSED.values():
        image = desk.image()
        body = b"3e8\r\n" + DATA + b"\r\n" + LAST_CHUNK if CHUNKED in fields else DATA
        with desk.client() as client:
            desk.begin(client, image, *RIGHT, *fields)
            if reason != "empty_body":
                client.send_until_refused(body)
            desk.refused(client.answer(), image, 400, reason)


@scenario
def identity_coding_is_accepted(scene):
    desk = Desk(scene)
    for door in DOORS:
        for field in ("Content-Encoding: identity", "content-encoding: Identity", "Content-Encoding:"):
            image = desk.image()
            desk.stored(desk.put(image, DATA, *RIGHT, field, door=door), image, DATA, door)


@scenario
def empty_chunked_body_is_refused(scene):
    desk = Desk(scene)
    for mode in ("spool", "stream"):
        desk.set(unknown_length=mode)
        for door in DOORS:
            image = desk.image()
            desk.refused(desk.put_chunked(image, b"", door=door), image, 400, "empty_body", door)


@scenario
def http_1_0_body_without_length_is_refused(scene):
    """Its body would end with the connection: nobody can tell whether that is all of it."""
    glance = scene.glance()
    with scene.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.0", "Host: h", TOKEN, OCTETS), DATA)
        told = client.answer()
    assert (told.status, json.loads(told.body)["reason"]) == (400, "empty_body")
    assert glance.uploads() == []


@scenario
def other_transfer_codings_are_refused(scene):
    """No sound way to tell where the body ends, so nothing is even asked about the image."""
    glance = scene.glance()
    proxy = scene.proxy(glance)
    for door in (UPLOAD, UPLOAD.replace("/file", "/stage")):
        for coding in ("gzip, chunked", "gzip", "chunked, gzip", "identity", "x-gzip,chunked"):
            with proxy.client() as client:
                client.send(head(f"PUT {door} HTTP/1.1", "Host: h", *RIGHT, f"Transfer-Encoding: {coding}"),
                            DATA)
                told = client.answer()
                said = json.loads(told.body)
                assert (told.status, said["reason"]) == (400, "bad_request"), coding
                assert "Transfer-Encoding" in said["message"], said
                assert client.closed()
    assert glance.requests == []
