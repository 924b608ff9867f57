# SPDX-License-Identifier: Apache-2.0
"""Glance breaks off, the image is queued again, and all of it is on the proxy's disk: it is sent once more, once."""
import base64
import hashlib
import json

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, accept_upload, answer, facts, json_answer, stored
from support.raw_http import chunks, head, reason
from support.stack import data

BODY = data(700_000)
LARGE = bytes(20_000_000)  # more than sockets hold


class Breaking:
    """Breaks off in the first uploads by `ways`, and takes the one after them. `then` is told of the image after a
    failure."""

    def __init__(self, fixture, *ways, **then):
        self.ways = list(ways)
        self.then = then or {"status": "queued"}
        self.glance = fixture.glance(upload=self.take, image=self.tell)
        self.proxy = fixture.proxy(self.glance)

    def take(self, asked):
        (self.ways.pop(0) if self.ways else accept_upload)(asked)

    def tell(self, asked):
        done = [one for one in self.glance.uploads() if one.answered == 204]
        told = facts()
        if self.glance.uploads():
            told = facts(**self.then)
        if done:
            told = {**told, **stored(done[-1])}
        asked.read().send(json_answer("200 OK", {"id": IMAGE, **told}))

    def put(self, *fields, body=BODY):
        with self.proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked", *fields))
            client.send_until_refused(chunks(body))
            return client.answer()


def early(asked):
    asked.read(100).reset()


def middle(asked):
    asked.read(int(asked.get("Content-Length")) // 2).reset()


def at_the_end(asked):
    asked.read().reset()


def balancer(asked):
    asked.read().send(answer("502 Bad Gateway", body=b"no server"))


def failing(asked):
    asked.read().send(answer("500 Internal Server Error", body=b"it broke"))


def unavailable(asked):
    asked.read().send(answer("503 Service Unavailable"))


@scenario(threaded=True, representative=True)
def spooled_upload_is_sent_again(fixture):
    broken = Breaking(fixture)
    proxy, glance = broken.proxy, broken.glance
    for count, (way, size) in enumerate(((early, len(BODY)), (middle, len(BODY)), (at_the_end, 100_000),
                                         (balancer, len(BODY)))):  # 100,000 bytes are in memory only
        glance.requests.clear()
        broken.ways.append(way)
        told = broken.put(f"X-Openstack-Request-Id: req-{count}", body=BODY[:size])
        assert told.status == 204, (way, told.start, told.body)
        digest = hashlib.sha512(BODY[:size]).hexdigest()
        second = glance.uploads()[1]
        assert (second.sha512, second.get("Content-Length"), len(glance.uploads())) == (digest, str(size), 2)
        assert (told.get("X-Intake-Bytes"), told.get("X-Intake-Verified")) == (str(size), "sha512")
        assert told.get("X-Intake-Fixed") == "store, content-type, length"
        line = proxy.wait_log(f" upload request_id=req-{count} .*verdict=")
        for word in (f" bytes={size} ", " attempts=2 ", " verdict=stored ", f" sha512={digest} "):
            assert word in line + " ", (word, line)
        assert [proxy.uploads()["finished"][0][key] for key in ("attempts", "bytes")] == [2, size]
        assert proxy.metric("upload_retries_total") == count + 1
        assert proxy.log().count("it is sent once more") == count + 1
    proxy.wait_no_spools()


@scenario
def it_is_sent_again_only_once(fixture):
    broken = Breaking(fixture, middle, at_the_end)
    told = broken.put()
    assert reason(told) == (502, "glance_failed")
    assert "queued again after two attempts" in json.loads(told.body)["message"], told.body
    assert told.get("X-Intake-Image-Status") == "queued"
    assert len(broken.glance.uploads()) == 2
    broken.proxy.wait_no_spools()


@scenario
def image_with_anything_left_is_not_sent_again(fixture):
    broken = Breaking(fixture)
    for then in ({"status": "saving"}, {"status": "killed"}, {"status": "active"},
                 {"status": "queued", "stores": "test"}, {"status": "queued", "os_hash_value": "ab" * 64}):
        broken.glance.requests.clear()
        broken.ways.append(early)
        broken.then = then
        told = broken.put(body=LARGE)
        assert reason(told) == (502, "glance_failed"), (then, told.body)
        assert told.get("X-Intake-Image-Status") == then["status"]
        assert len(broken.glance.uploads()) == 1, then


@scenario
def answers_of_glance_are_final(fixture):
    broken = Breaking(fixture)
    for way, status in ((failing, 500), (unavailable, 503)):
        broken.glance.requests.clear()
        broken.ways.append(way)
        assert broken.put().status == status
        assert len(broken.glance.uploads()) == 1, way


@scenario
def body_that_is_not_on_disk_is_not_sent_again(fixture):
    broken = Breaking(fixture, middle)
    with broken.proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(BODY)}"))
        client.send_until_refused(BODY)
        assert reason(client.answer()) == (502, "glance_failed")
    assert len(broken.glance.uploads()) == 1


@scenario(threaded=True)
def client_that_left_is_not_served_again(fixture):
    """Its upload is over; it may come back with the same image."""
    broken = Breaking(fixture, lambda asked: asked.read().hold().reset())
    with broken.proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"), chunks(BODY))
        broken.glance.wait("all of it", lambda it: it.uploads() and it.uploads()[0].complete)
        client.reset()
        broken.proxy.wait_metric(0, "connections")
        broken.glance.uploads()[0].go()
    broken.proxy.wait_metric(0, "requests_in_flight")
    assert len(broken.glance.uploads()) == 1
    broken.proxy.wait_log("image_after=queued")


@scenario(threaded=True)
def wrong_digest_is_found_in_the_second_attempt(fixture):
    """The digests are computed anew."""
    for promised, status in ((hashlib.sha512(LARGE).digest(), 204), (bytes(64), 400)):
        broken = Breaking(fixture, early)
        told = broken.put(f"Repr-Digest: sha-512=:{base64.b64encode(promised).decode()}:", body=LARGE)
        assert told.status == status, (told.start, told.body)
        assert len(broken.glance.uploads()) == 2
        broken.proxy.stop()
        broken.glance.stop()


@scenario
def second_attempt_waits_for_a_place(fixture):
    ways = [middle]
    glance = fixture.glance(upload=lambda asked: (ways.pop(0) if ways else accept_upload)(asked))
    proxy = fixture.proxy(glance, conf={"glance": {"max_uploads": "1"}})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"), chunks(BODY))
        assert client.answer().status == 204
    assert proxy.ask("PUT", UPLOAD.replace("0b7c", "0b7d"), body=BODY).status == 204
    assert len(glance.uploads()) == 3
