# SPDX-License-Identifier: Apache-2.0
"""Answers of Glance at unusual times: refusals before it reads the body, lost answers, failing queries,
connections that end."""
import fcntl
import json
import struct
import termios
import threading
import time

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, accept_upload, answer, facts, json_answer, stored
from support.proxy import STREAM
from support.raw_http import PATIENCE, head

FIRST = 64 << 10
MIB = 1 << 20
LARGE = bytes(range(256)) * (24 * MIB // 256)
SIZES = {"small": 150_000, "large": len(LARGE)}
BALANCER = answer("504 Gateway Timeout", body=b"the balancer has given up")


def reason(told):
    said = json.loads(told.body)
    return told.status, said["reason"], said["message"]


def put(client, size, *fields, path=UPLOAD, framing=None):
    return client.send(head(f"PUT {path} HTTP/1.1", "Host: h", framing or f"Content-Length: {size}", *fields))


def unread(asked):
    """Bytes of the body that have arrived and were not read."""
    left = fcntl.ioctl(asked.stream.sock, termios.FIONREAD, b"\0" * 4)
    return len(asked.stream.ahead) + struct.unpack("i", left)[0]


def told_image(asked, **changed):
    asked.read().send(json_answer("200 OK", {"id": IMAGE, **facts(**changed)}))


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
    chunked = b"%x\r\n" % len(LARGE) + LARGE + b"\r\n0\r\n\r\n"
    for status, body, said in ((403, b"not yours", closing), (413, b"too large", whole), (409, b"half of it", half)):
        glance.upload = refusing(said)
        for framing, sent in ((f"Content-Length: {SIZES['small']}", LARGE[:SIZES["small"]]),
                              (f"Content-Length: {SIZES['large']}", LARGE), ("Transfer-Encoding: chunked", chunked)):
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
            put(client, size, "X-Openstack-Request-Id: req-to-look-for").send_until_refused(LARGE[:size])
            status, why, message = reason(client.answer())
        assert (status, why) == (502, "glance_failed")
        assert "the image is queued again: upload once more" in message, message
        assert "Glance may refuse the upload, and its log says why at req-to-look-for" in message, message


# --- the body is held until Glance reads ----------------------------------------------------


class Beginning:
    """A Glance that reads nothing before `begun` is set, and whose image status says whether it has begun."""

    def __init__(self, fixture, status="saving", continues=False):
        self.status = status
        self.continues = continues
        self.begun = threading.Event()
        self.before = None  # bytes that had come by then
        self.glance = fixture.glance(upload=self.take, image=self.tell)

    def take(self, asked):
        while not self.begun.wait(0.02):
            self.before = unread(asked)
        asked._continued = not self.continues
        accept_upload(asked)

    def tell(self, asked):
        done = [one for one in self.glance.uploads() if one.complete]
        if done:
            return asked.read().send(json_answer("200 OK", {"id": IMAGE, **facts(), **stored(done[-1])}))
        return told_image(asked, status=self.status if self.begun.is_set() else "queued")

    def looks(self):
        return sum(asked.method == "GET" and asked.target.endswith(IMAGE) for asked in self.glance.requests)


@scenario(threaded=True, representative=True)
def body_is_held_until_glance_reads(fixture):
    """Its 100 Continue, or the image's status, says that it reads."""
    for continues, action, status in ((True, "file", "saving"), (False, "file", "saving"),
                                      (False, "stage", "uploading")):
        for size in SIZES.values():
            begins = Beginning(fixture, status, continues)
            proxy = fixture.proxy(begins.glance)
            sent = min(size // 2, MIB)
            with proxy.client() as client:
                put(client, size, path=f"/v2/images/{IMAGE}/{action}").send(LARGE[:sent])
                begins.glance.the_upload()
                time.sleep(0.7)
                begins.begun.set()
                client.send(LARGE[sent:size])
                assert client.answer().status == 204
            asked = begins.glance.uploads()[0]
            assert begins.before == FIRST, (begins.before, continues, action)
            assert asked.length == size and asked.get("Expect") == "100-continue"
            proxy.stop()
            begins.glance.stop()


@scenario
def held_body_is_sent_after_a_delay(fixture):
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    with proxy.client() as client:
        put(client, len(LARGE))
        client.send_until_refused(LARGE[:MIB])
        begins.glance.the_upload()
        begins.glance.wait("the rest", lambda _: unread(begins.glance.uploads()[0]) > FIRST)
        begins.begun.set()
        client.send(LARGE[MIB:])
        assert client.answer().status == 204
    assert begins.looks() < 25, begins.looks()


@scenario
def small_body_is_not_held(fixture):
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    with proxy.client() as client:
        put(client, FIRST).send(LARGE[:FIRST])
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
        glance.requests.clear()
        assert proxy.ask("PUT", UPLOAD, body=LARGE).status == 204
        asked = [one for one in glance.requests if one.method == "GET" and one.target.endswith(IMAGE)]
        assert looks in (None, len(asked)), len(asked)


@scenario(threaded=True)
def held_upload_is_cut_when_the_client_leaves(fixture):
    begins = Beginning(fixture)
    proxy = fixture.proxy(begins.glance)
    with proxy.client() as client:
        put(client, len(LARGE)).send(LARGE[:MIB])
        begins.glance.the_upload()
    proxy.wait_metric(0, "requests_in_flight")
    begins.begun.set()
    begins.glance.wait("the cut", lambda glance: glance.uploads()[0].cut)


# --- lost answers ---------------------------------------------------------------------------


class Losing:
    """A Glance that takes the whole body and whose answer is lost. `images` are its next answers for the image."""

    def __init__(self, fixture, *images, said=None):
        self.images = list(images)
        self.said = said
        self.glance = fixture.glance(upload=self.take, image=self.tell)

    def take(self, asked):
        asked.read()
        if self.said:
            asked.send(self.said)
        asked.close()

    def tell(self, asked):
        done = [one for one in self.glance.uploads() if one.complete]
        if not done:
            return told_image(asked)
        now = self.images.pop(0) if len(self.images) > 1 else self.images[0]
        if callable(now):
            return now(asked)
        found = {"id": IMAGE, **facts(), **stored(done[-1]), **now} if now.get("status") is None else now
        return asked.read().send(json_answer("200 OK", found))


SAVING, QUEUED, KILLED = facts(status="saving"), facts(status="queued"), facts(status="killed")
STAGING, STORED = facts(status="uploading", size=None), {}


def told_later(asked, released):
    asked.read()
    assert released.wait(PATIENCE), "the scenario never said so"
    asked.send(json_answer("200 OK", {"id": IMAGE, **SAVING}))


def gone(asked):
    asked.read().send(answer("404 Not Found"))


def unwell(asked):
    asked.read().send(answer("503 Service Unavailable"))


def found_out(fixture, size, said=None):
    table = [  # what is told of the image, status, reason, the image's status, words
        ([SAVING, STORED], 204, None, None, None),
        ([unwell, lambda asked: asked.reset(), STORED], 204, None, None, None),
        ([QUEUED, QUEUED], 502, "glance_failed", "queued", "upload once more"),
        ([QUEUED, STORED], 204, None, None, None),
        ([SAVING, KILLED], 502, "glance_failed", "killed", "delete it and create a new one"),
        ([SAVING, gone], 502, "glance_failed", "deleted", "the image is gone"),
        ([{"size": 7}], 502, "verify_failed", None, "Glance has 7 bytes"),
        ([SAVING], 504, "glance_timeout", "saving", "do not delete it yet"),
        ([lambda asked: asked.read().send(answer("401 Unauthorized"))], 502, "glance_failed", None,
         "do not delete it while it is saving"),
    ]
    for images, status, why, after, words in table:
        losing = Losing(fixture, *images, said=said)
        proxy = fixture.proxy(losing.glance, conf={"glance": {"response_timeout": "6s"}})
        told = proxy.ask("PUT", UPLOAD, body=LARGE[:size])
        assert told.get("X-Intake-Image-Status") == after, (images, told.get("X-Intake-Image-Status"))
        if said and why and why != "verify_failed":
            assert (told.status, told.body) == (504, b"the balancer has given up"), (images, told.start)
        elif status == 204:
            assert told.status == status, (images, told.start, told.body)
            assert told.get("X-Intake-Verified") == "sha512" and told.get("Repr-Digest"), told.fields
        else:
            assert told.status == status, (images, told.start, told.body)
            assert reason(told)[1] == why and words in reason(told)[2], (images, told.body)
        proxy.stop()
        losing.glance.stop()


@scenario(threaded=True, representative=True, long=True)
def lost_answer_is_recovered_from_the_image(fixture):
    found_out(fixture, 1000)


@scenario(long=True)
def lost_answer_to_a_large_body_is_recovered(fixture):
    found_out(fixture, MIB)


@scenario(long=True)
def balancers_504_is_checked_against_the_image(fixture):
    found_out(fixture, 1000, BALANCER)


@scenario
def lost_answer_to_a_stage_is_recovered(fixture):
    """The image is `uploading` before and after it. The size tells whether it was stored."""
    losing = Losing(fixture, STAGING, STORED)
    told = fixture.proxy(losing.glance).ask("PUT", f"/v2/images/{IMAGE}/stage", body=LARGE[:1000])
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.start


@scenario(threaded=True)
def recovery_blocks_nobody_and_outlives_the_client(fixture):
    released = threading.Event()
    losing = Losing(fixture, lambda asked: told_later(asked, released), STORED)
    proxy = fixture.proxy(losing.glance, conf={"DEFAULT": {"workers": "1"}})
    with proxy.client() as client:
        put(client, 1000).send(LARGE[:1000])
        losing.glance.wait("the body", lambda glance: glance.uploads() and glance.uploads()[0].complete)
        assert proxy.ask("GET", "/v2/images").status == 200  # while the upload waits for Glance
    released.set()
    line = proxy.wait_log(" upload request_id=.*")
    assert " verdict=stored" in line and " verified=sha512" in line, line
    assert proxy.metric("requests_in_flight") == 0


# --- queries that fail, connections that end ------------------------------------------------


@scenario(threaded=True, representative=True)
def verification_survives_failed_queries(fixture):
    faults = (unwell, lambda asked: asked.reset(), lambda asked: asked.close(),
              lambda asked: asked.read().send(answer("200 OK", body=b"<html>")))
    for fault in faults:
        losing = Losing(fixture, fault, fault, STORED, said=answer("204 No Content"))
        proxy = fixture.proxy(losing.glance)
        told = proxy.ask("PUT", UPLOAD, body=LARGE[:1000])
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.start
        losing.images = [fault, {"size": 5}]  # Glance has not stored all of it, and one query fails
        losing.glance.requests.clear()
        told = proxy.ask("PUT", UPLOAD, body=LARGE[:1000])
        assert reason(told)[:2] == (502, "verify_failed"), told.start
        proxy.stop()
        losing.glance.stop()


@scenario(threaded=True)
def query_on_a_dead_connection_is_repeated(fixture):
    """Every idle connection is reset when it is used again."""
    seen = set()

    def second_is_reset(asked):
        if asked.stream in seen:
            return asked.reset()
        seen.add(asked.stream)
        return told_image(asked)

    glance = fixture.glance(image=second_is_reset)
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": "1"}, "upload": {"verify": "off", "quota": "off"}})
    for _ in range(3):
        clients = [proxy.client() for _ in range(12)]
        for client in clients:  # twelve connections to Glance, which become idle together
            client.send(head(f"GET /v2/images/{IMAGE} HTTP/1.1", "Host: h"))
        answers = [client.answer().status for client in clients]
        assert answers == [200] * 12, answers
        assert proxy.ask("PUT", UPLOAD, body=LARGE[:1000]).status == 204
        for client in clients:
            client.close()


# --- spoilt images, unfinished stages -------------------------------------------------------


@scenario
def spoilt_image_is_refused_before_its_body(fixture):
    """Glance 2025.1 and later keep the hash and the object of an image that they refuse after storing it."""
    for kept in ({"os_hash_value": "ab" * 64}, {"stores": "test"}):
        glance = fixture.glance(image=facts(**kept))
        proxy = fixture.proxy(glance)
        with proxy.client() as client:
            put(client, len(LARGE), "Expect: 100-continue")
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


@scenario
def stage_of_an_old_glance_is_imported_without_a_size(fixture):
    """This Glance sets no size for staged data, so a missing size means nothing."""
    body = json.dumps({"method": {"name": "glance-direct"}}).encode()
    losing = Losing(fixture, STAGING, said=answer("204 No Content"))
    losing.glance.other = lambda asked: asked.read().send(answer("202 Accepted"))
    proxy = fixture.proxy(losing.glance)
    assert proxy.ask("PUT", f"/v2/images/{IMAGE}/stage", body=LARGE[:1000]).status == 204
    told = proxy.ask("POST", f"/v2/images/{IMAGE}/import", "Content-Type: application/json", body=body)
    assert told.status == 202, told.start
