# SPDX-License-Identifier: Apache-2.0
"""Several requests on a connection, and the end of a connection."""
from support.fixture import scenario
from support.glance import UPLOAD, answer
from support.proxy import wait_until
from support.raw_http import head, request


def echo_target(asked):
    asked.read().send(answer("200 OK", body=asked.target.encode()))


@scenario(threaded=True)
def pipelined_requests_are_answered_in_order(fixture):
    proxy = fixture.proxy(fixture.glance(other=echo_target))
    targets = [f"/v2/images/{number}" for number in range(20)]
    with proxy.client() as client:
        client.send(b"".join(request("GET", target) for target in targets))
        assert [client.answer().body.decode() for _ in targets] == targets


@scenario
def request_pipelined_behind_an_upload_is_answered(fixture):
    glance = fixture.glance(other=echo_target)
    proxy = fixture.proxy(glance)
    for size in (0, 1, 5000):
        with proxy.client() as client:
            upload = request("PUT", UPLOAD, body=bytes(size)) if size else head(
                f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n"
            told = client.send(upload + request("GET", "/v2/after")).answer()
            assert told.status == 204, (size, told.start)
            if told.get("Connection") != "close":
                assert client.answer().body == b"/v2/after"
    assert [asked.length for asked in glance.uploads()] == [1, 1, 5000]


@scenario
def connection_close_is_honoured(fixture):
    proxy = fixture.proxy(fixture.glance())
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images", "Connection: close").status == 200
        assert client.closed()


@scenario
def http_1_0_requests_are_served(fixture):
    glance = fixture.glance(other=echo_target)
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        client.send(head("GET /v2/images HTTP/1.0", "Host: h"))
        assert client.answer().body == b"/v2/images"
        assert client.closed()
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.0", "Host: h", "Content-Length: 5"), b"image")
        assert client.answer().status == 204
        assert client.closed()
    assert glance.uploads()[0].body == b"image"


@scenario
def glance_may_close_after_each_answer(fixture):
    def once(asked):
        asked.read().send(answer("200 OK", "Connection: close", body=b"once"))
        asked.close()

    proxy = fixture.proxy(fixture.glance(other=once))
    with proxy.client() as client:
        for _ in range(10):
            assert client.ask("GET", "/v2/images").body == b"once"


@scenario(threaded=True)
def fresh_connections_do_not_accumulate(fixture):
    """A request that must not reach Glance twice is sent on a fresh connection. These connections are reused or
    closed afterwards."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 1}})
    with proxy.client() as client:
        for _ in range(10):
            for method, target in (("PUT", UPLOAD), ("POST", "/v2/images"), ("PATCH", "/v2/images/x")):
                assert client.send(request(method, target, body=b"small")).answer().status < 300, method
        wait_until("most of the 33 are closed", lambda: glance.connections() <= 6)
