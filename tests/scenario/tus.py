# SPDX-License-Identifier: Apache-2.0
"""tus 1.0 at the URL of an image's data: an upload is created, held from its beginning, and sent in parts."""
from support.fixture import scenario
from support.proxy import wait_until
from support.raw_http import head, reason
from support.resuming import BODY, MIB, eventually
from support.stack import OCTETS, TOKEN
from support.tus import PART, SMALL, TUS, Tus, stored


@scenario(threaded=True, representative=True)
def upload_is_created_and_sent_in_parts(fixture):
    stack = Tus(fixture)
    image = stack.image()
    told = stack.created(image)
    assert told.get("Location") == f"http://glance.example/v2/images/{image}/file", told.fields
    assert told.get("Tus-Resumable") == "1.0.0" and told.get("Upload-Expires"), told.fields
    assert stack.show(image)["status"] == "queued"
    upload, = stack.proxy.uploads()["in_flight"]
    assert (upload["state"], upload["image"], upload["size"]) == ("held", image, len(BODY)), upload
    told = stack.ask_offset(image)
    assert (told.status, told.get("Upload-Offset"), told.get("Upload-Length"), told.get("Cache-Control")) == \
        (200, "0", str(len(BODY)), "no-store"), (told.start, told.fields)
    assert told.get("Tus-Resumable") == "1.0.0" and told.get("Upload-Expires"), told.fields
    at = 0
    for until in (0, 1, 40_000, 65_536, 200_000, 3 * MIB):
        at = stack.patched(image, at, until)
        assert stack.offset(image) == at
        stack.proxy.wait_metric(1, "uploads_held")
    stored(stack, stack.patch(image, at, BODY[at:]), image)
    told = stack.ask_offset(image)
    assert told.get("Upload-Offset") == told.get("Upload-Length") == str(len(BODY)), told.fields
    stack.clean()


@scenario(threaded=True)
def creation_may_bring_data(fixture):
    stack = Tus(fixture)
    for count in (1, 70_000, 2 * MIB):
        image = stack.image()
        told = stack.create(image, body=BODY[:count])
        assert (told.status, told.get("Upload-Offset")) == (201, str(count)), (told.start, told.fields, told.body)
        assert told.get("Location") and told.get("Upload-Expires"), told.fields
        stored(stack, stack.patch(image, count, BODY[count:]), image)
    for body in (SMALL, BODY):
        image = stack.image()
        told = stack.create(image, len(body), body)
        assert (told.status, told.get("Upload-Offset")) == (201, str(len(body))), (told.start, told.fields, told.body)
        assert told.get("X-Intake-Verified") == "sha512", told.fields
        assert stack.show(image)["status"] == "active"
    stack.clean()


@scenario(threaded=True)
def lost_part_is_held_however_small(fixture):
    stack = Tus(fixture)
    for sent in (1, 1000, 100_000, 2 * MIB):
        image = stack.image()
        stack.created(image)
        with stack.client() as client:
            client.send(head(f"PATCH /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, TUS, PART,
                             "Upload-Offset: 0", f"Content-Length: {len(BODY)}"), BODY[:sent])
            stack.wait_offset(image, sent)
            client.reset()
        stack.proxy.wait_metric(1, "uploads_held")
        assert stack.offset(image) == sent
        stored(stack, stack.patch(image, sent, BODY[sent:]), image)
    for sent in (0, 1000):  # the creation itself is lost
        image = stack.image()
        with stack.client() as client:
            client.send(head(f"POST /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, TUS, PART,
                             f"Upload-Length: {len(BODY)}", "Content-Length: 5000"), BODY[:sent])
            eventually("it is created", lambda: stack.ask_offset(image), lambda told: told.status == 200)
            stack.wait_offset(image, sent)
            client.reset()
        stack.proxy.wait_metric(1, "uploads_held")
        stored(stack, stack.patch(image, sent, BODY[sent:]), image)
    stack.clean()


@scenario
def image_of_a_few_bytes(fixture):
    """All of it is here before Glance is asked."""
    stack = Tus(fixture)
    image = stack.image()
    stack.created(image, len(SMALL))
    at = stack.patched(image, 0, 400, SMALL)
    assert stack.puts(image) == []
    stored(stack, stack.patch(image, at, SMALL[at:]), image, SMALL)
    stack.clean()


@scenario
def slow_parts_are_on_disk_first(fixture):
    """Glance gets the image in one go, and a lost client goes on with what is on disk."""
    stack = Tus(fixture, slow="spool", slow_rate="1GiB")
    image = stack.image()
    stack.created(image)
    at = stack.patched(image, 0, 200_000)
    wait_until("it is on disk", lambda: stack.proxy.uploads()["in_flight"][0].get("spooled", 0) >= 100_000)
    at = stack.patched(image, at, 3 * MIB)
    with stack.client() as client:
        client.send(head(f"PATCH /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, TUS, PART,
                         f"Upload-Offset: {at}", f"Content-Length: {len(BODY) - at}"), BODY[at:4 * MIB])
        stack.wait_offset(image, 4 * MIB)
        client.reset()
    stack.proxy.wait_metric(1, "uploads_held")
    assert stack.puts(image) == []
    stored(stack, stack.patch(image, 4 * MIB, BODY[4 * MIB:]), image)
    stack.clean()


# --- the protocol -----------------------------------------------------------------------------------


@scenario
def options_tell_what_is_supported(fixture):
    stack = Tus(fixture, max_size="10GiB")
    told = stack.proxy.ask("OPTIONS", f"/v2/images/{stack.image()}/file")
    assert told.status == 204, told.start
    assert (told.get("Tus-Version"), told.get("Tus-Resumable"), told.get("Tus-Max-Size")) == \
        ("1.0.0", "1.0.0", str(10 << 30)), told.fields
    assert told.get("Tus-Extension") == "creation,creation-with-upload,termination,expiration"
    # That of a browser is Glance's.
    told = stack.proxy.ask("OPTIONS", f"/v2/images/{stack.image()}/file", "Origin: http://page.example",
                           "Access-Control-Request-Method: PUT")
    assert told.get("Tus-Version") is None, told.fields


@scenario
def faults_are_refused(fixture):
    stack = Tus(fixture)
    image = stack.image()
    for fields, version, wanted in (
            (("Upload-Length: 5",), "Tus-Resumable: 0.2.2", (412, "tus_version")),
            (("Upload-Defer-Length: 1",), TUS, (411, "length_required")),
            ((), TUS, (411, "length_required")),
            (("Upload-Length: 0",), TUS, (400, "empty_body")),
            (("Upload-Length: 5x",), TUS, (400, "bad_request")),
            (("Upload-Length: -5",), TUS, (400, "bad_request")),
            (("Upload-Length: 5", "Upload-Length: 5"), TUS, (400, "bad_request")),
            (("Upload-Length: 9223372036854775807",), TUS, (413, "too_large")),
            (("Upload-Length: 9223372036854775808",), TUS, (400, "bad_request"))):
        told = stack.ask("POST", image, *fields, version=version)
        assert reason(told) == wanted, (fields, told.start, told.body)
        assert told.get("Tus-Resumable") == "1.0.0", told.fields
        assert (told.get("Tus-Version") == "1.0.0") == (wanted[0] == 412), told.fields
    for fields, wanted in ((("Upload-Length: 9", OCTETS), (415, "unsupported_content_type")),
                           (("Upload-Length: 2", PART), (400, "size_mismatch"))):
        told = stack.ask("POST", image, *fields, body=b"12345")
        assert reason(told) == wanted, (fields, told.start, told.body)
    assert reason(stack.patch(image, 0, b"12345")) == (404, "upload_not_held")
    assert stack.ask_offset(image).status == 404
    stack.created(image)
    at = stack.patched(image, 0, 100_000)
    for fields, version, wanted in (
            ((PART, f"Upload-Offset: {at}"), "Tus-Resumable: 2.0.0", (412, "tus_version")),
            ((OCTETS, f"Upload-Offset: {at}"), TUS, (415, "unsupported_content_type")),
            ((PART,), TUS, (400, "bad_request")),
            ((PART, "Upload-Offset: x"), TUS, (400, "bad_request")),
            ((PART, f"Upload-Offset: {at + 1}"), TUS, (409, "offset_mismatch")),
            ((PART, "Upload-Offset: 0"), TUS, (409, "offset_mismatch"))):
        told = stack.ask("PATCH", image, *fields, body=b"12345", version=version)
        assert reason(told) == wanted, (fields, told.start, told.body)
        assert (told.get("Upload-Offset") == str(at)) == (wanted[0] == 409), told.fields
    told = stack.patch(image, at, BODY[at:] + b"x")
    assert reason(told) == (400, "size_mismatch"), told.body
    with stack.client() as client:
        client.send(head(f"PATCH /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, TUS, PART,
                         f"Upload-Offset: {at}", "Transfer-Encoding: chunked"))
        assert reason(client.answer()) == (411, "length_required")
    stored(stack, stack.patch(image, at, BODY[at:]), image)
    told = stack.patch(image, len(BODY), b"x")
    assert reason(told) == (409, "image_not_queued"), told.body
    stack.clean()


@scenario
def method_override_is_for_tus_only(fixture):
    stack = Tus(fixture)
    image = stack.image()
    stack.created(image)
    told = stack.ask("POST", image, "X-HTTP-Method-Override: PATCH", PART, "Upload-Offset: 0", body=BODY[:1000])
    assert (told.status, told.get("Upload-Offset")) == (204, "1000"), (told.start, told.body)
    told = stack.ask("POST", image, "X-HTTP-Method-Override: HEAD")
    assert (told.status, told.get("Upload-Offset")) == (200, "1000"), (told.start, told.fields)
    told = stack.ask("POST", image, "X-HTTP-Method-Override: PUT", OCTETS, body=b"12345")
    assert reason(told) == (405, "wrong_method"), told.body
    told = stack.ask("POST", image, "X-HTTP-Method-Override: DELETE")
    assert told.status == 204, told.start
    assert stack.ask_offset(image).status == 404
    # Elsewhere, and without tus, it is nothing.
    told = stack.proxy.ask("POST", f"/v2/images/{image}", TOKEN, TUS, "X-HTTP-Method-Override: DELETE")
    assert told.status in (404, 405), told.start
    told = stack.proxy.ask("GET", f"/v2/images/{image}/file", TOKEN, TUS, "X-HTTP-Method-Override: DELETE")
    assert told.status in (204, 409), told.start
    told = stack.proxy.ask("POST", f"/v2/images/{image}/file", TOKEN, OCTETS, "X-HTTP-Method-Override: PATCH",
                           body=b"12345")
    assert reason(told) == (405, "wrong_method"), told.body
    assert stack.show(image)["status"] == "queued"
    stack.clean()


@scenario
def location_is_as_the_client_sees_it(fixture):
    stack = Tus(fixture)
    image = stack.image()
    with stack.client() as client:
        client.send(head(f"POST //v2/images//{image}/file?x=y HTTP/1.1", "Host: images.example.org:9292", TOKEN, TUS,
                         "Upload-Length: 9", "Content-Length: 0"))
        told = client.answer()
    assert told.get("Location") == f"http://images.example.org:9292/v2/images/{image}/file", told.fields


@scenario
def image_without_a_byte_is_complete_when_it_is_created(fixture):
    stack = Tus(fixture, policy="default: { store: test, mode: force, checks: { empty: allow } }\n")
    image = stack.image()
    assert stack.create(image, 0).status in (201, 204)
    assert stack.show(image)["status"] == "active"
    stack.clean()
