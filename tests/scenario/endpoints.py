# SPDX-License-Identifier: Apache-2.0
"""Several Glances: they take turns. One that is out gets no requests until it has recovered. A Glance whose
workers are all busy with our uploads is busy, not out."""
import json
import signal
import urllib.error

from support.fixture import GLANCE_PORT, scenario
from support.glance import UPLOAD, answer, new_upload
from support.proxy import wait_until
from support.raw_http import head, reset

QUICK = {"glance": {"health_interval": "2s"}}
OFF = {"glance": {"health_interval": "0", "connect_timeout": "1s"}}


def readiness(proxy):
    """(status, document)"""
    try:
        return 200, json.loads(proxy.admin("/readyz"))
    except urllib.error.HTTPError as told:
        return told.code, json.loads(told.read())


def states(proxy):
    return {one["endpoint"]: one["state"] for one in readiness(proxy)[1]["endpoints"]}


def wait_state(proxy, glance, state):
    wait_until(f"{glance.url} is {state}", lambda: states(proxy).get(glance.url) == state)


def served(glance, kind=None):
    """The number of client requests that it has got."""
    return sum(asked.target != "/healthcheck" and kind in (None, asked.method) for asked in glance.requests)


def unwell(status):
    def script(asked):
        asked.read().send(answer(status, body=b"DISABLED BY FILE"))
    return script


def busy(asked):
    """A Glance under uWSGI whose processes are all busy: it accepts connections and does not answer."""
    if asked.target == "/healthcheck":
        asked.await_close()
        asked.close()
    else:
        asked.read().send(answer("200 OK"))


def ask(proxy, count):
    return [proxy.ask("GET", "/v2/images").status for _ in range(count)]


@scenario(threaded=True, representative=True)
def healthy_endpoints_take_turns(fixture):
    glances = [fixture.glance(GLANCE_PORT + number) for number in range(3)]
    proxy = fixture.proxy(*glances)
    assert ask(proxy, 30) == [200] * 30
    assert [served(glance) for glance in glances] == [10, 10, 10]
    for _ in range(12):  # the preflight queries do not change the turns of the uploads
        assert proxy.ask("PUT", new_upload(), body=b"image").status == 204
    assert [served(glance, "PUT") for glance in glances] == [4, 4, 4]


@scenario(threaded=True)
def endpoint_that_answers_503_is_out(fixture):
    bad = fixture.glance(other=unwell("503 Service Unavailable"))
    good = fixture.glance(GLANCE_PORT + 1)
    proxy = fixture.proxy(bad, good, conf=QUICK)
    wait_state(proxy, bad, "out")
    asked_before = served(bad)
    assert ask(proxy, 15) == [200] * 15
    assert served(bad) == asked_before
    status, told = readiness(proxy)
    assert status == 200 and told["ready"] and told["problems"] == []
    named = [one for one in told["endpoints"] if one["endpoint"] == bad.url]
    assert "503" in named[0]["problem"], told
    assert proxy.metric("endpoint_up", endpoint=bad.url) == 0
    assert proxy.metric("endpoint_up", endpoint=good.url) == 1
    assert proxy.metric("endpoint_state", endpoint=bad.url, state="out") == 1
    bad.other = lambda asked: asked.read().send(answer("200 OK"))
    wait_state(proxy, bad, "up")
    ask(proxy, 10)
    assert served(bad) >= asked_before + 4


@scenario
def one_failed_check_changes_nothing(fixture):
    failing, checks = [], []

    def once(asked):
        failed = asked.target == "/healthcheck" and failing and failing.pop()
        asked.read().send(answer("503 Service Unavailable" if failed else "200 OK"))
        checks.append("failed" if failed else "good")

    glance = fixture.glance(other=once)
    proxy = fixture.proxy(glance, conf=QUICK)
    wait_state(proxy, glance, "up")
    for count in (1, 2):
        failing.append(True)
        glance.wait("a failed check, and a good one after it",
                    lambda _, count=count: checks.count("failed") == count and checks[-1] == "good")
        wait_until("ready", lambda: readiness(proxy)[0] == 200)
    assert not failing and "status 503: it is out" not in proxy.log()


@scenario
def other_statuses_count_as_alive(fixture):
    """A Glance without the healthcheck page, or with authentication in front of it."""
    for number, status in enumerate(("404 Not Found", "401 Unauthorized", "403 Forbidden", "300 Multiple")):
        glance = fixture.glance(GLANCE_PORT + number, other=unwell(status))
        proxy = fixture.proxy(glance, conf=QUICK)
        wait_state(proxy, glance, "up")
        assert proxy.stop() is None


@scenario(threaded=True)
def endpoints_are_tried_when_all_are_out(fixture):
    glances = [fixture.glance(GLANCE_PORT + number, other=unwell("500 Oops")) for number in range(2)]
    proxy = fixture.proxy(*glances, conf=QUICK)
    wait_until("not ready", lambda: readiness(proxy)[0] == 503)
    problems = readiness(proxy)[1]["problems"]
    assert len(problems) == 1 and "500" in problems[0], problems
    assert set(ask(proxy, 4)) == {500}, "endpoints that are out are still tried"
    glances[1].other = lambda asked: asked.read().send(answer("200 OK"))
    wait_until("ready", lambda: readiness(proxy)[0] == 200)


@scenario
def silent_endpoint_is_out(fixture):
    silent, good = fixture.glance(other=busy), fixture.glance(GLANCE_PORT + 1)
    proxy = fixture.proxy(silent, good, conf=QUICK)
    wait_state(proxy, silent, "out")
    wait_state(proxy, good, "up")
    before = served(silent)
    assert ask(proxy, 6) == [200] * 6
    assert served(silent) == before


@scenario(threaded=True, long=True)
def silent_endpoint_with_uploads_is_busy(fixture):
    def taken(asked):
        asked.read().hold().send(answer("204 No Content"))

    glance = fixture.glance()
    other = fixture.glance(GLANCE_PORT + 1)
    proxy = fixture.proxy(glance, other, conf=QUICK)
    wait_state(proxy, glance, "up")
    wait_state(proxy, other, "up")
    for one in (glance, other):
        one.upload = taken
    clients = [fixture.client(proxy) for _ in range(4)]
    for client in clients:
        client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", "Content-Length: 5"), b"image")
    for one in (glance, other):
        one.wait("two uploads", lambda it: len(it.uploads()) == 2)
    assert proxy.metric("endpoint_uploads_in_flight", endpoint=glance.url) == 2
    glance.other = busy
    wait_state(proxy, glance, "busy")
    before = served(glance)
    assert ask(proxy, 6) == [200] * 6
    assert served(glance) == before, "the other endpoint is up"
    other.other = busy
    wait_state(proxy, other, "busy")
    for _ in range(2):  # so many checks in a row would end another state
        seen = len(other.requests)
        other.wait("another check", lambda it, seen=seen: len(it.requests) > seen)
        status, told = readiness(proxy)
        assert status == 200 and told["ready"], told
    assert ask(proxy, 4) == [200] * 4, "a busy endpoint is used if no other is up"
    for one in (glance, other):
        for asked in one.uploads():
            asked.go()
    for client in clients:
        assert client.answer().status == 204
    wait_until("silent without an upload", lambda: readiness(proxy)[0] == 503)
    assert set(states(proxy).values()) == {"out"}
    for one in (glance, other):
        one.other = lambda asked: asked.read().send(answer("200 OK"))
    wait_until("ready", lambda: readiness(proxy)[0] == 200)


@scenario
def readyz_answers_before_the_first_check(fixture):
    """A state that is known is used at once. A state that is not known is asked for."""
    for conf in (OFF, {"glance": {"health_interval": "1h"}}):
        glance = fixture.glance()
        proxy = fixture.proxy(glance, conf=conf)

        def ready(proxy=proxy):
            status, told = readiness(proxy)  # only a Glance that was too slow once is asked again
            assert status == 200 or "Timeout was reached" in told["problems"][0], told
            return status == 200
        wait_until("ready", ready)
        glance.stop()
        proxy.stop()
        proxy.start()
        proxy.wait_ready()
        assert readiness(proxy)[0] == 503
        assert proxy.stop() is None


@scenario(threaded=True)
def next_endpoint_is_used_when_connecting_fails(fixture):
    """Without health checks only the requests show the state of an endpoint."""
    good = fixture.glance()
    proxy = fixture.proxy(fixture.closed_url(), fixture.silent_url(), good, conf=OFF)
    assert ask(proxy, 9) == [200] * 9
    assert proxy.ask("PUT", UPLOAD, body=b"image").status == 204


@scenario
def only_endpoint_that_answers_again_is_not_out(fixture):
    """Without health checks an answer takes back what a refused connection has shown."""
    proxy = fixture.proxy(f"http://{fixture.host}:{GLANCE_PORT}", conf=OFF)
    assert proxy.ask("GET", "/v2/images").status == 502
    glance = fixture.glance()
    assert proxy.ask("GET", "/v2/images").status == 200
    assert proxy.metric("endpoint_state", endpoint=glance.url, state="out") == 0


@scenario
def next_endpoint_is_used_when_a_get_is_reset(fixture):
    def breaking(asked):
        asked.closed = True
        reset(asked.stream.sock)

    bad, good = fixture.glance(other=breaking), fixture.glance(GLANCE_PORT + 1)
    proxy = fixture.proxy(bad, good, conf=OFF)
    assert ask(proxy, 6) == [200] * 6
    assert served(bad) > 0
    done = [proxy.ask("POST", "/v2/images", body=b"{}").status for _ in range(4)]
    assert sorted(set(done)) == [200, 502], "a POST is not repeated: Glance may have done it"


@scenario
def upload_is_not_moved_after_body_bytes(fixture):
    glances = [fixture.glance(GLANCE_PORT + number, upload=lambda asked: asked.read(10).reset())
               for number in range(2)]
    proxy = fixture.proxy(*glances, conf=QUICK)
    told = proxy.ask("PUT", UPLOAD, body=bytes(100_000))
    assert told.status == 502, told.start
    assert sum(len(glance.uploads()) for glance in glances) == 1


@scenario(threaded=True)
def reload_keeps_the_endpoints_states(fixture):
    """The state belongs to the endpoint, not to its place in the list."""
    bad = fixture.glance(other=unwell("503 Service Unavailable"))
    good = fixture.glance(GLANCE_PORT + 1)
    slow = {"glance": {"health_interval": "1h"}}
    proxy = fixture.proxy(bad, good, conf=QUICK)  # with `slow`, a first check that takes too long would decide
    wait_state(proxy, bad, "out")
    wait_state(proxy, good, "up")
    before = served(bad), served(good)
    proxy.endpoints = [good.url, bad.url]
    proxy.write(slow)
    proxy.signal(signal.SIGHUP)
    wait_until("the new list is watched", lambda: list(states(proxy)) == [good.url, bad.url])
    assert states(proxy) == {good.url: "up", bad.url: "out"}
    assert ask(proxy, 6) == [200] * 6
    assert (served(bad), served(good)) == (before[0], before[1] + 6)

    new = fixture.glance(GLANCE_PORT + 2)
    proxy.endpoints = [new.url, good.url]
    proxy.write(QUICK)
    proxy.signal(signal.SIGHUP)
    wait_until("the new one is known", lambda: states(proxy) == {new.url: "up", good.url: "up"})
    assert proxy.metric("endpoint_up", endpoint=bad.url) == 0
    ask(proxy, 6)
    assert served(new) == 3
