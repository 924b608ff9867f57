# SPDX-License-Identifier: Apache-2.0
"""The proxy stays a little behind its client. While the client is silent in the middle of its data, Glance
gets one of the bytes that were kept back at each feed_interval. So a Glance that does not wait long for a byte
(uWSGI's socket-timeout) does not end the upload."""
import functools
import hashlib

from support.fixture import scenario, serving
from support.glance import BEHIND, NO_CONTENT, UPLOAD, answer
from support.proxy import wait_until
from support.raw_http import chunks, head
from support.stack import OCTETS, data

PATIENCE_OF_GLANCE = 6.0  # seconds without a byte
FED = 14  # bytes: together they take longer than that
SLOW = {"feed_interval": "500ms"}
SILENT_AFTER = 2 << 20


@functools.cache
def body():
    return data(5 << 20)


def impatient(asked):
    asked.stream.sock.settimeout(PATIENCE_OF_GLANCE)
    try:
        asked.read().send(NO_CONTENT)
    except TimeoutError:
        asked.send(answer("500 Internal Server Error", body=b"timeout during read on wsgi.input"))
        asked.close()


def intact(glance, told, body):
    asked, = glance.uploads()
    assert told.status == 204, (told.start, told.body)
    assert (asked.length, asked.sha512) == (len(body), hashlib.sha512(body).hexdigest())
    assert told.get("X-Intake-Verified") in ("sha512", "size"), told.fields


def silent_upload(glance, proxy, body, silent_after, *, framing=None, pieces=None):
    """The client stops until Glance was fed, and then goes on."""
    before, after = pieces or ([body[:silent_after]], [body[silent_after:]])
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, framing or f"Content-Length: {len(body)}"),
                    *before)
        asked = glance.the_upload(silent_after)
        glance.wait("bytes that were kept back", lambda _: asked.length >= silent_after - BEHIND + FED)
        assert asked.length < silent_after, asked.length
        client.send(*after)
        intact(glance, client.answer(), body)


# --- every way that a body takes --------------------------------------------------------------


@scenario(threaded=True, representative=True, long=True)
def impatient_glance_survives_a_silent_client(fixture):
    for number, verify in enumerate(("size", "digest")):
        glance = fixture.glance(port=29393 + number, upload=impatient)
        proxy = fixture.proxy(glance, conf={"glance": SLOW, "upload": {"verify": verify}})
        silent_upload(glance, proxy, body(), SILENT_AFTER)
        proxy.stop()


@scenario(long=True)
def small_upload_is_fed_through_libcurl(fixture):
    glance = fixture.glance(upload=impatient)
    silent_upload(glance, fixture.proxy(glance, conf={"glance": SLOW}), body()[:200_000], 150_000)


@scenario(long=True)
def glance_with_tls_is_fed(fixture):
    cert, key = fixture.certificate("glance")
    glance = fixture.glance(upload=impatient, tls=serving(cert, key))
    proxy = fixture.proxy(glance, conf={"glance": {**SLOW, "ca_file": cert}})
    silent_upload(glance, proxy, body(), SILENT_AFTER)


@scenario(long=True)
def chunked_body_is_fed_in_chunks(fixture):
    glance = fixture.glance(upload=impatient)
    proxy = fixture.proxy(glance, conf={"glance": SLOW, "upload": {"unknown_length": "stream"}})
    silent_upload(glance, proxy, body(), SILENT_AFTER, framing="Transfer-Encoding: chunked",
                  pieces=([chunks(body()[:SILENT_AFTER]).removesuffix(b"0\r\n\r\n")], [chunks(body()[SILENT_AFTER:])]))


@scenario(long=True)
def client_that_trickles_is_fed_between_its_bytes(fixture):
    glance = fixture.glance(upload=impatient)
    proxy = fixture.proxy(glance, conf={"glance": SLOW})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(body())}"),
                    body()[:SILENT_AFTER])
        asked, sent = glance.the_upload(SILENT_AFTER), SILENT_AFTER
        for step in (1, 2, 255, 511, 512, 513, 700, 1, 1):
            before = asked.length
            glance.wait("a byte that was kept back", lambda _, before=before: asked.length > before)
            client.send(body()[sent:sent + step])
            sent += step
        client.send(body()[sent:])
        intact(glance, client.answer(), body())


# --- limits -------------------------------------------------------------------------------------


@scenario(long=True)
def without_feeding_glance_gives_up(fixture):
    glance = fixture.glance(upload=impatient)
    proxy = fixture.proxy(glance, conf={"glance": {"feed_interval": "0"}})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(body())}"),
                    body()[:SILENT_AFTER])
        asked = glance.the_upload(SILENT_AFTER)  # nothing is kept back
        told = client.answer()
    assert told.status == 500 and asked.length == SILENT_AFTER, (told.start, asked.length)


@scenario
def feeding_ends_with_the_bytes_that_were_kept_back(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read().send(NO_CONTENT))
    proxy = fixture.proxy(glance, conf={"glance": {"feed_interval": "2ms"}})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(body())}"),
                    body()[:SILENT_AFTER])
        asked = glance.the_upload(SILENT_AFTER)
        glance.wait("all that the client has sent", lambda _: asked.length == SILENT_AFTER)
        client.send(body()[SILENT_AFTER:])
        intact(glance, client.answer(), body())
        assert asked.complete


@scenario
def lost_client_ends_a_fed_upload(fixture):
    """A byte that was kept back never makes a cut body look complete."""
    glance = fixture.glance(upload=impatient)
    proxy = fixture.proxy(glance, conf={"glance": SLOW})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(body())}"), body()[:-1])
        asked = glance.the_upload(len(body()) - 1)
        glance.wait("bytes that were kept back", lambda _: asked.length >= len(body()) - 1 - BEHIND + 3)
        client.reset()
    glance.wait("the end of the upload", lambda _: asked.cut)
    assert not asked.complete and asked.length < len(body()), asked.length
    wait_until("the upload is over", lambda: not proxy.uploads()["in_flight"])


@scenario
def end_of_a_body_is_not_delayed(fixture):
    """Every size around the number of bytes that are kept back."""
    glance = fixture.glance(upload=lambda asked: asked.read().send(NO_CONTENT))
    proxy = fixture.proxy(glance, conf={"glance": {"feed_interval": "1h"}})
    for size in (1, BEHIND - 1, BEHIND, BEHIND + 1, 65536, 65536 + BEHIND, 262143, 262144, 262145, 300_001):
        told = proxy.ask("PUT", UPLOAD, OCTETS, body=body()[:size])
        asked = glance.uploads()[-1]
        assert told.status == 204, (size, told.start, told.body)
        assert (asked.length, asked.sha512) == (size, hashlib.sha512(body()[:size]).hexdigest()), size


