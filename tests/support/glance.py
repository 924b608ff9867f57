# SPDX-License-Identifier: Apache-2.0
"""A Glance that does byte for byte what the scenario says."""
import json
import re
import socket
import threading
import uuid

from .raw_http import PATIENCE, Cut, Message, Stream, head, reset

IMAGE = "0b7c1d52-6a43-4f6e-9a0d-3f1c2e4b5a69"
UPLOAD = f"/v2/images/{IMAGE}/file"
ACTIVE_IMAGE = "/v2/images?limit=1&status=active"
TOKEN = "a-token-that-no-log-may-show"
BEHIND = 512  # bytes of a body that the proxy keeps back until more come, at most


def new_upload():
    """The path of an upload to a new image."""
    return f"/v2/images/{uuid.uuid4()}/file"


def facts(**changed):
    """Glance's facts of a queued image. Without an id it gets the id that was asked for."""
    return {"status": "queued", "disk_format": "raw", "container_format": "bare",
            "owner": "demo", "name": "cirros", "visibility": "private", **changed}


def answer(start, *fields, body=b""):
    """An answer with a Content-Length, except for 204 and 304."""
    if " 204 " not in start and " 304 " not in start:
        fields = [*fields, f"Content-Length: {len(body)}"]
    return head(f"HTTP/1.1 {start}", *fields) + body


NO_CONTENT = answer("204 No Content", "X-Openstack-Request-Id: req-of-glance")


def json_answer(start, document):
    return answer(start, "Content-Type: application/json", body=json.dumps(document).encode())


class Request(Message):
    """A request as Glance got it, and functions to answer it. `length` grows while the body is read."""

    def __init__(self, head_bytes, stream):
        super().__init__(head_bytes)
        self.method, self.target, self.version = self.start.split(" ")
        self.stream = stream
        self.answered = None  # the status, once one was sent
        self.cut = False  # the proxy closed before the body was whole
        self.closed = False
        self.told = threading.Event()  # see hold()
        self._continued = False

    def read(self, count=None):
        """Reads `count` bytes of the body, or all of it. Raises Cut if the proxy closes."""
        self._continue()
        if count is None:
            self.read_body(self.stream, until_close=False)
            return self
        while count:
            piece = self.stream.up_to(count)
            count -= len(piece)
            self.add(piece)
        return self

    def _continue(self):
        # eventlet sends the 100 at the first read of the body
        if not self._continued and (self.get("Expect") or "").lower() == "100-continue":
            self.send(head("HTTP/1.1 100 Continue"))
        self._continued = True

    def send(self, *pieces):
        for piece in pieces:
            if final := re.match(rb"HTTP/1\.1 ([2-5]\d\d) ", piece):
                self.answered = int(final[1])  # set before the peer can see the answer
            self.stream.sock.sendall(piece)
        return self

    def hold(self):
        """Waits until the scenario calls go()."""
        assert self.told.wait(PATIENCE), "the scenario never said go()"
        return self

    def go(self):
        self.told.set()

    def await_close(self):
        """Reads and discards data until the proxy closes."""
        while self.stream.fill():
            self.stream.ahead.clear()

    def close(self):
        self.closed = True
        self.stream.sock.close()

    def reset(self):
        self.closed = True
        reset(self.stream.sock)


def stored(asked, **changed):
    """Glance's facts of an image after this upload."""
    staged = asked.target.split("?")[0].endswith("/stage")
    return {"status": "uploading" if staged else "active", "size": asked.length,
            "os_hash_algo": "sha512", "os_hash_value": asked.sha512,
            "stores": asked.get("X-Image-Meta-Store"), **changed}


NO_LIMITS = {"usage": {}}


def store_list(*names):
    return {"stores": [{"id": name, "description": name} for name in names]}


def accept_upload(request):
    request.read().send(NO_CONTENT)


def empty_answer(request):
    request.read().send(answer("200 OK"))


class ScriptedGlance:
    """Listens until stop(), at (host, port) or the path of a unix socket. `upload` and `other` are called with
    each Request, in one thread per connection. `image`, `usage` and `stores` are the answers to GET: a dict, the bytes to send, or a function like
    `upload`. If `image` is a dict, a client that has uploaded the image (by request id) is told that it is
    stored. Others get the dict."""

    def __init__(self, address, image=None, upload=accept_upload, other=empty_answer, tls=None,
                 usage=None, stores=None):
        self.image = image or facts()
        self.usage = usage or NO_LIMITS
        self.images = []  # the active ones, of which the proxy learns Glance's algorithm
        self.stores = stores or store_list("file", "test")
        self.upload = upload
        self.other = other
        self.tls = tls
        self.requests = []
        self.list_requests = []  # for an active image; see `images`
        self.faults = []  # errors in the scripts
        self._changed = threading.Condition()
        self._sockets = set()
        if isinstance(address, tuple):
            self._listener = socket.create_server(address, backlog=512)
            self.address = self._listener.getsockname()
            self.url = f"{'https' if tls else 'http'}://{self.address[0]}:{self.address[1]}"
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(address))
            self._listener.listen(512)
            self.url = f"unix:{address}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # stopped
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(PATIENCE)
        self._sockets.add(sock)
        try:
            if self.tls:
                self._sockets.discard(sock)
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._sockets.add(sock)
            if self._listener.fileno() < 0:  # stop() may have looked before it was added
                reset(sock)
            stream = Stream(sock)
            while self._one_request(stream):
                pass
        except (Cut, OSError):
            pass  # the proxy has closed; the request is recorded
        except Exception as fault:  # an exception in this thread would not fail the scenario
            self.faults.append(f"the script of Glance failed: {fault!r}")
        finally:
            self._sockets.discard(sock)
            sock.close()

    def _one_request(self, stream):
        """True: the connection can take another request."""
        if not stream.ahead and not stream.fill():
            return False
        request = Request(stream.until(b"\r\n\r\n"), stream)
        with self._changed:
            (self.list_requests if request.target == ACTIVE_IMAGE else self.requests).append(request)
            self._changed.notify_all()
        try:
            self._script(request)(request)
        except (Cut, OSError):
            request.cut = True
            raise
        finally:
            with self._changed:
                self._changed.notify_all()
        return request.complete and not request.closed

    def _script(self, request):
        if request.method == "PUT" and request.target.split("?")[0].endswith(("/file", "/stage")):
            return self.upload
        if request.method == "GET" and re.fullmatch(r"/v2/images/[-0-9a-f]{36}", request.target):
            return self._telling(self.image_for(request))
        if (request.method, request.target) == ("GET", ACTIVE_IMAGE):
            return self._telling({"images": self.images})
        if (request.method, request.target) == ("GET", "/v2/info/usage"):
            return self._telling(self.usage)
        if (request.method, request.target) == ("GET", "/v2/info/stores"):
            return self._telling(self.stores)
        return self.other

    @staticmethod
    def _telling(told):
        if callable(told):
            return told
        sent = told if isinstance(told, bytes) else json_answer("200 OK", told)
        return lambda request: request.read().send(sent)

    def image_for(self, request):
        if not isinstance(self.image, dict):
            return self.image
        own = request.get("X-Openstack-Request-Id")
        done = [asked for asked in self.uploads() if asked.complete and asked.answered
                and asked.answered < 300 and asked.get("X-Openstack-Request-Id") == own]
        found = {"id": request.target.split("/")[-1], **self.image}
        return {**found, **stored(done[-1])} if done else found

    def wait(self, what, condition):
        """Waits until condition(self) holds, looking whenever a request comes or ends, and now
        and then since bytes are counted as they come."""
        with self._changed:
            for _ in range(int(PATIENCE / 0.02)):
                if condition(self):
                    return
                self._changed.wait(0.02)
        raise AssertionError(f"Glance never saw: {what}")

    def connections(self):
        """How many are open."""
        return len(self._sockets)

    def uploads(self):
        return [request for request in self.requests if request.method == "PUT"]

    def the_upload(self, received=0):
        """The one upload, once `received` bytes of its body have come through the proxy."""
        self.wait(f"an upload of {received} bytes",
                  lambda _: self.uploads() and self.uploads()[0].length >= received - BEHIND)
        assert len(self.uploads()) == 1, [request.start for request in self.requests]
        return self.uploads()[0]

    def stop(self):
        """Closes the listening socket and resets every connection: Glance has died."""
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)  # or accept() would go on waiting
            self._listener.close()
        for sock in list(self._sockets):
            try:
                reset(sock)
            except OSError:
                pass  # its own thread was faster
