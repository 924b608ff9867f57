# SPDX-License-Identifier: Apache-2.0
"""Control characters in Glance's fields and names do not reach clients or the log, and little is read from
clients that Glance does not know."""
import time

from support.fixture import scenario
from support.glance import UPLOAD, answer, facts
from support.raw_http import head
from support.stack import Stack, data

MUCH = 64 << 20


@scenario
def control_characters_do_not_reach_the_client(fixture):
    """In a streamed answer, a buffered one, and a refused upload."""
    fields = ("X-Title: \x1b]0;owned\x07", "X-Del: a\x7fb", "X-Tab: a\tb", "X-Utf8: gr\xc3\xbcn", "X\x1b-Name: x")
    given = answer("200 OK", *fields, body=b"x")
    glance = fixture.glance(other=lambda asked: asked.read().send(given))
    glance.image = lambda asked: asked.read().send(answer("404 Not Found", *fields, body=b"none"))
    glance.upload = glance.image
    proxy = fixture.proxy(glance)
    for told in (proxy.ask("GET", "/v2/images"), proxy.ask("PUT", UPLOAD, "X-Auth-Token: t", body=b"x" * 600)):
        values = dict(told.fields)
        assert values["X-Title"] == "]0;owned" and values["X-Del"] == "a b", told.fields
        assert values["X-Tab"] == "a\tb" and values["X-Utf8"] == "gr\xc3\xbcn"
        assert not any("\x1b" in name + value for name, value in told.fields)
    assert "\x1b" not in proxy.log()


@scenario
def bidi_characters_do_not_reach_the_log(fixture):
    """The owner comes from Glance, or from a server in its place."""
    glance = fixture.glance(image=facts(owner="a\u202egnp.\u2028 INFO upload verdict=stored"))
    proxy = fixture.proxy(glance)
    proxy.ask("PUT", UPLOAD, "X-Auth-Token: t", body=b"x" * 600)
    line = proxy.wait_log(" upload .* verdict=")
    assert " project=" in line and "gnp." in line
    assert "\u202e" not in proxy.log() and "\u2028" not in proxy.log()


def sent_before_the_end(client, *fields):
    """Bytes that the proxy reads after its refusal."""
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: g", f"Content-Length: {MUCH}", *fields))
    told, sent = client.answer(), 0
    try:
        while sent < MUCH:
            client.send(bytes(16384))
            sent += 16384
            time.sleep(0.001)
    except OSError:
        pass
    return told, sent


@scenario
def little_is_read_after_an_unauthorized_request(fixture):
    """Whether Glance refused it or was not asked. The answer still arrives."""
    glance = fixture.glance()
    glance.image = lambda asked: asked.read().send(answer("401 Unauthorized", body=b"who?"))
    proxy = fixture.proxy(glance)
    for fields, status in (([], 401), (["X-Auth-Token: bad"], 401), (["Content-Range: bytes 0-1/2"], 400)):
        with proxy.client() as client:
            told, sent = sent_before_the_end(client, *fields)
            assert told.status == status
            assert sent < MUCH // 4, sent  # including what the socket buffers hold


@scenario
def whole_body_is_read_after_a_known_clients_refusal(fixture):
    """A client that reads only after sending everything finds the answer."""
    stack = Stack(fixture)
    image = stack.image()
    assert stack.put(image, data(4096)).status == 204
    body = data(24 << 20)
    with stack.client() as client:
        stack.begin(client, image, "X-Auth-Token: demo-token", f"Content-Length: {len(body)}")
        client.send(body)
        assert client.answer().status == 409
