# SPDX-License-Identifier: Apache-2.0
"""The project's quota (Glance's unified limits) is checked with the upload included. Glance itself counts
only stored data, so that one upload can exceed the limit."""
import re

from support.fixture import scenario
from support.form import declared, file, form
from support.glance import UPLOAD, answer, json_answer
from support.raw_http import chunks, head
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data

MIB = 1 << 20
CHUNKED = "Transfer-Encoding: chunked"


def length(size):
    return f"Content-Length: {size}"


def refused(stack, told, image, *words, action="file", reached=False):
    said = stack.refused(told, image, 413, "quota_exceeded", action, reached)
    for each in words:
        assert each in said["message"], said
    return said


@scenario(threaded=True, representative=True)
def quota_includes_the_upload(fixture):
    """The refusal has limit, use and need, and the client has sent no byte."""
    stack = Stack(fixture)
    stack.glance.set_limits(image_size_total=5)
    body = data(3 * MIB)
    image = stack.image()
    stack.stored(stack.put(image, body), image, body)
    for size, need in ((2 * MIB + 1, 6), (3 * MIB, 6), (1 << 40, (1 << 20) + 3)):
        image = stack.image()
        told = stack.put_head_again(image, *RIGHT, length(size))
        refused(stack, told, image, "may keep 5 MiB in all", "has 3 ", f"need {need} ", "image_size_total")
    refused(stack, stack.put(image, body), image)  # a client that does not wait is refused, too
    body = data(2 * MIB)
    stack.stored(stack.put(image, body), image, body)
    image = stack.image()
    refused(stack, stack.put_head_again(image, *RIGHT, length(1)), image, "has 5 ", "need 6 ")
    assert stack.proxy.metric("refusals_total", reason="quota_exceeded") == 5


@scenario
def glance_alone_would_exceed_the_quota(fixture):
    stack = Stack(fixture)
    stack.glance.set_limits(image_size_total=1)
    body = data(2 * MIB)
    image = stack.image()
    refused(stack, stack.put(image, body), image)
    stack.glance.upload(image, body)
    assert stack.show(image)["status"] == "active"


@scenario
def quota_is_the_callers_project(fixture):
    stack = Stack(fixture)
    body = data(3 * MIB)
    for image in (stack.image(), stack.image(visibility="shared")):
        stack.stored(stack.put(image, body), image, body)
    stack.set_limits(image_size_total=6)
    refused(stack, stack.put(image := stack.image(), body), image, "has 6 ")
    other = "X-Auth-Token: other-token"
    with stack.client() as client:
        created = client.ask("POST", "/v2/images", other, "Content-Type: application/json",
                             body=b'{"disk_format": "raw", "container_format": "bare"}')
        theirs = created.get("Location").split("/")[-1]
    assert stack.put(theirs, body, other, *RIGHT[1:]).status == 204


@scenario
def concurrent_upload_limit_is_enforced(fixture):
    stack = Stack(fixture)
    stack.glance.set_limits(image_count_uploading=1)
    staged = stack.image()
    body = data(1000)
    stack.stored(stack.put(staged, body, action="stage"), staged, body, "stage")  # counts until it is imported
    for action in ACTIONS:
        image = stack.image()
        told = stack.put_head_again(image, *RIGHT, length(5), action=action)
        refused(stack, told, image, "1 images at a time", "has 1 ", "image_count_uploading", action=action)
    stack.glance.set_limits(image_count_uploading=2)
    stack.stored(stack.put(image, body), image, body)


@scenario
def staging_area_has_its_own_limit(fixture):
    """The two limits are independent."""
    stack = Stack(fixture)
    body = data(2 * MIB)
    stack.glance.set_limits(image_stage_total=1, image_size_total=100)
    image = stack.image()
    told = stack.put_head_again(image, *RIGHT, length(len(body)), action="stage")
    refused(stack, told, image, "1 MiB in the staging area", "has 0 ", "need 2 ", "image_stage_total", action="stage")
    stack.stored(stack.put(image, body), image, body)
    stack.set_limits(image_stage_total=100, image_size_total=1)
    image = stack.image()
    stack.stored(stack.put(image, body, action="stage"), image, body, "stage")


# --- unknown length -------------------------------------------------------------------------


def needed(said):
    return int(re.search(r"would need (\d+) ", said["message"])[1])


@scenario(threaded=True)
def quota_is_checked_for_the_spooled_size(fixture):
    """The refusal may come before the end, and then it has the size so far."""
    stack = Stack(fixture)
    stack.glance.set_limits(image_size_total=2)
    for body in (data(2 * MIB + 1), data(5 * MIB)):
        whole = -(-len(body) // MIB)
        for least, send, sent, fields in (
                (3, stack.put_chunked, body, RIGHT),
                (whole, stack.put, form(file(body)), [TOKEN, declared()]),
                (3, stack.put_chunked, form(file(body)), [TOKEN, declared()]),
                (whole, stack.put_chunked, body, [*RIGHT, f"X-Openstack-Image-Size: {len(body)}"])):
            image = stack.image()
            said = refused(stack, send(image, sent, *fields), image, "may keep 2 MiB")
            assert least <= needed(said) <= whole, said
    body = data(2 * MIB)
    image = stack.image()
    stack.stored(stack.put_chunked(image, body), image, body)
    stack.proxy.wait_no_spools()


@scenario
def streamed_upload_is_refused_only_over_the_limit(fixture):
    """Only a project that is over its limit already is refused, as Glance does."""
    stack = Stack(fixture, unknown_length="stream")
    body = data(3 * MIB)
    image = stack.image()
    stack.glance.set_limits(image_size_total=2)
    assert stack.put_chunked(image, body).status == 204
    image = stack.image()
    refused(stack, stack.put_head_again(image, *RIGHT, CHUNKED), image, "has 3 ", "need 3 ")


# --- no check -------------------------------------------------------------------------------


@scenario
def missing_limit_is_no_limit(fixture):
    stack = Stack(fixture)
    body = data(3 * MIB)
    for limits in ({}, {"image_size_total": -1, "image_count_uploading": -1}, {"image_count_total": 0}):
        stack.glance.set_limits(**limits)
        image = stack.image()
        stack.stored(stack.put(image, body), image, body)
    stack.glance.fault(on="usage", answer=404)  # Glance before Xena
    image = stack.image()
    stack.stored(stack.put(image, body), image, body)
    assert "WARNING req-" not in stack.proxy.log()


@scenario
def quota_off_checks_nothing(fixture):
    stack = Stack(fixture, quota="off")
    stack.glance.set_limits(image_size_total=0, image_count_uploading=0)
    body = data(3 * MIB)
    image = stack.image()
    stack.stored(stack.put(image, body), image, body)
    assert not any(asked["target"].endswith("/usage") for asked in stack.glance.requests())


@scenario
def unknown_usage_is_not_checked(fixture):
    """The upload passes, and the log says that the quota was not checked."""
    glance = fixture.glance()
    for usage, words in ((answer("500 Internal Server Error"), "it answers 500: not checked"),
                         (answer("403 Forbidden"), "it answers 403: not checked"),
                         (lambda asked: asked.close(), "not checked"),
                         (answer("200 OK", body=b"<html>"), "cannot be read"),
                         (json_answer("200 OK", {"usage": {"image_size_total": {"usage": "much", "limit": 0}}}),
                          "cannot be read"),
                         (json_answer("200 OK", {"usage": {"image_size_total": 5}}), "cannot be read")):
        glance.usage = usage
        proxy = fixture.proxy(glance)
        told = proxy.ask("PUT", UPLOAD, TOKEN, body=data(1000))
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (words, told.body)
        proxy.wait_log(f"WARNING req-.*{words}")
        proxy.stop()


@scenario
def promised_size_is_checked_before_the_body(fixture):
    stack = Stack(fixture)
    stack.glance.set_limits(image_size_total=1)
    image = stack.image()
    told = stack.put_head_again(image, *RIGHT, CHUNKED, f"X-Openstack-Image-Size: {MIB + 1}")
    refused(stack, told, image, "need 2 ")
    with stack.client() as client:  # an upload that will be spooled gets 100 Continue
        client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", *RIGHT, CHUNKED, "Expect: 100-continue"))
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        told = client.send(chunks(data(MIB))).answer()
    stack.stored(told, image, data(MIB))
