# SPDX-License-Identifier: Apache-2.0
"""An upload that names no store goes to S3 byte for byte, from every client.

Each test uploads the same qcow2 of 320 MiB. The file, Glance and the object in the bucket must have the same
size and sha512. Without the proxy all of them would go to `file`.
"""
import os

import clients
from cloud import check, same
from proxy import scratch


def landed_in_test(cloud, image_id, file):
    image = cloud.image(image_id)
    same("the status", image["status"], "active")
    same("the store", image["stores"], "test")
    same("Glance's size", image["size"], file.size)
    same("Glance's sha512", image["os_hash_value"], file.sha512)
    same("the object in the bucket", cloud.in_bucket(image_id), (file.size, file.sha512))


def told_in_headers(result, file, fixed):
    same("the answer's status", result.status, 204)
    same("X-Intake-Store", result.headers.get("x-intake-store"), "test")
    same("X-Intake-Rule", result.headers.get("x-intake-rule"), "default")
    same("X-Intake-Bytes", result.headers.get("x-intake-bytes"), str(file.size))
    same("X-Intake-Fixed", result.headers.get("x-intake-fixed"), fixed)
    check("x-openstack-request-id" in result.headers, "the answer has no request id")


def curl_lands(cloud, *options, fixed):
    file = cloud.big()
    with cloud.new_image() as image_id:
        result = clients.curl(cloud, image_id, *options)
        told_in_headers(result, file, fixed)
        landed_in_test(cloud, image_id, file)


OCTETS = ("-H", "Content-Type: application/octet-stream")


def test_curl_upload_file(cloud):
    """curl -T sends no Content-Type. Glance alone would answer 415."""
    curl_lands(cloud, "-T", cloud.big().path, fixed="store, content-type")


def test_curl_upload_file_with_content_type(cloud):
    curl_lands(cloud, "-T", cloud.big().path, *OCTETS, fixed="store")


def test_curl_data_binary(cloud):
    curl_lands(
        cloud, "-X", "PUT", "--data-binary", f"@{cloud.big().path}", *OCTETS, fixed="store"
    )


def test_curl_names_the_other_store(cloud):
    """mode: force replaces the client's choice."""
    curl_lands(
        cloud, "-T", cloud.big().path, *OCTETS, "-H", "X-Image-Meta-Store: file", fixed="store"
    )


def test_openstack_image_create_and_save(cloud):
    """The download through the proxy is the same file."""
    file = cloud.big()
    create = ["image", "create", "--disk-format", "qcow2", "--container-format", "bare"]
    create += ["--file", file.path, "-f", "value", "-c", "id", "cloud-test"]
    result = clients.openstack(cloud, *create)
    check(result.exit_status == 0, f"openstack image create: {result.printed}")
    image_id = result.printed.split()[-1]
    try:
        landed_in_test(cloud, image_id, file)
        saved_is(cloud, image_id, file)
    finally:
        cloud.delete(image_id)


def saved_is(cloud, image_id, file):
    with scratch() as directory:
        path = os.path.join(directory, "saved")
        result = clients.openstack(cloud, "image", "save", "--file", path, image_id)
        check(result.exit_status == 0, f"openstack image save: {result.printed}")
        saved = type(file)(path)
        same("what was saved", (saved.size, saved.sha512), (file.size, file.sha512))


def test_glance_image_upload(cloud):
    """glanceclient always sends chunks without a length."""
    file = cloud.big()
    with cloud.new_image() as image_id:
        result = clients.glance(cloud, "image-upload", "--file", file.path, image_id)
        check(result.exit_status == 0, f"glance image-upload: {result.printed}")
        landed_in_test(cloud, image_id, file)


def test_newman(cloud):
    """Postman with the body type "binary"."""
    file = cloud.big()
    with cloud.new_image() as image_id:
        result = clients.newman(cloud, image_id, file.path)
        check(result.exit_status == 0, f"newman: {result.printed[-2000:]}")
        landed_in_test(cloud, image_id, file)
