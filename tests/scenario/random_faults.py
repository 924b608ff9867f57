# SPDX-License-Identifier: Apache-2.0
"""Thousands of uploads while clients and Glance fail at random: every answer is true, and nothing is left over."""
import collections
import concurrent.futures
import hashlib
import json
import os
import random
import time
import uuid

from support.fixture import scenario
from support.glance import answer, facts, json_answer
from support.proxy import wait_until
from support.raw_http import Cut, chunk, head

UPLOADS = 500
AT_ONCE = 40
SEED = 20251
NOISE = random.Random(SEED).randbytes(400_000)
PATIENT = {"response_timeout": "60s"}
POLICY = """\
default: {{store: test, mode: force}}
stores:
  test:
    s3: {{ endpoint: "{endpoint}", bucket: images, access_key_file: {key}, secret_key_file: {key} }}
    capacity: 1GiB
"""


class FaultyGlance:
    """Keeps images as Glance does, and fails in each step of each request with a probability. Its statements
    are true, except for a 204 after it has stored other data."""

    def __init__(self, fixture, faults):
        self.faults = faults
        self.images = {}
        self.dice = random.Random(SEED)
        self.count = 0
        self.glance = fixture.glance(upload=self.take, image=self.tell)

    def create(self):
        image = str(uuid.uuid4())
        self.images[image] = facts(id=image, os_hash_algo="sha512", os_hash_value=None, size=None)
        return image

    def one_of(self, *choices):
        """One of the faults with the set probability, else None."""
        wrong = self.dice.random() < self.faults
        self.count += wrong
        return self.dice.choice(choices) if wrong else None

    def goes_wrong(self, asked):
        """True: the request has ended with a fault."""
        fault = self.one_of("503", "reset", "close", "delay")
        if fault == "delay":
            time.sleep(self.dice.random() / 2)
        elif fault == "503":
            asked.send(answer("503 Service Unavailable"))
        elif fault:
            getattr(asked, fault)()
        return fault not in (None, "delay")

    def tell(self, asked):
        asked.read()
        if self.goes_wrong(asked):
            return
        answers = json_answer("200 OK", self.images[asked.target.split("/")[-1]])
        if self.one_of("unasked"):  # the next request on this connection must not get this answer
            answers += json_answer("200 OK", self.dice.choice(list(self.images.values())))
        asked.send(answers)

    def store(self, image, asked):
        kept = self.one_of("another") or asked.sha512
        size = asked.length
        if kept == "another":
            kept, size = hashlib.sha512(b"another").hexdigest(), len(b"another")
        image.update(status="active", size=size, os_hash_value=kept, stores="test")

    def take(self, asked):
        image = self.images[asked.target.split("/")[3]]
        fault = self.one_of("503", "reset", "close", "refuse")
        if fault in ("503", "refuse"):
            return asked.send(answer("503 Service Unavailable" if fault == "503" else "413 Payload Too Large")).close()
        if fault:
            return getattr(asked, fault)()
        image["status"] = "saving"
        try:
            return self.take_body(image, asked)
        except (Cut, OSError):
            image["status"] = "queued"
            raise

    def take_body(self, image, asked):
        fault = self.one_of("part", "early", "lost", "late", "fails", "balancer", "killed")
        if fault in ("part", "early"):
            asked.read(self.dice.randrange(1, 500))
            image["status"] = "queued"
            if fault == "early":
                asked.send(answer("410 Gone"))
            return asked.close()
        asked.read()
        if fault == "lost":
            asked.close()
        if fault == "balancer":
            asked.send(answer("504 Gateway Timeout"))
        if fault in ("late", "lost", "balancer"):
            time.sleep(self.dice.random() * 2)
        if fault in ("fails", "killed"):
            image["status"] = "queued" if fault == "fails" else "killed"
            return asked.close()
        self.store(image, asked)
        return None if fault in ("lost", "balancer") else asked.send(answer("204 No Content"))


class Storm:
    def __init__(self, fixture, verify):
        self.verified = {"digest": "sha512", "size": "size"}[verify]
        self.faulty = FaultyGlance(fixture, 0.0)
        self.gateway = fixture.glance(port=29480, other=lambda asked: asked.read().send(
            answer("200 OK", "X-RGW-Bytes-Used: 0")))
        key = fixture.folder / "key"
        key.write_text("a-key\n")
        conf = {"glance": PATIENT, "upload": {"unknown_length": "stream", "verify": verify}}
        self.proxy = fixture.proxy(self.faulty.glance, conf=conf, policy=POLICY.format(
            endpoint=self.gateway.url, key=key))
        self.told = collections.Counter()
        self.untrue = []

    def upload(self, number):
        dice = random.Random(SEED + number)
        image = self.faulty.create()
        body = NOISE[:dice.choice((700, 60_000, 100_000, 400_000))]
        chunked = dice.random() < 0.2
        leaves = dice.random() < 0.1 * bool(self.faulty.faults)
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        sent = chunk(body) + b"0\r\n\r\n" if chunked else body
        try:
            with self.proxy.client() as client:
                client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", framing))
                if leaves:
                    client.send_until_refused(sent[:dice.randrange(len(sent))])
                    return
                client.send_until_refused(sent)
                told = client.answer()
        except (Cut, OSError) as fault:
            self.untrue.append((number, "no answer", repr(fault)))
            return
        self.judge(number, image, body, told)

    def judge(self, number, image, body, told):
        """The image's state at the time of the answer is final, since there is no other upload to it."""
        now = dict(self.faulty.images[image])
        why = json.loads(told.body).get("reason") if told.body.startswith(b"{") else None
        self.told[told.status, why] += 1
        right = now["os_hash_value"] == hashlib.sha512(body).hexdigest() and now["size"] == len(body)
        after = told.get("X-Intake-Image-Status")
        true = {204: now["status"] == "active" and right and told.get("X-Intake-Verified") == self.verified,
                413: now["status"] == "queued", 410: now["status"] == "queued"}.get(told.status)
        if why == "verify_failed":
            true = not right
        elif true is None:
            true = not (now["status"] == "active" and right and not after) or told.status == 503
        if after and why != "verify_failed":
            true = true and (after == now["status"] or told.status in (503, 504))
        if not true:
            self.untrue.append((number, told.status, why, after, now["status"], right, told.body))

    def run(self, count, first=0):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.upload, range(first, first + count)))
        self.proxy.wait_metric(0, "requests_in_flight")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.proxy.process.pid}/fd"))


def weather(fixture, verify):
    storm = Storm(fixture, verify)
    before = storm.descriptors()
    storm.run(AT_ONCE)
    assert storm.told == {(204, None): AT_ONCE}, (storm.told, storm.untrue)
    storm.faulty.faults = 0.2
    storm.run(UPLOADS, AT_ONCE)
    assert not storm.untrue, (len(storm.untrue), storm.untrue[:5], storm.told)
    assert storm.told[204, None] > UPLOADS / 4 and len(storm.told) > 5, storm.told
    assert storm.faulty.count > UPLOADS / 2, storm.faulty.count
    # Some connections to Glance stay open for later, but no more than there were requests at a time.
    wait_until("its descriptors are back", lambda: storm.descriptors() <= before + 2 * AT_ONCE)
    storm.faulty.faults = 0.0
    storm.told.clear()
    storm.run(AT_ONCE, AT_ONCE + UPLOADS)
    assert storm.told == {(204, None): AT_ONCE}, (storm.told, storm.untrue)
    assert storm.proxy.uploads()["in_flight"] == []
    # No capacity of the store is still reserved: an upload of all of it fits.
    image = storm.faulty.create()
    with storm.proxy.client() as client:
        client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", f"Content-Length: {1 << 30}"), b"x")
        wait_until("it is taken", lambda: storm.proxy.uploads()["in_flight"])


@scenario(long=True)
def answers_are_true_under_random_faults(fixture):
    weather(fixture, "digest")


@scenario(long=True)
def answers_are_true_without_hashing(fixture):
    weather(fixture, "size")
