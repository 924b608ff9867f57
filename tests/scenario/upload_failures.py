# SPDX-License-Identifier: Apache-2.0
"""After a failure of Glance the answer has the image's status, and says what to do."""
import concurrent.futures
import json

from verification import BODY, PATCH, failed, proven
from support.fixture import scenario
from support.glance import UPLOAD, answer
from support.raw_http import head
from support.stack import RIGHT, TOKEN, Stack


# --- a failure ------------------------------------------------------------------------------


def states(stack):
    """The states in which a failure may leave an image: (fault of the small Glance, action during the upload,
    words of the message)."""
    return {
        "queued": ({}, None, "upload once more"),
        "saving": ({"stuck": True}, None, "delete it and create a new one"),
        "active": ({"kept": True}, None, "has become active"),
        "deleted": ({}, stack.glance.delete, "gone"),
    }


def upload_meanwhile(stack, image, act):
    return stack.put_with_pause(image, BODY, lambda: act and act(image))


def noted(stack, told, state):
    assert told.all("X-Intake-Image-Status") == [state]
    assert f" image_after={state} " in stack.log_line(told)
    stack.proxy.wait_log(f"WARNING {told.get('X-Openstack-Request-Id')}: Glance failed, .* is {state} now")


@scenario
def glances_failure_is_relayed_with_the_image_status(fixture):
    """Glance's answer is relayed, with a field for the status."""
    stack = Stack(fixture)
    for state, (fault, act, _) in states(stack).items():
        image = stack.image()
        stack.glance.fault(image=image, answer=500, **fault)
        told = upload_meanwhile(stack, image, act)
        assert told.status == 500 and b"Made to order by the small Glance." in told.body, state
        assert told.get("X-Intake-Verified") is None
        noted(stack, told, state)
        if state != "deleted":
            assert stack.show(image)["status"] == state
        stack.glance.no_faults()
        if state == "queued":
            proven(stack, stack.put(image, BODY), BODY)
    assert stack.proxy.metric("stuck_images_total") == 1
    assert stack.proxy.metric("uploads_total", result="rejected") == 4


@scenario(threaded=True, long=True)
def dead_glance_is_502_with_the_image_status(fixture):
    """The proxy's own message has the status. An upload that was sent whole may still become active, which
    counts as a success."""
    stack = Stack(fixture, conf={"glance": {"response_timeout": "6s"}})

    def upload(at, cut, state):
        fault, act, words = states(stack)[state]
        image = stack.image()
        stack.glance.fault(image=image, at=at, cut=cut, **fault)
        told = upload_meanwhile(stack, image, act)
        if state == "active":
            proven(stack, told, BODY)
        elif state == "saving" and told.status == 504:  # all of it was on its way
            failed(stack, told, 504, "glance_timeout", "do not delete it yet", state=state)
        else:
            failed(stack, told, 502, "glance_failed", words, state=state)
            noted(stack, told, state)

    cases = [(at, cut, state) for at in (300_000, "end") for cut in ("close", "reset") for state in states(stack)
             if state != "active" or at == "end"]
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        list(pool.map(upload, *zip(*cases)))
    assert stack.proxy.metric("stuck_images_total") == 4


@scenario
def slow_glance_is_504_with_the_image_status(fixture):
    """Glance may still be busy, so the message does not say that the image should be deleted."""
    stack = Stack(fixture, conf={"glance": {"response_timeout": "2s"}})
    image = stack.image()
    stack.glance.fault(image=image, stall=3600, stuck=True)
    told = stack.put(image, BODY)
    failed(stack, told, 504, "glance_timeout", "still busy", "do not delete it yet", state="saving")


@scenario
def unknown_image_status_is_not_reported(fixture):
    """The answer has no status field. The client holds a part of the body back, so Glance cannot have got all."""
    def upload(asked):
        asked.read(10_000)
        glance.image = answer("500 Internal Server Error")
        asked.close()

    glance = fixture.glance(upload=upload)
    with fixture.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(BODY)}"), BODY[:200_000])
        told = client.answer()
    assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_failed")
    assert told.get("X-Intake-Image-Status") is None


@scenario
def glances_refusals_need_no_query(fixture):
    """Glance's answer says enough."""
    stack = Stack(fixture)
    for status in (409, 413):
        image = stack.image()
        stack.glance.fault(image=image, answer=status)
        told = stack.put(image, BODY[:60_000])  # Glance is not asked whether it has begun
        assert told.status == status and told.get("X-Intake-Image-Status") is None
        assert [each["method"] for each in stack.glance.requests() if image in each["target"]] == ["GET", "PUT"]
    image = stack.image()
    told = stack.put_with_pause(image, BODY, lambda: stack.glance.delete(image))
    assert told.status == 410 and told.get("X-Intake-Verified") is None


@scenario
def changed_image_is_502(fixture):
    """A client can change the image after the checks, until Glance has begun to read the data."""
    policy = "rules: [{ name: no-isos, when: { disk_format: iso }, deny: no }]\ndefault: { store: test }\n"
    stack = Stack(fixture, policy=policy)
    image = stack.image()
    change = json.dumps([{"op": "replace", "path": "/disk_format", "value": "iso"}]).encode()
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, f"Content-Length: {len(BODY)}", "Expect: 100-continue")
        assert client.stream.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert stack.proxy.ask("PATCH", f"/v2/images/{image}", TOKEN, PATCH, body=change).status == 200
        client.send(BODY)
        told = client.answer()
    failed(stack, told, 502, "verify_failed", "its disk_format was raw, and is iso now")
