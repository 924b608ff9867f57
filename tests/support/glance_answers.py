# SPDX-License-Identifier: Apache-2.0
"""Uploads for scenarios about Glance's answers, a Glance whose answer is lost, and one with few workers."""
import fcntl
import functools
import json
import struct
import termios
import threading

from .glance import IMAGE, UPLOAD, answer, facts, json_answer, stored
from .raw_http import head

FIRST = 64 << 10
MIB = 1 << 20
LARGE = 24 * MIB
SIZES = {"small": 150_000, "large": LARGE}
BALANCER = answer("504 Gateway Timeout", body=b"the balancer has given up")


@functools.cache
def image_data(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def reason(told):
    said = json.loads(told.body)
    return told.status, said["reason"], said["message"]


def put(client, size, *fields, path=UPLOAD, framing=None):
    return client.send(head(f"PUT {path} HTTP/1.1", "Host: h", framing or f"Content-Length: {size}", *fields))


def unread(asked):
    """Bytes of the body that have arrived and were not read."""
    left = fcntl.ioctl(asked.stream.sock, termios.FIONREAD, b"\0" * 4)
    return len(asked.stream.ahead) + struct.unpack("i", left)[0]


def told_image(asked, **changed):
    asked.read().send(json_answer("200 OK", {"id": IMAGE, **facts(**changed)}))


def refuse_early(asked):
    """Answers 409 before the body. A close with unread data would be a reset, so the proxy closes first."""
    asked.send(answer("409 Conflict", "Connection: close")).await_close()


# --- lost answers ---------------------------------------------------------------------------


class Losing:
    """A Glance that takes the whole body and whose answer is lost. `images` are its next answers for the image."""

    def __init__(self, fixture, *images, said=None):
        self.images = list(images)
        self.said = said
        self.glance = fixture.glance(upload=self.take, image=self.tell)

    def begin(self, *images):
        """The next upload: the earlier ones are forgotten."""
        self.images = list(images)
        self.glance.requests.clear()

    def take(self, asked):
        asked.read()
        if self.said:
            asked.send(self.said)
        asked.close()

    def tell(self, asked):
        done = [one for one in self.glance.uploads() if one.complete]
        if not done:
            return told_image(asked)
        now = self.images.pop(0) if len(self.images) > 1 else self.images[0]
        if callable(now):
            return now(asked)
        found = {"id": IMAGE, **facts(), **stored(done[-1]), **now} if now.get("status") is None else now
        return asked.read().send(json_answer("200 OK", found))


SAVING, QUEUED, KILLED = facts(status="saving"), facts(status="queued"), facts(status="killed")
STAGING, STORED = facts(status="uploading", size=None), {}


def workers(count):
    """A Glance with so many workers, as under uWSGI: the result makes a script wait for one that is free."""
    free = threading.BoundedSemaphore(count)

    def with_worker(script):
        def serve(asked):
            with free:
                script(asked)
        return serve
    return with_worker
