# SPDX-License-Identifier: Apache-2.0
"""Faults that leak connections or blame the wrong side: peers that leave while the proxy waits for them,
answers with a false length, slow peers."""
import contextlib
import signal
import time

from support.fixture import scenario
from support.glance import UPLOAD, answer
from support.proxy import STREAM
from support.raw_http import LAST_CHUNK, chunk, head, request, reason

DOWNLOAD = "/v2/images/x/file"


@scenario(threaded=True)
def reset_during_a_download_closes_both_connections(fixture):
    """The client resets while the proxy waits for Glance."""
    def half(asked):
        asked.read().send(head("HTTP/1.1 200 OK", f"Content-Length: {2 * size}"), bytes(size))
        asked.await_close()
        asked.close()

    glance = fixture.glance(other=half)
    proxy = fixture.proxy(glance)
    for size in (500_000, 1_000_000):
        with proxy.client() as client:
            client.send(request("GET", DOWNLOAD)).answer_head()
            left = size
            while left:
                left -= len(client.stream.up_to(left))
            time.sleep(1.5)  # the proxy looks for a reset at its first tick, after a second
            client.reset()
            proxy.wait_metric(0, "connections")
        proxy.wait_metric(0, "requests_in_flight")
        glance.wait("the end", lambda _: glance.requests[-1].closed)


@scenario
def answer_to_head_has_no_body(fixture):
    """The next bytes on the connection are the next answer."""
    lengths = ([], ["Content-Length: 7"], ["Content-Length: 12345678901"], ["Transfer-Encoding: chunked"],
               ["Content-Length: 18446744073709551615"])
    for status in ("200 OK", "304 Not Modified", "404 Not Found"):
        for fields in lengths:
            glance = fixture.glance(port=0, other=lambda asked, status=status, fields=fields: asked.read().send(
                head(f"HTTP/1.1 {status}", *fields) if asked.method == "HEAD" else answer("200 OK", body=b"next")))
            proxy = fixture.proxy(glance)
            with proxy.client() as client:
                told = client.ask("HEAD", DOWNLOAD)
                assert told.status in (int(status[:3]), 502), (status, fields, told.start)
                if fields and fields[0][-1] != "5" and "Length" in fields[0] and status[0] != "3":
                    assert f"Content-Length: {told.get('Content-Length')}" == fields[0]
                assert client.closed() if told.get("Connection") == "close" else \
                    client.ask("GET", DOWNLOAD).body == b"next", (status, fields)
            proxy.stop()


@scenario
def transfer_encoding_wins_over_content_length(fixture):
    body = bytes(range(50))
    for length in ("5", "500"):
        glance = fixture.glance(port=0, other=lambda asked, length=length: asked.read().send(
            head("HTTP/1.1 200 OK", f"Content-Length: {length}", "Transfer-Encoding: chunked"),
            chunk(body), LAST_CHUNK))
        proxy = fixture.proxy(glance)
        assert proxy.ask("GET", DOWNLOAD).body == body
        proxy.stop()


@scenario
def request_without_a_body_may_take_long(fixture):
    """With Content-Length: 0 there is no body that Glance could stall."""
    def script(asked):
        asked.read()
        time.sleep(3)
        asked.send(answer("204 No Content"))

    proxy = fixture.proxy(fixture.glance(other=script), conf={
        "glance": {"stall_timeout": "2s", "response_timeout": "20s"}})
    with proxy.client() as client:
        assert client.ask("POST", "/v2/images/x/actions/deactivate", "Content-Length: 0").status == 204


@scenario
def early_2xx_is_a_failure(fixture):
    """A 2xx in the middle of the body does not count, and the client need not send the rest."""
    def script(asked):
        asked.read(10_000).send(answer("204 No Content"))
        asked.await_close()
        asked.close()

    proxy = fixture.proxy(fixture.glance(upload=script), conf=STREAM)
    for field, part in ((f"Content-Length: {8 << 20}", bytes(80_000)), ("Content-Length: 150000", bytes(80_000)),
                        ("Transfer-Encoding: chunked", chunk(bytes(80_000)))):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", field), part)
            assert reason(client.answer()) == (502, "glance_failed"), field
    proxy.wait_metric(3, "uploads_total", result="failed")


@scenario
def slow_client_is_not_a_stall_of_glance(fixture):
    """Glance has answered early and goes on reading, so the proxy waits for the client."""
    def script(asked):
        asked.read(10).send(head("HTTP/1.1 200 OK", "Content-Length: 2"), b"ok")
        asked.read()

    proxy = fixture.proxy(fixture.glance(other=script), conf={"glance": {"stall_timeout": "2s"}})
    for size in (50_000, 1 << 20):
        with proxy.client() as client:
            client.send(head("PUT /v2/metadefs/x HTTP/1.1", "Host: h", f"Content-Length: {size}"), bytes(size // 2))
            time.sleep(3)
            told = client.send(bytes(size // 2)).answer()
            assert (told.status, told.body) == (200, b"ok"), told.start


@scenario
def empty_chunked_upload_is_refused(fixture):
    """Glance would make an active image of 0 bytes."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for start in ([], ["Expect: 100-continue"]):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked", *start), LAST_CHUNK)
            assert reason(client.answer()) == (400, "empty_body")
    assert glance.uploads() == []


@scenario
def connection_over_the_limit_is_closed(fixture):
    proxy = fixture.proxy(fixture.glance(), conf={"listen": {"max_connections": "1"}})
    with proxy.client() as first:
        assert first.ask("GET", "/v2/images").status == 200
        second = fixture.client(proxy)
        told = second.ask("GET", "/v2/images")
        assert reason(told) == (503, "too_many_connections") and told.get("Connection") == "close"
        assert second.closed()


@scenario
def reload_raises_max_connections(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 1}, "listen": {"max_connections": "1"}})
    proxy.write({"DEFAULT": {"workers": 1}, "listen": {"max_connections": "200"}})
    proxy.signal(signal.SIGHUP)
    proxy.wait_log("is in force")
    proxy.ask("GET", "/v2/images")  # after this the worker uses the new limit
    with contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(proxy.client()) for _ in range(150)]
        assert {client.ask("GET", "/v2/images").status for client in clients} == {200}


@scenario(threaded=True)
def cut_download_leaves_no_connection(fixture):
    """Also while an older connection lives and nothing else happens."""
    def script(asked):
        asked.read().send(part).hold().close()

    endless = head("HTTP/1.1 200 OK", "Connection: close") + b"begin"
    table = [("1.1", head("HTTP/1.1 200 OK", "Content-Length: 100000") + b"begin"),
             ("1.1", head("HTTP/1.1 200 OK", f"Content-Length: {8 << 20}") + bytes(100_000)),
             ("1.1", head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + chunk(b"begin")),
             ("1.1", endless), ("1.0", endless)]
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 1}})
    with proxy.client() as older:
        assert older.ask("GET", "/v2/images").status == 200
        glance.other = script
        for version, part in table:
            with proxy.client() as client:
                client.send(head(f"GET {DOWNLOAD} HTTP/{version}", "Host: h", "Connection: close"))
                assert client.answer_head().status == 200
                time.sleep(0.2)  # the proxy has sent what it had, and waits for more
                glance.requests[-1].go()
                while client.stream.fill():
                    pass
            proxy.wait_metric(1, "connections")


@scenario(threaded=True)
def eof_together_with_data_is_an_abort(fixture):
    """The last bytes and the end of the connection reach the proxy in one event."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"), chunk(bytes(70_000)))
        asked = glance.the_upload(received=70_000)
        proxy.signal(signal.SIGSTOP)
        client.send(chunk(bytes(2000))[:500])
        client.close()
        proxy.signal(signal.SIGCONT)
        glance.wait("a cut upload", lambda _: asked.cut)
    proxy.wait_metric(1, "uploads_total", result="aborted")
    proxy.wait_metric(0, "connections")
