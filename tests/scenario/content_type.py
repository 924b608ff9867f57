# SPDX-License-Identifier: Apache-2.0
"""Glance accepts application/octet-stream in exactly this spelling; clients send other types."""
from support.fixture import scenario
from support.stack import ACTIONS, OCTETS, RIGHT, TOKEN, Stack, data, fixes

DATA = data(100_000)
STORE = "X-Image-Meta-Store: test"
WRONG = {
    "missing": [],
    "empty": ["Content-Type:"],
    "curl -d": ["Content-Type: application/x-www-form-urlencoded"],
    "Postman, raw": ["Content-Type: text/plain"],
    "upper case": ["Content-Type: APPLICATION/Octet-Stream"],
    "with a charset": ["Content-Type: text/plain; charset=utf-8"],
    "the image's own": ["Content-Type: application/x-qemu-disk"],
    "underscore": ["Content_Type: text/plain"],
    "twice": [OCTETS, "Content-Type: text/plain"],
}


@scenario
def wrong_content_type_is_fixed(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for name, fields in WRONG.items():
            image = stack.image()
            told = stack.put(image, DATA, TOKEN, STORE, *fields, action=action)
            stack.stored(told, image, DATA, action)
            assert fixes(told) == ["content-type"], (name, told.get("X-Intake-Fixed"))
            assert " fixes=content-type " in stack.log_line(told, action), name
    assert stack.proxy.metric("fixes_total", fix="content-type") == len(WRONG) * len(ACTIONS)


@scenario
def right_content_type_is_unchanged(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        image = stack.image()
        told = stack.put(image, DATA, *RIGHT, action=action)
        stack.stored(told, image, DATA, action)
        assert told.get("X-Intake-Fixed") is None and told.get("X-Intake-Warning") is None
    assert stack.proxy.metric("fixes_total") == 0


@scenario
def strict_refuses_wrong_content_types(fixture):
    """The refusal comes before the body."""
    stack = Stack(fixture, content_type="strict")
    for action in ACTIONS:
        for fields in WRONG.values():
            image = stack.image()
            told = stack.put_head(image, TOKEN, STORE, *fields, "Content-Length: 100000", action=action)
            said = stack.refused(told, image, 415, "unsupported_content_type", action)
            assert "application/octet-stream" in said["message"] and "curl -T" in said["hint"]
        image = stack.image()
        stack.stored(stack.put(image, DATA, action=action), image, DATA, action)


@scenario
def other_multipart_types_are_refused(fixture):
    """Nothing says which of their parts is the image."""
    stack = Stack(fixture)
    for kind in ("multipart/mixed; boundary=b", "multipart/byteranges; boundary=b", "multipart/related"):
        image = stack.image()
        told = stack.put_head(image, TOKEN, f"Content-Type: {kind}", "Content-Length: 100000")
        stack.refused(told, image, 415, "unsupported_content_type")
