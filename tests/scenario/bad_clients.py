# SPDX-License-Identifier: Apache-2.0
"""A client that disappears, stalls or sends less than announced: Glance must see a body that is visibly cut,
never one that looks complete."""
import time

from support.fixture import scenario
from support.glance import BEHIND, IMAGE, UPLOAD, facts, json_answer, new_upload
from support.proxy import STREAM, wait_until
from support.raw_http import chunk, chunks, head, reason

PROMISED = 8 << 20
CHUNKED = "Transfer-Encoding: chunked"
FRAMINGS = {  # by name: the framing fields, and the first part of the body
    "small": (["Content-Length: 150000"], bytes(100_000)),
    "large": ([f"Content-Length: {PROMISED}"], bytes(4 << 20)),
    "chunked": ([CHUNKED], chunk(bytes(20_000)) * 4),
    "within a chunk": ([CHUNKED], chunk(bytes(80_000)) + b"4e20\r\n" + bytes(9_000)),
    "large chunks": ([CHUNKED], chunk(bytes(500_000)) * 2 + b"4e20\r\n" + bytes(9_000)),
    "all but the end": ([CHUNKED, "X-Openstack-Image-Size: 80000"], chunk(bytes(20_000)) * 4),
}
# Bytes that the proxy takes. The last byte of a body of known length is held back until the body is complete.
RECEIVED = {"small": 100_000, "large": 4 << 20, "chunked": 80_000, "within a chunk": 80_000,
            "large chunks": 1_000_000, "all but the end": 79_999}


def begun(framing, path=UPLOAD):
    """The head of an upload, and the first part of its body."""
    fields, part = FRAMINGS[framing]
    return head(f"PUT {path} HTTP/1.1", "Host: h", *fields), part


def await_cut(glance, which):
    glance.wait("a cut upload", lambda _: len(glance.uploads()) > which and glance.uploads()[which].cut)
    asked = glance.uploads()[which]
    assert not asked.complete
    return asked


def leaving(fixture, leave):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    for which, framing in enumerate(FRAMINGS):
        with proxy.client() as client:
            client.send(*begun(framing))
            glance.wait(f"the first part ({framing})", lambda _: len(glance.uploads()) > which
                        and glance.uploads()[which].length >= RECEIVED[framing] - BEHIND)
            leave(client)
            await_cut(glance, which)
        proxy.wait_metric(which + 1, "uploads_total", result="aborted")
    proxy.wait_log("upload .*verdict=aborted")
    proxy.wait_metric(0, "uploads_in_flight")


@scenario(threaded=True)
def upload_is_cut_when_the_client_closes(fixture):
    leaving(fixture, lambda client: client.close())


@scenario(threaded=True, representative=True)
def upload_is_cut_when_the_client_resets(fixture):
    leaving(fixture, lambda client: client.reset())


@scenario
def upload_is_cut_when_the_client_half_closes(fixture):
    leaving(fixture, lambda client: client.half_close())


@scenario
def stalled_client_gets_408(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "2s"}, **STREAM})
    clients = {framing: fixture.client(proxy) for framing in FRAMINGS}
    for framing, client in clients.items():  # in one piece, so that Glance is asked before the stall
        client.send_until_refused(b"".join(begun(framing, new_upload())))
    for framing, client in clients.items():
        assert reason(client.answer()) == (408, "client_stalled"), framing
        assert client.closed(), framing
    for which in range(len(FRAMINGS)):
        await_cut(glance, which)


@scenario
def slow_client_is_not_stalled(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "3s"}})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {PROMISED}"))
        part = bytes(PROMISED // 8)
        for count in range(1, 8):
            client.send(part)
            glance.wait("the part", lambda _: glance.uploads()
                        and glance.uploads()[0].length >= count * len(part) - (1 << 20))
            time.sleep(0.5)  # together more than the timeout, each pause less
        assert client.send(part).answer().status == 204


@scenario
def client_may_close_during_the_preflight(fixture):
    glance = fixture.glance(image=lambda asked: asked.hold().send(json_answer("200 OK", facts())))
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {PROMISED}"), b"start")
        asked, = wait_until("the preflight",
                            lambda: [one for one in glance.requests if one.target.endswith(IMAGE)])
    proxy.wait_metric(0, "connections")
    asked.go()
    assert proxy.ask("GET", "/v2/images").status == 200  # Glance and the proxy have moved on
    assert glance.uploads() == []


@scenario
def bad_chunk_is_refused_and_cuts_the_upload(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    for which, bad in enumerate((b"xyz\r\nabc\r\n", b"-3\r\nabc\r\n", b"0x3\r\nabc\r\n",
                                 b"ffffffffffffffffff\r\nabc\r\n")):
        with proxy.client() as client:
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"),
                        chunk(bytes(100_000)), bad)
            assert reason(client.answer()) == (400, "bad_request"), bad
        await_cut(glance, which)


@scenario
def whole_upload_is_stored_although_the_client_half_closes(fixture):
    """It closes its sending side before Glance has answered the question for the image."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    answered = glance.image_for
    for fields in (["Content-Length: 100"], ["Content-Length: 100", "Expect: 100-continue"],
                   [CHUNKED], [CHUNKED, "Expect: 100-continue"], ["Content-Length: 10000"]):
        length = int(fields[0].partition("Length: ")[2] or 100)
        body = chunks(bytes(length)) if CHUNKED in fields else bytes(length)
        questions = []

        def late(asked):
            questions.append(asked)
            asked.hold().send(json_answer("200 OK", answered(asked)))

        glance.image_for = lambda asked: answered(asked) if questions else late
        with proxy.client() as client:
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", *fields) + body)
            client.half_close()
            question, = wait_until("the preflight", lambda: questions)
            time.sleep(2)  # the proxy looks for the end of a client at the first tick
            question.go()
            assert client.answer().status == 204, fields
