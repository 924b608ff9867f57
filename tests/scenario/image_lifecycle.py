# SPDX-License-Identifier: Apache-2.0
"""An image before the small Glance: created, uploaded, shown, downloaded, deleted."""
import functools
import hashlib
import json

from support.fixture import scenario
from support.proxy import wait_until
from support.raw_http import head

TOKEN = "X-Auth-Token: demo-token"


@functools.cache
def disk():
    return hashlib.shake_128(b"journey").digest(5 << 20)


@functools.cache
def sha512():
    return hashlib.sha512(disk()).hexdigest()


def create(proxy, **properties):
    document = {"name": "cirros", "disk_format": "raw", "container_format": "bare", **properties}
    told = proxy.ask("POST", "/v2/images", TOKEN, "Content-Type: application/json",
                     body=json.dumps(document).encode())
    assert told.status == 201, (told.start, told.body)
    return json.loads(told.body)["id"]


def show(proxy, image):
    return json.loads(proxy.ask("GET", f"/v2/images/{image}", TOKEN).body)


@scenario(threaded=True, representative=True)
def image_is_created_uploaded_and_downloaded(fixture):
    proxy = fixture.proxy(fixture.small_glance())
    image = create(proxy)
    assert show(proxy, image)["status"] == "queued"
    assert proxy.ask("PUT", f"/v2/images/{image}/file", TOKEN, body=disk()).status == 204
    shown = show(proxy, image)
    assert (shown["status"], shown["size"], shown["stores"]) == ("active", len(disk()), "test")
    assert shown["os_hash_value"] == sha512()
    fetched = proxy.ask("GET", f"/v2/images/{image}/file", TOKEN)
    assert fetched.sha512 == sha512()
    again = proxy.ask("PUT", f"/v2/images/{image}/file", TOKEN, body=disk())
    assert json.loads(again.body)["reason"] == "image_not_queued"
    assert proxy.ask("DELETE", f"/v2/images/{image}", TOKEN).status == 204


@scenario
def cut_upload_can_be_repeated(fixture):
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance)
    image = create(proxy)
    with proxy.client() as client:
        client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN,
                         f"Content-Length: {len(disk())}"), disk()[:len(disk()) // 2])
        wait_until("Glance takes it", lambda: show(proxy, image)["status"] == "saving")
        client.close()
    proxy.wait_metric(1, "uploads_total", result="aborted")
    proxy.wait_log("verdict=aborted")
    wait_until("the image is queued again", lambda: show(proxy, image)["status"] == "queued")
    assert proxy.ask("PUT", f"/v2/images/{image}/file", TOKEN, body=disk()).status == 204
    assert show(proxy, image)["os_hash_value"] == sha512()


@scenario
def foreign_tokens_are_refused(fixture):
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance)
    image = create(proxy)
    for token, status in (("other-token", 404), ("nobody-knows", 401)):
        with proxy.client() as client:
            client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", f"X-Auth-Token: {token}",
                             f"Content-Length: {len(disk())}"))
            client.send_until_refused(disk())  # little is read of an unauthorized upload
            told = client.answer()
        assert told.status == status, (token, told.start)
    assert show(proxy, image)["status"] == "queued"
