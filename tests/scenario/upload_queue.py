# SPDX-License-Identifier: Apache-2.0
"""[glance] max_uploads: further uploads wait in order for a place at an endpoint, before their 100 Continue. No other
request waits for them."""
import signal
import time

from support.fixture import GLANCE_PORT, scenario
from support.glance import answer, facts, new_upload
from support.glance_answers import refuse_early, workers
from support.proxy import wait_until
from support.raw_http import chunks, head, reason
from support.stack import data

ONE = {"glance": {"max_uploads": "1"}}
BODY = data(100_000)


def held(asked):
    """Takes the whole body, and answers when the scenario says so."""
    asked.read().hold().send(answer("204 No Content"))


def put(proxy, fixture, *fields, path=None, body=b""):
    client = fixture.client(proxy)
    return client.send(head(f"PUT {path or new_upload()} HTTP/1.1", "Host: h",
                            *(fields or (f"Content-Length: {len(BODY)}",))), body)


def states(proxy):
    return sorted(one["state"] for one in proxy.uploads()["in_flight"])


def wait_queued(proxy, count):
    wait_until(f"{count} uploads wait", lambda: states(proxy).count("queued") == count
               and proxy.metric("uploads_queued") == count)


def running(glance, count):
    glance.wait(f"{count} uploads", lambda it: len(it.uploads()) == count)
    return glance.uploads()[-1]


@scenario(threaded=True)
def uploads_wait_in_order(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf=ONE)
    first = put(proxy, fixture, body=BODY)
    asked = running(glance, 1)
    paths = [new_upload() for _ in range(4)]
    clients = []
    for number, path in enumerate(paths):  # connections are spread over the workers
        clients.append(put(proxy, fixture, "Expect: 100-continue", f"Content-Length: {len(BODY)}", path=path))
        wait_queued(proxy, number + 1)
    assert states(proxy) == ["queued"] * 4 + ["sending"]
    assert len(glance.uploads()) == 1
    for path, client in zip(paths, clients):
        assert not client.stream.ahead, "no 100 Continue yet"
        asked.go()
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(BODY)
        glance.wait("the next", lambda it, path=path: it.uploads()[-1].target == path)
        asked = glance.uploads()[-1]
    asked.go()
    for client in [first, *clients]:
        told = client.answer()
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.body
    assert proxy.metric("upload_queue_seconds_count") == 4
    assert proxy.metric("uploads_queued") == 0
    line = proxy.wait_log(f" upload .*image={paths[3].split('/')[3]} ")
    assert " queued=" in line, line


@scenario
def other_requests_do_not_wait(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf=ONE)
    put(proxy, fixture, body=BODY)
    running(glance, 1)
    waiting = [put(proxy, fixture, body=BODY) for _ in range(3)]
    wait_queued(proxy, 3)
    for _ in range(5):
        assert proxy.ask("GET", "/v2/images").status == 200
        assert proxy.ask("POST", "/v2/images", body=b"{}").status == 200
    empty = proxy.ask("PUT", new_upload(), "Content-Length: 0")
    assert reason(empty) == (400, "empty_body")
    glance.image = facts(status="active")
    assert reason(proxy.ask("PUT", new_upload(), body=BODY)) == (409, "image_not_queued")
    glance.image = facts()
    assert len(glance.uploads()) == 1
    for number in range(4):
        running(glance, number + 1).go()
    assert [client.answer().status for client in waiting] == [204] * 3


@scenario(threaded=True)
def client_that_leaves_gives_its_place_up(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf=ONE)
    put(proxy, fixture, body=BODY)
    asked = running(glance, 1)
    expecting = ("Expect: 100-continue", f"Content-Length: {len(BODY)}")
    leaving = [put(proxy, fixture, *expecting), put(proxy, fixture, "Content-Length: 10000000", body=BODY)]
    wait_queued(proxy, 2)
    path = new_upload()
    last = put(proxy, fixture, path=path, body=BODY)
    wait_queued(proxy, 3)
    for client in leaving:
        client.close()
    wait_queued(proxy, 1)
    asked.go()
    glance.wait("the last one", lambda it: len(it.uploads()) == 2)
    assert glance.uploads()[1].target == path
    glance.uploads()[1].go()
    assert last.answer().status == 204
    proxy.wait_metric(0, "requests_in_flight")


@scenario(threaded=True)
def place_is_given_back_however_an_upload_ends(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"glance": {"max_uploads": "1", "stall_timeout": "3s"},
                                        "listen": {"stall_timeout": "3s"}})

    def breaking(asked):
        asked.read(10).reset()

    def hanging(asked):
        asked.told.wait(30)

    for script, status in ((refuse_early, 409), (breaking, 502), (hanging, 504)):
        glance.upload = script
        with proxy.client() as client:
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", "Content-Length: 20000000"))
            client.send_until_refused(bytes(20_000_000))
            assert client.answer().status == status
    glance.upload = held
    with proxy.client() as client:  # left in the middle
        client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", f"Content-Length: {len(BODY)}"), BODY[:70_000])
        glance.wait("the begin", lambda it: it.uploads()[-1].length >= 1)
    assert reason(put(proxy, fixture, body=b"im").answer()) == (408, "client_stalled")
    told = put(proxy, fixture, body=BODY[:-1] + b"x").answer
    glance.wait("the last one", lambda it: it.uploads()[-1].complete)
    glance.uploads()[-1].go()
    assert told().status == 204
    assert proxy.metric("uploads_queued") == 0


@scenario
def silent_glance_holds_its_place(fixture):
    """The body is complete, and the client has left: Glance is still busy with it."""
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf=ONE)
    client = put(proxy, fixture, body=BODY)
    asked = running(glance, 1)
    glance.wait("all of it", lambda _: asked.complete)
    waiting = put(proxy, fixture, body=BODY)
    wait_queued(proxy, 1)
    client.reset()
    wait_until("it is an orphan", lambda: proxy.metric("connections") == 1)
    wait_queued(proxy, 1)
    asked.go()
    running(glance, 2).go()
    assert waiting.answer().status == 204


@scenario
def endpoint_with_a_place_is_used(fixture):
    glances = [fixture.glance(GLANCE_PORT + number, upload=held) for number in range(2)]
    proxy = fixture.proxy(*glances, conf={"glance": {"max_uploads": "2"}})
    clients = [put(proxy, fixture, body=BODY) for _ in range(4)]
    for glance in glances:
        running(glance, 2)
    clients += [put(proxy, fixture, body=BODY)]
    wait_queued(proxy, 1)
    glances[1].uploads()[0].go()
    running(glances[1], 3)
    for glance in glances:
        for asked in glance.uploads():
            asked.go()
    assert [client.answer().status for client in clients] == [204] * 5


@scenario
def place_at_a_dead_endpoint_is_exchanged(fixture):
    """Nothing was sent, so the upload waits for a place at another endpoint. The limit holds there."""
    good = fixture.glance(upload=held)
    proxy = fixture.proxy(fixture.closed_url(), fixture.closed_url(), good, conf=ONE)
    clients = [put(proxy, fixture, body=BODY) for _ in range(3)]
    for number in range(3):
        running(good, number + 1)
        wait_queued(proxy, 2 - number)
        assert len(good.uploads()) == number + 1
        good.uploads()[-1].go()
    assert [client.answer().status for client in clients] == [204] * 3
    good.stop()
    assert reason(put(proxy, fixture, body=BODY).answer()) == (502, "glance_unreachable")


@scenario
def spooled_upload_waits_when_it_is_complete(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf=ONE)
    put(proxy, fixture, body=BODY)
    asked = running(glance, 1)
    spooled = put(proxy, fixture, "Transfer-Encoding: chunked", body=chunks(BODY)[:-5])
    wait_until("it is spooled", lambda: states(proxy) == ["sending", "spooling"])
    spooled.send(b"0\r\n\r\n")
    wait_queued(proxy, 1)
    proxy.signal(signal.SIGTERM)  # it is in flight, and may finish
    proxy.wait_log("draining")
    asked.go()
    running(glance, 2).go()
    assert spooled.answer().status == 204


@scenario(threaded=True)
def drain_refuses_those_that_wait(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf=ONE)
    first = put(proxy, fixture, body=BODY)
    asked = running(glance, 1)
    waiting = [put(proxy, fixture, "Expect: 100-continue", f"Content-Length: {len(BODY)}") for _ in range(3)]
    wait_queued(proxy, 3)
    proxy.signal(signal.SIGTERM)
    for client in waiting:
        assert reason(client.answer()) == (503, "draining")
        client.close()  # or the proxy would read for a while what it still sends
    asked.go()
    assert first.answer().status == 204
    assert proxy.wait_exit() == 0


@scenario(threaded=True)
def reload_changes_the_number(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance)
    clients = [put(proxy, fixture, body=BODY) for _ in range(2)]  # without a limit
    running(glance, 2)
    for limit, at_glance in (("1", 2), ("3", 3), ("4", 4), ("0", 5)):
        proxy.write({"glance": {"max_uploads": limit}})
        proxy.error_file.write_text("")
        proxy.signal(signal.SIGHUP)
        proxy.wait_log("configuration was read again")
        running(glance, at_glance)
        clients += [put(proxy, fixture, body=BODY)]
        if limit != "0":
            wait_queued(proxy, 1)
    running(glance, 6)
    for asked in glance.uploads():
        asked.go()
    assert [client.answer().status for client in clients] == [204] * 6


@scenario
def wait_has_an_end(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf={"glance": {"max_uploads": "1", "queue_timeout": "4s"},
                                        "listen": {"stall_timeout": "2s"}})
    first = put(proxy, fixture, body=BODY)
    asked = running(glance, 1)
    waiting = [put(proxy, fixture, body=BODY),
               put(proxy, fixture, "Expect: 100-continue", f"Content-Length: {len(BODY)}")]
    for client in waiting:  # a stall_timeout counts no wait that the proxy causes
        told = client.answer()
        assert reason(told) == (429, "too_many_uploads"), told.body
        assert told.get("Retry-After") == "60"
    asked.go()
    assert first.answer().status == 204


@scenario(threaded=True)
def gets_do_not_wait_for_uploads(fixture):
    """A Glance with two workers, as under uWSGI. One of them is always free for other requests."""
    with_worker = workers(2)
    glance = fixture.glance(upload=with_worker(held),
                            other=with_worker(lambda asked: asked.read().send(answer("200 OK"))))
    proxy = fixture.proxy(glance, conf=ONE)
    clients = [put(proxy, fixture, body=BODY) for _ in range(6)]
    running(glance, 1)
    wait_queued(proxy, 5)
    began = time.monotonic()
    for _ in range(20):
        assert proxy.ask("GET", "/v2/images").status == 200
    assert time.monotonic() - began < 30, "they wait for uploads"
    for number in range(6):
        running(glance, number + 1).go()
    assert [client.answer().status for client in clients] == [204] * 6
