# SPDX-License-Identifier: Apache-2.0
"""One upload per image at a time, over all workers: the one that Glance has begun to read. A second upload is
refused at once. Until Glance has begun with one of them, none is refused."""
import concurrent.futures
import hashlib
import json
import re
import threading
import time

from support.fixture import scenario
from support.form import declared, file, form
from support.glance import UPLOAD, accept_upload, answer
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, chunk, head
from support.stack import OCTETS, PAUSE, RIGHT, TOKEN, Stack, data

WORKERS = {"DEFAULT": {"workers": 4}}
BODY = data(700_000)
HALF = len(BODY) // 2


def begin(client, *fields, target):
    return client.send(head(f"PUT {target} HTTP/1.1", "Host: h", OCTETS, *fields))


def told_of_the_other(proxy, image, target=None):
    """The message of the refusal that a second client gets instead of 100 Continue."""
    with proxy.client() as client:
        begin(client, TOKEN, f"Content-Length: {len(BODY)}", "Expect: 100-continue",
              target=target or f"/v2/images/{image}/file")
        told = client.answer()
        assert client.interim == []
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (409, "upload_in_progress"), said
    return said["message"]


@scenario(threaded=True)
def second_upload_is_refused_on_every_worker(fixture):
    """On every worker, with every spelling of the path, for upload and stage."""
    stack = Stack(fixture, conf=WORKERS)
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, f"Content-Length: {len(BODY)}").send(BODY[:HALF])
        wait_until("Glance takes it", lambda: stack.show(image)["status"] == "saving")
        for _ in range(40):
            began = time.monotonic()
            message = told_of_the_other(stack.proxy, image)
            assert time.monotonic() - began < 15, "it waits for the other one"
            seconds, count = re.search(
                rf"it began (\d+) s ago, and Glance has (\d+) of its {len(BODY)} bytes", message).groups()
            assert int(seconds) <= 60 and int(count) <= HALF, message
        for target in (f"/v2/images/%{ord(image[0]):x}{image[1:]}/file", f"//v2.5/images/{image}/file",
                       f"/v2/images/{image}/stage"):
            told_of_the_other(stack.proxy, image, target)
        stack.stored(client.send(BODY[HALF:]).answer(), image, BODY)
    assert len(stack.puts(image)) == 1
    assert stack.proxy.metric("refusals_total", reason="upload_in_progress") == 43


@scenario
def lock_message_works_without_a_length(fixture):
    """The final size is not known."""
    stack = Stack(fixture, conf=WORKERS, unknown_length="stream")
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, "Transfer-Encoding: chunked").send(chunk(BODY[:HALF]))
        wait_until("Glance takes it", lambda: stack.show(image)["status"] == "saving")
        assert re.search(r"and Glance has \d+ bytes of it", told_of_the_other(stack.proxy, image))
        assert client.send(chunk(BODY[HALF:]) + LAST_CHUNK).answer().status == 204


@scenario
def lock_begins_when_glance_has_begun(fixture):
    """An upload that begins later and is faster goes first. The slower one is refused with the image's status."""
    stack = Stack(fixture, conf=WORKERS)
    for unknown_length in ("spool", "stream"):
        stack.set(unknown_length=unknown_length)
        for sent, fields in ((b"", [f"Content-Length: {len(BODY)}", "Expect: 100-continue"]),
                             (BODY[:3], [f"Content-Length: {len(BODY)}"]),
                             (chunk(BODY[:3]), ["Transfer-Encoding: chunked"])):
            image = stack.image()
            rest = BODY[len(sent):] if "Length" in fields[0] else chunk(BODY[3:]) + LAST_CHUNK
            with stack.client() as client:
                stack.begin(client, image, *RIGHT, *fields).send(sent)
                stack.proxy.wait_metric(1, "uploads_in_flight")
                stack.stored(stack.put(image, BODY), image, BODY)
                client.send_until_refused(rest)
                told = client.answer()
            said = json.loads(told.body)
            assert (told.status, said["reason"]) == (409, "image_not_queued"), said
            assert "its status is active" in said["message"] and len(stack.puts(image)) == 1, said


FOREIGN = ("X-Auth-Token: other-token", OCTETS)
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"


def slow_uploads():
    """(action, fields, first bytes, later bytes) of uploads that send a byte now and then."""
    for action in ("file", "stage"):
        yield action, [*FOREIGN, LENGTH], BODY[:3], b"x"
        yield action, [*FOREIGN, CHUNKED], chunk(BODY[:3]), chunk(b"x")
        yield action, [FOREIGN[0], declared(), LENGTH], form(file(BODY))[:1000], b"x"


@scenario(threaded=True)
def slow_foreign_uploads_take_no_lock(fixture):
    """The other user may see the image, but Glance does not let them upload to it. Their slow uploads do not
    block the owner, however often they come."""
    stack = Stack(fixture, conf=WORKERS)
    for unknown_length in ("spool", "stream"):
        stack.set(unknown_length=unknown_length)
        image = stack.image(visibility="community")
        others = []
        for action, fields, sent, more in slow_uploads():
            others.append((fixture.client(stack.proxy), more))
            stack.begin(others[-1][0], image, *fields, action=action).send(sent)
        stack.proxy.wait_metric(len(others), "uploads_in_flight")
        for client, more in others:
            client.send(more)
        stack.stored(stack.put(image, BODY), image, BODY)
        for client, _ in others:
            client.close()
        stack.proxy.wait_metric(0, "uploads_in_flight")


@scenario(threaded=True)
def repeated_foreign_uploads_take_no_lock(fixture):
    """The uploads reach Glance, which refuses each of them."""
    stack = Stack(fixture, conf=WORKERS)
    image = stack.image(visibility="community")
    over = threading.Event()
    told = []

    def other(action):
        while not over.is_set():
            told.append(stack.put(image, BODY, *FOREIGN, action=action).status)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        others = [pool.submit(other, action) for action in ("file", "stage") * 2]
        wait_until("Glance refuses them", lambda: told.count(403) > 10)
        answer = stack.put(image, BODY)
        over.set()
    for future in others:
        future.result()
    assert answer.status == 204, (answer.start, answer.body)
    assert stack.show(image)["os_hash_value"] == hashlib.sha512(BODY).hexdigest()
    assert set(told) <= {403, 409}, set(told)


def owners_only(asked):
    """A busy Glance, which refuses the other user's upload after a delay."""
    if asked.get("X-Auth-Token") == "other-token":
        asked.hold().send(answer("403 Forbidden"))
    else:
        accept_upload(asked)


@scenario
def foreign_upload_that_glance_delays_takes_no_lock(fixture):
    """It was sent first and Glance does not answer it. The owner's upload waits shortly and is then sent, too."""
    glance = fixture.glance(upload=owners_only)
    proxy = fixture.proxy(glance, conf=WORKERS)
    with proxy.client() as other:
        begin(other, FOREIGN[0], LENGTH, target=UPLOAD).send(BODY[:HALF])
        glance.the_upload()
        told = proxy.ask("PUT", UPLOAD, TOKEN, body=BODY)
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.body
        glance.uploads()[0].go()
        assert other.answer().status == 403


@scenario(threaded=True)
def lock_is_free_after_every_end(fixture):
    """The image is free as soon as the client has the answer."""
    stack = Stack(fixture, conf=WORKERS)
    wrong = [*RIGHT, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="]
    table = [({}, wrong, 400, 1), ({}, [*RIGHT, "X-Openstack-Image-Size: 5"], 400, 0),
             ({"at": "head", "answer": 413}, RIGHT, 413, 1), ({"answer": 500}, RIGHT, 500, 1),
             ({"at": PAUSE, "cut": "reset"}, RIGHT, 502, 1)]
    for fault, fields, status, reached in table * 4:
        image = stack.image()
        if fault:
            stack.glance.fault(image=image, times=1, **fault)
        told = stack.put(image, BODY, *fields)
        assert told.status == status, (told.start, told.body)
        stack.wait_over(image, reached)
        stack.wait_queued(image)
        stack.stored(stack.put(image, BODY), image, BODY)


@scenario(threaded=True)
def lock_is_free_before_the_answer(fixture):
    """A client that repeats its upload at once is never refused because of its own first upload."""
    proxy = fixture.proxy(fixture.glance(), conf=WORKERS)
    for _ in range(100):
        told = proxy.ask("PUT", UPLOAD, "Content-Range: bytes 0-4/9", body=b"image")
        assert told.status == 400
        told = proxy.ask("PUT", UPLOAD, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==", body=b"image")
        assert (told.status, json.loads(told.body)["reason"]) == (400, "digest_mismatch"), told.body


@scenario(threaded=True)
def lock_is_free_after_the_client_leaves(fixture):
    stack = Stack(fixture, conf=WORKERS)
    for leave in ("close", "reset"):
        for sent in (0, 1000, HALF):
            image = stack.image()
            with stack.client() as client:
                stack.begin(client, image, *RIGHT, f"Content-Length: {len(BODY)}").send(BODY[:sent])
                wait_until("it is under way", lambda: any(
                    row["image"] == image and (row["bytes"] > 0 or sent <= PAUSE)
                    for row in stack.proxy.uploads()["in_flight"]))  # a reset drops bytes that were not read yet
                getattr(client, leave)()
            stack.proxy.wait_log(f" upload .*image={image} .*verdict=aborted")
            stack.wait_over(image, sent > PAUSE)
            stack.wait_queued(image)
            stack.stored(stack.put(image, BODY), image, BODY)


@scenario
def upload_past_the_proxy_is_named_in_the_refusal(fixture):
    """The proxy cannot tell how far that upload is, and says so."""
    stack = Stack(fixture)
    image = stack.image()
    stack.glance.fault(image=image, stall=3600, stuck=True)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        past = pool.submit(stack.glance.upload, image, BODY)
        wait_until("it is saving", lambda: stack.show(image)["status"] == "saving")
        told = stack.put_head(image, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
        said = json.loads(told.body)
        assert (told.status, said["reason"]) == (409, "image_not_queued"), said
        assert "its status is saving, and this proxy is not uploading it" in said["message"], said
        stack.glance.stop()
        assert past.exception()


@scenario(threaded=True)
def one_of_fifty_uploads_is_stored(fixture):
    """It is stored whole. The others are refused and do not disturb it."""
    stack = Stack(fixture, conf=WORKERS)
    bodies = [data(300_000, b"%d" % number) for number in range(50)]
    for _ in range(4):
        image = stack.image()
        together = threading.Barrier(len(bodies))

        def upload(body, image=image, together=together):
            with stack.client() as client:
                together.wait()
                stack.begin(client, image, *RIGHT, f"Content-Length: {len(body)}").send_until_refused(body)
                return client.answer()

        with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(upload, bodies))
        statuses = [told.status for told in answers]
        assert sorted(statuses) == [204] + [409] * (len(bodies) - 1), statuses
        # each came while the first was in flight, or saw its result
        for told in answers:
            assert told.status == 204 or any(words in told.body for words in (
                b'"upload_in_progress"', b'"image_not_queued"', b"Image status transition")), told.body
        winner = bodies[statuses.index(204)]
        assert stack.show(image)["os_hash_value"] == hashlib.sha512(winner).hexdigest()
        assert sum(asked["status"] == 204 for asked in stack.puts(image)) == 1
    stack.proxy.wait_metric(0, "uploads_in_flight")
