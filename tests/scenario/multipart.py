# SPDX-License-Identifier: Apache-2.0
"""An image inside a form: Postman's form-data tab, curl -F, a web page with an upload button."""
import functools
import hashlib
import subprocess

from support.fixture import scenario
from support.form import BOUNDARY, declared, field, file, form, part
from support.glance import UPLOAD
from support.raw_http import LAST_CHUNK, chunk, head
from support.stack import ACTIONS, OCTETS, TOKEN, Stack, data, fixes

STORE = "X-Image-Meta-Store: test"
MARK = b"\r\n--" + BOUNDARY.encode()
# Bytes that look like a delimiter: one byte missing, only LF, one byte more.
ALIKE = b"\n--" + BOUNDARY.encode() + MARK[:-1] + b"\r\r\n" + MARK + b"0\r\n" + MARK + b"-\r\n"
LARGE = data(200_000) + ALIKE + data(300_000, b"more") + ALIKE
SMALL = b"\0" + ALIKE + b"\r\n"


@functools.cache
def forms():
    """By name: Content-Type, the parts, how the form is written."""
    return {
        "curl -F": (declared("------------------------d74496d66958873e"), [file(LARGE)],
                    {"boundary": "------------------------d74496d66958873e"}),
        "Postman": (declared(), [field("visibility", "private"), field("note", "a\nb"), file(LARGE)], {}),
        "a browser": (declared("----WebKitFormBoundary7MA4YWxkTrZu0gW"), [field("name", ""), file(LARGE)],
                      {"boundary": "----WebKitFormBoundary7MA4YWxkTrZu0gW"}),
        "requests": (declared("1f2e3d4c5b6a"), [part('form-data; name="f"; filename="f"', LARGE)],
                     {"boundary": "1f2e3d4c5b6a"}),
        "quoted": (declared('"a b:c\'d"'), [file(LARGE)], {"boundary": "a b:c'd"}),
        "a preamble": (declared(), [file(LARGE)], {"preamble": b"This is a form.\r\n"}),
        "small": (declared(), [file(SMALL)], {}),
        "one byte": (declared(), [file(b"\0")], {}),
    }


@scenario(threaded=True)
def form_is_unwrapped(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for name, (kind, parts, style) in forms().items():
            image = stack.image()
            told = stack.put(image, form(*parts, **style), TOKEN, STORE, kind, action=action)
            body = {"small": SMALL, "one byte": b"\0"}.get(name, LARGE)
            stack.stored(told, image, body, action)
            assert "multipart" in fixes(told) and "length" not in fixes(told), (name, fixes(told))
    assert stack.proxy.metric("fixes_total", fix="multipart") == len(forms()) * len(ACTIONS)


@scenario
def rule_applies_to_the_image_size(fixture):
    """A rule for large images does not apply to a small image in a large form."""
    policy = ("rules:\n  - {name: large, when: {larger_than: 400KiB}, store: file}\n"
              "default: {store: test, mode: force}\n")
    stack = Stack(fixture, policy=policy)
    for size, rule, store in ((300 << 10, "default", "test"), (500 << 10, "large", "file")):
        image, body = stack.image(), data(size)
        told = stack.put(image, form(field("a", "b" * (200 << 10)), file(body)), TOKEN, OCTETS)
        assert (told.status, told.get("X-Intake-Rule"), told.get("X-Intake-Store")) == (204, rule, store), told.fields
        assert stack.show(image)["stores"] == store


BY_SIZE = """\
rules:
  - { name: lenient, when: { name: lenient, larger_than: 900KiB }, store: test, checks: { format: off } }
  - { name: strict, when: { name: strict, larger_than: 900KiB }, store: test, checks: { format: reject } }
  - { name: small, when: { name: strict }, store: test, checks: { format: off } }
  - { name: narrow, when: { name: narrow, larger_than: 900KiB }, store: test, max_virtual_size: 500KiB }
default: { store: test, mode: force }
"""


@scenario
def checks_and_limits_are_those_for_the_image_size(fixture):
    """Whether the form is declared or not. It is larger than 900 KiB, and its file is not."""
    stack = Stack(fixture, policy=BY_SIZE)
    body = data(600_000)
    sent = form(field("a", "b" * 500_000), file(body))
    for kind in (declared(), OCTETS):
        image = stack.image(name="lenient", disk_format="qcow2")
        stack.refused(stack.put(image, sent, TOKEN, kind), image, 400, "format_mismatch")
        for properties in ({"name": "strict", "disk_format": "qcow2"}, {"name": "narrow"}):
            told = stack.put(image := stack.image(**properties), sent, TOKEN, kind)
            stack.stored(told, image, body)


@scenario
def form_sent_as_octet_stream_is_unwrapped(fixture):
    """curl -F with -H 'Content-Type: application/octet-stream': Glance would store the whole form."""
    stack = Stack(fixture)
    for action in ACTIONS:
        for kind in ([OCTETS], [], ["Content-Type: text/plain"]):
            image = stack.image()
            told = stack.put(image, form(field("a", "b"), file(LARGE)), TOKEN, STORE, *kind, action=action)
            stack.stored(told, image, LARGE, action)
            assert "multipart" in fixes(told), kind


@scenario
def data_that_looks_like_a_form_is_stored(fixture):
    stack = Stack(fixture)
    for body in (b"--" + data(100_000), b"--boundary\r\n" + data(100_000), b"-- \0\r\n", b"--",
                 b"--b\r\nContent-Type: text/plain\r\n\r\n" + data(9_000)):
        image = stack.image()
        told = stack.put(image, body, TOKEN, STORE, OCTETS)
        stack.stored(told, image, body)
        assert fixes(told) == []


@scenario(threaded=True)
def form_is_streamed(fixture):
    """Glance has half of the image, and the exact length, before the client has sent the other half."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    body = form(file(LARGE))
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", declared(), f"Content-Length: {len(body)}"),
                    body[:300_000])
        asked = glance.the_upload(received=250_000)
        assert (asked.get("Content-Length"), asked.chunked) == (str(len(LARGE)), False)
        assert proxy.metric("spool_bytes") == 0
        told = client.send(body[300_000:]).answer()
    assert told.status == 204 and asked.body == LARGE


@scenario
def form_split_anywhere_is_unwrapped(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    body = form(field("a", "b"), file(LARGE))
    start, end = body.index(LARGE), body.index(LARGE) + len(LARGE)
    points = [1, 3, start - 3, start - 1, start, start + 1, start + 65536, end - 1, end, end + 1, end + 2,
              end + 10, end + len(MARK), len(body) - 3, len(body) - 1]
    for point in points:
        with proxy.client() as client:
            told = client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", declared(),
                                    f"Content-Length: {len(body)}"), body[:point], body[point:]).answer()
        assert told.status == 204, (point, told.body)
        assert glance.uploads()[-1].body == LARGE, point
    with proxy.client() as client:
        small = form(file(SMALL))
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", declared(), f"Content-Length: {len(small)}"))
        assert client.send(*(small[at:at + 1] for at in range(len(small)))).answer().status == 204
    assert glance.uploads()[-1].body == SMALL


@functools.cache
def malformed():
    """By name: what is no form with one file."""
    return {
        "two files": form(file(LARGE), file(LARGE)),
        "two small files": form(file(SMALL), file(SMALL)),
        "no file": form(field("image", "cirros.img"), field("a", "b")),
        "no part": form(),
        "ends in the file": form(file(LARGE))[:-200_000],
        "ends in the delimiter": form(file(LARGE), end=b""),
        "ends in a small file": form(file(SMALL))[:-70],
        "ends in a head": form(file(LARGE))[:70],
        "another boundary": form(file(LARGE), boundary="another"),
        "an endless head": form(file(LARGE, "a" * 100_000)),
        "base64": form(file(LARGE, "a", "Content-Transfer-Encoding: base64")),
        "many fields": form(*(field(f"n{number}", "v") for number in range(5000)), file(LARGE)),
    }


@scenario
def malformed_form_is_refused(fixture):
    """When a large form proves wrong, Glance has a part of the image, but never all of it."""
    stack = Stack(fixture)
    for action in ACTIONS:
        for name, body in malformed().items():
            image = stack.image()
            told = stack.put(image, body, TOKEN, declared(), action=action)
            said = stack.refused(told, image, 400, "multipart_malformed", action, reached=len(body) > 65536)
            assert "curl -T" in said["hint"], name
            assert told.get("X-Intake-Store") == ("test" if action == "file" else None)


@scenario
def malformed_small_form_does_not_reach_glance(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for body in (form(field("image", "cirros.img")), form(file(SMALL), file(SMALL)), form(file(SMALL))[:-70]):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", declared(),
                             f"Content-Length: {len(body)}"), body)
            assert b'"multipart_malformed"' in client.answer().body
    assert glance.uploads() == []


@scenario
def field_behind_the_file_is_refused(fixture):
    """The length announced to Glance was wrong. Glance sees a cut body and stores nothing."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    body = form(file(LARGE), field("visibility", "private"))
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", declared(), f"Content-Length: {len(body)}"))
        client.send_until_refused(body)
        told = client.answer()
    assert told.status == 400 and b'"multipart_malformed"' in told.body
    asked = glance.the_upload()
    glance.wait("the cut", lambda _: asked.cut)
    assert not asked.complete and asked.length < int(asked.get("Content-Length"))


@scenario
def field_behind_the_file_is_accepted_when_spooled(fixture):
    """A spooled form is complete before Glance is told the length."""
    stack = Stack(fixture)
    image = stack.image()
    told = stack.put_chunked(image, form(file(LARGE), field("a", "b")), TOKEN, STORE, declared())
    stack.stored(told, image, LARGE)


@scenario
def chunked_form_is_unwrapped(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for kind in (declared(), OCTETS):
            image = stack.image()
            told = stack.put_chunked(image, form(field("a", "b"), file(LARGE)), TOKEN, STORE, kind, action=action)
            stack.stored(told, image, LARGE, action)
            assert {"multipart", "length"} <= set(fixes(told)), (kind, fixes(told))
        for name in ("two files", "no file", "ends in the file", "another boundary"):
            image = stack.image()
            told = stack.put_chunked(image, malformed()[name], TOKEN, declared(), action=action)
            stack.refused(told, image, 400, "multipart_malformed", action)
    stack.proxy.wait_metric(0, "spool_bytes")


@scenario
def chunked_form_is_streamed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"upload": {"unknown_length": "stream"}})
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", declared(), "Transfer-Encoding: chunked"),
                    chunk(form(file(LARGE))), LAST_CHUNK)
        assert client.answer().status == 204
    asked = glance.uploads()[0]
    assert asked.chunked and asked.get("Content-Length") is None and asked.body == LARGE


@scenario
def image_size_header_means_the_file(fixture):
    """x-openstack-image-size is the size of the file in the form."""
    stack = Stack(fixture)
    right = f"X-Openstack-Image-Size: {len(LARGE)}"
    for send in (stack.put, stack.put_chunked):
        image = stack.image()
        stack.stored(send(image, form(file(LARGE)), TOKEN, declared(), right), image, LARGE)
        for size in (len(LARGE) - 1, len(LARGE) + 1, len(form(file(LARGE))), 1):
            image = stack.image()
            told = send(image, form(file(LARGE)), TOKEN, declared(), f"X-Openstack-Image-Size: {size}")
            stack.refused(told, image, 400, "size_mismatch", reached=True)
    assert stack.proxy.metric("spool_bytes") == 0


@scenario
def empty_file_in_a_form_is_refused(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for send in (stack.put, stack.put_chunked):
            image = stack.image()
            told = send(image, form(field("a", "b"), file(b"")), TOKEN, declared(), action=action)
            stack.refused(told, image, 400, "empty_body", action)


@scenario
def multipart_reject_refuses_forms(fixture):
    stack = Stack(fixture, multipart="reject")
    for action in ACTIONS:
        image = stack.image()
        told = stack.put_head(image, TOKEN, declared(), "Content-Length: 100000", action=action)
        said = stack.refused(told, image, 415, "unsupported_content_type", action)
        assert "curl -T" in said["hint"]
        for send in (stack.put, stack.put_chunked):
            image = stack.image()
            told = send(image, form(file(LARGE)), TOKEN, OCTETS, action=action)
            stack.refused(told, image, 415, "unsupported_content_type", action)


@scenario
def strict_content_type_allows_forms(fixture):
    """Only `multipart` decides about forms."""
    stack = Stack(fixture, content_type="strict")
    image = stack.image()
    stack.stored(stack.put(image, form(file(LARGE)), TOKEN, declared()), image, LARGE)


@scenario
def bad_boundary_is_refused_or_found(fixture):
    stack = Stack(fixture)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"",
                 f"multipart/form-data; boundary={'b' * 71}", "multipart/form-data; boundary=a b"):
        image = stack.image()
        told = stack.put(image, form(file(b"\0\r\n" * 9)), TOKEN, f"Content-Type: {kind}")
        if told.status == 204:  # the boundary was found in the body
            stack.stored(told, image, b"\0\r\n" * 9)
        else:
            stack.refused(told, image, 400, "multipart_malformed")


@scenario
def max_size_means_the_file(fixture):
    stack = Stack(fixture, max_size=f"{len(LARGE)}B")
    image = stack.image()
    stack.stored(stack.put(image, form(file(LARGE)), TOKEN, declared()), image, LARGE)
    for send in (stack.put, stack.put_chunked):
        image = stack.image()
        told = send(image, form(file(LARGE + b"x")), TOKEN, declared())
        stack.refused(told, image, 413, "too_large")


@scenario
def curl_forms_are_unwrapped(fixture):
    stack = Stack(fixture)
    source = fixture.folder / "cirros.img"
    source.write_bytes(LARGE)
    for action in ACTIONS:
        for more in ([], ["-H", OCTETS], ["-F", "a=b"], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]):
            image = stack.image()
            command = ["curl", "-sS", "-X", "PUT", "-H", TOKEN, "-D", "-", *more, "-F", f"file=@{source}",
                       stack.url(image, action)]
            said = subprocess.run(command, capture_output=True, timeout=180, check=True).stdout
            assert b" 204 " in said, (more, said)
            assert stack.show(image)["os_hash_value"] == hashlib.sha512(LARGE).hexdigest(), more
