# SPDX-License-Identifier: Apache-2.0
"""Uploads without data. Nova makes an image of a server whose disks are volumes: it has properties and
nothing else, and becomes active with an empty upload."""
import hashlib

from support.stack import DOORS, RIGHT, Desk
from support.fixture import scenario
from support.raw_http import LAST_CHUNK

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


def put(desk, image, framing, door="file"):
    fields, sent = framing
    with desk.client() as client:
        desk.begin(client, image, *RIGHT, *fields, door=door).send(sent)
        return client.answer()


def is_stored(desk, told, image, door="file"):
    assert told.status == 204, (told.start, told.body)
    assert told.get("X-Intake-Bytes") == "0"
    assert told.get("X-Intake-Verified") == "sha512", told.fields
    shown = desk.show(image)
    assert (shown["size"], shown["os_hash_value"]) == (0, NOTHING), shown
    assert shown["status"] == ("active" if door == "file" else "uploading")
    if door == "file":
        assert (told.get("X-Intake-Store"), shown["stores"]) == ("test", "test")
    assert " verdict=stored" in desk.log_line(told, door)


@scenario(threaded=True, representative=True, long=True)
def image_of_volumes_may_be_empty(scene):
    desk = Desk(scene)
    for policy in (FALLBACK, SIZES + FALLBACK, "mode: audit\n" + FALLBACK):
        desk.policy = policy
        for mode in ("spool", "stream"):
            desk.set(unknown_length=mode)
            for door in DOORS:
                for framing in FRAMINGS:
                    for properties in PROPERTIES:
                        image = desk.image(**properties)
                        told = put(desk, image, framing, door)
                        assert "empty_body" not in (told.get("X-Intake-Audit") or "")
                        is_stored(desk, told, image, door)


@scenario
def other_images_may_not_be_empty(scene):
    """An image that has no such property waits for data, whatever else it has."""
    desk = Desk(scene)
    for policy in (FALLBACK, SIZES + FALLBACK):
        desk.policy = policy
        desk.set()
        for properties in ({}, {"root_device_name": "/dev/vda"}):
            for framing in FRAMINGS:
                image = desk.image(**properties)
                desk.refused(put(desk, image, framing), image, 400, "empty_body")


@scenario
def rule_may_allow_empty_images(scene):
    desk = Desk(scene, policy="rules:\n"
                              "  - { name: markers, when: { name: marker }, store: test, mode: force,\n"
                              "      checks: { empty: allow } }\n" + FALLBACK)
    for mode in ("spool", "stream"):
        desk.set(unknown_length=mode)
        for framing in FRAMINGS:
            marker, other = desk.image(name="marker"), desk.image()
            told = put(desk, marker, framing)
            assert told.get("X-Intake-Rule") == "markers"
            is_stored(desk, told, marker)
            desk.refused(put(desk, other, framing), other, 400, "empty_body")


@scenario
def empty_upload_is_checked_against_the_image(scene):
    """An empty upload is judged by what Glance says of the image, as any other is."""
    desk = Desk(scene)
    image = desk.image(bdm_v2="True")
    is_stored(desk, put(desk, image, FRAMINGS[0]), image)
    told = put(desk, image, FRAMINGS[0])
    assert (told.status, b'"image_not_queued"' in told.body) == (409, True), told.body
    told = put(desk, "00000000-0000-4000-8000-000000000000", FRAMINGS[0])
    assert told.status == 404, told.body
