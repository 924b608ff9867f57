# SPDX-License-Identifier: Apache-2.0
"""An upload that has lost its client is held, and a client goes on with it. The image has the right bytes, or
waits for data again; never anything else."""
import base64
import concurrent.futures
import hashlib
import os
import random

from support.fixture import scenario
from support.glance import BEHIND, IMAGE, NO_CONTENT, UPLOAD, answer, facts, json_answer
from support.glance import stored as stored_image
from support.proxy import wait_until
from support.raw_http import Cut, head, reason
from support.resuming import BODY, MIB, Resuming, eventually, stored
from support.stack import OCTETS, TOKEN, data


@scenario(threaded=True, representative=True)
def lost_client_goes_on_where_it_was(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    at = stack.held(image)
    told = stack.ask_offset(image)
    assert (told.get("Upload-Offset"), told.get("Upload-Length"), told.get("Upload-Complete")) == \
        (str(at), str(len(BODY)), "?0"), told.fields
    assert told.get("Upload-Expires"), told.fields
    wait_until("it is shown as held", lambda: [("held", image)] == [
        (one["state"], one["image"]) for one in stack.proxy.uploads()["in_flight"]])
    told = stack.resume(image, at)
    stored(stack, told, image)
    assert " resumed=1 " in stack.log_line(told)
    told = stack.ask_offset(image)
    assert (told.get("Upload-Offset"), told.get("Upload-Complete")) == (str(len(BODY)), "?1"), told.fields
    stack.clean()


class CutRandomly:
    """A client that is cut in every way, and goes on until its image is stored."""

    def __init__(self, stack, seed):
        self.stack = stack
        self.random = random.Random(seed)
        self.body = data(self.random.randint(3 * MIB, 8 * MIB), b"%d" % seed)
        self.image = stack.image()
        self.silent = []

    def cut(self, client):
        way = self.random.choice(("reset", "close", "silence"))
        if way == "silence":
            self.silent.append(client)
        else:
            getattr(client, way)()

    def part(self, at):
        """Sends a part of the rest, and is cut. True: all of it was sent, and the answer came."""
        client = self.stack.client()
        if at:
            self.stack.begin_rest(client, self.image, at, self.body)
        else:
            self.stack.begin(client, self.image, TOKEN, OCTETS, f"Content-Length: {len(self.body)}")
        until = len(self.body) if self.random.random() < 0.3 else \
            self.random.randint(max(at, MIB), len(self.body) - 1)
        client.send_until_refused(self.body[at:until])
        if until < len(self.body):
            self.cut(client)
            return None
        told = client.answer()
        client.close()
        return told

    def run(self):
        told = None
        while told is None or told.status in (408, 409, 423):
            asked = eventually("an offset", lambda: self.stack.ask_offset(self.image),
                               lambda told: told.status == 200)
            try:
                told = self.part(int(asked.get("Upload-Offset")))
            except (Cut, OSError):
                told = None
        for client in self.silent:
            client.close()
        return told


def descriptors(proxy):
    """All but TCP connections, of which the proxy keeps some to Glance."""
    folder, links = f"/proc/{proxy.process.pid}/fd", []
    for number in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{number}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    with open("/proc/net/tcp", encoding="ascii") as file:
        tcp = {f"socket:[{line.split()[9]}]" for line in file}
    return len([link for link in links if link not in tcp])


@scenario(threaded=True)
def random_cuts_end_with_the_right_bytes(fixture):
    stack = Resuming(fixture, resume={"max_held_per_project": "64"}, workers=4,
                     listen={"stall_timeout": "2s"})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for first in (0, 4):
            cuts = [CutRandomly(stack, seed) for seed in range(first, first + 4)]
            for one, told in zip(cuts, pool.map(CutRandomly.run, cuts)):
                stored(stack, told, one.image, one.body)
            stack.clean()
            if first == 0:  # each worker keeps some pipes
                kept = descriptors(stack.proxy) + 2 * 4
    wait_until("the descriptors are free", lambda: descriptors(stack.proxy) <= kept)


@scenario(threaded=True)
def resumption_over_tls(fixture):
    stack = Resuming(fixture)
    stack.speak_tls(fixture)
    stack.set()
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
        client.send(BODY[:3 * MIB])
        wait_until("Glance takes it", lambda: stack.show(image)["status"] == "saving")
        wait_until("3 MiB are taken", lambda: stack.proxy.uploads()["in_flight"][0]["bytes"] > 3 * MIB - 70_000)
    stack.wait_held()
    with stack.client() as client:
        at = int(client.ask("HEAD", f"/v2/images/{image}/file", TOKEN).get("Upload-Offset"))
    assert at <= 3 * MIB
    stored(stack, stack.resume(image, at - MIB), image)
    stack.clean()


@scenario
def parts_are_sent_one_by_one(fixture):
    """Each request has a part of the rest, and its client is told how much there is."""
    stack = Resuming(fixture)
    image = stack.image()
    at = stack.held(image)
    for until in (at + 1, at + 100_000, 5 * MIB):
        told = stack.resume(image, at, until=until)
        assert (told.status, told.get("Upload-Offset"), told.get("Upload-Complete")) == (204, str(until), "?0"), \
            (told.start, told.fields)
        at = until
    stored(stack, stack.resume(image, at), image)
    stack.clean()


@scenario
def digest_of_the_whole_is_compared(fixture):
    stack = Resuming(fixture)
    for right in (False, True):
        image = stack.image()
        promise = _digest_of(BODY if right else BODY[1:])
        at = 3 * MIB
        with stack.started(image, at, fields=(TOKEN, OCTETS, promise)) as client:
            client.reset()
        stack.wait_held()
        told = stack.resume(image, at)
        if right:
            stored(stack, told, image)
        else:
            assert reason(told) == (400, "digest_mismatch"), (told.start, told.body)
            stack.wait_queued(image)
    stack.clean()


def _digest_of(body):
    return f"Repr-Digest: sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


IMPATIENCE = 6.0  # seconds
FED = 14  # bytes: at two each second they last longer than that


class Impatient:
    """A Glance that does not wait long for a byte, and whose image is `saving` while it takes the upload."""

    def __init__(self, fixture):
        self.glance = fixture.glance(upload=self.take, image=self.tell)
        self.taking = None

    def take(self, asked):
        if asked.get("Content-Length") == "1":  # may this caller upload?
            asked.send(answer("409 Conflict", body=b"from saving to saving"))
            return asked.await_close()
        self.taking = asked
        asked.stream.sock.settimeout(IMPATIENCE)
        return asked.read().send(NO_CONTENT)

    def tell(self, asked):
        status = "saving" if self.taking else "queued"
        known = stored_image(self.taking) if self.taking and self.taking.complete else {"status": status}
        asked.read().send(json_answer("200 OK", {"id": IMAGE, **facts(), **known}))


@scenario(long=True)
def held_upload_is_fed_and_proved_with_the_newest_token(fixture):
    impatient = Impatient(fixture)
    proxy = fixture.proxy(impatient.glance, conf={"glance": {"feed_interval": "500ms"}, "resume": {"window": "2m"}})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "X-Auth-Token: old", f"Content-Length: {len(BODY)}"),
                    BODY[:2 * MIB])
        impatient.glance.wait("2 MiB", lambda _: impatient.taking and impatient.taking.length >= 2 * MIB - BEHIND)
        client.reset()
    impatient.glance.wait("bytes that were kept back",
                          lambda _: impatient.taking.length >= 2 * MIB - BEHIND + FED)
    with proxy.client() as client:
        Resuming.begin_rest(client, IMAGE, 2 * MIB, token="X-Auth-Token: new")
        told = client.send(BODY[2 * MIB:]).answer()
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (told.start, told.body)
    assert impatient.taking.get("X-Auth-Token") == "old"
    assert impatient.glance.requests[-1].get("X-Auth-Token") == "new"
