# SPDX-License-Identifier: Apache-2.0
"""An upload whose client sends when it is told to."""
import os
import socket

from cloud import KIB, PATIENCE


class PausedUpload:
    """Announces `size` random bytes for a new image. `port`: of another proxy; `source`: another address of the
    client, such as 127.0.0.2."""

    def __init__(self, cloud, stack, name, size, port=None, source=""):
        self.image_id = stack.enter_context(cloud.new_image(name=name, disk_format="raw"))
        self._left = size
        address = ("127.0.0.1", port or cloud.proxy.port)
        self._socket = stack.enter_context(socket.create_connection(address, PATIENCE, (source, 0)))
        self._socket.sendall(
            f"PUT /v2/images/{self.image_id}/file HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {cloud.token()}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n".encode()
        )

    def send(self, size=64 * KIB):
        self._socket.sendall(os.urandom(size))
        self._left -= size

    def finish(self):
        """Sends the rest. Returns the status."""
        self.send(self._left)
        return int(self._socket.recv(KIB).split()[1])

    def leave(self):
        self._socket.close()
