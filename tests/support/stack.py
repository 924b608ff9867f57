# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of the small Glance, the uploads that clients make to it, and checks of what the client,
Glance, the log and the metrics say of an upload."""
import collections
import hashlib
import json

from .fixture import trusting
from .proxy import POLICY, wait_until
from .raw_http import chunks, head

ACTIONS = {"file": "upload", "stage": "stage"}  # last part of the path: event in the log
TOKEN = "X-Auth-Token: demo-token"
OCTETS = "Content-Type: application/octet-stream"
PAUSE = 100_000  # bytes: more than the proxy buffers before Glance is asked
RIGHT = (TOKEN, OCTETS, "X-Image-Meta-Store: test")  # a head in which nothing has to be fixed


def data(size, name=b"image"):
    """`size` bytes of all values. The same arguments give the same bytes."""
    return hashlib.shake_128(name).digest(size)


def stripped(image):
    """What curl -d sends of a file."""
    return image.translate(None, b"\0\r\n")


def fixes(told):
    """The names in X-Intake-Fixed."""
    return told.get("X-Intake-Fixed").split(", ") if told.get("X-Intake-Fixed") else []


class Stack:
    """`upload` are keys of [upload], `conf` are other sections of the configuration."""

    def __init__(self, fixture, policy=POLICY, conf=None, **upload):
        self.glance = fixture.small_glance()
        self.policy = policy
        self.conf = conf or {}
        self.tls = None
        self.cert = None
        self.warnings = collections.Counter()  # by reason: those checked since the proxy's start
        self.proxy = fixture.proxy(self.glance, conf={**self.conf, "upload": upload}, policy=policy)
        self.listens = self.conf.get("listen")

    def speak_tls(self, fixture):
        """Takes effect with the next set()."""
        self.cert, key = fixture.certificate("listener")
        self.conf["listen"] = {"tls_cert_file": self.cert, "tls_key_file": key}
        self.tls = trusting(self.cert)

    def set(self, **upload):
        """Puts another [upload], and the current policy, into force. The proxy reads them again, which takes a
        fraction of a start under a sanitizer. TLS needs a restart."""
        conf = {**self.conf, "upload": upload}
        if self.conf.get("listen") == self.listens:
            self.proxy.reload(conf, self.policy)
        else:
            self._restart(conf)
        return self

    def _restart(self, conf):
        fault = self.proxy.stop()
        assert not fault, fault
        self.proxy.error_file.unlink()
        self.proxy.write(conf, self.policy)
        self.proxy.start()
        self.proxy.wait_ready()
        self.listens = self.conf.get("listen")
        self.warnings.clear()

    def set_limits(self, **limits):
        """Other limits of Glance. The proxy forgets what it has known of them."""
        self.glance.set_limits(**limits)
        self.proxy.read_again()

    # --- what a client does ----------------------------------------------------------------

    def image(self, **properties):
        return self.glance.create(**{"disk_format": "raw", **properties})

    def client(self):
        return self.proxy.client(tls=self.tls)

    def url(self, image, action="file"):
        host, port = self.proxy.address
        return f"{'https' if self.tls else 'http'}://{host}:{port}/v2/images/{image}/{action}"

    @staticmethod
    def begin(client, image, *fields, action="file"):
        """Sends the head of an upload."""
        return client.send(head(f"PUT /v2/images/{image}/{action} HTTP/1.1", "Host: glance.example", *fields))

    def put(self, image, body, *fields, action="file"):
        """Sends a body with Content-Length."""
        with self.client() as client:
            self.begin(client, image, *(fields or RIGHT), f"Content-Length: {len(body)}", action=action)
            client.send_until_refused(body)
            return client.answer()

    def put_chunked(self, image, body, *fields, action="file"):
        with self.client() as client:
            self.begin(client, image, *(fields or RIGHT), "Transfer-Encoding: chunked", action=action)
            client.send_until_refused(chunks(body))
            return client.answer()

    def put_with_pause(self, image, body, pause, *fields, action="file"):
        """Calls `pause` when Glance has the head and only a part of the body."""
        with self.client() as client:
            self.begin(client, image, *(fields or RIGHT), f"Content-Length: {len(body)}", action=action)
            client.send(body[:PAUSE])
            wait_until("Glance takes it", lambda: self.show(image)["status"] != "queued")
            pause()
            client.send_until_refused(body[PAUSE:])
            return client.answer()

    def put_head(self, image, *fields, action="file"):
        """Sends a head that waits for 100 Continue. Returns the answer that comes instead of it."""
        with self.client() as client:
            self.begin(client, image, *fields, "Expect: 100-continue", action=action)
            told = client.answer()
            assert client.interim == [] and client.closed()
            return told

    def put_head_again(self, image, *fields, action="file"):
        """As put_head(), for a refusal that follows from an answer of Glance: 100 Continue waits for it only a moment.
        If it comes first, since the machine is slow, the head is sent again: the proxy remembers the answer."""
        def told():
            with self.client() as client:
                self.begin(client, image, *fields, "Expect: 100-continue", action=action)
                answer = client.first_head()
                if answer.status == 100:
                    return None
                answer.read_body(client.stream, until_close=True)
                assert client.closed()
                return answer
        return wait_until("an answer instead of 100 Continue", told)

    # --- checks ------------------------------------------------------------------------------

    def show(self, image):
        return self.glance.ask("GET", f"/v2/images/{image}")

    def puts(self, image):
        """The uploads to this image that Glance has got, complete or not."""
        return [asked for asked in self.glance.requests()
                if asked["method"] == "PUT" and image in asked["target"]]

    def log_line(self, told, action="file"):
        request_id = told.get("X-Openstack-Request-Id")
        return self.proxy.wait_log(f" {ACTIONS[action]} .*request_id={request_id} ")

    def wait_over(self, image, count):
        """Waits until Glance has noticed the end of `count` uploads. Before that, an image that looks queued
        may still become saving."""
        wait_until(f"{count} uploads are over", lambda: len(self.puts(image)) == count)

    def wait_queued(self, image):
        wait_until("the image waits for its data", lambda: self.show(image)["status"] == "queued")

    def stored(self, told, image, body, action="file"):
        """Checks that Glance has exactly `body`, and that its length was announced."""
        assert told.status == 204, (told.start, told.body)
        shown = self.show(image)
        assert shown["status"] == {"file": "active", "stage": "uploading"}[action], shown
        assert (shown["size"], shown["os_hash_value"]) == (len(body), hashlib.sha512(body).hexdigest())
        asked = self.puts(image)[-1]
        fields = [(name.lower(), value) for name, value in asked["headers"]]
        for name, values in (("content-length", [str(len(body))]), ("transfer-encoding", []),
                             ("content-type", ["application/octet-stream"])):
            assert [value for field, value in fields if field == name] == values, (name, fields)
        assert told.get("X-Intake-Bytes") == str(len(body))
        assert f" sha512={shown['os_hash_value']} " in self.log_line(told, action)
        return asked

    def refused(self, told, image, status, reason, action="file", reached=False):
        """Checks the refusal, and that the image is queued as before. `reached`: Glance may have got a part of
        the body, but no end. Returns the JSON of the answer."""
        said = json.loads(told.body)
        assert (told.status, said["reason"]) == (status, reason), (told.start, said)
        assert list(said)[:3] == ["message", "code", "title"] and said["message"] and said["hint"], said
        assert said["image_id"] == image, said
        assert said["request_id"] == told.get("X-Openstack-Request-Id"), said
        line = self.log_line(told, action)
        assert " verdict=refused " in line and f" reason={reason}" in line, line
        self.wait_queued(image)
        if reached:
            assert not any(asked["complete"] for asked in self.puts(image)), self.puts(image)
        else:
            assert self.puts(image) == []
            assert (told.get("X-Intake-Bytes") or "0") == "0"
        return said

    def warned(self, told, reason, action="file"):
        """Checks that the upload passed with a warning in the answer, the log and the metrics."""
        said, = told.all("X-Intake-Warning")
        assert said.split(": ")[0] == reason, said
        assert f" warnings={reason} " in self.log_line(told, action)
        self.warnings[reason] += 1
        assert self.proxy.metric("warnings_total", reason=reason) >= self.warnings[reason]
