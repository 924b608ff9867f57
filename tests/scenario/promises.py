# SPDX-License-Identifier: Apache-2.0
"""Digests that the client promises (RFC 9530, RFC 3230, RFC 1864, and openstacksdk's image properties): other
bytes are refused, and Glance never gets the last of them."""
import base64
import hashlib

from support.fixture import scenario
from support.form import declared, file, form
from support.glance import TOKEN as SECRET
from support.glance import UPLOAD, new_upload
from support.proxy import STREAM
from support.raw_http import chunks, head, request
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data, fixes

SMALL = data(1000)
LARGE = data(700_000)
CHUNKED = "Transfer-Encoding: chunked"


def base64_of(algorithm, body, off=0):
    """`off` is xored into the last byte of the digest."""
    digest = bytearray(hashlib.new(algorithm, body).digest())
    digest[-1] ^= off
    return base64.b64encode(digest).decode()


def sequence(field, name, algorithm):
    return lambda body, off=0: f"{field}: {name}=:{base64_of(algorithm, body, off)}:"


def instance(name, algorithm):
    return lambda body, off=0: f"Digest: {name}={base64_of(algorithm, body, off)}"


def content_md5(body, off=0):
    return f"Content-MD5: {base64_of('md5', body, off)}"


PROMISES = {  # words of the refusal: the field for a body
    "Repr-Digest promises another sha256": sequence("Repr-Digest", "sha-256", "sha256"),
    "Repr-Digest promises another sha512": sequence("Repr-Digest", "sha-512", "sha512"),
    "Content-Digest promises another sha256": sequence("Content-Digest", "sha-256", "sha256"),
    "Content-Digest promises another sha512": sequence("Content-Digest", "sha-512", "sha512"),
    "Digest promises another sha256": instance("SHA-256", "sha256"),
    "Digest promises another sha512": instance("SHA-512", "sha512"),
    "Digest promises another md5": instance("MD5", "md5"),
    "Content-MD5 promises another md5": content_md5,
}
HEX = {"owner_specified.openstack.sha256": "sha256", "owner_specified.openstack.md5": "md5"}


# --- of the body ----------------------------------------------------------------------------


@scenario
def right_digest_is_accepted(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for promise in PROMISES.values():
            for body in (b"\0", SMALL, LARGE):
                for send in (stack.put, stack.put_chunked):
                    image = stack.image()
                    told = send(image, body, *RIGHT, promise(body), action=action)
                    stack.stored(told, image, body, action)
                    assert told.get("X-Intake-Verified") == "sha512"


@scenario(threaded=True)
def wrong_digest_is_refused(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for words, promise in PROMISES.items():
            for body in (b"\0", SMALL, LARGE):
                for send in (stack.put, stack.put_chunked):
                    image = stack.image()
                    told = send(image, body, *RIGHT, promise(body, off=1), action=action)
                    said = stack.refused(told, image, 400, "digest_mismatch", action, reached=True)
                    assert words in said["message"] and "curl -T" in said["message"], said
            stack.wait_over(image, 1)
            told = stack.put(image, body, *RIGHT, promise(body), action=action)  # the same image again
            stack.stored(told, image, body, action)
    count = 6 * len(PROMISES) * len(ACTIONS)
    assert stack.proxy.metric("refusals_total", reason="digest_mismatch") == count
    stack.proxy.wait_no_spools()


@scenario(threaded=True)
def refused_body_never_reaches_glance_whole(fixture):
    """In no framing does Glance see an end that it could take for the body's."""
    glance = fixture.glance()
    line = PROMISES["Repr-Digest promises another sha256"]
    for mode in ("spool", "stream"):
        proxy = fixture.proxy(glance, conf={"upload": {"unknown_length": mode}})
        for body in (b"\0", SMALL, LARGE):
            for fields, sent in (([f"Content-Length: {len(body)}"], body), ([CHUNKED], chunks(body)),
                                 ([CHUNKED, f"X-Openstack-Image-Size: {len(body)}"], chunks(body))):
                path = new_upload()  # the case before may still come to Glance
                with proxy.client() as client:
                    client.send(head(f"PUT {path} HTTP/1.1", "Host: h", line(body, off=1), *fields))
                    client.send_until_refused(sent)
                    assert client.answer().status == 400, (mode, fields)
                for asked in [each for each in glance.uploads() if each.target == path]:
                    glance.wait("the cut", lambda _, asked=asked: asked.cut or asked.closed)
                    assert not asked.complete
                    assert asked.chunked or asked.length < len(body), (mode, fields)
        proxy.stop()
    assert glance.uploads(), "the large ones are on their way before their end is known"


@scenario
def every_digest_is_checked(fixture):
    """One wrong digest is enough. If an algorithm is twice in a field, the last one counts."""
    stack = Stack(fixture)
    lines = [promise(LARGE) for promise in PROMISES.values()]
    image = stack.image()
    stack.stored(stack.put(image, LARGE, *RIGHT, *lines), image, LARGE)
    for number, (words, promise) in enumerate(PROMISES.items()):
        mixed = [*lines[:number], promise(LARGE, off=1), *lines[number + 1:]]
        image = stack.image()
        said = stack.refused(stack.put(image, LARGE, *RIGHT, *mixed), image, 400, "digest_mismatch", reached=True)
        assert words in said["message"], said
    wrong, right = (f"sha-256=:{base64_of('sha256', LARGE, off)}:" for off in (1, 0))
    for members, good in (((wrong, right), True), ((right, wrong), False)):
        for fields in ([f"Repr-Digest: {', '.join(members)}"], [f"Repr-Digest: {each}" for each in members],
                       [f"Repr_Digest: {members[0]}", f"repr-digest: {members[1]}"]):
            image = stack.image()
            told = stack.put(image, LARGE, *RIGHT, *fields)
            if good:
                stack.stored(told, image, LARGE)
            else:
                stack.refused(told, image, 400, "digest_mismatch", reached=True)


@scenario
def other_algorithms_are_ignored(fixture):
    stack = Stack(fixture)
    for fields in (["Repr-Digest: unixsum=:AAAA:"], ["Digest: UNIXsum=30637"], ["Digest: CRC32c=AAAAAA=="],
                   ["Content-Digest: sha-1024=:AAAA:, crc32c=nonsense"], ["Repr-Digest:"],
                   ["Want-Repr-Digest: sha-256=10", "Want-Content-Digest: sha-512=3", "Want-Digest: MD5"]):
        image = stack.image()
        stack.stored(stack.put(image, LARGE, *RIGHT, *fields), image, LARGE)
    image = stack.image()
    line = f"Repr-Digest: crc32c=:AAAA:, sha-256=:{base64_of('sha256', LARGE, 1)}:"
    stack.refused(stack.put(image, LARGE, *RIGHT, line), image, 400, "digest_mismatch", reached=True)


@scenario
def malformed_digest_is_refused(fixture):
    """The head alone is refused. Otherwise the client would think that the digest was checked."""
    stack = Stack(fixture)
    good = base64_of("sha256", SMALL)
    table = ["Repr-Digest: sha-256", "Repr-Digest: sha-256=", f"Repr-Digest: sha-256={good}",
             f"Repr-Digest: sha-256=:{good}", "Repr-Digest: sha-256=:AAAA:", "Repr-Digest: sha-256=::",
             f"Repr-Digest: sha-512=:{good}:", "Content-Digest: sha-512=:*:", "Content-Digest: sha-256=?1",
             "Digest: SHA-256", "Digest: SHA-256=AAAA", f"Digest: MD5={good}", f"Digest: MD5=:{good}:",
             "Content-MD5: AAAA", "Content-MD5:", f"Content-MD5: {good}"]
    fields = [[line] for line in table]
    fields += [[content_md5(SMALL)] * 2, [f"Repr-Digest: md5=:{base64_of('md5', SMALL)}:", "Digest: MD5=x"]]
    for action in ACTIONS:
        for each in fields:
            image = stack.image()
            told = stack.put_head(image, *RIGHT, f"Content-Length: {len(SMALL)}", *each, action=action)
            said = stack.refused(told, image, 400, "bad_request", action)
            assert each[-1].split(":")[0] in said["message"], said


@scenario
def digest_is_checked_with_every_verify(fixture):
    """`verify` is about Glance's digest only."""
    stack = Stack(fixture)
    for mode in ("size", "off"):
        stack.set(verify=mode)
        for promise in PROMISES.values():
            image = stack.image()
            told = stack.put(image, LARGE, *RIGHT, promise(LARGE, off=1))
            stack.refused(told, image, 400, "digest_mismatch", reached=True)
            assert stack.put(stack.image(), LARGE, *RIGHT, promise(LARGE)).status == 204


# --- of a form ------------------------------------------------------------------------------


@scenario
def digest_of_a_form_covers_the_form(fixture):
    """The client hashes the form that it sends. Glance does not get these fields."""
    stack = Stack(fixture)
    packed = form(file(LARGE))
    for send in (stack.put, stack.put_chunked):
        for kind in ([declared()], ["Content-Type: application/octet-stream"]):
            for promise in PROMISES.values():
                image = stack.image()
                told = send(image, packed, TOKEN, *kind, promise(packed))
                asked = stack.stored(told, image, LARGE)
                assert "multipart" in fixes(told)
                sent = {name.lower() for name, _ in asked["headers"]}
                assert sent.isdisjoint({"repr-digest", "content-digest", "digest", "content-md5"}), sent
                for line in (promise(packed, off=1), promise(LARGE)):
                    image = stack.image()
                    told = send(image, packed, TOKEN, *kind, line)
                    stack.refused(told, image, 400, "digest_mismatch", reached=True)


# --- of the image ---------------------------------------------------------------------------


@scenario
def digest_property_is_checked(fixture):
    """openstacksdk writes it. It is the digest of the file, in whatever form the file is sent."""
    stack = Stack(fixture)
    packed = form(file(LARGE))
    for name, algorithm in HEX.items():
        right = hashlib.new(algorithm, LARGE).hexdigest()
        wrong = f"{right[:-1]}{int(right[-1], 16) ^ 1:x}"
        for body, fields in ((LARGE, RIGHT), (packed, [TOKEN, declared()])):
            for send in (stack.put, stack.put_chunked):
                for text in (right, right.upper(), "", "see the web page", right[:-2]):
                    image = stack.image(**{name: text})
                    stack.stored(send(image, body, *fields), image, LARGE)
                image = stack.image(**{name: wrong})
                said = stack.refused(send(image, body, *fields), image, 400, "digest_mismatch", reached=True)
                assert f"{name} promises another {algorithm}" in said["message"], said


@scenario
def fields_and_properties_are_both_checked(fixture):
    stack = Stack(fixture)
    names = {name: hashlib.new(algorithm, LARGE).hexdigest() for name, algorithm in HEX.items()}
    lines = [promise(LARGE) for promise in PROMISES.values()]
    image = stack.image(**names)
    stack.stored(stack.put(image, LARGE, *RIGHT, *lines), image, LARGE)
    image = stack.image(**{**names, "owner_specified.openstack.md5": "0" * 32})
    stack.refused(stack.put(image, LARGE, *RIGHT, *lines), image, 400, "digest_mismatch", reached=True)


# --- what Glance gets -----------------------------------------------------------------------


@scenario
def digest_fields_are_sent_with_the_upload_only(fixture):
    """The queries before and after the upload do not have them."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=STREAM)
    lines = [promise(SMALL) for promise in PROMISES.values()]
    with proxy.client() as client:
        told = client.send(request("PUT", UPLOAD, f"X-Auth-Token: {SECRET}", *lines, body=SMALL)).answer()
    assert told.status == 204
    for asked in glance.requests:
        sent = [asked.get(line.split(":")[0]) for line in lines]
        assert all(sent) if asked.method == "PUT" else not any(sent), asked.start
