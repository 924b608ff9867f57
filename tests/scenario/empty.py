# SPDX-License-Identifier: Apache-2.0
"""Uploads without data. Nova makes such an image of a server whose disks are volumes: the image has only
properties, and becomes active with an empty upload."""
import hashlib

from support.fixture import scenario
from support.raw_http import LAST_CHUNK
from support.stack import ACTIONS, RIGHT, Stack

NOTHING = hashlib.sha512(b"").hexdigest()
FRAMINGS = ((["Content-Length: 0"], b""), ([], b""), (["Transfer-Encoding: chunked"], LAST_CHUNK),
            (["Transfer-Encoding: chunked", "X-Openstack-Image-Size: 0"], LAST_CHUNK))
PROPERTIES = ({"block_device_mapping": "[]"}, {"bdm_v2": "True"},
              {"block_device_mapping": '[{"source_type": "snapshot"}]', "bdm_v2": "True"})
SIZES = """\
rules:
  - { name: large, when: { larger_than: 1KiB }, store: file }
"""
FALLBACK = "default: { store: test, mode: force }\n"


def put(stack, image, framing, action="file"):
    fields, sent = framing
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, *fields, action=action).send(sent)
        return client.answer()


def is_stored(stack, told, image, action="file"):
    assert told.status == 204, (told.start, told.body)
    assert told.get("X-Intake-Bytes") == "0"
    assert told.get("X-Intake-Verified") == "sha512", told.fields
    shown = stack.show(image)
    assert (shown["size"], shown["os_hash_value"]) == (0, NOTHING), shown
    assert shown["status"] == ("active" if action == "file" else "uploading")
    if action == "file":
        assert (told.get("X-Intake-Store"), shown["stores"]) == ("test", "test")
    assert " verdict=stored" in stack.log_line(told, action)


@scenario(long=True)
def image_of_volumes_may_be_empty(fixture):
    stack = Stack(fixture)
    for policy in (FALLBACK, SIZES + FALLBACK, "mode: audit\n" + FALLBACK):
        stack.policy = policy
        for mode in ("spool", "stream"):
            stack.set(unknown_length=mode)
            for action in ACTIONS:
                for framing in FRAMINGS:
                    for properties in PROPERTIES:
                        image = stack.image(**properties)
                        told = put(stack, image, framing, action)
                        assert "empty_body" not in (told.get("X-Intake-Audit") or "")
                        is_stored(stack, told, image, action)


@scenario
def other_images_may_not_be_empty(fixture):
    """An image without such a property needs data, whatever other properties it has."""
    stack = Stack(fixture)
    for policy in (FALLBACK, SIZES + FALLBACK):
        stack.policy = policy
        stack.set()
        for properties in ({}, {"root_device_name": "/dev/vda"}):
            for framing in FRAMINGS:
                image = stack.image(**properties)
                stack.refused(put(stack, image, framing), image, 400, "empty_body")


@scenario
def rule_may_allow_empty_images(fixture):
    stack = Stack(fixture, policy="rules:\n"
                              "  - { name: markers, when: { name: marker }, store: test, mode: force,\n"
                              "      checks: { empty: allow } }\n" + FALLBACK)
    for mode in ("spool", "stream"):
        stack.set(unknown_length=mode)
        for framing in FRAMINGS:
            marker, other = stack.image(name="marker"), stack.image()
            told = put(stack, marker, framing)
            assert told.get("X-Intake-Rule") == "markers"
            is_stored(stack, told, marker)
            stack.refused(put(stack, other, framing), other, 400, "empty_body")


@scenario
def empty_upload_is_checked_against_the_image(fixture):
    """Its preflight is the same as that of any upload."""
    stack = Stack(fixture)
    image = stack.image(bdm_v2="True")
    is_stored(stack, put(stack, image, FRAMINGS[0]), image)
    told = put(stack, image, FRAMINGS[0])
    assert (told.status, b'"image_not_queued"' in told.body) == (409, True), told.body
    told = put(stack, "00000000-0000-4000-8000-000000000000", FRAMINGS[0])
    assert told.status == 404, told.body
