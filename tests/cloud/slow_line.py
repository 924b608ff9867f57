# SPDX-License-Identifier: Apache-2.0
"""A line between a client and the proxy that is slow, and that a test cuts."""
import contextlib
import socket
import threading
import time

PIECE = 1 << 16
BUFFER = 1 << 20  # bytes that may be under way


class SlowLine:
    """Passes the bytes of any connection on: to the proxy at `rate` bytes a second, back as they come."""

    def __init__(self, port, rate):
        self.to, self.rate = port, rate
        self.broken = False  # connections end as soon as they are made
        self.hold_at = None  # after so many bytes to the proxy, a connection waits until this changes
        self._sockets = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)  # or megabytes would be under way
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Breaks the connections that there are, also those that wait."""
        sockets, self._sockets = self._sockets, set()
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self):
        with contextlib.suppress(OSError):  # close() ends it
            while True:
                client = self._listener.accept()[0]
                if self.broken:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.to))
                server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
                self._sockets |= {client, server}
                for source, target, slow in (client, server, True), (server, client, False):
                    threading.Thread(target=self._pass_on, args=(source, target, slow), daemon=True).start()

    def _wait(self, source, passed):
        while self.hold_at is not None and passed >= self.hold_at and source in self._sockets:
            time.sleep(0.1)

    def _pass_on(self, source, target, slow):
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                target.sendall(piece)
                passed += len(piece)
                if slow:
                    time.sleep(len(piece) / self.rate)
                    self._wait(source, passed)
        for each in source, target:
            self._sockets.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
