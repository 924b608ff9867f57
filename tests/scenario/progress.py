# SPDX-License-Identifier: Apache-2.0
"""GET .../file/progress: who sees an image sees how far its upload is, and nothing of other images."""
import json

from support.fixture import scenario
from support.glance import IMAGE, json_answer
from support.proxy import wait_until
from support.resuming import BODY, STRANGER
from support.stack import RIGHT, TOKEN, Stack

HALF = len(BODY) // 2


def ask(stack, image, *fields, method="GET"):
    return stack.proxy.ask(method, f"/v2/images/{image}/file/progress", *fields)


def rows(stack, image):
    told = ask(stack, image, TOKEN)
    assert (told.status, told.get("Content-Type"), told.get("Cache-Control")) == (200, "application/json", "no-store")
    said = json.loads(told.body)
    assert list(said) == ["in_flight", "finished"], said
    for row in said["in_flight"] + said["finished"]:
        assert row["image"] == image and "client" not in row, row
    return said["in_flight"], said["finished"]


@scenario(threaded=True)
def an_uploader_sees_the_own_upload(fixture):
    """On any worker, while it runs and when it has ended."""
    stack = Stack(fixture)
    image, other, idle = stack.image(), stack.image(), stack.image()
    with stack.client() as client, stack.client() as another:
        for it, target in ((client, image), (another, other)):
            stack.begin(it, target, *RIGHT, f"Content-Length: {len(BODY)}")
            it.send(BODY[:HALF])
        for target in (image, other):
            wait_until("some of it is at Glance", lambda of=target: any(row["bytes"] for row in rows(stack, of)[0]))
        assert rows(stack, idle) == ([], [])
        for _ in range(4):
            (row,), finished = rows(stack, image)
            assert (row["size"], row["state"], row["step"], finished) == (len(BODY), "sending", "send", []), row
        client.send(BODY[HALF:])
        assert client.answer().status == 204
    in_flight, (row,) = rows(stack, image)
    assert (in_flight, row["verdict"], row["bytes"]) == ([], "stored", len(BODY)), row


@scenario
def image_without_an_id_shows_no_other_upload(fixture):
    glance = fixture.glance(image=json_answer("200 OK", {"status": "queued", "owner": "demo"}))
    proxy = fixture.proxy(glance)
    told = proxy.ask("GET", f"/v2/images/{IMAGE}/file/progress", TOKEN)
    assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_failed"), told.body


@scenario
def stranger_gets_the_answer_of_glance(fixture):
    stack = Stack(fixture)
    image = stack.image()
    stack.stored(stack.put(image, BODY[:1000]), image, BODY[:1000])
    for fields in ((STRANGER,), (), ("X-Auth-Token: unknown",)):
        told = ask(stack, image, *fields)
        same = stack.proxy.ask("GET", f"/v2/images/{image}", *fields)
        assert (told.status, told.body) == (same.status, same.body) and told.status in (401, 404), told.start
    assert ask(stack, "no-such-image", TOKEN).status == 404
    # Other methods are those of Glance, which does not have the path.
    for method in ("POST", "PUT", "DELETE"):
        assert ask(stack, image, TOKEN, method=method).status in (404, 405), method
