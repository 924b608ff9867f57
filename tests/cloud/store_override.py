# SPDX-License-Identifier: Apache-2.0
"""A client asks for another store than the policy forces: it works as usual and reports no error. The image
is only in the policy's store."""
import concurrent.futures
import uuid

import clients
from cloud import check, same
from client_workflows import is_imported
from uploads import landed_in_test

FORMATS = {"disk_format": "qcow2", "container_format": "bare"}


def staged(cloud, image_id):
    with open(cloud.small().path, "rb") as data:
        headers = {"Content-Type": "application/octet-stream"}
        answer = cloud.glance("PUT", f"/v2/images/{image_id}/stage", headers=headers, data=data)
    same("the status of the staging", answer.status_code, 204)


def all_land_in_test(cloud, ways, send):
    """Calls send(image id, way) for each way, two at a time."""

    def lands(way):
        with cloud.new_image() as image_id:
            send(image_id, way)
            is_imported(cloud, image_id)
            landed_in_test(cloud, image_id, cloud.small())

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lands, ways))


def test_glance_image_upload(cloud):
    def send(image_id, store):
        file = cloud.small().path
        result = clients.glance(cloud, "image-upload", "--store", store, "--file", file, image_id)
        same("what it prints", (result.exit_status, result.printed), (0, ""))

    all_land_in_test(cloud, ["file", "test"], send)


def test_glance_image_import(cloud):
    """One store is sent in a header, several in the body."""

    def send(image_id, asked):
        staged(cloud, image_id)
        result = clients.glance(cloud, "image-import", *asked, image_id)
        check(result.exit_status == 0, f"glance image-import {asked}: {result.printed}")

    choices = (["--store", "file"], ["--stores", "file"], ["--stores", "test,file"])
    all_land_in_test(cloud, [*choices, ["--all-stores", "True"], []], send)


def test_sdk_import(cloud):
    connection = clients.sdk(cloud).image

    def send(image_id, asked):
        staged(cloud, image_id)
        connection.import_image(connection.get_image(image_id), **asked)

    choices = [{"store": "file"}, {"stores": ["file"]}, {"stores": ["file", "test"]}]
    all_land_in_test(cloud, [*choices, {"all_stores": True}], send)


def test_sdk_creates_and_imports(cloud):
    """In one call."""
    connection = clients.sdk(cloud)
    file = {"filename": cloud.small().path, **FORMATS}
    name = str(uuid.uuid4())  # unique, since the SDK looks images up by name
    image = connection.image.create_image(name, use_import=True, stores=["file"], **file)
    try:
        is_imported(cloud, image.id)
        landed_in_test(cloud, image.id, cloud.small())
    finally:
        cloud.delete(image.id)
