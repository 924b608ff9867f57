# SPDX-License-Identifier: Apache-2.0
"""Answers of Glance that are lost, and queries that fail: the image's status tells the result of the upload."""
import concurrent.futures
import json
import threading

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, answer, facts, json_answer, new_upload, stored
from support.glance_answers import (
    BALANCER, KILLED, MIB, QUEUED, SAVING, STAGING, STORED, Losing, image_data, put, reason, told_image)
from support.raw_http import PATIENCE, head


# --- lost answers ---------------------------------------------------------------------------


def told_later(asked, released):
    asked.read()
    assert released.wait(PATIENCE), "the scenario never said so"
    asked.send(json_answer("200 OK", {"id": IMAGE, **SAVING}))


def gone(asked):
    asked.read().send(answer("404 Not Found"))


def unwell(asked):
    asked.read().send(answer("503 Service Unavailable"))


class LosingMany(Losing):
    """For many images at once. `images` has the next answers for each, by the path of its upload."""

    def __init__(self, fixture, images, said):
        super().__init__(fixture, said=said)
        self.images = images

    def tell(self, asked):
        path = f"{asked.target}/file"
        done = [one for one in self.glance.uploads() if one.target == path and one.complete]
        left = self.images[path] if done else [QUEUED]
        now = left.pop(0) if len(left) > 1 else left[0]
        if callable(now):
            return now(asked)
        found = now if "status" in now else {**facts(), **stored(done[-1]), **now}
        return asked.read().send(json_answer("200 OK", {"id": path.split("/")[3], **found}))


def found_out(fixture, size, said=None):
    table = [  # image as Glance describes it; status and reason of the answer; status of the image; words
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
    paths = [new_upload() for _ in table]
    losing = LosingMany(fixture, {path: list(row[0]) for path, row in zip(paths, table)}, said)
    proxy = fixture.proxy(losing.glance, conf={"glance": {"response_timeout": "15s"}})
    with concurrent.futures.ThreadPoolExecutor(len(table)) as pool:
        answers = list(pool.map(lambda path: proxy.ask("PUT", path, body=image_data(size)), paths))
    for told, (images, status, why, after, words) in zip(answers, table):
        assert told.get("X-Intake-Image-Status") == after, (images, told.get("X-Intake-Image-Status"))
        if said and why and why != "verify_failed":
            assert (told.status, told.body) == (504, b"the balancer has given up"), (images, told.start)
        elif status == 204:
            assert told.status == status, (images, told.start, told.body)
            assert told.get("X-Intake-Verified") == "sha512" and told.get("Repr-Digest"), told.fields
        else:
            assert told.status == status, (images, told.start, told.body)
            assert reason(told)[1] == why and words in reason(told)[2], (images, told.body)


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
    told = fixture.proxy(losing.glance).ask("PUT", f"/v2/images/{IMAGE}/stage", body=image_data(1000))
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.start


@scenario(threaded=True)
def recovery_blocks_nobody_and_outlives_the_client(fixture):
    released = threading.Event()
    losing = Losing(fixture, lambda asked: told_later(asked, released), STORED)
    proxy = fixture.proxy(losing.glance, conf={"DEFAULT": {"workers": "1"}})
    with proxy.client() as client:
        put(client, 1000).send(image_data(1000))
        losing.glance.wait("the body", lambda glance: glance.uploads() and glance.uploads()[0].complete)
        assert proxy.ask("GET", "/v2/images").status == 200  # while the upload waits for Glance
    released.set()
    line = proxy.wait_log(" upload request_id=.*")
    assert " verdict=stored" in line and " verified=sha512" in line, line
    proxy.wait_metric(0, "requests_in_flight")


# --- queries that fail, connections that end ------------------------------------------------


@scenario(threaded=True)
def verification_survives_failed_queries(fixture):
    faults = (unwell, lambda asked: asked.reset(), lambda asked: asked.close(),
              lambda asked: asked.read().send(answer("200 OK", body=b"<html>")))
    losing = Losing(fixture, said=answer("204 No Content"))
    proxy = fixture.proxy(losing.glance)
    for fault in faults:
        losing.begin(fault, fault, STORED)
        told = proxy.ask("PUT", UPLOAD, body=image_data(1000))
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.start
        losing.begin(fault, {"size": 5})  # Glance has not stored all of it, and one query fails
        told = proxy.ask("PUT", UPLOAD, body=image_data(1000))
        assert reason(told)[:2] == (502, "verify_failed"), told.start


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
        assert proxy.ask("PUT", UPLOAD, body=image_data(1000)).status == 204
        for client in clients:
            client.close()


# --- spoilt images, unfinished stages -------------------------------------------------------


@scenario
def stage_of_an_old_glance_is_imported_without_a_size(fixture):
    """This Glance sets no size for staged data, so a missing size means nothing."""
    body = json.dumps({"method": {"name": "glance-direct"}}).encode()
    losing = Losing(fixture, STAGING, said=answer("204 No Content"))
    losing.glance.other = lambda asked: asked.read().send(answer("202 Accepted"))
    proxy = fixture.proxy(losing.glance)
    assert proxy.ask("PUT", f"/v2/images/{IMAGE}/stage", body=image_data(1000)).status == 204
    told = proxy.ask("POST", f"/v2/images/{IMAGE}/import", "Content-Type: application/json", body=body)
    assert told.status == 202, told.start
