# SPDX-License-Identifier: Apache-2.0
"""`mode: audit`: the proxy changes and refuses nothing. Glance gets what the client has sent, byte for byte
and field for field, and the client gets Glance's answer. X-Intake-Audit names what would have been changed or
refused."""
import gzip
import hashlib
import json
import struct

from support.audit import BODY, LENGTH, MIB, OTHER_STORE, AuditStack, put
from support.fixture import scenario
from support.form import declared, file, form
from support.gateway import ACCESS_KEY, BUCKET, SECRET_KEY, Gateway
from support.raw_http import chunks
from support.stack import OCTETS, RIGHT, TOKEN, data, stripped


def qcow2(virtual_size=1 << 16, backing=b""):
    """A qcow2 header, followed by empty clusters."""
    at = 0x70 if backing else 0
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, at, len(backing), 16, virtual_size, 0, 1,
                         3 << 16, 1 << 16, 1, 0, 0)
    header += bytes(24) + struct.pack(">II", 4, 0x70) + bytes(8)
    return (header + backing).ljust(4 << 16, b"\0")


# --- what would have been changed -----------------------------------------------------------


@scenario(threaded=True)
def audit_changes_nothing(fixture):
    audit = AuditStack(fixture)
    hidden = form(file(BODY))
    right = [*RIGHT, LENGTH]
    table = [  # the fields, what is sent, the bytes that are stored, where, what is told
        (right, BODY, BODY, "test", []),
        ([TOKEN, OCTETS, OTHER_STORE, LENGTH], BODY, BODY, "file", ["store"]),
        ([TOKEN, OCTETS, LENGTH], BODY, BODY, "file", ["store"]),
        ([TOKEN, OCTETS, "x_image_meta_store: file", LENGTH], BODY, BODY, "file", ["store"]),
        ([*right, "Content-MD5: " + "A" * 22 + "=="], BODY, BODY, "test", ["digest_mismatch"]),
        ([TOKEN, OCTETS + "; charset=binary", OTHER_STORE, LENGTH], BODY, BODY, "file", ["store", "content-type"]),
        ([*RIGHT, "Transfer-Encoding: chunked"], chunks(BODY), BODY, "test", ["length"]),
        ([*RIGHT, "Transfer-Encoding: chunked"], chunks(b"\0few"), b"\0few", "test", ["length"]),
        ([*RIGHT, "Transfer-Encoding: chunked", "X-Openstack-Image-Size: 70000"], chunks(BODY), BODY, "test",
         ["length"]),
        ([*RIGHT, f"Content-Length: {len(hidden)}"], hidden, hidden, "test", ["multipart"]),
        ([*RIGHT, "Transfer-Encoding: chunked"], chunks(hidden), hidden, "test", ["multipart", "length"]),
    ]
    for fields, sent, body, store, what in table:
        audit.stored(audit.image(), fields, sent, body, *what, store=store)
    assert audit.proxy.metric("spool_bytes") == 0


@scenario
def audit_relays_staged_data_unchanged(fixture):
    audit = AuditStack(fixture)
    chunked = [TOKEN, OCTETS, OTHER_STORE, "Transfer-Encoding: chunked"]
    audit.stored(audit.image(), [TOKEN, OCTETS, OTHER_STORE, LENGTH], BODY, BODY, action="stage")
    audit.stored(audit.image(), chunked, chunks(BODY), BODY, "length", action="stage")
    audit.passed(audit.image(), [TOKEN, "Content-Type: text/plain", LENGTH], BODY, "content-type", action="stage",
                 status=415)


@scenario
def audit_relays_glances_refusals(fixture):
    audit = AuditStack(fixture)
    packed = form(file(BODY))
    active = audit.image()
    audit.glance.upload(active, BODY)
    table = [  # the image, the fields, what is sent, Glance's answer, what is told
        (audit.image(), [TOKEN, OTHER_STORE, LENGTH], BODY, 415, ["store", "content-type"]),
        (audit.image(), [TOKEN, declared(), OTHER_STORE, f"Content-Length: {len(packed)}"], packed, 415,
         ["store", "content-type", "multipart"]),
        (audit.image(), [TOKEN, OCTETS, "X-Image-Meta-Store: none", LENGTH], BODY, 400, ["store"]),
        (audit.image(name="choice"), [TOKEN, OCTETS, "X-Image-Meta-Store: none", LENGTH], BODY, 400,
         ["store_not_allowed"]),
        (audit.image(disk_format=None), [*RIGHT, LENGTH], BODY, 400, ["formats_unset"]),
        (active, [*RIGHT, LENGTH], BODY, 409, ["image_not_queued"]),
    ]
    for image, fields, sent, status, what in table:
        answered = audit.passed(image, fields, sent, *what, status=status)
        assert b'"reason"' not in answered.body, answered.body


# --- what would have been refused -----------------------------------------------------------


@scenario
def audit_refuses_nothing(fixture):
    audit = AuditStack(fixture, format="reject")
    damaged = stripped(BODY)
    packed = gzip.compress(BODY)

    def right(body, *more):
        return [*RIGHT, f"Content-Length: {len(body)}", *more], body, body

    def chunked(body, *more):
        return [*RIGHT, "Transfer-Encoding: chunked", *more], chunks(body), body

    table = [
        ({}, right(damaged), ["damaged_body"]),
        ({}, chunked(damaged), ["length", "damaged_body"]),
        ({}, right(qcow2()), ["format_mismatch", "unsafe_format"]),
        ({"disk_format": "qcow2"}, right(qcow2()), []),
        ({"disk_format": "qcow2"}, right(qcow2(backing=b"/etc/passwd")), ["unsafe_format"]),
        ({"disk_format": "qcow2"}, right(damaged), ["damaged_body", "format_mismatch"]),
        ({}, right(b""), ["empty_body"]),
        ({}, ([*RIGHT], b"", b""), ["empty_body"]),
        ({}, chunked(b""), ["length", "empty_body"]),
        ({}, right(BODY, "Content-Range: bytes 0-69999/140000"), ["content_range"]),
        ({}, right(packed, "Content-Encoding: gzip"), ["content_encoding"]),
        ({}, right(BODY, "X-Openstack-Image-Size: 69999"), ["size_mismatch"]),
        ({}, chunked(BODY, "X-Openstack-Image-Size: 69999"), ["length", "size_mismatch"]),
        ({}, chunked(BODY, "X-Openstack-Image-Size: 70001"), ["length", "size_mismatch"]),
        ({}, right(BODY, "Repr-Digest: sha-256=:" + "A" * 43 + "=:"), ["digest_mismatch"]),
        ({}, chunked(BODY, "Digest: md5=" + "A" * 22 + "=="), ["length", "digest_mismatch"]),
        ({"owner_specified.openstack.sha256": "0" * 64}, right(BODY), ["digest_mismatch"]),
        ({"name": "denied"}, right(BODY), ["denied_by_policy"]),
        ({"name": "choice"}, ([TOKEN, OCTETS, OTHER_STORE, LENGTH], BODY, BODY), ["store_not_allowed"]),
        ({"name": "small"}, right(BODY), ["too_large"]),
        ({"name": "small"}, chunked(BODY), ["length", "too_large"]),
        ({"name": "small", "disk_format": "qcow2"}, right(qcow2()), ["too_large"]),
        ({}, right(damaged, "Content-Range: x", "Content-Encoding: gzip"),
         ["content_range", "content_encoding", "damaged_body"]),
    ]
    for properties, (fields, sent, body), what in table:
        store = "file" if OTHER_STORE in fields else "test"
        audit.stored(audit.image(**properties), fields, sent, body, *what, store=store)


@scenario
def audit_overrides_refusing_settings(fixture):
    audit = AuditStack(fixture, content_type="strict", multipart="reject", unknown_length="reject", max_size="1KiB")
    hidden = form(file(b"\0image"))
    typed = [TOKEN, OCTETS + "; charset=binary", "X-Image-Meta-Store: test"]
    small = "Content-Length: 6"
    table = [
        ([*RIGHT, small], b"\0image", b"\0image", []),
        ([*typed, small], b"\0image", b"\0image", ["content-type"]),
        ([*RIGHT, "Transfer-Encoding: chunked"], chunks(b"\0image"), b"\0image", ["length_required"]),
        ([*RIGHT, LENGTH], BODY, BODY, ["too_large"]),
        ([*RIGHT, f"Content-Length: {len(hidden)}"], hidden, hidden, ["unsupported_content_type"]),
    ]
    for fields, sent, body, what in table:
        audit.stored(audit.image(), fields, sent, body, *what, store="test")
    for field in ("Content-Type: text/plain", declared()):
        audit.passed(audit.image(), [TOKEN, "X-Image-Meta-Store: test", field, small], b"\0image",
                     "unsupported_content_type", status=415)


@scenario
def audit_sends_uploads_over_the_quota(fixture):
    audit = AuditStack(fixture, spool_limit="1B")
    audit.stored(audit.image(), [*RIGHT, "Transfer-Encoding: chunked"], chunks(BODY), BODY, "length", store="test")
    audit.stack.set_limits(image_size_total=1)
    body = data(2 * MIB)
    audit.stored(audit.image(), [*RIGHT, f"Content-Length: {len(body)}"], body, body, "quota_exceeded", store="test")
    audit.stack.set_limits()
    audit.stored(audit.image(name="elsewhere"), [*RIGHT, LENGTH], BODY, BODY, "store", "store_unknown", store="test")


@scenario
def audit_sends_uploads_to_a_full_store(fixture):
    gateway = Gateway(fixture.host)
    fixture.callback(gateway.stop)
    keys = {"access": ACCESS_KEY, "secret": SECRET_KEY}
    for name, key in keys.items():
        (fixture.folder / name).write_text(key)
    audit = AuditStack(fixture, policy="mode: audit\ndefault: { store: test }\nstores:\n  test:\n    capacity: 1MiB\n"
                  f"    s3: {{ endpoint: \"{gateway.url}\", bucket: {BUCKET},\n"
                  f"           access_key_file: {fixture.folder}/access, secret_key_file: {fixture.folder}/secret }}\n")
    body = data(2 * MIB)
    audit.stored(audit.image(), [*RIGHT, f"Content-Length: {len(body)}"], body, body, "store_full", store="test")


@scenario
def audit_reports_failed_verification(fixture):
    """Glance says 204, and the client gets that answer."""
    audit = AuditStack(fixture)
    for fault in ({"wrong_checksum": True}, {"short_by": 1}):
        audit.glance.fault(on="upload", times=1, **fault)
        answered = audit.passed(audit.image(), [*RIGHT, LENGTH], BODY, "verify_failed")
        assert answered.get("X-Intake-Verified") == "no"
    audit.glance.fault(on="upload", times=1, store="file")  # the client named no store, so any store is right
    audit.stored(audit.image(), [*RIGHT, LENGTH], BODY, BODY, store="file")


@scenario
def audit_lets_glance_refuse_the_second_upload(fixture):
    audit = AuditStack(fixture)
    image = audit.image()
    others = []

    def second():
        others.append(put(audit.stack, image, [*RIGHT, LENGTH], BODY))

    body = data(300_000)
    told = audit.stack.put_with_pause(image, body, second)
    assert told.status == 204 and told.get("X-Intake-Audit") is None
    assert [other.status for other in others] == [409]
    reasons = set(others[0].get("X-Intake-Audit").split(", "))
    assert reasons == {"upload_in_progress"}, reasons
    assert audit.stack.show(image)["os_hash_value"] == hashlib.sha512(body).hexdigest()


@scenario
def audit_still_refuses_bad_requests_and_a_dead_glance(fixture):
    audit = AuditStack(fixture)
    for field in ("X-Openstack-Image-Size: many", "Content-MD5: none"):
        image = audit.image()
        audit.stack.refused(put(audit.stack, image, [*RIGHT, LENGTH, field], BODY), image, 400, "bad_request")
    audit.glance.stop()
    told = put(audit.stack, image, [*RIGHT, LENGTH], BODY)
    assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_unreachable")


@scenario
def audited_upload_is_aborted_when_the_client_closes(fixture):
    audit = AuditStack(fixture)
    image = audit.image()
    with audit.stack.client() as client:
        audit.stack.begin(client, image, *RIGHT, LENGTH)
        client.send(BODY[:-1])
    audit.proxy.wait_log(" upload .*verdict=aborted")
    audit.stack.wait_queued(image)


@scenario
def audit_sends_100_continue(fixture):
    audit = AuditStack(fixture)
    image = audit.image(name="denied")
    with audit.stack.client() as client:
        audit.stack.begin(client, image, *RIGHT, LENGTH, "Expect: 100-continue")
        assert client.stream.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(BODY)
        told = client.answer()
    assert told.status == 204 and told.get("X-Intake-Audit") == "denied_by_policy"
    audit.as_it_came(image, [*RIGHT, LENGTH], told)
