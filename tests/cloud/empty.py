# SPDX-License-Identifier: Apache-2.0
"""Uploads without data: those that are meant to be empty, and those of a client that had nothing to send."""
import base64
import json

import glanceclient

import clients
from cloud import check, same
from refusals import is_refusal, unchanged
from uploads import OCTETS

SNAPSHOT = "3f0e0d5c-7c5c-4a0e-9a0e-0a4f7a0a9f61"
MAPPING = json.dumps([{"boot_index": 0, "snapshot_id": SNAPSHOT, "source_type": "snapshot"}])
EMPTY = {
    "Content-Length: 0": ("-X", "PUT", "-H", "Content-Length: 0"),
    "chunked": ("-X", "PUT", "-T", "/dev/null", "-H", "Transfer-Encoding: chunked"),
}


def is_active_and_empty(cloud, image_id):
    image = cloud.image(image_id)
    same("the image", (image["status"], image["size"]), ("active", 0))


def test_snapshot_of_a_server_booted_from_a_volume(cloud):
    """Nova creates an image that has only properties, and uploads nothing (`data = ''`)."""
    properties = {"block_device_mapping": MAPPING}, {"bdm_v2": "True"}
    for (name, options), image in zip(EMPTY.items(), properties):
        with cloud.new_image(disk_format="raw", **image) as image_id:
            result = clients.curl(cloud, image_id, *options, *OCTETS)
            same(f"the status with {name}", result.status, 204)
            is_active_and_empty(cloud, image_id)


def test_snapshot_by_novas_library(cloud):
    with cloud.new_image(disk_format="raw", block_device_mapping=MAPPING) as image_id:
        glance = glanceclient.Client("2", endpoint=cloud.proxy.url, token=cloud.token())
        glance.images.upload(image_id, "")
        is_active_and_empty(cloud, image_id)


def test_other_images_may_not_be_empty(cloud):
    for options in EMPTY.values():
        with cloud.new_image() as image_id, unchanged(cloud, image_id):
            result = clients.curl(cloud, image_id, *options, *OCTETS)
            is_refusal(cloud, image_id, result.status, result.printed, 400, "empty_body")


def test_empty_standard_input(cloud):
    """The message mentions standard input and --file, not curl."""
    formats = ("--disk-format", "qcow2", "--container-format", "bare")
    for result in (
        clients.openstack(cloud, "image", "create", *formats, "empty-input"),
        clients.glance(cloud, "image-create", *formats, "--name", "empty-input"),
    ):
        check(result.exit_status != 0, "the client has taken it for a success")
        check("--file" in result.printed, f"no word of --file: {result.printed}")
        check("standard input" in result.printed, f"no word of standard input: {result.printed}")
        check("curl" not in result.printed, f"advice about curl: {result.printed}")
    for image in cloud.all_images():  # the command `glance` leaves its image
        cloud.delete(image["id"])


def test_base64_file_is_refused(cloud):
    """The message says what the data is, and does not mention `curl -d`."""
    with cloud.new_image() as image_id, unchanged(cloud, image_id):
        encoded = cloud.file("small.base64", lambda path: write_base64(cloud, path))
        result = clients.curl(cloud, image_id, "-T", encoded.path, *OCTETS)
        answer = is_refusal(cloud, image_id, result.status, result.printed, 400, "damaged_body")
        check("base64" in answer["message"], f"it says: {answer['message']}")
        check("curl -d" not in answer["message"], f"it says: {answer['message']}")


def write_base64(cloud, path):
    with open(cloud.small().path, "rb") as source, open(path, "wb") as file:
        base64.encode(source, file)
