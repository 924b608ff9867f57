# SPDX-License-Identifier: Apache-2.0
"""One line for each request, as access_log says, and the trace in every line of a request."""
import json

from support.fixture import scenario
from support.glance import TOKEN, UPLOAD, answer, facts
from support.proxy import wait_until
from support.raw_http import head, request

DATA = bytes(range(256)) * 8
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"
STATE = "tracestate: vendor=1"
ALL = {"DEFAULT": {"access_log": "all", "log_format": "json"}}


def lines(proxy, event):
    told = [json.loads(line) for line in proxy.log().splitlines() if line.startswith("{")]
    return [line for line in told if line.get("event") == event]


def wait_lines(proxy, event, count):
    wait_until(f"{count} lines of {event}", lambda: len(lines(proxy, event)) >= count)
    return lines(proxy, event)


@scenario(threaded=True, representative=True)
def every_request_is_a_line(fixture):
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("200 OK", body=b"x" * 100)))
    proxy = fixture.proxy(glance, conf=ALL)
    proxy.ask("GET", "/v2/images?name=a%20secret", f"X-Auth-Token: {TOKEN}", "User-Agent: a-client/1",
              "X-Openstack-Request-Id: req-mine")
    line, = wait_lines(proxy, "request", 1)
    assert line.pop("seconds") >= 0 and line.pop("time")
    assert line == {"level": "info", "event": "request", "request_id": "req-mine", "client": "127.0.0.1",
                    "method": "GET", "path": "/v2/images", "status": 200, "sent": 100,
                    "user_agent": "a-client/1", "verdict": "answered"}, line
    proxy.ask("PUT", UPLOAD, body=DATA)
    wait_lines(proxy, "upload", 1)
    proxy.ask("HEAD", "/v2/images")
    second = wait_lines(proxy, "request", 2)[1]
    assert (second["method"], second["sent"]) == ("HEAD", 0), second
    assert len(lines(proxy, "upload")) == 1


@scenario
def streamed_answers_are_counted(fixture):
    """Of three sizes: collected, streamed, and spliced."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=ALL)
    sizes = [1000, 100_000, 3_000_000]
    for size in sizes:
        glance.other = lambda asked, size=size: asked.read().send(answer("200 OK", body=b"x" * size))
        assert proxy.ask("GET", "/v2/images/x/file").length == size
    # each worker writes its lines some time after the answers
    assert sorted(line["sent"] for line in wait_lines(proxy, "request", 3)) == sizes


@scenario
def refusals_and_failures_have_a_reason(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=ALL)
    with proxy.client() as client:
        client.send(head("GET /v2/images HTTP/1.1", "Host: a", "Host: b"))
        assert client.answer().status == 400
    line, = wait_lines(proxy, "request", 1)
    assert (line["status"], line["verdict"], line["reason"]) == (400, "refused", "bad_request"), line
    glance.stop()
    assert proxy.ask("GET", "/v2/images").status == 502
    line = wait_lines(proxy, "request", 2)[1]
    assert (line["verdict"], line["reason"], line["level"]) == ("failed", "glance_unreachable", "error"), line


@scenario
def client_that_leaves_is_a_line(fixture):
    glance = fixture.glance(other=lambda asked: asked.read().hold())
    proxy = fixture.proxy(glance, conf=ALL)
    with proxy.client() as client:
        client.send(request("GET", "/v2/images"))
        glance.wait("the request", lambda it: it.requests)
        client.reset()
    line, = wait_lines(proxy, "request", 1)
    assert line["verdict"] == "aborted" and "status" not in line, line
    glance.requests[0].go()


@scenario
def only_uploads_are_lines_by_default(fixture):
    proxy = fixture.proxy(fixture.glance())
    proxy.ask("GET", "/v2/images", "X-Openstack-Request-Id: req-one")
    proxy.ask("PUT", UPLOAD, body=DATA)
    proxy.wait_log("verdict=stored")
    assert "req-one" not in proxy.log()


@scenario
def log_of_requests_can_be_off(fixture):
    """A reload takes effect with the next request."""
    glance = fixture.glance(image=facts(status="active"))
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"access_log": "off"}})
    assert proxy.ask("PUT", UPLOAD, body=DATA).status == 409
    assert proxy.ask("GET", "/v2/images").status == 200
    proxy.wait_metric(1, "uploads_total", result="refused")
    proxy.write({"DEFAULT": {"access_log": "all"}})
    proxy.signal(1)
    proxy.wait_log("is in force")
    proxy.ask("GET", "/v2/images", "X-Openstack-Request-Id: req-later")
    proxy.wait_log("request_id=req-later")
    assert "verdict=refused" not in proxy.log() and proxy.log().count("verdict=") == 1


@scenario
def trace_is_passed_on_and_logged(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read(10).reset())
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"access_log": "all", "debug": "true"}})
    proxy.ask("PUT", UPLOAD, PARENT, STATE, "X-Openstack-Request-Id: req-mine", body=DATA)
    proxy.ask("GET", "/v2/images", PARENT, STATE, "X-Openstack-Request-Id: req-mine")
    for asked in glance.requests:
        assert asked.all("traceparent") == [PARENT.split(": ")[1]], asked.start
        assert asked.all("tracestate") == ["vendor=1"], asked.start
    proxy.wait_log("request request_id=req-mine")
    said = [line for line in proxy.log().splitlines() if "req-mine" in line]
    assert len(said) > 4 and all(f"trace_id={TRACE}" in line for line in said), said


@scenario
def malformed_trace_is_dropped(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"access_log": "all"}})
    for bad in (PARENT + "0", PARENT.upper(), f"traceparent: 00-{'0' * 32}-b7ad6b7169203331-01"):
        proxy.ask("GET", "/v2/images", bad, STATE)
    proxy.ask("GET", "/v2/images", PARENT, PARENT, STATE)
    for asked in glance.requests:
        assert asked.get("traceparent") is None and asked.get("tracestate") is None
    wait_until("four lines", lambda: proxy.log().count(" request ") == 4)
    assert "trace_id" not in proxy.log()
