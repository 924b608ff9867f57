# SPDX-License-Identifier: Apache-2.0
"""Glance answers early, closes, stalls or does not listen: the client gets a readable answer at once."""
import time

from support.buffers import MOST
from support.fixture import scenario
from support.glance import UPLOAD, answer, new_upload
from support.proxy import STREAM, wait_until
from support.raw_http import LAST_CHUNK, Cut, chunk, head, request, reason

SIZE = MOST + (8 << 20)  # more than all buffers between client and Glance
FRAMINGS = ("small", "large", "chunked")
QUICK = {"glance": {"stall_timeout": "2s", "response_timeout": "2s"}, **STREAM}


PIECE = bytes(1 << 20)
REST = [PIECE] * (SIZE // len(PIECE))  # sent piece by piece: one body of this size would take long to make


def start(client, framing):
    """Sends the head and the first part of a body. Returns the pieces of the rest."""
    field, first, rest = {
        "small": ("Content-Length: 150000", bytes(120_000), [bytes(30_000)]),
        "large": (f"Content-Length: {(2 + len(REST)) * len(PIECE)}", bytes(2 << 20), REST),
        "chunked": ("Transfer-Encoding: chunked", chunk(bytes(200_000)),
                    [b"%x\r\n" % (len(REST) * len(PIECE)), *REST, b"\r\n" + LAST_CHUNK]),
    }[framing]
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", field), first)
    return rest


def early(closing):
    """Glance refuses the upload after 10000 bytes."""
    def script(asked):
        asked.read(10_000).send(answer("413 Payload Too Large", "Content-Type: text/plain",
                                       *(["Connection: close"] if closing else []),
                                       body=b"The incoming image is too large"))
        asked.await_close()
        asked.close()
    return script


def check_early(told):
    assert (told.status, told.body) == (413, b"The incoming image is too large"), told.start
    assert told.get("X-Intake-Store") == "test"


@scenario(threaded=True, representative=True)
def early_answer_reaches_a_client_that_waits(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    for closing in (False, True):
        glance.upload = early(closing)
        for framing in FRAMINGS:
            with proxy.client() as client:
                start(client, framing)
                check_early(client.answer())  # the rest of the body is never sent


@scenario
def early_answer_reaches_a_client_that_only_sends(fixture):
    proxy = fixture.proxy(fixture.glance(upload=early(closing=False)), conf=STREAM)
    for framing in FRAMINGS:
        with proxy.client() as client:
            client.send_until_refused(*start(client, framing))
            check_early(client.answer())


@scenario
def early_answer_with_a_reset_is_413_or_502(fixture):
    def script(asked):
        asked.read(10_000).send(answer("413 Payload Too Large", body=b"too large"))
        asked.close()  # with unread data: the kernel resets, and the answer may be lost on the way

    proxy = fixture.proxy(fixture.glance(upload=script), conf=STREAM)
    for framing in FRAMINGS:
        with proxy.client() as client:
            start(client, framing)
            told = client.answer()
            assert told.status == 413 or reason(told) == (502, "glance_failed"), framing


def dying(fixture, die):
    proxy = fixture.proxy(fixture.glance(upload=die), conf=STREAM)
    for framing in FRAMINGS:
        with proxy.client() as client:
            start(client, framing)
            assert reason(client.answer()) == (502, "glance_failed"), framing
    proxy.wait_metric(len(FRAMINGS), "uploads_total", result="failed")


@scenario
def glance_closing_within_the_body_is_502(fixture):
    dying(fixture, lambda asked: asked.read(10_000).close())


@scenario
def glance_resetting_within_the_body_is_502(fixture):
    dying(fixture, lambda asked: asked.read(10_000).reset())


@scenario
def glance_closing_after_the_body_is_502(fixture):
    proxy = fixture.proxy(fixture.glance(upload=lambda asked: asked.read().close()))
    for body in (bytes(1000), bytes(3 << 20)):
        assert reason(proxy.ask("PUT", UPLOAD, body=body)) == (502, "glance_failed")


@scenario
def answer_that_is_not_http_is_502(fixture):
    proxy = fixture.proxy(fixture.glance(upload=lambda asked: asked.read().send(b"what?\r\n\r\n").close()))
    assert reason(proxy.ask("PUT", UPLOAD, body=bytes(1000))) == (502, "glance_failed")


@scenario(threaded=True)
def glance_that_stops_reading_is_504(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read(10_000).hold())
    proxy = fixture.proxy(glance, conf=QUICK)
    for framing in ("large", "chunked"):
        with proxy.client() as client:
            client.send_until_refused(*start(client, framing))
            assert reason(client.answer()) == (504, "glance_timeout"), framing
    for asked in glance.uploads():
        asked.go()


@scenario
def glance_that_does_not_answer_is_504(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read().hold())
    proxy = fixture.proxy(glance, conf=QUICK)
    clients = [fixture.client(proxy) for _ in range(2)]
    for client, body in zip(clients, (bytes(1000), bytes(3 << 20))):
        client.send(request("PUT", new_upload(), body=body))
    for client in clients:
        assert reason(client.answer()) == (504, "glance_timeout")
    glance.wait("both bodies", lambda it: [asked.complete for asked in it.uploads()] == [True] * 2)
    for asked in glance.uploads():
        asked.go()


@scenario
def slow_answer_is_awaited(fixture):
    def script(asked):
        asked.read()
        time.sleep(3)  # beyond stall_timeout, within response_timeout
        asked.send(answer("204 No Content"))

    patient = {"glance": {"stall_timeout": "2s", "response_timeout": "20s"}}
    proxy = fixture.proxy(fixture.glance(upload=script), conf=patient)
    for body in (bytes(1000), bytes(3 << 20)):
        assert proxy.ask("PUT", UPLOAD, body=body).status == 204


@scenario
def slow_answer_to_chunks_is_awaited(fixture):
    """After the last chunk, response_timeout applies, not stall_timeout."""
    def script(asked):
        asked.read()
        time.sleep(3)  # beyond stall_timeout, within response_timeout
        asked.send(answer("204 No Content"))

    patient = {"glance": {"stall_timeout": "2s", "response_timeout": "20s"}, **STREAM}
    proxy = fixture.proxy(fixture.glance(upload=script, other=script), conf=patient)
    for target in (UPLOAD, "/v2/metadefs/x"):
        with proxy.client() as client:
            client.send(head(f"PUT {target} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"),
                        chunk(bytes(1000)) + LAST_CHUNK)
            assert client.answer().status == 204, target


@scenario
def failed_preflight_is_502_or_504(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=QUICK)
    table = [(lambda asked: asked.close(), (502, "glance_failed")),
             (lambda asked: asked.hold(), (504, "glance_timeout")),
             (answer("200 OK", body=b"<html>"), (502, "glance_failed")),
             (answer("200 OK", body=b'{"status": "queued"' + b" " * (4 << 20) + b"}"), (502, "glance_failed"))]
    for image, expected in table:
        glance.image = image
        assert reason(proxy.ask("PUT", UPLOAD, body=bytes(1000))) == expected
    assert glance.uploads() == []
    for asked in glance.requests:
        asked.go()


@scenario
def closed_port_is_502(fixture):
    proxy = fixture.proxy(fixture.closed_url())
    for told in (proxy.ask("PUT", UPLOAD, body=bytes(1000)), proxy.ask("GET", "/v2/images")):
        assert reason(told) == (502, "glance_unreachable")
        assert told.get("X-Openstack-Request-Id")


@scenario
def connect_timeout_is_502(fixture):
    proxy = fixture.proxy(fixture.silent_url(), conf={"glance": {"connect_timeout": "1s"}})
    for told in (proxy.ask("GET", "/v2/images"), proxy.ask("PUT", UPLOAD, body=bytes(1000))):
        assert reason(told) == (502, "glance_unreachable")


@scenario
def second_endpoint_serves_when_the_first_is_closed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(fixture.closed_url(), glance)
    for body in (bytes(1000), bytes(3 << 20)):
        assert proxy.ask("GET", "/v2/images").status == 200
        assert proxy.ask("PUT", UPLOAD, body=body).status == 204
        assert glance.uploads()[-1].length == len(body)


@scenario
def upload_is_not_retried_after_body_bytes(fixture):
    first = fixture.glance(port=0, upload=lambda asked: asked.read(10_000).reset())
    second = fixture.glance(port=0, upload=lambda asked: asked.read(10_000).reset())
    proxy = fixture.proxy(first, second, conf=STREAM)
    for framing in FRAMINGS:
        before = len(first.uploads()) + len(second.uploads())
        with proxy.client() as client:
            start(client, framing)
            assert reason(client.answer()) == (502, "glance_failed")
        assert len(first.uploads()) + len(second.uploads()) == before + 1, framing


def cut_download(*pieces, end):
    def script(asked):
        asked.read().send(*pieces)
        getattr(asked, end)()
    return script


@scenario(threaded=True)
def cut_download_is_cut_for_the_client(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with_length = head("HTTP/1.1 200 OK", f"Content-Length: {SIZE}")
    without = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
    for pieces in ((with_length, bytes(SIZE // 2)), (with_length, b"x"), (without, chunk(bytes(100_000)))):
        for end in ("close", "reset"):
            glance.other = cut_download(*pieces, end=end)
            with proxy.client() as client:
                client.send(request("GET", "/v2/images/x/file"))
                try:
                    told = client.answer()
                except Cut:
                    continue
                assert told.status == 502, (told.start, told.length, end)


@scenario
def relayed_request_fails_with_502_or_504(fixture):
    glance = fixture.glance(other=lambda asked: asked.reset())
    proxy = fixture.proxy(glance, conf=QUICK)
    assert reason(proxy.ask("DELETE", "/v2/images/x")) == (502, "glance_failed")
    glance.other = lambda asked: asked.hold()
    assert reason(proxy.ask("GET", "/v2/images")) == (504, "glance_timeout")
    for asked in glance.requests:
        asked.go()


@scenario
def glance_is_used_again_after_a_restart(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images").status == 200
        glance.stop()
        wait_until("Glance is gone", lambda: client.ask("GET", "/v2/images").status == 502)
        again = fixture.glance()
        assert client.ask("PUT", UPLOAD, body=bytes(1000)).status == 204
    assert len(again.uploads()) == 1
