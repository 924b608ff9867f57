# SPDX-License-Identifier: Apache-2.0
"""An upload whose client sends when it is told to. However busy the machine is, it is under way until then."""
import contextlib
import http.client
import os
import select
import socket

from cloud import KIB, PATIENCE, check, wait_until


class PausedUpload:
    """Announces `size` bytes for the image: those of the file at `path`, or else random ones. `port`: of another
    proxy; `source`: another address of the client, such as 127.0.0.2. `token`: not the cloud's."""

    def __init__(self, cloud, stack, image_id, size, path=None, token=None, port=None, source=""):
        self.image_id = image_id
        self._read = stack.enter_context(open(path, "rb")).read if path else os.urandom
        self._left = size
        address = ("127.0.0.1", port or cloud.proxy.port)
        self._socket = stack.enter_context(socket.create_connection(address, PATIENCE, (source, 0)))
        self._socket.sendall(
            f"PUT /v2/images/{image_id}/file HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {token or cloud.token()}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n".encode()
        )

    def send(self, size=64 * KIB):
        self._socket.sendall(self._read(size))
        self._left -= size

    def is_answered(self):
        return bool(select.select([self._socket], [], [], 0)[0])

    def answer(self):
        """As http.client has it, with its status and headers."""
        answer = http.client.HTTPResponse(self._socket, method="PUT")
        answer.begin()
        return answer

    def finish(self):
        """Sends the rest, or less if there is an answer already. Returns the answer."""
        with contextlib.suppress(ConnectionError):
            self.send(self._left)
        return self.answer()

    def leave(self):
        self._socket.close()


def new_upload(cloud, stack, name, size, **how):
    """Of random bytes, to a new image of that name."""
    return PausedUpload(cloud, stack, stack.enter_context(cloud.new_image(name=name, disk_format="raw")), size, **how)


def begun(cloud, stack, image_id, token=None):
    """An upload of the small file, whose first half was sent. Glance has some of it."""
    file = cloud.small()
    upload = PausedUpload(cloud, stack, image_id, file.size, file.path, token)
    upload.send(file.size // 2)
    wait_until(
        "it is at Glance",
        lambda: upload.is_answered() or cloud.proxy.upload_in_flight(image_id).get("bytes"),
    )
    check(not upload.is_answered(), "it is answered before its end")
    return upload
