# SPDX-License-Identifier: Apache-2.0
"""A page of Horizon uploads from the browser. The fields Access-Control-* say what a page may read of an
answer. The proxy's own answers have those that Glance would send.

Glance's configuration says which pages may, not the proxy's.
"""
import json

from cloud import check, same, wait_until
from fidelity import Client, head
from question import ALLOWED_ORIGIN
from refusals import active_image

TRIES = 5  # A busy Glance may not tell the CORS fields in the two seconds that the proxy waits for them.

FOREIGN = "https://foreign.example.org"
OCTETS = "Content-Type: application/octet-stream"
STRIPPED = b"a file that went through curl -d " * 400  # no NUL, no line feed, no carriage return
SOUND = b"\0not much of a disk\r\n" * 400


def put(cloud, image_id, *fields, body=SOUND, url=None, action="file"):
    """An upload as a page makes it. With `url` it goes past the proxy."""
    host, port = (url or cloud.proxy.url).removeprefix("http://").split(":")
    fields = [OCTETS, f"X-Auth-Token: {cloud.token()}", *fields, f"Content-Length: {len(body)}"]
    client = Client((host, int(port)))
    try:
        start = f"PUT /v2/images/{image_id}/{action} HTTP/1.1"
        return client.send(head(start, f"Host: {host}", *fields) + body).answer()
    finally:
        client.close()


def for_a_page(answer):
    """The fields that a browser looks at, without the names of the proxy's own fields."""
    told = [(name.title(), value) for name, value in answer.fields]
    exposes = ("Access-Control-Expose-Headers", ", ".join(exposed(answer)))
    return sorted(
        (name, value)
        for name, value in told
        if (name.startswith("Access-Control-") or name == "Vary") and (name, value) != exposes
    )


def exposed(answer):
    """The proxy's own fields of the answer."""
    return [
        name for name, _ in answer.fields if name.startswith("X-Intake-") or name == "Repr-Digest"
    ]


def may_be_read(answer):
    """Checks that a page may read the proxy's own fields."""
    names = ",".join(answer.all("Access-Control-Expose-Headers"))
    named = {name.strip().lower() for name in names.split(",")}
    for name in exposed(answer):
        check(name.lower() in named, f"a page cannot read {name}")


def glance_gives(cloud, *fields):
    """The CORS fields of a small answer of Glance."""
    headers = dict(field.split(": ", 1) for field in fields)
    told = cloud.glance("GET", "/v2/schemas/image", headers=headers).headers
    return sorted(
        (name.title(), value)
        for name, value in told.items()
        if name.lower().startswith("access-control-") or name.lower() == "vary"
    )


def origins(cloud):
    """(fields, expected CORS fields) for an allowed origin, another one, and none."""
    allowed = f"Origin: {ALLOWED_ORIGIN}"
    wanted = glance_gives(cloud, allowed)
    check(("Access-Control-Allow-Origin", ALLOWED_ORIGIN) in wanted, f"Glance gives only {wanted}")
    return ((allowed,), wanted), ((f"Origin: {FOREIGN}",), []), ((), [])


def refused_to(origin, gives, cloud, image_id, reason, *fields, **how):
    for _ in range(TRIES):
        answer = put(cloud, image_id, *fields, *origin, **how)
        if for_a_page(answer) == gives:
            break
        wait_until("Glance has reset the image", lambda: cloud.image(image_id)["status"] in ("queued", "active"))
    said = json.loads(answer.body)
    same("the reason", said["reason"], reason)
    same(f"what a page gets with {origin}", for_a_page(answer), gives)
    if gives:
        may_be_read(answer)


def refused(cloud, image_id, *reason_and_fields, **how):
    for origin, gives in origins(cloud):
        refused_to(origin, gives, cloud, image_id, *reason_and_fields, **how)


def test_refused_before_glance_is_asked(cloud):
    with cloud.new_image() as image_id:
        refused(cloud, image_id, "content_range", "Content-Range: bytes 0-1/2")
        refused(cloud, image_id, "content_encoding", "Content-Encoding: gzip", action="stage")


def test_refused_for_a_bad_head(cloud):
    with cloud.new_image() as image_id:
        refused(cloud, image_id, "bad_request", action="x/../file")


def test_refused_for_the_image_status(cloud):
    with active_image(cloud) as image_id:
        refused(cloud, image_id, "image_not_queued")


def test_refused_by_the_policy(cloud):
    with cloud.new_image(disk_format="iso") as image_id:
        refused(cloud, image_id, "denied_by_policy")


def test_refused_for_its_body(cloud):
    with cloud.new_image() as image_id:
        refused(cloud, image_id, "damaged_body", body=STRIPPED)
        refused(cloud, image_id, "format_mismatch")


def test_refused_for_its_digest(cloud):
    """The digest is compared when the last byte has come."""
    digest = "Repr-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    for origin, gives in origins(cloud):
        with cloud.new_image(disk_format="raw") as image_id:  # Glance may still be resetting the image before
            refused_to(origin, gives, cloud, image_id, "digest_mismatch", digest)


def test_upload_has_cors_fields(cloud):
    """Glance's fields, and the proxy's own."""
    origin = f"Origin: {ALLOWED_ORIGIN}"
    with cloud.new_image(disk_format="raw") as image_id:
        answer = put(cloud, image_id, origin)
        same("the status", answer.status, 204)
        same("what a page gets", for_a_page(answer), glance_gives(cloud, origin))
        check(exposed(answer), "the answer has no field of the proxy's own")
        may_be_read(answer)


def test_glances_refusal_has_the_same_cors_fields(cloud):
    """Glance refuses the upload before its body."""
    nobody = "00000000-0000-4000-8000-000000000000"
    for origin in (ALLOWED_ORIGIN, FOREIGN):
        through = put(cloud, nobody, f"Origin: {origin}")
        direct = put(cloud, nobody, f"Origin: {origin}", url=cloud.glance_url)
        same("the statuses", (through.status, direct.status), (404, 404))
        same(f"what a page from {origin} gets", for_a_page(through), for_a_page(direct))
