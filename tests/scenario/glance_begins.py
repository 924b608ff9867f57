# SPDX-License-Identifier: Apache-2.0
"""Glance gets the body when it has begun to read, so that its refusals before that are read, too."""
import json
import threading
import time

from support.fixture import scenario
from support.glance import BEHIND, IMAGE, UPLOAD, accept_upload, answer, facts, json_answer, stored
from support.glance_answers import FIRST, LARGE, MIB, SIZES, image_data, put, reason, told_image, unread
from support.proxy import STREAM
from support.raw_http import PATIENCE, head

HELD = 1.8  # seconds that the proxy certainly holds a body


# --- refusals before Glance reads the body --------------------------------------------------


def refusing(*pieces):
    """Behaves like uWSGI: it sends no 100 Continue, reads no byte of the body, and its close resets the
    connection."""
    def script(asked):
        time.sleep(0.3)  # gives the sender time to continue
        asked.send(*pieces).close()
    return script


@scenario(threaded=True, representative=True)
def refusal_is_read_although_the_connection_is_reset(fixture):
    closing = head("HTTP/1.1 403 Forbidden", "Content-Type: text/plain", "Connection: close") + b"not yours"
    whole = answer("413 Payload Too Large", body=b"too large")
    half = head("HTTP/1.1 409 Conflict", "Content-Length: 100") + b"half of it"
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    chunked = b"%x\r\n" % LARGE + image_data(LARGE) + b"\r\n0\r\n\r\n"
    for status, body, said in ((403, b"not yours", closing), (413, b"too large", whole), (409, b"half of it", half)):
        glance.upload = refusing(said)
        for framing, sent in ((f"Content-Length: {SIZES['small']}", image_data(SIZES["small"])),
                              (f"Content-Length: {LARGE}", image_data(LARGE)),
                              ("Transfer-Encoding: chunked", chunked)):
            for action in ("file", "stage"):
                with proxy.client() as client:
                    put(client, 0, path=f"/v2/images/{IMAGE}/{action}", framing=framing).send_until_refused(sent)
                    told = client.answer()
                assert (told.status, told.body) == (status, body), (status, framing, action, told.start, told.body)


@scenario
def missing_answer_mentions_a_possible_refusal(fixture):
    """The message names the request id of Glance's log."""
    proxy = fixture.proxy(fixture.glance(upload=refusing()))
    for size in (1000, *SIZES.values()):  # the socket took the whole body, or a part
        with proxy.client() as client:
            put(client, size, "X-Openstack-Request-Id: req-to-look-for").send_until_refused(image_data(size))
            status, why, message = reason(client.answer())
        assert (status, why) == (502, "glance_failed")
        assert "the image is queued again: upload once more" in message, message
        assert "Glance may refuse the upload, and its log says why at req-to-look-for" in message, message


# --- the body is held until Glance reads ----------------------------------------------------


class Beginning:
    """A Glance that reads nothing before `begun` is set, and whose image status says whether it has begun."""

    def __init__(self, fixture, status="saving", continues=False):
        self.begun = threading.Event()
        self.glance = fixture.glance(upload=self.take, image=self.tell)
        self.begin(status, continues)

    def begin(self, status, continues):
        """The next upload: the earlier ones are forgotten."""
        self.status = status
        self.continues = continues
        self.begun.clear()
        self.glance.requests.clear()

    def take(self, asked):
        self.begun.wait(PATIENCE)
        asked._continued = not self.continues
        accept_upload(asked)

    def tell(self, asked):
        done = [one for one in self.glance.uploads() if one.complete]
        if done:
            return asked.read().send(json_answer("200 OK", {"id": IMAGE, **facts(), **stored(done[-1])}))
        return told_image(asked, status=self.status if self.begun.is_set() else "queued")

    def looks(self):
        return sum(asked.method == "GET" and asked.target.endswith(IMAGE) for asked in self.glance.requests)


@scenario(threaded=True)
def body_is_held_until_glance_reads(fixture):
    """Its 100 Continue, or the image's status, says that it reads."""
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    for continues, action, status in ((True, "file", "saving"), (False, "file", "saving"),
                                      (False, "stage", "uploading")):
        for size in SIZES.values():
            begins.begin(status, continues)
            sent = min(size // 2, MIB)
            with proxy.client() as client:
                began = time.monotonic()
                put(client, size, path=f"/v2/images/{IMAGE}/{action}").send(image_data(sent))
                asked = begins.glance.the_upload()
                begins.glance.wait("the first bytes", lambda _, asked=asked: unread(asked) >= FIRST - BEHIND)
                time.sleep(0.3)  # for bytes that are not held
                before, took = unread(asked), time.monotonic() - began
                begins.begun.set()
                client.send(image_data(size)[sent:])
                assert client.answer().status == 204
            assert before == FIRST - BEHIND or took > HELD, (before, took, continues, action)
            assert asked.length == size and asked.get("Expect") == "100-continue"


@scenario
def held_body_is_sent_after_a_delay(fixture):
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    with proxy.client() as client:
        put(client, LARGE)
        client.send_until_refused(image_data(MIB))
        begins.glance.the_upload()
        begins.glance.wait("the rest", lambda _: unread(begins.glance.uploads()[0]) > FIRST)
        begins.begun.set()
        client.send(image_data(LARGE)[MIB:])
        assert client.answer().status == 204
    assert begins.looks() < 25, begins.looks()


@scenario
def small_body_is_not_held(fixture):
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    with proxy.client() as client:
        put(client, FIRST).send(image_data(FIRST))
        asked = begins.glance.the_upload()
        begins.glance.wait("all of it", lambda _: unread(asked) == FIRST)
        assert begins.looks() == 1, "it asks how far Glance is"
        begins.begun.set()
        assert client.answer().status == 204
    assert asked.get("Expect") is None


@scenario
def glance_that_sends_100_is_not_polled(fixture):
    """After the first upload the worker knows that Glance sends it."""
    glance = fixture.glance(upload=lambda asked: (time.sleep(0.5), accept_upload(asked)))
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": "1"}})
    for looks in (None, 2):  # before the upload, and to verify it
        own = f"req-{looks}"
        assert proxy.ask("PUT", UPLOAD, f"X-Openstack-Request-Id: {own}", body=image_data(LARGE)).status == 204
        asked = [one for one in glance.requests if one.method == "GET" and one.target.endswith(IMAGE)
                 and one.get("X-Openstack-Request-Id") == own]
        assert looks in (None, len(asked)), len(asked)


@scenario(threaded=True)
def held_upload_is_cut_when_the_client_leaves(fixture):
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    with proxy.client() as client:
        put(client, LARGE).send(image_data(MIB))
        begins.glance.the_upload()
    proxy.wait_metric(0, "requests_in_flight")
    begins.begun.set()
    begins.glance.wait("the cut", lambda glance: glance.uploads()[0].cut)


# --- spoilt images, unfinished stages -------------------------------------------------------


@scenario
def spoilt_image_is_refused_before_its_body(fixture):
    """Glance 2025.1 and later keep the hash and the object of an image that they refuse after storing it."""
    for kept in ({"os_hash_value": "ab" * 64}, {"stores": "test"}):
        glance = fixture.glance(image=facts(**kept))
        proxy = fixture.proxy(glance)
        with proxy.client() as client:
            put(client, LARGE, "Expect: 100-continue")
            status, why, message = reason(client.answer())
            assert client.interim == []
        assert (status, why) == (409, "image_not_queued") and "delete it and create a new one" in message, message
        assert glance.uploads() == []
        proxy.stop()
        glance.stop()


@scenario
def unfinished_stage_is_not_imported(fixture):
    body = json.dumps({"method": {"name": "glance-direct"}}).encode()
    glance = fixture.glance(image=facts(status="uploading", size=None), other=lambda asked: asked.read().send(
        answer("202 Accepted")))
    proxy = fixture.proxy(glance)

    def imports():
        return proxy.ask("POST", f"/v2/images/{IMAGE}/import", "Content-Type: application/json", body=body)

    assert reason(imports())[:2] == (409, "upload_in_progress")
    assert not [asked for asked in glance.requests if asked.method == "POST"]
    glance.image = facts(status="uploading", size=1000)
    assert imports().status == 202
