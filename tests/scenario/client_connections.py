# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.0 clients, and several requests on one connection."""

from fidelity import giving, in_turn
from support.fixture import scenario
from support.glance import NO_CONTENT, UPLOAD, answer
from support.raw_http import LAST_CHUNK, chunk, head, request
from support.stack import OCTETS, TOKEN


# --- the client's connection ----------------------------------------------------------------


@scenario
def http_1_0_client_gets_no_chunks(fixture):
    """The end of the connection ends the body where there is no length."""
    glance = fixture.glance(other=in_turn(
        answer("200 OK", body=b"of known length"),
        head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + chunk(b"of un") + chunk(b"known") + LAST_CHUNK,
        NO_CONTENT,
        head("HTTP/1.1 200 OK", "Content-Length: 99"),
        answer("201 Created", body=b"made")))
    proxy = fixture.proxy(glance)
    table = [("GET", "", 200, b"of known length"), ("GET", "", 200, b"of unknown"), ("DELETE", "", 204, b""),
             ("HEAD", "", 200, b""), ("POST", "{}", 201, b"made")]
    for method, body, status, said in table:
        with proxy.client() as client:
            fields = ["Host: h", *([f"Content-Length: {len(body)}"] if body else [])]
            client.send(head(f"{method} /v2/images/x HTTP/1.0", *fields), body.encode())
            told = client.answer(method)
            assert (told.status, told.body) == (status, said), (method, told.start)
            assert told.get("Transfer-Encoding") is None and client.closed(), method
    assert {asked.version for asked in glance.requests} == {"HTTP/1.1"}


@scenario
def http_1_0_keep_alive_is_honoured(fixture):
    glance = fixture.glance(other=giving(answer("200 OK", body=b"said")))
    with fixture.proxy(glance).client() as client:
        for _ in range(3):
            client.send(head("GET /v2/images HTTP/1.0", "Host: h", "Connection: keep-alive"))
            told = client.answer()
            assert (told.body, told.get("Connection").lower()) == (b"said", "keep-alive")


@scenario(threaded=True)
def mixed_requests_share_a_connection(fixture):
    """One by one, then pipelined: each gets its own answer, in order."""
    def script(asked):
        asked.read()
        said = f"{asked.method} {asked.target}".encode() + asked.body
        bare = {"HEAD": head("HTTP/1.1 200 OK", f"Content-Length: {len(said)}"), "DELETE": NO_CONTENT}
        asked.send(bare.get(asked.method) or answer("200 OK", body=said))

    requests = [("GET", b""), ("HEAD", b""), ("POST", b'{"a": 1}'), ("DELETE", b""), ("OPTIONS", b""),
                ("PATCH", b"[]"), ("GET", b""), ("PUT", 9000 * b"x"), ("HEAD", b""), ("GET", b"")]
    table = [(method, f"/v2/images?n={number}", body) for number, (method, body) in enumerate(requests)]
    proxy = fixture.proxy(fixture.glance(other=script))

    def is_answered(client, method, target, body):
        told = client.answer(method)
        said = b"" if method in ("HEAD", "DELETE") else f"{method} {target}".encode() + body
        assert (told.status, told.body) == (204 if method == "DELETE" else 200, said), (method, target)
        assert told.get("Connection") != "close", (method, target)

    with proxy.client() as client:
        for method, target, body in table:
            client.send(request(method, target, body=body))
            is_answered(client, method, target, body)
        client.send(b"".join(request(method, target, body=body) for method, target, body in table))
        for row in table:
            is_answered(client, *row)


@scenario
def upload_among_pipelined_requests_is_stored(fixture):
    glance = fixture.glance(other=giving(answer("200 OK", body=b"said")))
    upload = head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", TOKEN, OCTETS, "Content-Length: 6") + b"\0image"
    with fixture.proxy(glance).client() as client:
        client.send(request("GET", "/v2/images") + upload + request("GET", "/v2/images"))
        assert [client.answer().status for _ in range(3)] == [200, 204, 200]
    assert glance.the_upload().body == b"\0image"
