# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on bare sockets.

A library would hide what a scenario tests: the order and spelling of fields, where a body was cut, whether
the peer closed with FIN or with RST. Here the scenario chooses each byte sent, and each byte received is kept
or counted.
"""
import json
import hashlib
import socket
import struct

PATIENCE = 120.0  # seconds: the limit of each wait; a passing test never reaches it
KEPT = 8 << 20  # bytes of a body that are kept; further bytes are only counted and hashed
AT_ONCE = 1 << 18  # bytes that are received at once, at most


class Cut(Exception):
    """The peer closed (or reset) the connection in the middle of a message."""


class Stream:
    """A socket, and the bytes read ahead."""

    def __init__(self, sock):
        self.sock = sock
        self.ahead = bytearray()

    def _received(self, most=AT_ONCE):
        try:
            return self.sock.recv(most)
        except ConnectionError:
            return b""

    def fill(self):
        """Reads once. False: the peer has closed."""
        piece = self._received()
        self.ahead += piece
        return bool(piece)

    def until(self, mark):
        start = 0
        while (found := self.ahead.find(mark, start)) < 0:
            start = max(0, len(self.ahead) - len(mark) + 1)
            if not self.fill():
                raise Cut(f"closed while waiting for {mark!r}, after {bytes(self.ahead)!r}")
        return self.take(found + len(mark))

    def up_to(self, count):
        """Returns at least one byte, at most `count`."""
        if self.ahead:
            return self.take(min(count, len(self.ahead)))
        if not (piece := self._received(min(count, AT_ONCE))):
            raise Cut(f"closed with {count} bytes to come")
        return piece

    def take(self, count):
        taken = bytes(self.ahead[:count])
        del self.ahead[:count]
        return taken

    def at_end(self):
        """Waits for the peer to close. True if it sent nothing more."""
        return not self.ahead and not self.fill()


def reason(told):
    """Status and reason of a refusal."""
    return told.status, json.loads(told.body)["reason"]


class Message:
    """A request or an answer: first line, fields in order, body."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.fields = [tuple(line.split(": ", 1)) if ": " in line else (line.split(":", 1)[0], "")
                       for line in lines[1:] if line]
        self.length = 0
        self.complete = False
        self._kept = []  # the pieces; a whole would be copied with each of them
        self._hash = hashlib.sha512()

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def chunked(self):
        return (self.get("Transfer-Encoding") or "").lower() == "chunked"

    @property
    def body(self):
        return b"".join(self._kept)

    @property
    def sha512(self):
        return self._hash.hexdigest()

    def add(self, piece):
        if self.length < KEPT:
            self._kept.append(piece)
        self.length += len(piece)
        self._hash.update(piece)

    def read_body(self, stream, until_close):
        """Reads the body in the framing of the head. Raises Cut if it ends early."""
        for piece in body_pieces(self, stream, until_close):
            self.add(piece)
        self.complete = True


def body_pieces(message, stream, until_close):
    if message.chunked:
        while size := int(stream.until(b"\r\n").split(b";")[0], 16):
            while size:
                piece = stream.up_to(size)
                size -= len(piece)
                yield piece
            if stream.until(b"\r\n") != b"\r\n":
                raise Cut("a chunk does not end where it said")
        while stream.until(b"\r\n") != b"\r\n":
            pass
    elif message.get("Content-Length") is not None:
        left = int(message.get("Content-Length")) - message.length  # some may have been read
        while left:
            piece = stream.up_to(left)
            left -= len(piece)
            yield piece
    elif until_close:
        while stream.ahead or stream.fill():
            yield stream.take(len(stream.ahead))


class Answer(Message):
    @property
    def status(self):
        return int(self.start.split(" ")[1])


def connected(address, source=None):
    if isinstance(address, tuple):
        sock = socket.create_connection(address, PATIENCE, source and (source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.connect(str(address))
    return sock


class Client:
    """A connection to the proxy. `address` is (host, port), or the path of a unix socket."""

    def __init__(self, address, source=None, tls=None):
        self.sock = connected(address, source)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=address[0])
        self.stream = Stream(self.sock)
        self.interim = []  # the 1xx answers before the last final one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *pieces):
        """Sends each piece with its own send(), so that the peer likely reads them one by one."""
        for piece in pieces:
            self.sock.sendall(piece)
        return self

    def send_until_refused(self, *pieces):
        """Sends without looking for an answer. Returns whether all of it could be sent."""
        try:
            self.send(*pieces)
            return True
        except ConnectionError:
            return False

    def answer(self, method="GET"):
        """The next final answer with its body. Raises Cut if the connection ends before that."""
        answer = self.answer_head()
        bare = method == "HEAD" or answer.status in (204, 304)
        if bare:
            answer.complete = True
        else:
            answer.read_body(self.stream, until_close=True)
        return answer

    def first_head(self):
        """The head of the next answer, also of an interim one."""
        return Answer(self.stream.until(b"\r\n\r\n"))

    def answer_head(self):
        """The head of the next final answer. Its body is not read."""
        self.interim = []
        while True:
            answer = self.first_head()
            if answer.status >= 200:
                return answer
            self.interim.append(answer.status)

    def ask(self, method, target, *fields, body=b""):
        """One request with the usual head, and its answer."""
        return self.send(request(method, target, *fields, body=body)).answer(method)

    def closed(self):
        """Whether the proxy closes now, without sending more."""
        return self.stream.at_end()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        reset(self.sock)


def reset(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def head(start, *fields):
    return "\r\n".join([start, *fields, "", ""]).encode("latin-1")


def request(method, target, *fields, body=b""):
    """A request with Host, and with Content-Length if it has a body. `fields` are whole lines."""
    fields = ["Host: glance.example", *fields]
    if body:
        fields.append(f"Content-Length: {len(body)}")
    return head(f"{method} {target} HTTP/1.1", *fields) + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def chunks(body, size=50_000):
    """The whole body in chunks of this size, with the last chunk."""
    body, pieces = memoryview(body), []
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        pieces += [b"%x\r\n" % len(piece), piece, b"\r\n"]
    return b"".join([*pieces, LAST_CHUNK])
