# SPDX-License-Identifier: Apache-2.0
"""A proxy between the tested proxy and Glance: it passes bytes on and remembers each request.

Glance's behaviour depends only on the bytes of a request, and on the images. Of requests that differ only in
ids, Glance gets the first. The others are answered with 429. So thousands of requests need not all become
images. A GET that is repeated gets the answer to the first, as long as nothing else has reached Glance.
"""
import contextlib
import re
import socket
import socketserver
import threading

REPEATED = 429
_ANSWER = b"HTTP/1.1 429 Seen Before\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNKED = b"\nTransfer-Encoding: chunked"
_REQUEST_ID = re.compile(rb"(?i)\r\nx-openstack-request-id: *([^\r]*)")
_ID_LINE = 128  # bytes: more than a line with a request's id takes
_IMAGE_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Tap(socketserver.ThreadingTCPServer):
    """Runs in the background within the `with` block. `url` is its address."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, url):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        self.behind = ("127.0.0.1", int(url.rpartition(":")[2]))
        self.turn = threading.Lock()  # sqlite's writers lock each other out: one request at a time
        self.lets_all_pass = False
        self._seen = set()
        self._ids = set()  # of requests, in both directions
        self._answers = {}  # to GETs, since the last request that may change an image
        self._changes = 0  # requests that may change an image
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *reason):
        self.shutdown()
        super().__exit__(*reason)

    def is_first(self, request):
        """Whether no equal request came before."""
        shape = _IMAGE_ID.sub(b"", _REQUEST_ID.sub(b"", request))
        with self._lock:
            before = len(self._seen)
            self._seen.add(shape)
            return self.lets_all_pass or len(self._seen) > before

    def note(self, message):
        with self._lock:
            self._ids.update(_REQUEST_ID.findall(message))

    def passed(self, head):
        """Whether the answer with this head is Glance's, or to a request of which Glance was asked something."""
        with self._lock:
            return not self._ids.isdisjoint(_REQUEST_ID.findall(head))

    def note_change(self):
        """The images may be about to change, or may just have changed."""
        with self._lock:
            self._changes += 1
            self._answers.clear()

    def answer_to(self, request):
        """The answer to a GET, if it is known, and the count of changes."""
        with self._lock:
            return self._answers.get(_REQUEST_ID.sub(b"", request)), self._changes

    def remember(self, request, answer, changes):
        with self._lock:
            if self._changes == changes:
                self._answers[_REQUEST_ID.sub(b"", request)] = answer

    def handle_error(self, request, client_address):
        """One side has cut the connection. That is no error."""


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        self._answer_begun = threading.Event()
        self._query = None  # the GET that Glance answers, and the count of changes before it
        self._answer = b""
        with socket.create_connection(self.server.behind) as glance:
            self._answering = threading.Thread(target=self._answers, args=(glance,), daemon=True)
            self._answering.start()
            try:
                self._pass(glance)
            finally:
                with contextlib.suppress(OSError):
                    glance.shutdown(socket.SHUT_RDWR)  # ends the thread; closing would not

    def _pass(self, glance):
        for data, whole in self._requests():
            self.server.note(data)
            if not whole:
                self.server.note_change()
                glance.sendall(data)
            elif data.startswith((b"GET ", b"HEAD ")):
                self._queries(glance, data)
            elif self.server.is_first(data):
                self._pass_on(glance, data)
            else:
                self.request.sendall(_ANSWER)
                break

    def _queries(self, glance, data):
        known, changes = self.server.answer_to(data)
        if known:
            self.request.sendall(known)
            return
        self._answer, self._query = b"", (data, changes) if data.startswith(b"GET ") else None
        glance.sendall(data)

    def _pass_on(self, glance, data):
        with self.server.turn:
            self.server.note_change()
            self._query = None
            self._answer_begun.clear()
            glance.sendall(data)
            while not self._answer_begun.wait(0.05) and self._answering.is_alive():
                pass
            self.server.note_change()

    def _answers(self, glance):
        last = b""
        with contextlib.suppress(OSError):
            while piece := glance.recv(1 << 16):
                self.server.note(last + piece)
                last = piece[-_ID_LINE:]
                self._remember(piece)
                self.request.sendall(piece)
                self._answer_begun.set()
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _remember(self, piece):
        """Before the piece is passed on, since the next request may come at once. An answer that says `close`
        would not be true the next time."""
        if not self._query:
            return
        self._answer += piece
        if _end_of_message(self._answer) == len(self._answer) and b"\nConnection: close" not in self._answer:
            request, changes = self._query
            self._query = None
            if self._answer.startswith(b"HTTP/1.1 200 "):
                self.server.remember(request, self._answer, changes)

    def _requests(self):
        """(bytes, True) of each request. From a request on whose end is unknown: (all following bytes, False)."""
        data, whole = b"", True
        while piece := self.request.recv(1 << 16):
            data += piece
            while whole and (end := _end_of_message(data)) is not None and end <= len(data):
                yield data[:end], True
                data = data[end:]
            whole = whole and end is not None
            if not whole:
                yield data, False
                data = b""


def _end_of_message(data):
    """The position behind the request, or behind an answer with a length. It is behind the data if more has to come,
    and None if it is unknown."""
    head, blank_line, _ = data.partition(b"\r\n\r\n")
    if not blank_line:
        return len(data) + 1
    begin = len(head) + len(blank_line)
    codings = re.findall(rb"(?i)\ntransfer.encoding[^\r]*", head)
    if codings:
        return _end_of_chunks(data, begin) if codings == [_CHUNKED] else None
    length = re.search(rb"(?i)\ncontent-length: (\d+)", head)
    return begin + (int(length[1]) if length else 0)


def _end_of_chunks(data, at):
    """The same for a chunked body that begins at `at`. The proxy sends no trailers."""
    size = None
    while size != 0:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return len(data) + 1
        if not re.fullmatch(rb"[0-9A-Fa-f]+", data[at:line_end]):
            return None
        size = int(data[at:line_end], 16)
        at = line_end + 2 + size + 2
    return at
