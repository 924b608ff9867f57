# SPDX-License-Identifier: Apache-2.0
"""One upload per image at a time, over all workers; the second one hears of the first at once."""
import concurrent.futures
import hashlib
import json
import re
import threading
import time

from support.desk import OCTETS, PAUSE, RIGHT, TOKEN, Desk, data
from support.glance import IMAGE, UPLOAD
from support.proxy import STREAM, wait_until
from support.scene import scenario
from support.wire import LAST_CHUNK, chunk, head

WORKERS = {"DEFAULT": {"workers": 4}}
BODY = data(700_000)
HALF = len(BODY) // 2


def begin(client, *fields, target=UPLOAD):
    return client.send(head(f"PUT {target} HTTP/1.1", "Host: h", OCTETS, *fields))


def hold_all(asked):
    asked.read(HALF).hold().read().send(b"HTTP/1.1 204 No Content\r\n\r\n")


def told_of_the_other(proxy, *fields, target=UPLOAD):
    """What a second client hears instead of 100 Continue."""
    with proxy.client() as client:
        begin(client, f"Content-Length: {len(BODY)}", "Expect: 100-continue", *fields, target=target)
        told = client.answer()
        assert client.interim == []
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (409, "upload_in_progress"), said
    return said["message"]


@scenario(threaded=True)
def the_second_one(scene):
    """On whatever worker, by whatever spelling of the path, into whichever door."""
    glance = scene.glance(upload=hold_all)
    proxy = scene.proxy(glance, conf=WORKERS)
    with proxy.client() as client:
        begin(client, f"Content-Length: {len(BODY)}").send(BODY[:HALF])
        asked = glance.the_upload(received=HALF - 1)
        for _ in range(40):
            began = time.monotonic()
            message = told_of_the_other(proxy)
            assert time.monotonic() - began < 5
            seconds, count = re.search(
                rf"it began (\d+) s ago, and Glance has (\d+) of its {len(BODY)} bytes", message).groups()
            assert int(seconds) <= 60 and HALF - 1 <= int(count) <= HALF, message
        for target in (f"/v2/images/%30{IMAGE[1:]}/file", f"//v2.5/images/{IMAGE}/file",
                       f"/v2/images/{IMAGE}/stage"):
            told_of_the_other(proxy, target=target)
        glance.the_upload().go()
        assert client.send(BODY[HALF:]).answer().status == 204
    assert asked.body == BODY and len(glance.uploads()) == 1
    assert proxy.metric("refusals_total", reason="upload_in_progress") == 43


@scenario
def one_that_has_sent_nothing_yet(scene):
    """It has been invited, so the image is its own; how large it will be it may not know."""
    glance = scene.glance()
    proxy = scene.proxy(glance, conf=STREAM)
    for framing, words, body in ((f"Content-Length: {len(BODY)}", f"has 0 of its {len(BODY)} bytes", BODY),
                                 ("Transfer-Encoding: chunked", "has 0 bytes of it", chunk(BODY) + LAST_CHUNK)):
        with proxy.client() as client:
            begin(client, framing, "Expect: 100-continue")
            assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
            assert words in told_of_the_other(proxy)
            assert client.send(body).answer().status == 204


@scenario(threaded=True)
def free_again(scene):
    """Whatever the end of the first one was; and at once, since its client has the answer."""
    desk = Desk(scene, conf=WORKERS)
    wrong = [*RIGHT, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="]
    table = [({}, wrong, 400, 1), ({}, [*RIGHT, "X-Openstack-Image-Size: 5"], 400, 0),
             ({"at": "head", "answer": 413}, RIGHT, 413, 1), ({"answer": 500}, RIGHT, 500, 1),
             ({"at": PAUSE, "cut": "reset"}, RIGHT, 502, 1)]
    for fault, fields, status, reached in table * 4:
        image = desk.image()
        if fault:
            desk.glance.fault(image=image, times=1, **fault)
        told = desk.put(image, BODY, *fields)
        assert told.status == status, (told.start, told.body)
        desk.wait_over(image, reached)
        desk.wait_queued(image)
        desk.stored(desk.put(image, BODY), image, BODY)


@scenario(threaded=True)
def free_before_the_answer(scene):
    """A client that tries again with the very next packet never meets itself."""
    proxy = scene.proxy(scene.glance(), conf=WORKERS)
    for _ in range(100):
        told = proxy.ask("PUT", UPLOAD, "Content-Range: bytes 0-4/9", body=b"image")
        assert told.status == 400
        told = proxy.ask("PUT", UPLOAD, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==", body=b"image")
        assert (told.status, json.loads(told.body)["reason"]) == (400, "digest_mismatch"), told.body


@scenario(threaded=True)
def the_first_client_goes(scene):
    desk = Desk(scene, conf=WORKERS)
    for leave in ("close", "reset"):
        for sent in (0, 1000, HALF):
            image = desk.image()
            with desk.client() as client:
                desk.begin(client, image, *RIGHT, f"Content-Length: {len(BODY)}").send(BODY[:sent])
                wait_until("it is under way", lambda: any(
                    row["image"] == image and (row["bytes"] > 0 or sent <= PAUSE)
                    for row in desk.proxy.uploads()["in_flight"]))  # a reset takes back what lies unread
                getattr(client, leave)()
            desk.proxy.wait_log(f" upload .*image={image} .*verdict=aborted")
            desk.wait_over(image, sent > PAUSE)
            desk.wait_queued(image)
            desk.stored(desk.put(image, BODY), image, BODY)


@scenario
def saved_by_somebody_else(scene):
    """Past this proxy: it says so, since it cannot say how far that is."""
    desk = Desk(scene)
    image = desk.image()
    desk.glance.fault(image=image, stall=3600, stuck=True)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        past = pool.submit(desk.glance.upload, image, BODY)
        wait_until("it is saving", lambda: desk.show(image)["status"] == "saving")
        told = desk.put_head(image, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
        said = json.loads(told.body)
        assert (told.status, said["reason"]) == (409, "image_not_queued"), said
        assert "its status is saving, and this proxy is not uploading it" in said["message"], said
        desk.glance.stop()
        assert past.exception()


@scenario(threaded=True, alone=True)
def fifty_at_once(scene):
    """One is stored, and that one whole; the others are refused, and disturb nothing."""
    desk = Desk(scene, conf=WORKERS)
    bodies = [data(300_000, b"%d" % number) for number in range(50)]
    for _ in range(4):
        image = desk.image()
        together = threading.Barrier(len(bodies))

        def upload(body, image=image, together=together):
            with desk.client() as client:
                together.wait()
                desk.begin(client, image, *RIGHT, f"Content-Length: {len(body)}").send_until_refused(body)
                return client.answer()

        with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(upload, bodies))
        statuses = [told.status for told in answers]
        assert sorted(statuses) == [204] + [409] * (len(bodies) - 1), statuses
        # at least one came while the first was under way; later ones see what became of it
        assert any(b'"upload_in_progress"' in told.body for told in answers)
        winner = bodies[statuses.index(204)]
        assert desk.show(image)["os_hash_value"] == hashlib.sha512(winner).hexdigest()
        assert sum(asked["status"] == 204 for asked in desk.puts(image)) == 1
    desk.proxy.wait_metric(0, "uploads_in_flight")
