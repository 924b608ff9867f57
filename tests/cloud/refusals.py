# SPDX-License-Identifier: Apache-2.0
"""Uploads that cannot become a good image are refused before their first byte, with a reason.

curl announces a large body with Expect: 100-continue and waits. The refusal must come instead of the 100, so
that curl has sent 0 bytes. The image must not change.

By default curl waits for one second, and a busy Glance may take longer to answer.
"""
import contextlib
import json
import socket

import clients
from cloud import MIB, PATIENCE, check, same

GIB = 1 << 30


@contextlib.contextmanager
def unchanged(cloud, image_id):
    before = cloud.image(image_id)
    yield
    after = cloud.image(image_id)
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    check(not changed, f"of the image have changed: {changed}")


@contextlib.contextmanager
def active_image(cloud):
    """An image that has its data."""
    with cloud.new_image() as image_id, open(cloud.small().path, "rb") as data:
        headers = {"Content-Type": "application/octet-stream"}
        cloud.glance("PUT", f"/v2/images/{image_id}/file", headers=headers, data=data)
        same("the status", cloud.image(image_id)["status"], "active")
        yield image_id


def is_refusal(cloud, image_id, status, body, wanted_status, reason):
    same("the answer's status", status, wanted_status)
    answer = json.loads(body)
    same("the first keys", list(answer)[:3], ["message", "code", "title"])
    same("the reason", answer.get("reason"), reason)
    same("the image id", answer.get("image_id"), image_id)
    check(answer["message"] and answer["hint"], "no message or no hint")
    check(cloud.token() not in body, "the token is in the answer")
    return answer


PATIENTLY = ("--expect100-timeout", "600")


def curl_is_refused(cloud, image_id, status, reason, *options, call="file", user="demo", file=None):
    how = ("-T", (file or cloud.big()).path, *PATIENTLY, *options)
    url = clients.upload_url(cloud, image_id, call)
    with unchanged(cloud, image_id):
        result = clients.curl(cloud, image_id, *how, url=url, token=cloud.token(user))
    # 100 Continue waits only briefly for the usage, which a busy Glance may tell late.
    most = 8 * MIB if reason == "quota_exceeded" else 0
    check(result.sent <= most, f"curl has sent {result.sent} bytes")
    return is_refusal(cloud, image_id, result.status, result.printed, status, reason)


def test_second_upload(cloud):
    with active_image(cloud) as image_id:
        answer = curl_is_refused(cloud, image_id, 409, "image_not_queued")
        check("active" in answer["message"], f"no word of the status: {answer['message']}")


def test_second_upload_without_expect(cloud):
    """Part of the body is in flight by then. The client must still be able to read the answer."""
    with active_image(cloud) as image_id:
        with unchanged(cloud, image_id):
            result = clients.curl(cloud, image_id, "-T", cloud.big().path, "-H", "Expect:")
        is_refusal(
            cloud, image_id, result.status, result.printed, 409, "image_not_queued"
        )
        check(result.sent < cloud.big().size, "the whole body was taken before the refusal")


def test_formats_unset(cloud):
    for unset in ("disk_format", "container_format"):
        with cloud.new_image(**{unset: None}) as image_id:
            answer = curl_is_refused(cloud, image_id, 400, "formats_unset")
            check(image_id in answer["hint"], f"the hint cannot be pasted: {answer['hint']}")


def test_rule_size_limit(cloud):
    with cloud.new_image(name="small-one") as image_id:
        curl_is_refused(cloud, image_id, 413, "too_large")


def test_denied_by_policy(cloud):
    with cloud.new_image(disk_format="iso") as image_id:
        answer = curl_is_refused(cloud, image_id, 403, "denied_by_policy")
        check("convert to qcow2" in answer["message"], f"not the policy's text: {answer['message']}")


def test_size_limit_comes_before_the_body(cloud):
    """A client that waits for the 100 without a limit, and announces more than max_size."""
    with cloud.new_image() as image_id, unchanged(cloud, image_id):
        head, body = expect_from_socket(cloud, image_id, length=41 * GIB)
        status = int(head.split()[1])
        is_refusal(cloud, image_id, status, body, 413, "too_large")


def test_good_upload_gets_100(cloud):
    """A good upload gets its 100."""
    with cloud.new_image() as image_id:
        head, _ = expect_from_socket(cloud, image_id, length=GIB)
        same("the first line", head.splitlines()[0], "HTTP/1.1 100 Continue")


def expect_from_socket(cloud, image_id, length):
    """Sends a head with Expect and no body. Returns the first answer, 100 or final."""
    head = (
        f"PUT /v2/images/{image_id}/file HTTP/1.1\r\nHost: 127.0.0.1:{cloud.proxy.port}\r\n"
        f"X-Auth-Token: {cloud.token()}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", cloud.proxy.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        answer = b""
        while not answer.startswith(b"HTTP/1.1 100") or b"\r\n\r\n" not in answer:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
    got_head, _, body = answer.decode().partition("\r\n\r\n")
    return got_head, body


def test_foreign_image(cloud):
    """Glance answers 404, as for an image that does not exist."""
    with cloud.new_image(user="other") as image_id, unchanged(cloud, image_id):
        result = clients.curl(cloud, image_id, "-T", cloud.big().path, *PATIENTLY)
        same("bytes that curl has sent", result.sent, 0)
        same("the answer's status", result.status, 404)
        check(f"No image found with ID {image_id}" in result.printed, f"not Glance's: {result.printed}")


def test_bad_token(cloud):
    with cloud.new_image() as image_id, unchanged(cloud, image_id):
        how = ("-T", cloud.big().path, *PATIENTLY)
        result = clients.curl(cloud, image_id, *how, token="not-a-token")
        same("bytes that curl has sent", result.sent, 0)
        same("the answer's status", result.status, 401)
        check("www-authenticate" in result.headers, f"not Glance's: {result.headers}")
