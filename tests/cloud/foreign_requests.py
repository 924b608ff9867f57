# SPDX-License-Identifier: Apache-2.0
"""A user who may see an image but not change it, or who has no token, cannot block the work of others."""
import contextlib
import json
import socket

import requests

from cloud import PATIENCE, same, wait_until
from uploads import landed_in_test

PATCH = "application/openstack-images-v2.1-json-patch"
BOUNDARY = "----------------------------123456789012345678901234"
FORM = (
    f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n".encode()
)
MAX = 256 << 10


def begun(cloud, stack, method, path, fields, sent):
    """Sends this much of a request's body, and then nothing."""
    client = stack.enter_context(socket.create_connection(("127.0.0.1", cloud.proxy.port), 60))
    lines = [f"{method} {path} HTTP/1.1", "Host: glance", *fields, "", ""]
    client.sendall("\r\n".join(lines).encode() + sent)
    return client


def dribbling(cloud, stack, image_id):
    """Uploads in each of the ways, by a user of another project."""
    token = f"X-Auth-Token: {cloud.token('other')}"
    octets = "Content-Type: application/octet-stream"
    form = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    length, chunked = "Content-Length: 1000000", "Transfer-Encoding: chunked"
    for action in ("file", "stage"):
        for fields, sent, more in (
            ((octets, length), b"QFI", b"\xfb"),
            ((octets, chunked), b"3\r\nQFI\r\n", b"1\r\n\xfb\r\n"),
            ((form, length), FORM + b"QFI", b"\xfb"),
        ):
            path = f"/v2/images/{image_id}/{action}"
            yield begun(cloud, stack, "PUT", path, (token, *fields), sent), more


def in_flight(cloud, image_id):
    told = requests.get(cloud.proxy.admin_url + "/uploads", timeout=PATIENCE).json()
    return sum(row["image"] == image_id for row in told["in_flight"])


def test_foreign_uploads_do_not_block_the_owner(cloud):
    file = cloud.small()
    headers = {"X-Auth-Token": cloud.token(), "Content-Type": "application/octet-stream"}
    with cloud.new_image(visibility="community") as image_id, contextlib.ExitStack() as stack:
        others = list(dribbling(cloud, stack, image_id))
        wait_until(
            "all of them are in flight",
            lambda: in_flight(cloud, image_id) == len(others),
        )
        for client, more in others:
            client.sendall(more)
        with open(file.path, "rb") as data:
            url = f"{cloud.proxy.url}/v2/images/{image_id}/file"
            answer = requests.put(url, data=data, headers=headers, timeout=PATIENCE)
        same("the status of the owner's upload", answer.status_code, 204)
        landed_in_test(cloud, image_id, file)


def test_anonymous_updates_block_nobody(cloud):
    """All of 20 updates pass, while many clients without a token hold their buffers."""
    fields = (f"Content-Type: {PATCH}", f"Content-Length: {MAX}")
    headers = {"X-Auth-Token": cloud.token(), "Content-Type": PATCH}
    with cloud.new_image() as image_id, contextlib.ExitStack() as stack:
        path = f"/v2/images/{image_id}"
        for size in (MAX - 1, 16_000):
            for _ in range(200):  # more than the buffers of all workers
                begun(cloud, stack, "PATCH", path, fields, b"[" + b" " * (size - 1))
        for number in range(20):
            change = [{"op": "replace", "path": "/name", "value": f"name-{number}"}]
            body = json.dumps(change).ljust(number % 2 * MAX)
            answer = requests.patch(cloud.proxy.url + path, body, headers=headers, timeout=PATIENCE)
            same("the status of the update", answer.status_code, 200)
            same("the new name", answer.json()["name"], f"name-{number}")
