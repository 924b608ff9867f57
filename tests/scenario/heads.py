# SPDX-License-Identifier: Apache-2.0
"""A head that can be read in two ways is refused (RFC 9112 section 11.2)."""
from support.fixture import scenario
from support.glance import UPLOAD

HOST = b"Host: h\r\n"
# If the first message were taken to end early, this would be read as a second request.
HIDDEN = b"0\r\n\r\nGET /v2/hidden HTTP/1.1\r\nHost: h\r\n\r\n"

BAD = {
    "two lengths that differ": HOST + b"Content-Length: 5\r\nContent-Length: 3\r\n",
    "two lengths that agree": HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "length of 2^63": HOST + b"Content-Length: 9223372036854775808\r\n",
    "length of 2^64 - 1": HOST + b"Content-Length: 18446744073709551615\r\n",
    "length in another spelling": HOST + b"Content_Length: 5\r\n",
    "length and chunked": HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunked and length": HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "gzip, chunked": HOST + b"Transfer-Encoding: gzip, chunked\r\n",
    "another coding": HOST + b"Transfer-Encoding: identity\r\n",
    "chunked twice": HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunked in another spelling": HOST + b"Transfer_Encoding: chunked\r\n",
    "two hosts": HOST + b"Host: other\r\nContent-Length: 5\r\n",
    "no host": b"Content-Length: 5\r\n",
    "space before the colon": HOST + b"Content-Length : 5\r\n",
    "a name that is not a token": HOST + b"Content(Length: 5\r\n",
    "a control character in a value": HOST + b"X-Name: a\x01b\r\nContent-Length: 5\r\n",
    "a bare CR in a value": HOST + b"X-Name: a\rb\r\nContent-Length: 5\r\n",
    "Host, said to be the connection's own": HOST + b"Connection: Host\r\nContent-Length: 5\r\n",
    "a DEL in a value": HOST + b"X-Name: a\x7fb\r\nContent-Length: 5\r\n",
    "length with a sign": HOST + b"Content-Length: +5\r\n",
    "negative length": HOST + b"Content-Length: -5\r\n",
    "hexadecimal length": HOST + b"Content-Length: 0x5\r\n",
    "list of lengths": HOST + b"Content-Length: 5, 5\r\n",
}


def put(proxy, target, fields):
    """Sends the head and the hidden request. Returns the answer and the open connection."""
    client = proxy.client()
    client.send(b"PUT " + target + b" HTTP/1.1\r\n" + fields + b"\r\n" + HIDDEN)
    return client.answer(), client


@scenario
def ambiguous_heads_are_refused(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for target in (b"/v2/images", UPLOAD.encode()):
        for name, fields in BAD.items():
            told, client = put(proxy, target, fields)
            assert told.status == 400 and told.get("Connection") == "close", (name, told.start)
            assert b'"reason": "bad_request"' in told.body, (name, told.body)
            assert client.closed(), name
    assert glance.requests == [], [asked.start for asked in glance.requests]
    assert proxy.metric("refusals_total", reason="bad_request") == 2 * len(BAD)


@scenario
def chunked_needs_http_1_1(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        client.send(b"PUT /v2/images HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", HIDDEN)
        assert client.answer().status == 400
        assert client.closed()
    assert glance.requests == []


@scenario
def sound_heads_are_relayed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    good = [HOST + b"Content-Length: 5\r\n", HOST + b"content-length:5\r\n",
            HOST + b"Content-Length: 00005\r\n", b"Host:h\r\nContent-Length: 5\r\nX-Name: \xe9\ta\r\n",
            b"Host: h \t\r\nContent-Length: 5 \r\n"]
    for fields in good:
        with proxy.client() as client:
            client.send(b"POST /v2/images HTTP/1.1\r\n" + fields + b"\r\n12345")
            assert client.answer().status == 200, fields
    assert [asked.body for asked in glance.requests] == [b"12345"] * len(good)
