# SPDX-License-Identifier: Apache-2.0
"""The client, Glance or the proxy goes away, in each step of an upload. Afterwards no connection, no lock on
the image and no reserved capacity is left."""
import json
import signal

from support.fixture import scenario
from support.glance import UPLOAD, answer, facts, json_answer
from support.proxy import wait_until
from support.raw_http import PATIENCE, Cut, head
from support.stack import OCTETS

GATEWAY_PORT = 29480
BODY = bytes(1 << 20)
FULL = 10 << 20  # the capacity of the store

POLICY = """\
default:
  store: test
  mode: force
stores:
  test:
    s3: {{ endpoint: "{endpoint}", bucket: images, access_key_file: {key}, secret_key_file: {key} }}
    capacity: 10MiB
"""


def key_file(fixture):
    path = fixture.folder / "key"
    path.write_text("a-key-that-no-log-may-show\n")
    return path


def bucket_has(used):
    return lambda asked: asked.read().send(answer("200 OK", f"X-RGW-Bytes-Used: {used}"))


def hang(asked):
    """Waits outside of recv(), which would prevent a reset of the socket."""
    asked.read().told.wait(PATIENCE)
    asked.close()


def hang_early(asked):
    asked.read(10_000).told.wait(PATIENCE)
    asked.close()


def after_put(glance, then):
    """Answers GET of the image by `then` once an upload was answered."""
    def script(asked):
        if any(one.answered for one in glance().uploads()):
            asked.is_late = True
            return then(asked)
        return asked.read().send(json_answer("200 OK", facts()))
    return script


def saving(asked):
    asked.read().send(json_answer("200 OK", facts(status="saving")))


def fail(asked):
    asked.read(10_000).send(answer("500 Internal Server Error", body=b"it broke"))
    asked.await_close()
    asked.close()


class FaultyStack:
    """A proxy before a Glance that hangs in one step, and a gateway that tells how full the store is."""

    def __init__(self, fixture, place):
        self.gateway = fixture.glance(port=GATEWAY_PORT, other=hang if place == "capacity" else bucket_has(0))
        script = {"image": {"image": hang}, "usage": {"usage": hang}, "stores": {"stores": hang},
                  "capacity": {}, "send": {"upload": hang_early},
                  "answer": {"upload": hang},
                  "verify": {"image": after_put(lambda: self.glance, hang)},
                  "saving": {"image": after_put(lambda: self.glance, saving)},
                  "failure": {"image": after_put(lambda: self.glance, saving), "upload": fail}}[place]
        self.place = place
        self.glance = fixture.glance(**script)
        key = key_file(fixture)
        impatient = {"glance": {"connect_timeout": "2s", "response_timeout": "5s"}}
        self.proxy = fixture.proxy(self.glance, conf=impatient, policy=POLICY.format(
            endpoint=self.gateway.url, key=key))

    def begin(self, client):
        """Runs an upload up to the step in which Glance hangs."""
        body = {"send": BODY[:200_000], "answer": BODY, "verify": BODY, "saving": BODY,
                "failure": BODY[:200_000]}.get(self.place, b"")
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(BODY)}"), body)
        where = self.gateway if self.place == "capacity" else self.glance
        seen = {"image": "/v2/images/", "usage": "/v2/info/usage", "stores": "/v2/info/stores", "capacity": "/images"}
        if self.place in seen:
            where.wait("the question", lambda it: any(seen[self.place] in one.target for one in it.requests))
        else:
            where.wait("the upload", lambda it: it.uploads())
        if self.place in ("verify", "saving", "failure"):
            where.wait("a look at the image", lambda it: any(getattr(one, "is_late", False) for one in it.requests))

    def recover(self):
        """What hangs ends, and Glance answers what is asked from now on."""
        hanging = list(self.glance.requests)
        self.glance.image, self.glance.usage = facts(), {"usage": {}}
        self.glance.stores = {"stores": [{"id": "test"}]}
        self.glance.upload = lambda asked: asked.read().send(answer("204 No Content"))
        self.glance.requests.clear()
        for asked in hanging:
            asked.go()
        self.gateway.other = bucket_has(FULL - len(BODY))  # the upload fits only if nothing is still reserved

    def is_clean(self):
        self.proxy.wait_metric(0, "requests_in_flight")
        assert self.proxy.uploads()["in_flight"] == []
        self.recover()
        told = self.proxy.ask("PUT", UPLOAD, OCTETS, body=BODY)
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (told.start, told.body)
        assert "a-key-that-no-log-may-show" not in self.proxy.log()


PLACES = ("image", "usage", "stores", "capacity", "send", "answer", "verify", "saving", "failure")


def client_goes(fixture, place, leave):
    """When Glance has the whole body, the upload goes on until there is an answer or Glance is gone."""
    stack = FaultyStack(fixture, place)
    with stack.proxy.client() as client:
        stack.begin(client)
        leave(client)
        if place in ("verify", "saving"):
            stack.recover()
        if place == "answer":
            stack.glance.stop()
            return stack.proxy.wait_metric(0, "requests_in_flight")
        return stack.is_clean()


def every_place(name, act, long=(), threaded=False):
    """`long` are the places where it takes long."""
    for place in PLACES:
        def played(fixture, place=place):
            act(fixture, place)
        played.__name__ = f"{name}_during_{place}"
        scenario(threaded=threaded, long=place in long)(played)


every_place("client_resets", lambda fixture, place: client_goes(fixture, place, lambda client: client.reset()),
            threaded=True)

every_place("client_closes", lambda fixture, place: client_goes(fixture, place, lambda client: client.close()))


def stopped(fixture, place):
    stack = FaultyStack(fixture, place)
    with stack.proxy.client() as client:
        stack.begin(client)
        stack.proxy.signal(signal.SIGTERM)
        stack.proxy.wait_log("draining")
        stack.proxy.signal(signal.SIGTERM)
        stack.proxy.wait_exit()  # long before drain_timeout
        try:
            assert client.answer().status >= 500
        except Cut:
            pass


every_place("proxy_stops_at_once", stopped, threaded=True)


def glance_dies(fixture, place):
    """The client is told, in whatever step Glance was. A gateway that dies is no error."""
    stack = FaultyStack(fixture, place)
    with stack.proxy.client() as client:
        stack.begin(client)
        stack.glance.stop()
        if place == "capacity":
            stack.gateway.stop()
        client.send_until_refused(BODY)
        told = client.answer()
    status = {"verify": 204, "saving": 204, "failure": 500}.get(place, 502)
    assert told.status == status, (told.start, told.body)
    if told.status == 502:
        assert json.loads(told.body)["reason"] in ("glance_unreachable", "glance_failed"), told.body
    if told.status == 204:
        assert told.get("X-Intake-Verified") == "no"
    assert "a-key-that-no-log-may-show" not in stack.proxy.log()
    wait_until("nothing is in flight", lambda: not stack.proxy.uploads()["in_flight"])


every_place("glance_dies", glance_dies, long=("verify", "saving"))  # half a minute


@scenario
def failed_upload_is_recorded_without_the_client(fixture):
    """A client that leaves while Glance's failure is examined does not hide that an image is stuck."""
    stack = FaultyStack(fixture, "failure")
    with stack.proxy.client() as client:
        stack.begin(client)
        client.reset()
    line = stack.proxy.wait_log(" upload .*verdict=")
    assert " verdict=rejected" in line and " image_after=saving " in line, line
    stack.proxy.wait_metric(1, "stuck_images_total")
