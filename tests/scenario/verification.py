# SPDX-License-Identifier: Apache-2.0
"""A 204 means that these bytes are in that store: the proxy compares Glance's facts with what it sent."""
import base64
import hashlib
import json
import time

from support.fixture import scenario
from support.form import declared, file, form
from support.glance import ACTIVE_IMAGE, UPLOAD, answer, facts, json_answer, new_upload, stored
from support.proxy import wait_until
from support.raw_http import head
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data

BODY = data(700_000)
PATCH = "Content-Type: application/openstack-images-v2.1-json-patch"


def repr_digest(body):
    return f"sha-512=:{base64.b64encode(hashlib.sha512(body).digest()).decode()}:"


def proven(stack, told, body, by="sha512", action="file"):
    """Checks that the upload was stored and verified, in the answer and the log."""
    assert told.status == 204, (told.start, told.body)
    assert told.all("X-Intake-Verified") == [by]
    assert told.all("Repr-Digest") == [repr_digest(body)]
    assert told.all("X-Intake-Bytes") == [str(len(body))]
    assert told.all("X-Intake-Store") == ([] if action == "stage" else ["test"])
    assert told.get("X-Intake-Image-Status") is None
    line = stack.log_line(told, action)
    assert f" verified={by} " in line and " verdict=stored" in line, line


def failed(stack, told, status, reason, *words, state=None):
    """A failure with a readable message, and an error in the log."""
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (status, reason), (told.start, said)
    for each in words:
        assert each in said["message"], said
    assert told.get("X-Intake-Verified") is None and told.get("Repr-Digest") is None
    assert told.get("X-Intake-Image-Status") == state
    line = stack.log_line(told)
    assert " ERROR " in line and " verdict=failed " in line and f" reason={reason}" in line, line
    assert " verified=" not in line, line


def proofs(stack):
    return {result: stack.proxy.metric("verifications_total", result=result)
            for result in ("digest", "size", "no", "different")}


# --- a success ------------------------------------------------------------------------------


@scenario(threaded=True)
def stored_data_is_verified(fixture):
    stack = Stack(fixture)
    count = 0
    for action in ACTIONS:
        for body in (b"\0", data(70_000), data(3_000_001)):
            packed = form(file(body))
            for send, sent, fields in ((stack.put, body, RIGHT), (stack.put_chunked, body, RIGHT),
                                       (stack.put, packed, [TOKEN, declared()]),
                                       (stack.put_chunked, packed, [TOKEN, declared()])):
                image = stack.image()
                told = send(image, sent, *fields, action=action)
                proven(stack, told, body, action=action)
                stack.stored(told, image, body, action)
                count += 1
    assert proofs(stack) == {"digest": count, "size": 0, "no": 0, "different": 0}
    assert stack.proxy.metric("stuck_images_total") == 0


@scenario
def differing_data_is_502(fixture):
    stack = Stack(fixture)
    table = [
        ({"wrong_checksum": True}, ["sha512", hashlib.sha512(BODY).hexdigest()[:16]]),
        ({"short_by": 1}, [f"{len(BODY) - 1} bytes", f"{len(BODY)}"]),
        ({"store": "file"}, ["it is in file", "was to go to test"]),
    ]
    for count, (fault, words) in enumerate(table, 1):
        image = stack.image()
        stack.glance.fault(image=image, **fault)
        failed(stack, stack.put(image, BODY), 502, "verify_failed", "delete it", *words)
        assert stack.show(image)["status"] == "active"
        assert proofs(stack) == {"digest": 0, "size": 0, "no": 0, "different": count}
    assert stack.proxy.metric("refusals_total", reason="verify_failed") == len(table)
    assert stack.proxy.metric("uploads_total", result="failed") == len(table)


@scenario
def image_queued_after_a_success_is_502(fixture):
    """No Glance should do this."""
    glance = fixture.glance(image=lambda asked: asked.read().send(json_answer("200 OK", facts())))
    told = fixture.proxy(glance).ask("PUT", UPLOAD, body=BODY)
    assert (told.status, json.loads(told.body)["reason"]) == (502, "verify_failed")
    assert "queued again" in json.loads(told.body)["message"]


@scenario
def verify_setting_selects_what_is_compared(fixture):
    """With `size`, the store and the size. With `off`, nothing."""
    stack = Stack(fixture)
    for mode in ("digest", "size", "off"):
        stack.set(verify=mode)
        for fault, heeded in (({"wrong_checksum": True}, ["digest"]), ({"short_by": 1}, ["digest", "size"]),
                              ({"store": "file"}, ["digest", "size"])):
            image = stack.image()
            stack.glance.fault(image=image, **fault)
            told = stack.put(image, BODY[:60_000])  # so small that Glance is not asked whether it has begun
            if mode in heeded:
                failed(stack, told, 502, "verify_failed")
                continue
            told_of_it = "size" if mode == "size" else "no"
            assert (told.status, told.all("X-Intake-Verified")) == (204, [told_of_it]), (mode, fault)
            assert told.get("Repr-Digest") is None  # nothing was hashed
            assert f" verified={told_of_it} " in stack.log_line(told)
        asked = [(each["method"], each["target"].split("/")[-1]) for each in stack.glance.requests()
                 if image in each["target"]]
        assert asked == [("GET", image), ("PUT", "file")] + [("GET", image)] * (mode != "off"), mode


@scenario
def saving_image_is_awaited(fixture):
    """Glance answers, and its database is updated a little later."""
    def image(asked):
        done = [each for each in glance.uploads() if each.answered]
        slow = len(asks) < 4
        told = facts() if not done else facts(status="saving") if slow else facts(**stored(done[0]))
        asks.extend([asked] * len(done))
        asked.read().send(json_answer("200 OK", told))

    asks = []
    glance = fixture.glance(image=image)
    told = fixture.proxy(glance).ask("PUT", UPLOAD, body=BODY)
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.body
    assert len(asks) == 5


@scenario(long=True)
def image_stuck_in_saving_is_502(fixture):
    stack = Stack(fixture)
    image = stack.image()
    stack.glance.fault(image=image, stuck=True)
    began = time.monotonic()
    with stack.client() as client:
        client.sock.settimeout(120)
        stack.begin(client, image, *RIGHT, f"Content-Length: {len(BODY)}").send(BODY)
        told = client.answer()
    assert 25 < time.monotonic() - began, "it was given up too soon"
    failed(stack, told, 502, "verify_failed", "204", "still saving", state="saving")
    assert proofs(stack)["different"] == 1
    assert stack.proxy.metric("stuck_images_total") == 1


# --- not verified ---------------------------------------------------------------------------


@scenario(threaded=True)
def expired_token_means_not_verified(fixture):
    """The upload is still a success."""
    stack = Stack(fixture)
    table = [(401, "the token has expired"), (404, "may not see"), (403, "may not see")]
    for count, (status, words) in enumerate(table, 1):
        image = stack.image()
        told = stack.put_with_pause(
            image, BODY, lambda: stack.glance.fault(image=image, on="show", answer=status))
        stack.glance.no_faults()
        proven(stack, told, BODY, by="no")
        request_id = told.get("X-Openstack-Request-Id")
        assert words in stack.proxy.wait_log(f"WARNING {request_id}: not verified: "), status
        stack.stored(told, image, BODY)
        assert proofs(stack) == {"digest": 0, "size": 0, "no": count, "different": 0}


@scenario(long=True)
def unreadable_image_means_not_verified(fixture):
    """Glance never answers correctly. The uploads run at once, since each waits for half a minute."""
    ends = {new_upload(): end for end in (
        (lambda asked: asked.close(), "does not tell"),
        (lambda asked: asked.send(answer("503 Service Unavailable")), "fails to tell"),
        (lambda asked: asked.send(answer("200 OK", body=b"{")), "cannot be read"),
        (lambda asked: asked.send(answer("200 OK", body=b" " * (4 << 20))), "does not tell"))}

    def image(asked):
        asked.read()
        path = f"{asked.target}/file"
        if any(each.answered for each in glance.uploads() if each.target == path):
            ends[path][0](asked)
        else:
            asked.send(json_answer("200 OK", facts()))

    glance = fixture.glance(image=image)
    proxy = fixture.proxy(glance)
    clients = {path: fixture.client(proxy) for path in ends}
    for path, client in clients.items():
        client.sock.settimeout(120)
        client.send(head(f"PUT {path} HTTP/1.1", "Host: h", f"Content-Length: {len(BODY)}"), BODY)
    for path, client in clients.items():
        told = client.answer()
        assert (told.status, told.get("X-Intake-Verified")) == (204, "no"), (path, told.body)
        request_id = [each for each in glance.uploads() if each.target == path][0].get("X-Openstack-Request-Id")
        assert ends[path][1] in proxy.wait_log(f"WARNING {request_id}: not verified: "), ends[path][1]


def all_sent(proxy, image):
    """Also of an upload that was over before this could ask."""
    shown = proxy.uploads()
    return any(row["image"] == image and row["bytes"] == len(BODY) for row in shown["in_flight"] + shown["finished"])


@scenario(threaded=True)
def upload_is_verified_without_the_client(fixture):
    """The log has the result."""
    stack = Stack(fixture)
    for fault, proof, verdict in (({}, "verified=sha512", "stored"),
                                  ({"wrong_checksum": True}, "reason=verify_failed", "failed")):
        for leave in ("close", "reset"):
            image = stack.image()
            stack.glance.fault(image=image, stall=0.5, **fault)
            with stack.client() as client:
                stack.begin(client, image, *RIGHT, f"Content-Length: {len(BODY)}").send(BODY)
                stack.proxy.wait_log("listening")
                wait_until("Glance has all of it", lambda: all_sent(stack.proxy, image))
                getattr(client, leave)()
            line = stack.proxy.wait_log(f" upload .*image={image} ")
            assert f" {proof}" in line and f" verdict={verdict}" in line, line


# --- other hashes ---------------------------------------------------------------------------


@scenario
def glances_hash_algorithm_is_learned(fixture):
    """From the first upload, which is compared by the older checksum."""
    stack = Stack(fixture)
    stack.glance.fault(hash="sha256")
    for by in ("md5", "sha256", "sha256"):
        image = stack.image()
        proven(stack, stack.put(image, BODY), BODY, by=by)
        assert stack.show(image)["os_hash_value"] == hashlib.sha256(BODY).hexdigest()
    stack.glance.fault(hash="sha256", wrong_checksum=True)
    failed(stack, stack.put(stack.image(), BODY), 502, "verify_failed", "sha256")


@scenario
def an_active_image_tells_the_hash_algorithm(fixture):
    """So the first upload is not hashed with MD5, too. Glance is asked once."""
    stack = Stack(fixture, conf={"DEFAULT": {"workers": 1}})
    stack.glance.fault(hash="sha256")
    stack.glance.upload(stack.image(), BODY)

    def answered():
        return [asked["target"] for asked in stack.glance.requests()].count(ACTIVE_IMAGE)

    with stack.client() as client:
        stack.begin(client, stack.image(), *RIGHT, f"Content-Length: {len(BODY)}", "Expect: 100-continue")
        client.stream.until(b"\r\n\r\n")
        wait_until("Glance has answered", answered)
        for _ in range(3):  # the one worker has read that answer when it has served others
            assert stack.proxy.ask("GET", "/v2/images", TOKEN).status == 200
        proven(stack, client.send(BODY).answer(), BODY, by="sha256")
    proven(stack, stack.put(stack.image(), BODY), BODY, by="sha256")
    assert answered() == 1
    assert stack.proxy.metric("hashing_seconds_total") > 0


@scenario
def md5_is_compared_without_another_hash(fixture):
    stack = Stack(fixture)
    stack.glance.fault(hash="")
    for _ in range(2):
        proven(stack, stack.put(stack.image(), BODY), BODY, by="md5")
    stack.glance.fault(hash="", wrong_checksum=True)
    failed(stack, stack.put(stack.image(), BODY), 502, "verify_failed", "md5")


@scenario
def unknown_hash_falls_back_to_md5_or_size(fixture):
    """If there is nothing to compare, only the size counts."""
    def image(asked):
        done = [each for each in glance.uploads() if each.get("X-Openstack-Request-Id")
                == asked.get("X-Openstack-Request-Id") and each.answered]
        told = facts(**stored(done[0], **changed)) if done else facts()
        asked.read().send(json_answer("200 OK", told))

    glance = fixture.glance(image=image)
    proxy = fixture.proxy(glance)
    for changed, by in (({"os_hash_algo": "whirlwind", "checksum": hashlib.md5(BODY).hexdigest()}, "md5"),
                        ({"os_hash_algo": "whirlwind", "checksum": hashlib.md5(BODY).hexdigest()}, "md5"),
                        ({"os_hash_algo": None, "os_hash_value": None, "checksum": None}, "size"),
                        ({"os_hash_algo": None, "os_hash_value": None, "size": None}, "no")):
        told = proxy.ask("PUT", UPLOAD, body=BODY)
        assert (told.status, told.get("X-Intake-Verified")) == (204, by), (changed, told.body)
