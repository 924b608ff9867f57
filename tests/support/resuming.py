# SPDX-License-Identifier: Apache-2.0
"""Uploads that lose their client and are resumed, before the small Glance. What a client does is what curl does:
curl -sI asks for Upload-Offset, and curl -C OFFSET -T FILE sends the rest with Content-Range."""
import time

from .proxy import POLICY, wait_until
from .raw_http import PATIENCE, head
from .stack import OCTETS, TOKEN, Stack, data

MIB = 1 << 20
BODY = data(6 * MIB + 77)
STRANGER = "X-Auth-Token: other-token"
TO_FILE = POLICY.replace("store: test", "store: file")


def stored(stack, told, image, body=BODY):
    assert told.get("X-Intake-Verified") == "sha512", (told.start, told.fields, told.body)
    stack.stored(told, image, body)


class Resuming(Stack):
    def __init__(self, fixture, resume=None, workers=2, listen=None, **more):
        conf = {"resume": {"window": "10m", **(resume or {})}, "DEFAULT": {"workers": workers},
                "listen": listen or {}}
        super().__init__(fixture, conf=conf, **more)

    # --- what a client does ----------------------------------------------------------------

    def ask_offset(self, image, token=TOKEN):
        return self.proxy.ask("HEAD", f"/v2/images/{image}/file", token)

    def offset(self, image):
        told = self.ask_offset(image)
        assert told.status == 200 and told.get("Cache-Control") == "no-store", (told.start, told.fields)
        return int(told.get("Upload-Offset"))

    def drop(self, image, token=TOKEN):
        return self.proxy.ask("DELETE", f"/v2/images/{image}/file", token)

    @staticmethod
    def begin_rest(client, image, at, body=BODY, total=None, token=TOKEN, until=None):
        """Sends the head of a resumption."""
        until = until or len(body)
        client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: glance.example", token,
                         f"Content-Range: bytes {at}-{until - 1}/{total or len(body)}",
                         f"Content-Length: {until - at}"))

    def resume(self, image, at, body=BODY, total=None, token=TOKEN, until=None):
        with self.client() as client:
            self.begin_rest(client, image, at, body, total, token, until)
            client.send_until_refused(body[at:until or len(body)])
            return client.answer()

    def puts(self, image):
        """Without the questions who may upload, which announce one byte and do not send it."""
        return [asked for asked in super().puts(image)
                if ("content-length", "1") not in [(name.lower(), value) for name, value in asked["headers"]]]

    # --- losing a client -------------------------------------------------------------------

    def started(self, image, sent, body=BODY, fields=(TOKEN, OCTETS)):
        """A client that has sent a part, which the proxy has taken."""
        client = self.client()
        self.begin(client, image, *fields, f"Content-Length: {len(body)}")
        client.send(body[:sent])
        self.wait_offset(image, sent)
        return client

    def wait_offset(self, image, offset):
        wait_until(f"{offset} bytes are taken", lambda: self.offset(image) == offset)

    def wait_held(self, count=1):
        self.proxy.wait_metric(count, "uploads_held")

    def held(self, image, sent=3 * MIB + 5, body=BODY):
        """An upload that has lost its client after so many bytes."""
        before = self.proxy.metric("uploads_held")
        with self.started(image, sent, body) as client:
            client.reset()
        self.wait_held(before + 1)
        return sent

    def clean(self):
        """Nothing is left of any upload."""
        self.proxy.wait_metric(0, "uploads_held")
        self.proxy.wait_metric(0, "uploads_in_flight")
        wait_until("no request is left", lambda: self.proxy.metric("requests_in_flight") == 0)


def eventually(what, ask, good):
    """Asks until the answer is good: a client that is told to wait tries again."""
    end = time.monotonic() + PATIENCE
    while not good(told := ask()):
        assert time.monotonic() < end, (what, told.start, told.body)
        time.sleep(0.1)
    return told
