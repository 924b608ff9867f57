# SPDX-License-Identifier: Apache-2.0
"""Glance takes application/octet-stream in this very spelling; clients send what they like."""
from support.stack import DOORS, OCTETS, RIGHT, TOKEN, Desk, data, fixes
from support.fixture import scenario

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
def wrong_content_type_is_fixed(scene):
    desk = Desk(scene)
    for door in DOORS:
        for name, fields in WRONG.items():
            image = desk.image()
            told = desk.put(image, DATA, TOKEN, STORE, *fields, door=door)
            desk.stored(told, image, DATA, door)
            assert fixes(told) == ["content-type"], (name, told.get("X-Intake-Fixed"))
            assert " fixes=content-type " in desk.log_line(told, door), name
    assert desk.proxy.metric("fixes_total", fix="content-type") == len(WRONG) * len(DOORS)


@scenario
def right_content_type_is_unchanged(scene):
    desk = Desk(scene)
    for door in DOORS:
        image = desk.image()
        told = desk.put(image, DATA, *RIGHT, door=door)
        desk.stored(told, image, DATA, door)
        assert told.get("X-Intake-Fixed") is None and told.get("X-Intake-Warning") is None
    assert desk.proxy.metric("fixes_total") == 0


@scenario
def strict_refuses_wrong_content_types(scene):
    """Refused before the client has sent a byte of it."""
    desk = Desk(scene, content_type="strict")
    for door in DOORS:
        for fields in WRONG.values():
            image = desk.image()
            told = desk.put_head(image, TOKEN, STORE, *fields, "Content-Length: 100000", door=door)
            said = desk.refused(told, image, 415, "unsupported_content_type", door)
            assert "application/octet-stream" in said["message"] and "curl -T" in said["hint"]
        image = desk.image()
        desk.stored(desk.put(image, DATA, door=door), image, DATA, door)


@scenario
def other_multipart_types_are_refused(scene):
    """Nothing says which part of them would be the image."""
    desk = Desk(scene)
    for kind in ("multipart/mixed; boundary=b", "multipart/byteranges; boundary=b", "multipart/related"):
        image = desk.image()
        told = desk.put_head(image, TOKEN, f"Content-Type: {kind}", "Content-Length: 100000")
        desk.refused(told, image, 415, "unsupported_content_type")
