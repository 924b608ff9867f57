# SPDX-License-Identifier: Apache-2.0
"""Uploads that Glance accepts and should not: a part of the file, compressed data, or no data."""
import json

from support.fixture import scenario
from support.glance import UPLOAD
from support.raw_http import LAST_CHUNK, head
from support.stack import ACTIONS, OCTETS, RIGHT, TOKEN, Stack, data

DATA = data(1000)
LENGTH = f"Content-Length: {len(DATA)}"
CHUNKED = "Transfer-Encoding: chunked"

REFUSED = {  # name: (fields besides the right ones, reason)
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
def bad_headers_are_refused_before_the_body(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for name, (fields, reason) in REFUSED.items():
            image = stack.image()
            if reason == "empty_body":  # a client without a body sends no Expect
                with stack.client() as client:
                    told = stack.begin(client, image, *RIGHT, *fields, action=action).answer()
            else:
                told = stack.put_head(image, *RIGHT, *fields, action=action)
            said = stack.refused(told, image, 400, reason, action)
            assert "curl -T" in said["hint"], name
            assert stack.proxy.metric("refusals_total", reason=reason) >= 1


@scenario
def refusal_is_read_behind_the_body(fixture):
    """The client can read the answer, and the rest of the body is never taken for a request."""
    stack = Stack(fixture)
    for fields, reason in REFUSED.values():
        image = stack.image()
        body = b"3e8\r\n" + DATA + b"\r\n" + LAST_CHUNK if CHUNKED in fields else DATA
        with stack.client() as client:
            stack.begin(client, image, *RIGHT, *fields)
            if reason != "empty_body":
                client.send_until_refused(body)
            stack.refused(client.answer(), image, 400, reason)


@scenario
def identity_coding_is_accepted(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for field in ("Content-Encoding: identity", "content-encoding: Identity", "Content-Encoding:"):
            image = stack.image()
            stack.stored(stack.put(image, DATA, *RIGHT, field, action=action), image, DATA, action)


@scenario
def empty_chunked_body_is_refused(fixture):
    stack = Stack(fixture)
    for mode in ("spool", "stream"):
        stack.set(unknown_length=mode)
        for action in ACTIONS:
            image = stack.image()
            stack.refused(stack.put_chunked(image, b"", action=action), image, 400, "empty_body", action)


@scenario
def http_1_0_body_without_length_is_refused(fixture):
    """Such a body ends with the connection. Nobody can tell whether it is complete."""
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.0", "Host: h", TOKEN, OCTETS), DATA)
        told = client.answer()
    assert (told.status, json.loads(told.body)["reason"]) == (400, "empty_body")
    assert glance.uploads() == []


@scenario
def other_transfer_codings_are_refused(fixture):
    """Nobody can tell where the body ends, so Glance is not even queried."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for action in (UPLOAD, UPLOAD.replace("/file", "/stage")):
        for coding in ("gzip, chunked", "gzip", "chunked, gzip", "identity", "x-gzip,chunked"):
            with proxy.client() as client:
                client.send(head(f"PUT {action} HTTP/1.1", "Host: h", *RIGHT, f"Transfer-Encoding: {coding}"),
                            DATA)
                told = client.answer()
                said = json.loads(told.body)
                assert (told.status, said["reason"]) == (400, "bad_request"), coding
                assert "Transfer-Encoding" in said["message"], said
                assert client.closed()
    assert glance.requests == []
