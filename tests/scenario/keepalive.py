# SPDX-License-Identifier: Apache-2.0
"""An upload that the proxy fixes behaves like any other: the connection stays open, Glance may refuse it, and
a client that does not wait for the answer does no harm."""
import functools

from support.fixture import scenario
from support.form import declared, file, form
from support.glance import UPLOAD, answer, new_upload
from support.proxy import STREAM
from support.raw_http import LAST_CHUNK, chunk, chunks, head, reason, request
from support.stack import TOKEN, Stack, data

CHUNKED = "Transfer-Encoding: chunked"
LARGE = data(700_000)  # read past the parser, so that the answer closes the connection
SHORT = data(200_000)


def framings(body):
    """By name: fields of the head, and the body on the wire."""
    as_form = form(file(body))
    return {
        "a length": ([f"Content-Length: {len(body)}"], body),
        "spooled": ([CHUNKED], chunks(body)),
        "promised": ([CHUNKED, f"X-Openstack-Image-Size: {len(body)}"], chunks(body)),
        "a form": ([declared(), f"Content-Length: {len(as_form)}"], as_form),
        "a spooled form": ([declared(), CHUNKED], chunks(as_form)),
    }


SMALL = {
    "spooled": ([CHUNKED], chunk(b"\0") + LAST_CHUNK),
    "a form": ([declared(), f"Content-Length: {len(form(file(bytes(9))))}"], form(file(bytes(9)))),
}


@functools.cache
def sent():
    return framings(LARGE)


def upload(fields, body, target=UPLOAD):
    return head(f"PUT {target} HTTP/1.1", "Host: h", TOKEN, *fields) + body


@scenario(threaded=True)
def uploads_share_a_connection(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        for name, (fields, body) in list(framings(SHORT).items()) * 2:
            told = client.send(upload(fields, body)).answer()
            assert told.status == 204 and glance.uploads()[-1].body == SHORT, name
            assert client.ask("GET", "/v2/images").status == 200, name
    for name, (fields, body) in sent().items():
        with proxy.client() as client:
            told = client.send(upload(fields, body)).answer()
            assert told.status == 204 and glance.uploads()[-1].body == LARGE, name
            assert told.get("Connection") == "close" and client.closed(), name
    assert len(glance.uploads()) == 15


@scenario
def request_pipelined_behind_an_upload_is_answered(fixture):
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("200 OK", body=b"next")))
    proxy = fixture.proxy(glance)
    for name, (fields, body) in {**sent(), **SMALL}.items():
        with proxy.client() as client:
            client.send(upload(fields, body) + request("GET", "/v2/images"))
            told = client.answer()
            assert told.status == 204, (name, told.body)
            if told.get("Connection") != "close":
                assert client.answer().body == b"next", name


@scenario
def glances_early_refusal_is_relayed(fixture):
    """Also if the proxy rewrites the body."""
    def script(asked):
        asked.read(10_000).send(answer("413 Payload Too Large", body=b"too large, says Glance"))
        asked.await_close()
        asked.close()

    glance = fixture.glance(upload=script)
    proxy = fixture.proxy(glance)
    for name, (fields, body) in sent().items():
        with proxy.client() as client:
            client.send_until_refused(upload(fields, body))
            told = client.answer()
            assert (told.status, told.body) == (413, b"too large, says Glance"), name
    proxy.wait_metric(len(sent()), "uploads_total", result="rejected")
    proxy.wait_no_spools()


@scenario(threaded=True)
def client_may_reset_after_its_last_byte(fixture):
    """Glance may finish the upload or be cut off. A part is never stored."""
    glance = fixture.glance(upload=lambda asked: asked.read(100_000).hold().read().send(answer("204 No Content")))
    proxy = fixture.proxy(glance)
    for which, (name, (fields, body)) in enumerate(sent().items()):
        with proxy.client() as client:
            client.send(upload(fields, body, new_upload()))  # the upload before it may still be in flight
            glance.wait(name, lambda _: len(glance.uploads()) > which and glance.uploads()[which].length == 100_000)
            client.reset()
        glance.uploads()[which].go()
        glance.wait(f"the end of {name}", lambda _: glance.uploads()[which].cut or glance.uploads()[which].complete)
        asked = glance.uploads()[which]
        assert asked.cut or asked.body == LARGE, name
    proxy.wait_metric(0, "uploads_in_flight")
    proxy.wait_metric(0, "connections")
    proxy.wait_no_spools()


@scenario
def refused_upload_can_be_repeated(fixture):
    """To the same image, after each kind of refusal in the middle of the body."""
    stack = Stack(fixture)
    image = stack.image()
    bad = form(file(LARGE), file(LARGE))
    tries = (([declared(), f"Content-Length: {len(bad)}"], bad),
             ([CHUNKED, "X-Openstack-Image-Size: 400000"], chunks(LARGE)),
             ([CHUNKED, "X-Openstack-Image-Size: 800000"], chunks(LARGE)))
    for count, (fields, body) in enumerate(tries, 1):
        with stack.client() as client:
            stack.begin(client, image, TOKEN, *fields).send_until_refused(body)
            assert client.answer().status == 400
        stack.wait_over(image, count)
        stack.wait_queued(image)
    stack.stored(stack.put_chunked(image, LARGE), image, LARGE)


@scenario
def stalled_uploads_get_408(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "1s"}, **STREAM})
    stalled = []
    for fields, body in sent().values():
        for part in (1000, 300_000, len(body) - 1):
            client = fixture.client(proxy)
            client.send_until_refused(upload(fields, body[:part], new_upload()))
            stalled.append((client, fields, part))
    for client, fields, part in stalled:
        assert reason(client.answer()) == (408, "client_stalled"), (fields, part)
    assert not any(asked.complete for asked in glance.uploads())
