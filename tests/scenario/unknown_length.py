# SPDX-License-Identifier: Apache-2.0
"""An upload without a length that is not spooled: it is streamed or refused, or the client promises the
image's size (x-openstack-image-size), which is checked."""
import json
import subprocess

from support.fixture import scenario
from support.glance import UPLOAD, store_list
from support.proxy import STREAM, wait_until
from support.raw_http import LAST_CHUNK, chunks, head, reason
from support.stack import ACTIONS, RIGHT, Stack, data, fixes

CHUNKED = "Transfer-Encoding: chunked"
LARGE = data(1_500_000)


def put(client, *fields):
    return client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", CHUNKED, *fields))


@scenario(threaded=True)
def stream_sends_chunks(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    with proxy.client() as client:
        put(client, *RIGHT).send(chunks(LARGE)[:-5])
        asked = glance.the_upload(received=len(LARGE) - 70_000)
        assert asked.chunked and asked.get("Content-Length") is None
        told = client.send(LAST_CHUNK).answer()
    assert told.status == 204 and asked.body == LARGE
    assert told.get("X-Intake-Fixed") is None
    assert proxy.metric("spool_bytes") == 0


@scenario
def reject_gets_411(fixture):
    """Before the client has sent a byte of the body."""
    stack = Stack(fixture, unknown_length="reject")
    for action in ACTIONS:
        image = stack.image()
        told = stack.put_head(image, *RIGHT, CHUNKED, action=action)
        said = stack.refused(told, image, 411, "length_required", action)
        assert "curl -T" in said["hint"]
        told = stack.put_chunked(image, LARGE, action=action)
        stack.refused(told, image, 411, "length_required", action)
        told = stack.put_chunked(image, LARGE, *RIGHT, f"X-Openstack-Image-Size: {len(LARGE)}", action=action)
        stack.stored(told, image, LARGE, action)


# --- by store -------------------------------------------------------------------------------

BY_STORE = """\
default: { store: test }
stores:
  file: { unknown_length: stream }
  gold: { unknown_length: reject }
"""


def to_store(client, store, *fields):
    return put(client, *RIGHT[:-1], f"X-Image-Meta-Store: {store}", *fields)


def explained(proxy, store):
    done = subprocess.run([*proxy.command, "explain", "--config-file", proxy.conf_file, "--chunked", "--store", store],
                          check=True, capture_output=True, text=True)
    return done.stdout


@scenario(threaded=True)
def each_store_may_treat_it_its_own_way(fixture):
    """One proxy spools it, streams it or refuses it. `explain` says so before."""
    glance = fixture.glance(stores=store_list("file", "test", "gold"))
    proxy = fixture.proxy(glance, policy=BY_STORE)
    with proxy.client() as client:
        to_store(client, "file").send(chunks(LARGE)[:-5])
        asked = glance.the_upload(received=len(LARGE) - 70_000)
        assert (asked.chunked, asked.get("X-Image-Meta-Store")) == (True, "file")
        assert proxy.metric("spool_bytes") == 0
        told = client.send(LAST_CHUNK).answer()
    assert (told.status, fixes(told), asked.body) == (204, [], LARGE)
    with proxy.client() as client:
        to_store(client, "test").send(chunks(LARGE)[:-5])
        wait_until("it is spooled", lambda: proxy.metric("spool_bytes") >= 1_000_000)
        assert len(glance.uploads()) == 1
        told = client.send(LAST_CHUNK).answer()
    asked = glance.uploads()[-1]
    assert (told.status, fixes(told), asked.body) == (204, ["length"], LARGE)
    assert asked.get("Content-Length") == str(len(LARGE))
    with proxy.client() as client:
        told = to_store(client, "gold", "Expect: 100-continue").answer()
        assert client.interim == [] and reason(told) == (411, "length_required")
    said = json.loads(told.body)
    assert "the store gold takes no upload without one" in said["message"] and "curl -T" in said["hint"]
    for store, words in (("file", "without a length: sent on as it comes, by unknown_length of the store file"),
                         ("test", "without a length: kept on disk until it is complete, by [upload]"),
                         ("gold", "refused (length_required), by unknown_length of the store gold")):
        assert f"\n{words}" in explained(proxy, store), store


# --- promised size --------------------------------------------------------------------------


@scenario(threaded=True)
def promised_size_becomes_the_length(fixture):
    """It is streamed with a Content-Length, with each value of unknown_length."""
    glance = fixture.glance()
    for mode in ("spool", "stream", "reject"):
        proxy = fixture.proxy(glance, conf={"upload": {"unknown_length": mode}})
        before = len(glance.uploads())
        for name in ("x-openstack-image-size", "X_Openstack_Image_Size"):
            with proxy.client() as client:
                put(client, *RIGHT, f"{name}: {len(LARGE)}").send(chunks(LARGE)[:-5])
                glance.wait("nearly all", lambda _: len(glance.uploads()) > before
                            and glance.uploads()[-1].length >= len(LARGE) - 70_000)
                asked = glance.uploads()[-1]
                assert (asked.get("Content-Length"), asked.chunked) == (str(len(LARGE)), False)
                assert not asked.complete, "the last byte waits for the client's end"
                assert proxy.metric("spool_bytes") == 0
                told = client.send(LAST_CHUNK).answer()
            assert told.status == 204 and asked.body == LARGE, mode
            assert fixes(told) == ["length"], mode
            before += 1
        proxy.stop()


@scenario
def wrong_promised_size_is_refused(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for size in (100, 70_000, len(LARGE)):
            body = b"\0" + LARGE[1:size]
            for promise in (1, size - 1, size + 1, size * 3, 1 << 36):
                image = stack.image()
                told = stack.put_chunked(image, body, *RIGHT, f"X-Openstack-Image-Size: {promise}", action=action)
                stack.refused(told, image, 400, "size_mismatch", action, reached=size > 65536)


@scenario
def exceeded_promised_size_is_refused_at_once(fixture):
    """After one byte too many, before the client has sent the end."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        put(client, f"X-Openstack-Image-Size: {len(LARGE) - 1}").send(chunks(LARGE)[:-5])
        assert reason(client.answer()) == (400, "size_mismatch")
    asked = glance.the_upload()
    glance.wait("the cut", lambda _: asked.cut)
    assert not asked.complete and asked.length < len(LARGE) - 1


@scenario
def impossible_promised_size_is_refused(fixture):
    """By the head alone, with and without a length."""
    stack = Stack(fixture, max_size="1GiB")
    size = "X-Openstack-Image-Size"
    table = [
        ([f"{size}: 5", "Content-Length: 6"], 400, "size_mismatch"),
        ([f"{size}: 7", "Content-Length: 6"], 400, "size_mismatch"),
        ([f"{size}: {(1 << 30) + 1}", CHUNKED], 413, "too_large"),
        ([f"{size}: 0", CHUNKED], 400, "empty_body"),
    ]
    for text in ("abc", "-1", "+5", "5 5", "0x5", "5,5", "5.0", "1e3", "9223372036854775808", "1" * 40):
        table += [([f"{size}: {text}", framing], 400, "bad_request") for framing in (CHUNKED, "Content-Length: 5")]
    table += [([f"{size}: 5", f"{size}: 5", CHUNKED], 400, "bad_request"),
              ([f"{size}: 5", f"{size}: 6", CHUNKED], 400, "bad_request"),
              ([f"{size}:", CHUNKED], 400, "bad_request")]
    for action in ACTIONS:
        for fields, status, why in table:
            image = stack.image()
            stack.refused(stack.put_head(image, *RIGHT, *fields, action=action), image, status, why, action)


@scenario
def promised_size_may_equal_the_length(fixture):
    stack = Stack(fixture)
    image = stack.image()
    told = stack.put(image, LARGE, *RIGHT, f"X-Openstack-Image-Size: {len(LARGE)}")
    stack.stored(told, image, LARGE)
    assert fixes(told) == []
