# SPDX-License-Identifier: Apache-2.0
"""While an upload is spooled, its checks are made: Glance and the bucket are asked before its end, and what
cannot fit ends there."""

import functools

from support.fixture import scenario
from support.gateway_stack import GatewayStack
from support.glance import UPLOAD, json_answer, new_upload
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, chunk, chunks, head, reason
from support.stack import OCTETS, RIGHT, TOKEN, data

MIB = 1 << 20
CHUNKED = "Transfer-Encoding: chunked"


@functools.cache
def large():
    return data(5 * MIB // 2)


@functools.cache
def pieces():
    return chunks(large())[:-len(LAST_CHUNK)]


def begin(client, path, pieces):
    """An upload without its end, of a client that does not wait for 100 Continue."""
    return client.send(head(f"PUT {path} HTTP/1.1", "Host: h", TOKEN, OCTETS, CHUNKED), pieces)


def wait_spooled(proxy, count=2 * MIB):
    wait_until("it is spooled", lambda: proxy.metric("spool_bytes") >= count)


def usage(used, limit):
    return json_answer("200 OK", {"usage": {"image_size_total": {"usage": used, "limit": limit}}})


def asked_for(glance, target):
    return [asked for asked in glance.requests if asked.target == target]


def usage_asked(glance):
    return asked_for(glance, "/v2/info/usage")


def the_question(glance):
    asked, = wait_until("the usage is asked for", lambda: usage_asked(glance))
    return asked


@scenario
def full_quota_ends_the_spooling(fixture):
    """Glance takes long to tell the usage. The upload is spooled meanwhile, and refused before its end."""
    glance = fixture.glance(usage=lambda asked: asked.hold().send(usage(1, 1)))
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        begin(client, UPLOAD, pieces())
        wait_spooled(proxy)
        asked = the_question(glance)
        assert asked.answered is None
        asked.go()
        told = client.answer()
    assert reason(told) == (413, "quota_exceeded")
    assert glance.uploads() == []
    proxy.wait_no_spools()


@scenario(threaded=True)
def quota_with_room_is_known_at_the_end(fixture):
    """It is asked once, and before the body has ended."""
    glance = fixture.glance(usage=lambda asked: asked.hold().send(usage(0, 3)))
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        begin(client, UPLOAD, pieces())
        wait_spooled(proxy)
        asked = the_question(glance)
        asked.go()
        glance.wait("the answer", lambda _: asked.answered)
        told = client.send(LAST_CHUNK).answer()
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512")
    assert len(usage_asked(glance)) == 1 and glance.uploads()[0].body == large()


@scenario(threaded=True)
def remembered_quota_is_asked_again_while_spooling(fixture):
    """As soon as the bytes so far do not fit by what is remembered."""
    answers = [usage(0, 2), usage(1, 2)]
    glance = fixture.glance(usage=lambda asked: asked.send(answers.pop(0)))
    proxy = fixture.proxy(glance)
    assert proxy.ask("PUT", new_upload(), TOKEN, body=data(1000)).status == 204
    with proxy.client() as client:
        begin(client, UPLOAD, chunk(large()[:MIB * 5 // 4]))
        wait_spooled(proxy, MIB)
        assert len(usage_asked(glance)) == 1
        client.send(chunk(large()[MIB * 5 // 4:]))
        assert reason(client.answer()) == (413, "quota_exceeded")
    assert len(usage_asked(glance)) == 2
    proxy.wait_no_spools()


class HeldGateway:
    """A bucket whose answers wait for go()."""

    def __init__(self, fixture):
        self.store = GatewayStack(fixture)
        self.proxy = self.store.proxy
        self.gateway = self.store.gateway
        self.tell = self.gateway.other
        self.gateway.other = lambda asked: self.tell(asked.hold())

    def first(self):
        wait_until("the bucket is asked", lambda: self.gateway.requests)
        asked, = self.gateway.requests
        assert asked.answered is None
        return asked


@scenario
def full_store_ends_the_spooling(fixture):
    held = HeldGateway(fixture)
    held.gateway.used, held.gateway.bucket_quota = 10 * MIB, 11 * MIB
    image = held.store.stack.image()
    with held.store.stack.client() as client:
        begin(client, f"/v2/images/{image}/file", pieces())
        wait_spooled(held.proxy)
        held.first().go()
        held.store.refused(client.answer(), image, f"may hold {11 * MIB} bytes", f"has {10 * MIB} ")
    held.proxy.wait_no_spools()


@scenario
def bucket_is_not_asked_after_the_end(fixture):
    """It was asked while the upload was spooled, and has room for it to the byte."""
    held = HeldGateway(fixture)
    held.gateway.bucket_quota = len(large())
    stack = held.store.stack
    image = stack.image()
    with stack.client() as client:
        begin(client, f"/v2/images/{image}/file", pieces())
        wait_spooled(held.proxy)
        asked = held.first()
        asked.go()
        held.gateway.wait("the answer", lambda _: asked.answered)
        told = client.send(LAST_CHUNK).answer()
    stack.stored(told, image, large())
    assert held.gateway.requests == [asked]


@scenario
def client_that_waits_is_told_first(fixture):
    """A client that waits for 100 Continue sends nothing to a full store."""
    held = HeldGateway(fixture)
    held.gateway.used, held.gateway.bucket_quota = 10 * MIB, 10 * MIB
    stack = held.store.stack
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, CHUNKED, "Expect: 100-continue")
        held.first().go()
        told = client.answer()
        assert client.interim == []
    held.store.refused(told, image, f"has {10 * MIB} ")
