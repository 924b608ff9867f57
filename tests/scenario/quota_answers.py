# SPDX-License-Identifier: Apache-2.0
"""Glance's answer about a project's usage is remembered, shared, and asked for early. Never by a token that it
is not for."""
import concurrent.futures
import threading
import time

from quota import MIB, length, refused
from support.fixture import scenario
from support.glance import UPLOAD, answer, facts, json_answer, new_upload
from support.proxy import wait_until
from support.raw_http import head
from support.stack import RIGHT, TOKEN, Stack, data

BODY = data(60_000)  # small, so that Glance is not polled whether it has begun


def usage(used, limit):
    return {"usage": {"image_size_total": {"usage": used, "limit": limit}}}


def asked(glance):
    return [asked for asked in glance.requests if asked.target == "/v2/info/usage"]


def token(name):
    return f"X-Auth-Token: {name}"


def create(proxy, name=None, owner="demo", body=b'{"name": "cirros"}'):
    """The token `name` creates an image, which Glance gives to `owner`."""
    proxy.glance_owner = owner
    told = proxy.ask("POST", "/v2/images", token(name or "a-token"), "Content-Type: application/json", body=body)
    assert told.status == 201, told.start


def glance_with(fixture, told, slow=0.0):
    """Glance, whose 201 names the owner that create() says. `told`: its usage by token."""
    def script(request):
        time.sleep(slow)
        request.send(json_answer("200 OK", told[request.get("X-Auth-Token")]))

    glance = fixture.glance(usage=script)
    return glance


def proxy_of(fixture, glance, **conf):
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 4}, **conf})
    proxy.glance_owner = "demo"
    glance.other = lambda request: request.read().send(
        json_answer("201 Created", {"id": "x", "owner": proxy.glance_owner}))
    return proxy


def put(proxy, name="a-token", body=BODY, path=None):
    return proxy.ask("PUT", path or new_upload(), token(name), body=body)


def stored(told):
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (told.start, told.body)


@scenario(threaded=True)
def a_burst_asks_at_most_three_times(fixture):
    """30 uploads of one project, by several tokens, on four workers."""
    tokens = [f"token-{i}" for i in range(3)]
    glance = glance_with(fixture, {name: usage(0, 9000) for name in tokens}, slow=0.3)
    proxy = proxy_of(fixture, glance)
    for name in tokens:
        create(proxy, name)
    together = threading.Barrier(30)

    def upload(i):
        together.wait()
        return put(proxy, tokens[i % 3])

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        for told in pool.map(upload, range(30)):
            stored(told)
    assert len(asked(glance)) <= 3, len(asked(glance))


@scenario
def the_next_upload_of_the_project_asks_nothing(fixture):
    glance = glance_with(fixture, {"a-token": usage(0, 9000)})
    proxy = proxy_of(fixture, glance)
    for _ in range(3):
        stored(put(proxy))
    assert len(asked(glance)) == 1


@scenario(threaded=True)
def a_new_image_is_followed_by_the_question(fixture):
    """The upload then asks nothing, and waits only for what is left of that question."""
    glance = glance_with(fixture, {"a-token": usage(0, 9000)})
    proxy = proxy_of(fixture, glance)
    create(proxy)
    wait_until("Glance is asked", lambda: asked(glance))
    stored(put(proxy))
    create(proxy)
    stored(put(proxy))
    assert len(asked(glance)) == 1
    assert asked(glance)[0].get("X-Auth-Token") == "a-token"
    assert asked(glance)[0].get("Content-Type") is None


@scenario(threaded=True)
def what_cannot_fit_reaches_no_glance(fixture):
    """Also if what is remembered had room before the uploads that it does not contain."""
    stack = Stack(fixture, conf={"DEFAULT": {"workers": 4}})
    stack.glance.set_limits(image_size_total=7)
    body = data(3 * MIB)
    for _ in range(2):
        kept = stack.image()
        stack.stored(stack.put(kept, body), kept, body)
    image = stack.image()
    refused(stack, stack.put_head_again(image, *RIGHT, length(len(body))), image, "has 6 ", "need 9 ")
    stack.glance.delete(kept)  # what is remembered has no room; there is some now
    image = stack.image()
    stack.stored(stack.put(image, body), image, body)


@scenario
def a_stranger_learns_nothing(fixture):
    """The project is full, and the proxy knows. Whoever may not see the image is told what Glance tells."""
    stack = Stack(fixture)
    body = data(2 * MIB)
    stack.glance.set_limits(image_size_total=2)
    image, other = stack.image(), stack.image()
    stack.stored(stack.put(image, body), image, body)
    refused(stack, stack.put_head_again(other, *RIGHT, length(1)), other)
    told = stack.put(other, b"x", token("other-token"), *RIGHT[1:])
    assert told.status == 404 and b"No image found" in told.body, (told.start, told.body)
    assert stack.put(other, b"x", token("nobody's"), *RIGHT[1:]).status == 401


@scenario(threaded=True)
def an_administrators_limits_are_his_own(fixture):
    """He uploads to images of demo, and creates images for demo. /v2/info/usage tells him his own limits."""
    told = {"a-token": usage(0, 9000), "admin": usage(5, 5)}
    glance = glance_with(fixture, told)
    proxy = proxy_of(fixture, glance)
    create(proxy)
    stored(put(proxy))
    create(proxy, "admin", body=b'{"name": "cirros", "owner": "demo"}')
    assert put(proxy, "admin").status == 413
    stored(put(proxy))
    told["a-token"], told["admin"] = usage(5, 5), usage(0, 9000)
    stored(put(proxy, "admin"))
    stored(put(proxy))  # by what is remembered
    assert {each.get("X-Auth-Token") for each in asked(glance)} == {"a-token", "admin"}


@scenario
def a_reload_forgets(fixture):
    stack = Stack(fixture)
    body = data(2 * MIB)
    image = stack.image()
    stack.stored(stack.put(image, body), image, body)
    stack.set_limits(image_size_total=3)
    image = stack.image()
    refused(stack, stack.put(image, body), image, "has 2 ", "need 4 ")


@scenario(threaded=True)
def the_question_outlives_its_upload(fixture):
    """A refused upload has asked; the next one uses the answer."""
    def held(request):
        request.hold().send(json_answer("200 OK", usage(0, 9000)))

    glance = fixture.glance(usage=held, image=facts(status="active"))
    proxy = fixture.proxy(glance)
    assert put(proxy, path=UPLOAD).status == 409  # which does not wait for the question
    wait_until("Glance is asked", lambda: asked(glance))
    assert len(asked(glance)) == 1
    asked(glance)[0].go()
    glance.image = facts()
    stored(put(proxy))
    assert len(asked(glance)) == 1


@scenario(threaded=True)
def another_ones_failure_is_not_its_own(fixture):
    """Two uploads wait for one question, which fails: the other one asks, too."""
    answers = [answer("500 Internal Server Error"), json_answer("200 OK", usage(9, 9))]

    def held(request):
        reply = answers.pop(0)
        (request.hold() if answers else request).send(reply)

    glance = fixture.glance(usage=held)
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 2}})
    with proxy.client() as first, proxy.client() as second:
        for client in (first, second):
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", TOKEN, length(5)), b"12345")
            if client is first:
                wait_until("Glance is asked", lambda: asked(glance))
        wait_until("both wait", lambda: len(proxy.uploads()["in_flight"]) == 2)
        asked(glance)[0].go()
        assert first.answer().status in (204, 413)  # not checked, or by the answer to the other one
        told = second.answer()
        assert told.status == 413, (told.start, told.body)
