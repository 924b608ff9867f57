# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads as the IETF draft has them, interop version 8, at the URL of an image's data."""
import json
import re
import time

from support.draft import DRAFT, PART, Draft, answers
from support.fixture import scenario
from support.raw_http import Answer, head, reason
from support.resuming import BODY, MIB, STRANGER, eventually
from support.stack import OCTETS, TOKEN, data

PROBLEM = "https://iana.org/assignments/http-problem-types#"
SMALL = data(1000)


def location(image):
    return f"http://glance.example/v2/images/{image}/file"


def stored(stack, told, image, body=BODY):
    assert told.status == 204 and told.get("X-Intake-Verified") == "sha512", (told.start, told.fields, told.body)
    assert told.all("Upload-Complete") == ["?1"], told.fields
    shown = stack.show(image)
    assert (shown["status"], shown["stores"], shown["size"]) == ("active", "test", len(body)), shown
    names = [name.lower() for name, _ in stack.puts(image)[-1]["headers"]]
    assert not {"upload-complete", "upload-offset", "upload-draft-interop-version"} & set(names), names


@scenario(threaded=True)
def whole_upload_is_announced_and_gone_on_with(fixture):
    stack = Draft(fixture)
    for sent in (0, 1, 1000, 100_000, 2 * MIB):
        image = stack.image()
        with stack.client() as client:
            told = stack.begin_draft(client, image)
            assert told.start == "HTTP/1.1 104 Upload Resumption Supported", told.start
            assert (told.get("Location"), told.get("Upload-Draft-Interop-Version")) == (location(image), "8")
            assert re.fullmatch(r"max-size=\d+, min-size=0, max-age=600", told.get("Upload-Limit")), told.fields
            client.send(BODY[:sent])
            stack.wait_offset(image, sent)
            client.reset()
        stack.proxy.wait_metric(1, "uploads_held")
        told = stack.ask_offset(image)
        assert (told.status, told.get("Upload-Offset"), told.get("Upload-Length"), told.get("Upload-Complete"),
                told.get("Cache-Control")) == (200, str(sent), str(len(BODY)), "?0", "no-store"), told.fields
        assert re.fullmatch(r"max-size=\d+, min-size=0, max-age=\d+", told.get("Upload-Limit")), told.fields
        stored(stack, stack.patch(image, sent, BODY[sent:], "?1"), image)
        told = stack.ask_offset(image)
        assert (told.get("Upload-Offset"), told.get("Upload-Complete")) == (str(len(BODY)), "?1"), told.fields
    stack.clean()


@scenario
def undisturbed_upload_is_as_ever(fixture):
    """With 100 Continue after 104, and with the type that the client sends."""
    stack = Draft(fixture)
    for body in (SMALL, BODY):
        image = stack.image()
        with stack.client() as client:
            client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: glance.example", TOKEN, DRAFT,
                             "Upload-Complete: ?1", "Expect: 100-continue", "Content-Type: text/plain",
                             f"Content-Length: {len(body)}"))
            assert Answer(client.stream.until(b"\r\n\r\n")).status == 104
            assert Answer(client.stream.until(b"\r\n\r\n")).status == 100
            client.send(body)
            told = client.answer()
        assert told.get("X-Intake-Fixed") == "store, content-type", told.fields
        stored(stack, told, image, body)
    for fields in (("Upload-Complete: ?1",), ()):  # another version gets no 104
        image = stack.image()
        told = stack.ask("PUT", image, *fields, body=SMALL, version="Upload-Draft-Interop-Version: 7")
        assert [one.status for one in told] == [204], [one.start for one in told]
    image = stack.image()  # nor does a body without a length
    with stack.client() as client:
        client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, DRAFT, "Upload-Complete: ?1",
                         "Transfer-Encoding: chunked"), b"3\r\nabc\r\n0\r\n\r\n")
        assert [one.status for one in answers(client)] == [204]
    stack.clean()


@scenario(threaded=True)
def upload_in_parts(fixture):
    stack = Draft(fixture)
    for method in ("POST", "PUT"):
        for first in (0, 1000, 100_000):
            image = stack.image()
            told = stack.ask(method, image, "Upload-Complete: ?0", f"Upload-Length: {len(BODY)}", body=BODY[:first])
            assert [one.status for one in told] == ([104, 201] if first else [201]), [one.start for one in told]
            assert told[-1].get("Location") == location(image) and told[-1].get("Upload-Complete") == "?0"
            assert told[0].get("Location") == location(image), told[0].fields
            assert told[-1].get("Upload-Limit"), told[-1].fields
            at = first
            for until in (at, at + 1, 200_000, 3 * MIB):
                told = stack.patch(image, at, BODY[at:until])
                assert (told.status, told.get("Upload-Complete"), told.get("Upload-Offset")) == \
                    (204, "?0", str(until)), (told.start, told.fields, told.body)
                at = until
            stored(stack, stack.patch(image, at, BODY[at:], "?1"), image)
            told = stack.patch(image, len(BODY), b"", "?1")  # its answer was lost
            assert (told.status, told.get("Upload-Complete")) == (204, "?1"), told.start
    image = stack.image()
    told = stack.ask("POST", image, "Upload-Complete: ?1", body=BODY)
    assert told[0].status == 104
    stored(stack, told[-1], image)
    stack.clean()


@scenario
def options_tell_the_limits(fixture):
    stack = Draft(fixture, max_size="10GiB")
    told = stack.ask("OPTIONS", stack.image())[-1]
    assert told.get("Upload-Limit") == f"max-size={10 << 30}, min-size=0, max-age=600", told.fields


@scenario
def faults_are_refused(fixture):
    stack = Draft(fixture, max_size="10GiB")
    image = stack.image()
    for fields, body, wanted in (
            (("Upload-Complete: ?0",), b"12345", (411, "length_required")),
            (("Upload-Complete: ?0", "Upload-Length: 4"), b"12345", (400, "size_mismatch")),
            (("Upload-Complete: ?1", "Upload-Length: 6"), b"12345", (400, "size_mismatch")),
            (("Upload-Complete: ?0", f"Upload-Length: {11 << 30}"), b"12345", (413, "too_large"))):
        told = stack.ask("POST", image, *fields, body=body)[-1]
        assert reason(told) == wanted, (fields, told.start, told.body)
        assert told.get("Upload-Complete") == "?1", told.fields
        assert (told.get("Upload-Limit") is not None) == (wanted[0] == 413), told.fields
        problem = json.loads(told.body).get("type")
        assert problem == (PROBLEM + "inconsistent-upload-length" if wanted[1] == "size_mismatch" else None), problem
    assert reason(stack.patch(image, 0, b"12345")) == (404, "upload_not_held")
    assert stack.ask("PUT", image, "Upload-Complete: ?0", f"Upload-Length: {len(BODY)}")[-1].status == 201
    assert stack.patch(image, 0, BODY[:1000]).status == 204
    told = stack.patch(image, 5, BODY[5:], "?1")
    said = json.loads(told.body)
    assert reason(told) == (409, "offset_mismatch") and told.get("Content-Type") == "application/problem+json"
    assert (told.get("Upload-Offset"), told.get("Upload-Complete")) == ("1000", "?0"), told.fields
    assert (said["type"], said["expected-offset"], said["provided-offset"]) == \
        (PROBLEM + "mismatching-upload-offset", 1000, 5), said
    for count, complete, fields in ((5, "?1", ()), (5, "?0", (f"Upload-Length: {len(BODY) + 1}",)),
                                    (len(BODY), "?0", ())):
        told = stack.patch(image, 1000, BODY[:count], complete, *fields)
        assert reason(told) == (400, "size_mismatch"), told.body
        assert json.loads(told.body)["type"] == PROBLEM + "inconsistent-upload-length"
    for fields, wanted in (((PART, "Upload-Offset: 1000"), (400, "bad_request")),
                           ((PART, "Upload-Complete: ?0"), (400, "bad_request")),
                           ((OCTETS, "Upload-Offset: 1000", "Upload-Complete: ?0"),
                            (415, "unsupported_content_type"))):
        assert reason(stack.ask("PATCH", image, *fields, body=b"1")[-1]) == wanted, fields
    stored(stack, stack.patch(image, 1000, BODY[1000:], "?1"), image)
    assert reason(stack.patch(image, 5, b"x")) == (409, "image_not_queued")
    stack.clean()


@scenario
def part_is_never_taken_for_the_whole(fixture):
    """By a client of another version, and where nothing is held."""
    stack = Draft(fixture)
    image = stack.image()
    for version in ("Upload-Draft-Interop-Version: 7", "X: y"):
        told = stack.ask("PUT", image, "Upload-Complete: ?0", body=SMALL, version=version)[-1]
        assert reason(told) == (400, "content_range"), told.body
    stack.conf["resume"]["window"] = "0"
    stack.set()
    told = stack.ask("PUT", image, "Upload-Complete: ?0", "Upload-Length: 5000", body=SMALL)[-1]
    assert reason(told) == (400, "content_range"), told.body
    told = stack.ask("PUT", image, "Upload-Complete: ?1", body=SMALL)
    assert [one.status for one in told] == [204], [one.start for one in told]


@scenario
def refused_data_ends_it(fixture):
    stack = Draft(fixture)
    image = stack.image(disk_format="qcow2")
    told = stack.ask("PUT", image, "Upload-Complete: ?1", body=BODY)[-1]
    assert reason(told) == (400, "format_mismatch") and told.get("Upload-Complete") == "?1", told.fields
    assert stack.ask("PUT", image, "Upload-Complete: ?0", f"Upload-Length: {len(BODY)}")[-1].status == 201
    told = stack.patch(image, 0, BODY, "?1")
    assert reason(told) == (400, "format_mismatch") and told.get("Upload-Complete") == "?1", told.fields
    assert stack.ask_offset(image).status == 404
    stack.clean()


@scenario
def stranger_can_do_nothing(fixture):
    stack = Draft(fixture)
    image = stack.image(visibility="community")
    length = f"Upload-Length: {len(BODY)}"
    for complete in ("?0", "?1"):  # nothing of a stranger is held
        told = stack.ask("PUT", image, f"Upload-Complete: {complete}", length, body=BODY, token=STRANGER)
        assert [one.status for one in told] == [403], [one.start for one in told]
    assert stack.ask("PUT", image, "Upload-Complete: ?0", length)[-1].status == 201
    for told in (stack.ask_offset(image, STRANGER), stack.patch(image, 0, BODY, "?1", token=STRANGER),
                 stack.drop(image, STRANGER)):
        assert told.status == 403 and told.get("Upload-Offset") is None, (told.start, told.fields)
    assert stack.drop(image).status == 204
    eventually("it is dropped", lambda: stack.ask_offset(image), lambda told: told.status == 404)
    stack.clean()


@scenario
def upload_over_tls(fixture):
    stack = Draft(fixture)
    stack.speak_tls(fixture)
    stack.set()
    image = stack.image()
    with stack.client() as client:
        told = stack.begin_draft(client, image)
        assert (told.status, told.get("Location")) == (104, location(image).replace("http", "https"))
        client.send(BODY)
        stored(stack, client.answer(), image)
    stack.clean()


@scenario
def created_upload_that_waits_goes_on_alone(fixture):
    """Its client leaves after the last byte. The end of the body was not read yet."""
    stack = Draft(fixture)
    stack.conf["glance"] = {"max_uploads": "1"}
    stack.set()
    for size in (65535, 65536):
        first, second = stack.image(), stack.image()
        with stack.client() as client:
            stack.begin(client, first, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
            client.send(BODY[:200_000])
            eventually("it is sent", lambda: stack.show(first), lambda shown: shown["status"] != "queued")
            with stack.client() as other:
                stack.begin_draft(other, second, length=size, method="POST")
                other.send(data(size))
                eventually("it waits", lambda: [one["state"] for one in stack.proxy.uploads()["in_flight"]],
                           lambda states: "queued" in states)
                other.reset()
            time.sleep(1)  # the proxy hears of it
            client.send(BODY[200_000:])
            assert client.answer().status == 204
        stack.proxy.wait_metric(0, "uploads_in_flight")
        assert stack.show(second)["status"] == "active", size
