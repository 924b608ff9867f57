# SPDX-License-Identifier: Apache-2.0
"""The queries to Glance for an upload: no more than needed, and independent ones at the same time."""
import json
import threading
import time

from support.fixture import scenario
from support.glance import IMAGE, TOKEN, UPLOAD, answer, facts, json_answer, store_list
from support.proxy import wait_until
from support.raw_http import head
from support.stack import RIGHT, Stack, data

BODY = data(60_000)  # small, so that Glance is not polled whether it has begun
SHOW = ("GET", f"/v2/images/{IMAGE}")
USAGE = ("GET", "/v2/info/usage")
STORES = ("GET", "/v2/info/stores")
PUT = ("PUT", UPLOAD)


def asked_of(glance):
    """The queries before the upload, sorted because they are concurrent, and the requests after it in order."""
    asked = [(asked.method, asked.target) for asked in glance.requests]
    begun = asked.index(PUT) if PUT in asked else len(asked)
    return sorted(asked[:begun]), asked[begun:]


@scenario
def glance_gets_only_the_needed_queries(fixture):
    """The stores are queried once a minute, the rest for each upload."""
    glance = fixture.glance()
    for upload, before, after in (({}, [SHOW, STORES, USAGE], [PUT, SHOW]),
                                  ({"verify": "off"}, [SHOW, STORES, USAGE], [PUT]),
                                  ({"quota": "off"}, [SHOW, STORES], [PUT, SHOW]),
                                  ({"verify": "size", "quota": "off"}, [SHOW, STORES], [PUT, SHOW])):
        proxy = fixture.proxy(glance, conf={"upload": upload})
        for _ in range(3):
            glance.requests.clear()
            assert proxy.ask("PUT", UPLOAD, body=BODY).status == 204
            assert asked_of(glance) == (before, after), (upload, asked_of(glance))
            before = [each for each in before if each != STORES]
        proxy.stop()


@scenario
def stage_does_not_query_stores(fixture):
    glance = fixture.glance()
    stage = UPLOAD.replace("/file", "/stage")
    assert fixture.proxy(glance).ask("PUT", stage, body=BODY).status == 204
    assert sorted((asked.method, asked.target) for asked in glance.requests) == [SHOW, SHOW, USAGE, ("PUT", stage)]


@scenario(threaded=True)
def queries_are_concurrent(fixture):
    """Each is answered only when all of them have arrived."""
    def with_the_others(told):
        def script(asked):
            asked.read()
            if not glance.uploads():
                together.wait(10)
            asked.send(json_answer("200 OK", told(asked)))
        return script

    glance = fixture.glance()
    tell_image = glance.image_for
    glance.image_for = lambda asked: with_the_others(tell_image)
    glance.usage = with_the_others(lambda _: {"usage": {}})
    glance.stores = with_the_others(lambda _: store_list("test"))
    proxy = fixture.proxy(glance)
    for count in (3, 2, 2):  # the stores are known after the first upload
        glance.requests.clear()
        together = threading.Barrier(count)
        told = proxy.ask("PUT", UPLOAD, body=BODY)
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.body


@scenario
def queries_have_the_callers_token_and_one_request_id(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    assert proxy.ask("PUT", UPLOAD, f"X-Auth-Token: {TOKEN}", "X-Image-Meta-Store: test", body=BODY).status == 204
    assert {tuple(asked.all("X-Auth-Token")) for asked in glance.requests} == {(TOKEN,)}
    assert len({asked.get("X-Openstack-Request-Id") for asked in glance.requests}) == 1
    for asked in glance.requests:
        if asked.method == "GET":
            for field in ("Content-Length", "Transfer-Encoding", "Content-Type", "X-Image-Meta-Store", "Expect"):
                assert asked.get(field) is None, (asked.start, field)
    assert TOKEN not in proxy.log()


FULL = {"usage": {"image_size_total": {"usage": 9, "limit": 9}}}


def held_back(usage):
    return lambda asked: asked.hold().read().send(json_answer("200 OK", usage))


def let_go(glance):
    def asked_last():
        questions = [asked for asked in glance.requests if (asked.method, asked.target) == USAGE]
        return questions and not questions[-1].answered
    glance.wait("the question", lambda _: asked_last())
    for asked in glance.requests:
        asked.go()


def invited_after_a_moment(client, body):
    began = time.monotonic()
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    assert time.monotonic() - began > 0.5, "100 Continue came too early"
    client.send_until_refused(body)


@scenario
def continue_waits_briefly_for_the_usage(fixture):
    """Then the client may begin. Glance gets nothing before the usage is known."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for usage, status in ((FULL, 413), ({"usage": {}}, 204)):
        glance.usage = held_back(usage)
        with proxy.client() as client:
            invited_after_a_moment(client, BODY)
            time.sleep(0.3)  # nothing may reach Glance in this time
            assert glance.uploads() == []
            let_go(glance)
            assert client.answer().status == status
    assert len(glance.uploads()) == 1


@scenario
def damaged_body_is_refused_before_the_usage_is_known(fixture):
    glance = fixture.glance(usage=held_back({"usage": {}}))
    with fixture.proxy(glance).client() as client:
        client.sock.settimeout(9)  # the proxy waits ten seconds for the usage
        invited_after_a_moment(client, b"x" * 500_000)
        told = client.answer()
    assert json.loads(told.body)["reason"] == "damaged_body"
    assert glance.uploads() == []
    let_go(glance)


@scenario
def missing_image_is_refused_before_the_usage_is_known(fixture):
    glance = fixture.glance(image=answer("404 Not Found", body=b"No image found"),
                            usage=held_back({"usage": {}}))
    told = fixture.proxy(glance).ask("PUT", UPLOAD, body=BODY)
    assert (told.status, told.body) == (404, b"No image found")
    let_go(glance)


@scenario
def policy_refusal_does_not_wait_for_the_usage(fixture):
    """The usage takes Glance longest, since it asks Keystone for each limit."""
    policy = """
rules:
  - {name: no-isos, when: {disk_format: iso}, deny: "convert to qcow2"}
default: {store: test, mode: force, max_size: 50KiB}
"""
    glance = fixture.glance(usage=lambda asked: asked.hold().read().send(json_answer("200 OK", {"usage": {}})))
    proxy = fixture.proxy(glance, policy=policy)
    for image, reason in ((facts(status="active"), "image_not_queued"), (facts(disk_format=None), "formats_unset"),
                          (facts(disk_format="iso"), "denied_by_policy"), (facts(), "too_large")):
        glance.image = image
        with proxy.client() as client:
            client.sock.settimeout(9)  # the proxy waits ten seconds for the usage
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Content-Length: 700000", "Expect: 100-continue"))
            told = client.answer()
        assert json.loads(told.body)["reason"] == reason, (told.start, told.body)
    assert glance.uploads() == []
    for asked in glance.requests:
        asked.go()


@scenario
def refusal_by_the_head_needs_no_query(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for field in ("Content-Range: bytes 0-4/9", "Content-Encoding: gzip", "Content-MD5: x"):
        assert proxy.ask("PUT", UPLOAD, field, body=BODY).status == 400
    assert glance.requests == []


@scenario
def glances_refusal_is_relayed(fixture):
    """401 and 404, with the text that Glance sends for other requests."""
    stack = Stack(fixture)
    image = stack.image()
    told = stack.put(image, BODY, "X-Auth-Token: nobody's", *RIGHT[1:])
    assert told.status == 401
    assert b"No image found" in stack.put("00000000-0000-4000-8000-000000000000", BODY).body
    assert stack.puts(image) == []
    wait_until("both are on record", lambda: stack.proxy.metric("uploads_total", result="rejected") == 2)
