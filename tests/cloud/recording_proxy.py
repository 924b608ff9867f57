# SPDX-License-Identifier: Apache-2.0
"""A proxy between the tested proxy and Glance: it passes bytes on and remembers each request.

Glance's behaviour depends only on the bytes of a request. Of requests that differ only in ids, Glance gets
the first. The others are answered with 429. So thousands of requests need not all become images.
"""
import contextlib
import re
import socket
import socketserver
import threading

REPEATED = 429
_ANSWER = b"HTTP/1.1 429 Seen Before\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNKED = b"\nTransfer-Encoding: chunked"
_OF_ONE_REQUEST = re.compile(
    rb"(?i)\r\nx-openstack-request-id:[^\r]*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


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
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *reason):
        self.shutdown()
        super().__exit__(*reason)

    def is_first(self, request):
        """Whether no equal request came before."""
        shape = _OF_ONE_REQUEST.sub(b"", request)
        with self._lock:
            before = len(self._seen)
            self._seen.add(shape)
            return self.lets_all_pass or len(self._seen) > before

    def handle_error(self, request, client_address):
        """One side has cut the connection. That is no error."""


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        self._answer_begun = threading.Event()
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
            if not whole or data.startswith((b"GET ", b"HEAD ")):
                glance.sendall(data)
            elif self.server.is_first(data):
                self._pass_on(glance, data)
            else:
                self.request.sendall(_ANSWER)
                break

    def _pass_on(self, glance, data):
        with self.server.turn:
            self._answer_begun.clear()
            glance.sendall(data)
            while not self._answer_begun.wait(0.05) and self._answering.is_alive():
                pass

    def _answers(self, glance):
        with contextlib.suppress(OSError):
            while piece := glance.recv(1 << 16):
                self.request.sendall(piece)
                self._answer_begun.set()
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _requests(self):
        """(bytes, True) of each request. From a request on whose end is unknown: (all following bytes, False)."""
        data, whole = b"", True
        while piece := self.request.recv(1 << 16):
            data += piece
            while whole and (end := _end_of_request(data)) is not None and end <= len(data):
                yield data[:end], True
                data = data[end:]
            whole = whole and end is not None
            if not whole:
                yield data, False
                data = b""


def _end_of_request(data):
    """The position behind the request. It is behind the data if more has to come, and None if it is unknown."""
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
