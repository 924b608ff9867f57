# SPDX-License-Identifier: Apache-2.0
"""A Glance that has every image and discards its data.

For uploads that are too large for a test machine. It counts the bytes and checks nothing, so its images have
a size and no digest. Other tests use a real Glance.
"""
import json
import socketserver
import threading

MIB = 1 << 20


class Sink(socketserver.ThreadingTCPServer):
    """Runs in the background within the `with` block. `url` is its address, `taken` has the byte counts by path."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        self.taken = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *reason):
        self.shutdown()
        super().__exit__(*reason)

    def handle_error(self, request, client_address):
        """A stopping proxy cuts its connections. That is no error."""


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            method, path, _ = line.decode().split()
            headers = dict(self._headers())
            if method == "PUT":
                self._take(path, headers)
            else:
                self._show(path.split("?")[0])

    def _headers(self):
        while (line := self.rfile.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def _take(self, path, headers):
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = int(headers["content-length"])
        room = memoryview(bytearray(MIB))
        while left > 0:
            count = self.rfile.readinto1(room[: min(left, MIB)])
            if count == 0:
                return
            left -= count
        self.server.taken[path] = int(headers["content-length"])
        self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def _show(self, path):
        if path.startswith("/v2/info/"):
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        size = self.server.taken.get(path + "/file")
        image = {
            "id": path.rsplit("/", 1)[-1],
            "status": "queued" if size is None else "active",
            "size": size,
            "disk_format": "raw",
            "container_format": "bare",
            "owner": "0" * 32,
            "visibility": "shared",
        }
        body = json.dumps(image).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.wfile.write((head % len(body)).encode() + body)
