# SPDX-License-Identifier: Apache-2.0
"""Image data that is sent to a wrong path or with a wrong method is refused before the body, and the hint names
the right command. The bodies of all other requests have a limit."""
import json

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, answer
from support.raw_http import LAST_CHUNK, chunk, head
from support.stack import RIGHT, Stack, data

ITSELF = f"/v2/images/{IMAGE}"
TYPES = ("Content-Type: application/octet-stream", "Content-Type: application/x-www-form-urlencoded",
         "Content-Type: multipart/form-data; boundary=x", None)
JSON = "Content-Type: application/json"
MOST = 1 << 20

MISSES = (  # method, target, and the methods that Allow names
    ("POST", UPLOAD, "GET, PUT"), ("POST", f"{UPLOAD}/", "GET, PUT"), ("PATCH", UPLOAD, "GET, PUT"),
    ("PUT", f"{UPLOAD}/", "GET, PUT"), ("PUT", f"{UPLOAD}/cirros.img", "GET, PUT"),
    ("PUT", f"{ITSELF}/cirros.img", "GET, PUT"), ("PUT", ITSELF, "DELETE, GET, PATCH"),
    ("PUT", f"{ITSELF}/", "DELETE, GET, PATCH"), ("POST", f"{ITSELF}/stage", "PUT"),
    ("PUT", f"{ITSELF}/stage/", "PUT"), ("POST", f"/v2.5/images/{IMAGE}/fil%65", "GET, PUT"),
)


def take(asked):
    asked.read().send(answer("405 Method Not Allowed", "X-Of-Glance: yes"))


def env(fixture, **listen):
    glance = fixture.glance(other=take)
    return glance, fixture.proxy(glance, conf={"listen": listen})


def refused(told, status, reason):
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (status, reason), (told.start, said)
    return said


@scenario(representative=True)
def misdirected_upload_is_refused_at_once(fixture):
    """The body is not requested, and Glance gets nothing."""
    glance, proxy = env(fixture)
    for method, target, allowed in MISSES:
        for kind in TYPES:
            for framing in (f"Content-Length: {200 << 20}", "Transfer-Encoding: chunked"):
                with proxy.client() as client:
                    client.send(head(f"{method} {target} HTTP/1.1", "Host: images.example", "Expect: 100-continue",
                                     framing, *([kind] if kind else [])))
                    told = client.answer()
                    said = refused(told, 405, "wrong_method")
                    assert client.interim == [] and told.all("Allow") == [allowed], (method, target, told.fields)
                    action = "stage" if "/stage" in target else "file"
                    assert said["hint"].startswith("curl -T FILE ") and said["hint"].endswith(
                        f"http://images.example/v2/images/{IMAGE}/{action}"), said
                    assert said["image_id"] == IMAGE
    assert glance.requests == []
    assert proxy.metric("refusals_total", reason="wrong_method") == len(MISSES) * len(TYPES) * 2


@scenario
def client_that_sends_everything_reads_the_refusal(fixture):
    """The image stays queued."""
    stack = Stack(fixture)
    image = stack.image()
    body = data(8 << 20)
    with stack.client() as client:
        client.send(head(f"POST /v2/images/{image}/file HTTP/1.1", "Host: g", f"Content-Length: {len(body)}"))
        client.send_until_refused(body)
        refused(client.answer(), 405, "wrong_method")
    stack.stored(stack.put(image, body, *RIGHT), image, body)


@scenario
def file_name_is_not_taken_for_an_image(fixture):
    """curl -T FILE URL/ appends the name of the file. The hint does not take it for the image's id."""
    glance, proxy = env(fixture)
    said = refused(proxy.ask("PUT", "/v2/images/cirros.img", body=b"data"), 405, "wrong_method")
    assert "image_id" not in said and "/v2/images/ID/file" in said["hint"], said
    assert glance.requests == []


@scenario
def other_requests_are_relayed(fixture):
    glance, proxy = env(fixture)
    for method, target, kind, body in (
            ("POST", UPLOAD, JSON, b"{}"), ("POST", UPLOAD, None, b""), ("PUT", f"{UPLOAD}/", None, b""),
            ("PUT", ITSELF, JSON, b"{}"), ("DELETE", UPLOAD, None, b""), ("HEAD", UPLOAD, None, b""),
            ("POST", "/v2/images", None, b"{}"), ("PUT", f"{ITSELF}/tags/x", None, b""),
            ("PUT", f"{ITSELF}/members/x", JSON, b"{}"), ("POST", f"{ITSELF}/actions/deactivate", None, b"")):
        told = proxy.ask(method, target, *([kind] if kind else []), body=body)
        assert told.get("X-Of-Glance") == "yes", (method, target, told.start)
        assert glance.requests[-1].body == body


# --- other bodies ---------------------------------------------------------------------------------------


@scenario
def request_bodies_have_a_limit(fixture):
    glance, proxy = env(fixture)
    for size, passes in ((MOST, True), (MOST + 1, False)):
        told = proxy.ask("POST", "/v2/images", JSON, body=bytes(size))
        assert (told.get("X-Of-Glance") == "yes") == passes, told.start
        if not passes:
            assert "1MiB" in refused(told, 413, "too_large")["message"]
    assert [asked.complete for asked in glance.requests] == [True]
    with proxy.client() as client:
        client.send(head("POST /v2/images HTTP/1.1", "Host: g", "Expect: 100-continue", "Content-Length: 999999999"))
        refused(client.answer(), 413, "too_large")
        assert client.interim == []


@scenario
def chunked_request_bodies_have_a_limit(fixture):
    """The length is not known in advance. Glance gets no end of the body."""
    glance, proxy = env(fixture)
    with proxy.client() as client:
        client.send(head("POST /v2/images HTTP/1.1", "Host: g", JSON, "Transfer-Encoding: chunked"))
        client.send(*[chunk(bytes(MOST // 4))] * 4, LAST_CHUNK)
        assert client.answer().get("X-Of-Glance") == "yes"
    with proxy.client() as client:
        client.send(head("POST /v2/images HTTP/1.1", "Host: g", JSON, "Transfer-Encoding: chunked"))
        client.send_until_refused(chunk(bytes(MOST // 4)) * 40)
        refused(client.answer(), 413, "too_large")
    assert [asked.complete for asked in glance.requests][:1] == [True]
    assert not any(asked.complete for asked in glance.requests[1:])


@scenario
def max_request_body_is_configurable(fixture):
    glance, proxy = env(fixture, max_request_body="100B")
    assert proxy.ask("POST", "/v2/images", JSON, body=bytes(100)).get("X-Of-Glance") == "yes"
    refused(proxy.ask("POST", "/v2/images", JSON, body=bytes(101)), 413, "too_large")
    told = proxy.ask("PUT", UPLOAD, "X-Auth-Token: t", body=data(4096))
    assert told.status == 204  # the limit does not apply to uploads
