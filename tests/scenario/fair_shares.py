# SPDX-License-Identifier: Apache-2.0
"""`limits` of policy.yaml: what a project or a client does beyond them waits in order, or is slowed."""
import concurrent.futures
import time

from support.fixture import scenario
from support.glance import NO_CONTENT, answer, facts, new_upload
from support.glance_answers import refuse_early
from support.proxy import POLICY, STREAM, wait_until
from support.raw_http import Client, chunks, head
from support.resuming import BODY, MIB, Resuming
from support.stack import data

SMALL = data(100_000)
ONE = POLICY + "limits: { uploads: 1 }\n"
ONE_PER_CLIENT = POLICY + "limits: { uploads_per_client: 1 }\n"
EXPECT = ("Expect: 100-continue", f"Content-Length: {len(SMALL)}")


def held(asked):
    """Takes the whole body, and answers when the scenario says so."""
    asked.read().hold().send(NO_CONTENT)


def put(proxy, fixture, *fields, path=None, body=b""):
    client = fixture.client(proxy)
    return client.send(head(f"PUT {path or new_upload()} HTTP/1.1", "Host: h",
                            *(fields or (f"Content-Length: {len(SMALL)}",))), body)


def wait_queued(proxy, count):
    """The metric and the list say so, which are not read at the same moment."""
    wait_until(f"{count} uploads wait", lambda: proxy.metric("limits_queued") == count and
               [one["state"] for one in proxy.uploads()["in_flight"]].count("queued") == count)


def running(glance, count):
    glance.wait(f"{count} uploads", lambda it: len(it.uploads()) == count)
    return glance.uploads()[-1]


def finish(glance, clients):
    """Lets all of them end, one after another."""
    def answered():
        for asked in glance.uploads():
            asked.go()
        return all(asked.answered for asked in glance.uploads()) and len(glance.uploads()) >= len(clients)
    wait_until("all have ended", answered)
    assert [client.answer().status for client in clients] == [204] * len(clients)


@scenario(threaded=True, representative=True)
def uploads_of_a_project_wait_in_order(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, policy=ONE)
    first = put(proxy, fixture, body=SMALL)
    asked = running(glance, 1)
    paths = [new_upload() for _ in range(3)]
    clients = []
    for number, path in enumerate(paths):  # connections are spread over the workers
        clients.append(put(proxy, fixture, *EXPECT, path=path))
        wait_queued(proxy, number + 1)
    glance.image = facts(owner="another")
    other = put(proxy, fixture, body=SMALL)  # does not wait
    running(glance, 2).go()
    assert other.answer().status == 204
    for number, (path, client) in enumerate(zip(paths, clients)):
        assert not client.stream.ahead, "no 100 Continue yet"
        asked.go()
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(SMALL)
        glance.wait("the next", lambda it, path=path: it.uploads()[-1].target == path)
        asked = glance.uploads()[-1]
        wait_queued(proxy, 2 - number)
    asked.go()
    assert [client.answer().status for client in [first, *clients]] == [204] * 4
    line = proxy.wait_log(f" upload .*image={paths[2].split('/')[3]} ")
    assert " queued=" in line, line


@scenario(threaded=True)
def client_that_leaves_leaves_the_line(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, policy=ONE)
    put(proxy, fixture, body=SMALL)
    asked = running(glance, 1)
    leaving = put(proxy, fixture, *EXPECT)
    wait_queued(proxy, 1)
    path = new_upload()
    last = put(proxy, fixture, path=path, body=SMALL)
    wait_queued(proxy, 2)
    leaving.close()
    wait_queued(proxy, 1)
    asked.go()
    assert running(glance, 2).target == path
    glance.uploads()[1].go()
    assert last.answer().status == 204
    proxy.wait_metric(0, "requests_in_flight")


@scenario(threaded=True)
def address_behind_a_trusted_proxy_is_counted(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, conf={"listen": {"trusted_proxies": "127.0.0.0/8"}}, policy=ONE_PER_CLIENT)
    length = f"Content-Length: {len(SMALL)}"
    clients = [put(proxy, fixture, length, f"X-Forwarded-For: 192.0.2.{number}", body=SMALL) for number in (1, 2)]
    running(glance, 2)
    clients.append(put(proxy, fixture, length, "X-Forwarded-For: 192.0.2.1", body=SMALL))
    wait_queued(proxy, 1)
    assert not [one for one in glance.requests if one.method == "PATCH"], "nobody is asked who may upload"
    finish(glance, clients)


@scenario(threaded=True)
def reload_changes_the_limits(fixture):
    glance = fixture.glance(upload=held)
    proxy = fixture.proxy(glance, policy=ONE)
    clients = [put(proxy, fixture, body=SMALL)]
    running(glance, 1)
    clients += [put(proxy, fixture, body=SMALL) for _ in range(3)]
    wait_queued(proxy, 3)
    proxy.reload(policy=ONE.replace("uploads: 1", "uploads: 2"))
    running(glance, 2)
    wait_queued(proxy, 2)
    proxy.reload(policy=POLICY)
    running(glance, 4)
    finish(glance, clients)


@scenario(threaded=True)
def stranger_takes_no_share(fixture):
    """Somebody who sees the image, and may not upload to it, must not hold its owner up."""
    def update(asked):
        asked.read().send(answer("409 Conflict" if asked.get("X-Auth-Token") == "owner" else "403 Forbidden"))

    glance = fixture.glance(upload=held, other=update)
    proxy = fixture.proxy(glance, policy=ONE)
    for _ in range(3):
        assert put(proxy, fixture, "X-Auth-Token: stranger", *EXPECT).answer().status == 403
    owner = put(proxy, fixture, "X-Auth-Token: owner", f"Content-Length: {len(SMALL)}", body=SMALL)
    running(glance, 1).go()
    assert owner.answer().status == 204


@scenario(threaded=True)
def share_is_given_back_however_an_upload_ends(fixture):
    glance = fixture.glance(upload=refuse_early)
    proxy = fixture.proxy(glance, policy=ONE, conf={"listen": {"stall_timeout": "3s"}})
    assert put(proxy, fixture, body=SMALL).answer().status == 409
    glance.upload = held
    assert put(proxy, fixture, body=b"\0").answer().status == 408
    with proxy.client() as client:  # left in the middle
        client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", f"Content-Length: {len(SMALL)}"), SMALL[:70_000])
        glance.wait("the begin", lambda it: it.uploads()[-1].length >= 1)
    spooled = put(proxy, fixture, "Transfer-Encoding: chunked", body=chunks(SMALL))
    glance.wait("the last one", lambda it: it.uploads()[-1].length == len(SMALL))
    glance.uploads()[-1].go()
    assert spooled.answer().status == 204
    assert proxy.metric("limits_queued") == 0


@scenario(threaded=True)
def held_upload_keeps_its_share(fixture):
    stack = Resuming(fixture, policy=ONE)
    first = stack.image()
    at = stack.held(first)
    second = stack.client()
    image = stack.image()
    stack.begin(second, image, "X-Auth-Token: demo-token", f"Content-Length: {len(SMALL)}")
    second.send(SMALL)
    wait_queued(stack.proxy, 1)
    assert stack.resume(first, at).status == 204
    told = second.answer()
    assert told.status == 204, told.body
    stack.clean()


@scenario(threaded=True)
def rate_slows_all_workers_together(fixture):
    """Spliced, read and chunked. A slow machine takes longer, and never less. If it is slower than the rate, it
    needs no slowing."""
    rate, each = MIB, MIB
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM, policy=POLICY + "limits: { rate: 1MiB }\n")
    body = data(each)
    began = time.monotonic()
    clients = [put(proxy, fixture, f"Content-Length: {each}", body=b"") for _ in range(2)]
    clients.append(put(proxy, fixture, "Transfer-Encoding: chunked"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for client in clients:
            pool.submit(client.send, chunks(body) if client is clients[2] else body)
        statuses = [told.status for told in pool.map(Client.answer, clients)]
    assert statuses == [204] * 3, statuses
    took = time.monotonic() - began
    assert took > (3 * each - rate) / rate, took  # what the bucket saves up, and a block of each, is less than a second
    assert took > 3 * each / rate or proxy.metric("limits_slowed_seconds_total") > 0
    assert sorted(asked.length for asked in glance.uploads()) == [each] * 3


@scenario(threaded=True)
def without_limits_nothing_is_asked_or_slowed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    assert proxy.ask("PUT", new_upload(), body=BODY).status == 204
    assert not [one for one in glance.requests if one.method == "PATCH"]
    assert proxy.metric("limits_slowed_seconds_total") == 0
