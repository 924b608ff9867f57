# SPDX-License-Identifier: Apache-2.0
"""[upload] slow = spool: what comes slower than slow_rate is kept on disk first. Then Glance gets it in one fast
PUT."""
import hashlib
import json

from support.fixture import scenario
from support.form import declared, file, form
from support.glance import answer, facts, json_answer, new_upload
from support.glance_answers import workers
from support.proxy import wait_until
from support.raw_http import chunk, chunks, head
from support.stack import RIGHT, Stack, data, fixes

SLOW = {"slow": "spool", "slow_rate": "1MiB"}
IMAGE = data(600_000)
STREAMS = "default: { store: test, mode: force }\nstores: { test: { unknown_length: stream } }\n"


def put(stack, client, image, body, *fields):
    stack.begin(client, image, *RIGHT, *(fields or (f"Content-Length: {len(body)}",)))
    return client


def only(proxy):
    """The upload in flight, once there is one."""
    shown = proxy.uploads()["in_flight"]
    return shown[0] if shown else {"state": None, "step": None, "spooled": 0}


@scenario(threaded=True, representative=True)
def slow_upload_goes_to_disk_first(fixture):
    stack = Stack(fixture, **SLOW)
    proxy, image = stack.proxy, stack.image()
    with stack.client() as client:
        put(stack, client, image, IMAGE).send(IMAGE[:200_000])
        wait_until("it is found slow", lambda: only(proxy)["state"] == "spooling")
        assert proxy.metric("spool_bytes") >= len(IMAGE), "the space is reserved"
        client.send(IMAGE[200_000:-1])
        wait_until("it is on disk", lambda: only(proxy)["spooled"] == len(IMAGE) - 1)
        assert stack.puts(image) == [] and only(proxy)["bytes"] == 0
        told = client.send(IMAGE[-1:]).answer()
    stack.stored(told, image, IMAGE)
    assert fixes(told) == [] and told.get("X-Intake-Bytes") == str(len(IMAGE))
    assert len(stack.puts(image)) == 1
    assert proxy.metric("slow_uploads_total") == 1
    proxy.wait_log("it comes slowly, and Glance gets it when it is complete")
    proxy.wait_no_spools()


@scenario
def fast_upload_goes_on_as_it_comes(fixture):
    """What was held while it was measured comes first. The rest is not spooled."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"upload": {**SLOW, "slow_rate": "100KiB"}})
    body = data(3_000_000)
    for begun in (100_000, 300_000, 1_000_000):
        glance.requests.clear()
        with proxy.client() as client:
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}"))
            client.send(body[:begun])
            if begun > 102_400:
                glance.the_upload(begun // 2)
                assert only(proxy)["state"] == "sending" and only(proxy)["spooled"] == 0
            told = client.send(body[begun:]).answer()
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512")
        assert glance.the_upload().sha512 == hashlib.sha512(body).hexdigest()
    assert proxy.metric("slow_uploads_total") == 0
    proxy.wait_no_spools()


@scenario
def fast_upload_is_whole_whatever_the_rate(fixture):
    """Also if its opening alone is fast enough, so that nothing was held."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, policy=STREAMS)
    for rate in ("1KiB", "64KiB", "65KiB", "1MiB"):
        proxy.reload({"upload": {**SLOW, "slow_rate": rate}}, STREAMS)
        for length, body in ((f"Content-Length: {len(IMAGE)}", IMAGE), ("Transfer-Encoding: chunked", chunks(IMAGE))):
            glance.requests.clear()
            with proxy.client() as client:
                client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", length))
                told = client.send(body).answer()
            assert (told.status, told.get("X-Intake-Bytes")) == (204, str(len(IMAGE)))
            assert glance.the_upload().sha512 == hashlib.sha512(IMAGE).hexdigest()


@scenario
def sizes_around_the_blocks_are_whole(fixture):
    stack = Stack(fixture, **SLOW)
    for size in (1, 65536, 65537, 262144 + 65536, 1_500_000):
        image = stack.image()
        stack.stored(stack.put(image, b"\0" + IMAGE[:size - 1] + data(max(0, size - 1 - len(IMAGE)))), image,
                     b"\0" + IMAGE[:size - 1] + data(max(0, size - 1 - len(IMAGE))))
    stack.proxy.wait_no_spools()
    assert stack.proxy.metric("spool_bytes") == 0


@scenario
def slow_form_is_taken_apart_first(fixture):
    stack = Stack(fixture, **SLOW)
    image, sent = stack.image(), form(file(IMAGE))
    with stack.client() as client:
        stack.begin(client, image, "X-Auth-Token: demo-token", declared(), f"Content-Length: {len(sent)}")
        client.send(sent[:200_000])
        wait_until("it is found slow", lambda: only(stack.proxy)["state"] == "spooling")
        told = client.send(sent[200_000:]).answer()
    stack.stored(told, image, IMAGE)
    assert stack.proxy.metric("slow_uploads_total") == 1


@scenario
def slow_upload_without_a_length_gets_one(fixture):
    stack = Stack(fixture, unknown_length="stream", **SLOW)
    image = stack.image()
    with stack.client() as client:
        put(stack, client, image, IMAGE, "Transfer-Encoding: chunked").send(chunk(IMAGE[:200_000]))
        wait_until("it is found slow", lambda: only(stack.proxy)["state"] == "spooling")
        told = client.send(chunk(IMAGE[200_000:]) + b"0\r\n\r\n").answer()
    stack.stored(told, image, IMAGE)
    assert fixes(told) == ["length"]


@scenario
def full_spool_refuses_before_the_body_has_come(fixture):
    """The length is known: it is reserved when the upload is found slow. Fast uploads do not need the space."""
    stack = Stack(fixture, spool_limit="500KiB", **{**SLOW, "slow_rate": "80KiB"})
    image, body = stack.image(), IMAGE
    with stack.client() as client:
        put(stack, client, image, body).send(body[:70_000])
        told = client.answer()
        assert (told.status, json.loads(told.body)["reason"]) == (507, "spool_full"), told.body
    assert stack.puts(image) == [] and stack.show(image)["status"] == "queued"
    assert stack.proxy.metric("spool_bytes") == 0
    large = data(8_000_000)
    stack.stored(stack.put(image, large), image, large)


@scenario(threaded=True)
def place_is_given_back_while_it_is_spooled(fixture):
    """A slow upload occupies no place of max_uploads until it is complete."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"glance": {"max_uploads": "1"}, "upload": SLOW})
    slow = fixture.client(proxy)
    path = new_upload()
    slow.send(head(f"PUT {path} HTTP/1.1", "Host: h", f"Content-Length: {len(IMAGE)}"), IMAGE[:10_000])
    wait_until("it has begun", lambda: only(proxy)["step"] == "prepare")
    assert proxy.ask("PUT", new_upload(), body=IMAGE).status == 204  # when the other one was found slow
    assert len(glance.uploads()) == 1
    slow.send(IMAGE[10_000:])
    assert slow.answer().status == 204
    assert glance.uploads()[1].target == path and glance.uploads()[1].body == IMAGE


@scenario(threaded=True)
def client_that_leaves_frees_the_disk(fixture):
    stack = Stack(fixture, **SLOW)
    image = stack.image()
    with stack.client() as client:
        put(stack, client, image, IMAGE).send(IMAGE[:200_000])
        wait_until("it is found slow", lambda: only(stack.proxy)["state"] == "spooling")
    stack.proxy.wait_metric(0, "requests_in_flight")
    stack.proxy.wait_metric(0, "spool_bytes")
    assert stack.puts(image) == []


@scenario(threaded=True, alone=True)
def slow_uploads_do_not_delay_others(fixture):
    """A Glance with two workers, as under uWSGI, and four slow clients."""
    with_worker = workers(2)
    glance = fixture.glance(
        upload=with_worker(lambda asked: asked.read().send(answer("204 No Content"))),
        other=with_worker(lambda asked: asked.read().send(json_answer("200 OK", facts()))))
    proxy = fixture.proxy(glance, conf={"upload": SLOW})
    clients = [fixture.client(proxy) for _ in range(4)]
    for client in clients:
        client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", f"Content-Length: {len(IMAGE)}"))
    for client in clients:
        client.send(IMAGE[:200_000])

    def all_spooled():
        assert proxy.ask("GET", "/v2/images").status == 200  # while the opening seconds are measured, too
        return [one["state"] for one in proxy.uploads()["in_flight"]] == ["spooling"] * 4

    wait_until("all are found slow", all_spooled)
    assert glance.uploads() == []
    for client in clients:
        client.send(IMAGE[200_000:])
    assert [client.answer().status for client in clients] == [204] * 4
    assert proxy.metric("slow_uploads_total") == 4
