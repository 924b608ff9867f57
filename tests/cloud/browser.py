# SPDX-License-Identifier: Apache-2.0
"""Horizon lets the browser upload directly to the image endpoint, which is another origin. The page can read
what it needs, and other pages cannot. fetch.mjs is the browser."""
import json
import uuid

import clients
from cloud import check, same
from uploads import landed_in_test

HORIZON = "https://horizon.example.org"  # as in conf/glance-api.conf.in


def page(cloud, method, where, url=None, origin=HORIZON, media_type=None, **body):
    headers = {"X-Auth-Token": cloud.token()}
    if media_type:
        headers["Content-Type"] = media_type
    url = (url or cloud.proxy.url) + where
    return clients.fetch(origin=origin, method=method, url=url, headers=headers, **body)


def page_uploads(cloud, image_id, path, sent_as, **how):
    # The browser sets the Content-Type of a form itself, with the boundary.
    media_type = None if sent_as == "form" else "application/octet-stream"
    body = {"as": sent_as, "path": path}
    return page(cloud, "PUT", f"/v2/images/{image_id}/file", media_type=media_type, **body, **how)


def uploads_land(cloud, sent_as, fixed):
    file = cloud.small()
    with cloud.new_image() as image_id:
        result = page_uploads(cloud, image_id, file.path, sent_as)
        same("what the page is told", (result.status, result.printed), (204, ""))
        landed_in_test(cloud, image_id, file)
        seen = {name: result.headers.get(name) for name in ("x-intake-store", "x-intake-fixed")}
        same("what it sees", seen, {"x-intake-store": "test", "x-intake-fixed": fixed})
        check("repr-digest" in result.headers, f"it sees no digest: {result.headers}")
        check("x-openstack-request-id" in result.headers, f"no request id: {result.headers}")


def test_blob_is_uploaded(cloud):
    uploads_land(cloud, "blob", "store")


def test_form_is_uploaded(cloud):
    uploads_land(cloud, "form", "store, content-type, multipart")


def test_stream_is_uploaded(cloud):
    """The length is not known."""
    uploads_land(cloud, "stream", "store, length")


def life(cloud, url):
    """An image's life as a page sees it, without the upload."""
    image_id = str(uuid.uuid4())
    path, create = f"/v2/images/{image_id}", {"id": image_id, "name": "from a page"}
    rename = [{"op": "replace", "path": "/name", "value": "renamed"}]
    requests = [
        ("POST", "/v2/images", "application/json", create),
        ("PATCH", path, "application/openstack-images-v2.1-json-patch", rename),
        ("GET", path, None, None),
        ("DELETE", path, None, None),
        ("GET", path, None, None),
    ]
    try:
        for method, where, media_type, body in requests:
            body = {"as": "text", "text": json.dumps(body)} if body else {}
            result = page(cloud, method, where, url=url, media_type=media_type, **body)
            check(result.exit_status == 0, f"{method} {where}: {result.printed}")
            # A 204 has no length (RFC 9110 8.6), though Glance gives it one.
            yield method, result.status, sorted(result.headers.keys() - {"content-length"})
    finally:
        cloud.delete(image_id)


def test_other_requests_are_the_same(cloud):
    through, direct = (list(life(cloud, url)) for url in (cloud.proxy.url, cloud.glance_url))
    same("what the page sees", through, direct)


def until_readable(send):
    """Repeats what is refused. A busy Glance may not tell the CORS fields in the two seconds that the proxy waits."""
    for _ in range(5):
        result = send()
        if "does not show the page the answer" not in result.printed:
            break
    return result


def test_refusal_is_readable(cloud):
    """The page can show its user the reason."""
    with cloud.new_image(disk_format="iso") as image_id:
        for sent_as in ("blob", "form", "stream"):
            result = until_readable(lambda: page_uploads(cloud, image_id, cloud.small().path, sent_as))
            same("the status", result.status, 403)
            answer = json.loads(result.printed)
            same("the reason", answer["reason"], "denied_by_policy")
            check("convert to qcow2" in answer["message"], f"no word of why: {answer}")


def test_foreign_page_is_blocked(cloud):
    """Its preflight fails."""
    with cloud.new_image() as image_id:
        foreign = {"origin": "https://elsewhere.example.org"}
        result = page_uploads(cloud, image_id, cloud.small().path, "blob", **foreign)
        check("does not let the page send this" in result.printed, f"it is told {result.printed}")
        same("the image", cloud.image(image_id)["status"], "queued")
