# SPDX-License-Identifier: Apache-2.0
"""Typical mistakes of clients are fixed by the proxy, or refused with the command that works.

Refused: before Glance has got a byte, quickly, and the pasted hint makes the image active. Fixed: the image
is active in the policy's store, and size and sha512 of file, Glance and object are the same. X-Intake-Fixed
names the fixes.
"""
import contextlib
import os
import subprocess
import time
import uuid

import clients
from cloud import MIB, DataFile, check, same, wait_until
from proxy import scratch
from refusals import is_refusal, unchanged
from uploads import OCTETS, landed_in_test, told_in_headers

SHOWS_AFTER = 2  # seconds until an upload shows in the image or in Glance's log


def zeros(cloud):
    def make(path):
        with open(path, "wb") as file:
            file.truncate(64 * MIB)

    return cloud.file("zeros.raw", make)


def stripped(cloud):
    """What `curl -d` would send of a file, for other clients."""

    def make(path):
        with open(cloud.small().path, "rb") as whole, open(path, "wb") as rest:
            rest.write(whole.read().translate(None, b"\0\r\n"))

    return cloud.file("stripped.qcow2", make)


def with_backing_file(cloud):
    """A qcow2 whose backing file is a file of the hypervisor."""

    def make(path):
        options = ["-f", "qcow2", "-F", "raw", "-b", "/etc/passwd"]
        subprocess.run(["qemu-img", "create", "-q", *options, path, "1G"], check=True)

    return cloud.file("backed.qcow2", make)


# --- refused, with the command that works ---------------------------------------------------------


def pasted(cloud, hint, **words):
    """Runs the hint in a shell after replacing its placeholders."""
    for blank, word in {"TOKEN": cloud.token(), **words}.items():
        check(blank in hint, f"there is no {blank} in the hint: {hint}")
        hint = hint.replace(blank, word)
    result = clients.run(["bash", "-c", hint])
    check(result.exit_status == 0, f"pasted, the hint fails: {result.printed}")


@contextlib.contextmanager
def untouched(cloud, image_id):
    """Glance is only queried about the image. Not even its update time changes."""
    with unchanged(cloud, image_id):
        yield
        time.sleep(SHOWS_AFTER)
    same("what Glance's log has of uploads", cloud.puts(image_id), [])
    same("the object in the bucket", cloud.in_bucket(image_id), None)


def curl_is_refused(cloud, image_id, reason, *options, call="file"):
    """Returns the answer, and how long it took."""
    url = clients.upload_url(cloud, image_id, call)
    with untouched(cloud, image_id):
        result = clients.curl(cloud, image_id, *options, url=url)
    answer = is_refusal(cloud, image_id, result.status, result.printed, 400, reason)
    same("X-Intake-Bytes", result.headers.get("x-intake-bytes", "0"), "0")
    check(url in answer["hint"], f"the hint leads elsewhere: {answer['hint']}")
    return answer, f"refused after {result.seconds:.2f} s"


def hint_works(cloud, image_id, hint, file):
    pasted(cloud, hint, FILE=file.path)
    landed_in_test(cloud, image_id, file)


def refused_then_pasted(cloud, file, reason, *options, disk_format="qcow2"):
    with cloud.new_image(disk_format=disk_format) as image_id:
        answer, note = curl_is_refused(cloud, image_id, reason, *options)
        hint_works(cloud, image_id, answer["hint"], file)
    return note


def test_curl_data_of_a_qcow2(cloud):
    """-d removes NUL, CR and LF. Without the proxy the rest would have become active."""
    file = cloud.medium()
    options = ("-X", "PUT", *OCTETS, "-d", f"@{file.path}")
    return refused_then_pasted(cloud, file, "damaged_body", *options)


def test_curl_data_without_a_content_type(cloud):
    """curl then declares a form. The refusal is the same."""
    file = cloud.medium()
    options = ("-X", "PUT", "-d", f"@{file.path}")
    return refused_then_pasted(cloud, file, "damaged_body", *options)


def test_curl_data_of_zeros(cloud):
    """Nothing is left of the file."""
    file = zeros(cloud)
    options = ("-X", "PUT", *OCTETS, "-d", f"@{file.path}")
    return refused_then_pasted(cloud, file, "empty_body", *options, disk_format="raw")


def test_curl_data_to_stage(cloud):
    """Glance's API reference shows this command. The pasted hint stages the file, which is then imported."""
    file = cloud.medium()
    with cloud.new_image() as image_id:
        options = ("-X", "PUT", *OCTETS, "-d", f"@{file.path}")
        answer, note = curl_is_refused(cloud, image_id, "damaged_body", *options, call="stage")
        pasted(cloud, answer["hint"], FILE=file.path)
        same("the image after the hint", cloud.image(image_id)["status"], "uploading")
        imported(cloud, image_id, file)
    return note


def test_backing_file(cloud):
    """The hint makes a copy without a backing file and sends that."""
    file = with_backing_file(cloud)
    with cloud.new_image() as image_id, scratch() as directory:
        answer, note = curl_is_refused(cloud, image_id, "unsafe_format", "-T", file.path)
        copy = os.path.join(directory, "copy")
        pasted(cloud, answer["hint"], FILE=file.path, COPY=copy)
        landed_in_test(cloud, image_id, DataFile(copy))
    return note


def test_field_after_the_file(cloud):
    """This is known when the file has passed. Glance, which lacks the last byte, drops what it has."""
    file = cloud.medium()
    with cloud.new_image() as image_id:
        form = ("-F", f"file=@{file.path}", "-F", "name=cirros")
        result = clients.curl(cloud, image_id, "-X", "PUT", *form)
        answer = is_refusal(
            cloud, image_id, result.status, result.printed, 400, "multipart_malformed"
        )
        wait_until("the image waits again", lambda: cloud.image(image_id)["status"] == "queued")
        same("the object in the bucket", cloud.in_bucket(image_id), None)
        hint_works(cloud, image_id, answer["hint"], file)


# --- fixed ------------------------------------------------------------------------------------


def landed(cloud, image_id, file, fixed):
    landed_in_test(cloud, image_id, file)
    upload = cloud.proxy.ended_upload(image_id)
    same("what was put right", upload["fixes"], fixed)
    same("the digest in the log", upload["sha512"], file.sha512)


def curl_lands(cloud, *options, fixed, **how):
    file = cloud.medium()
    with cloud.new_image() as image_id:
        result = clients.curl(cloud, image_id, *options, **how)
        told_in_headers(result, file, fixed)
        landed(cloud, image_id, file, fixed)


def curl_form_lands(cloud, *options):
    form = ("-X", "PUT", *options, "-F", f"file=@{cloud.medium().path}")
    curl_lands(cloud, *form, fixed="store, content-type, multipart")


def test_curl_form(cloud):
    curl_form_lands(cloud)


def test_curl_form_with_fields(cloud):
    curl_form_lands(cloud, "-F", "name=cirros", "-F", "comment=two\r\nlines")


def test_curl_form_sent_as_octet_stream(cloud):
    """Glance would answer 204 and store the form. (curl sends octet-stream; boundary=...)"""
    curl_form_lands(cloud, *OCTETS)


def test_curl_standard_input(cloud):
    """Chunked, because the length is not known."""
    with open(cloud.medium().path, "rb") as data:
        curl_lands(cloud, "-T", "-", fixed="store, content-type, length", stdin=data)


def test_curl_upload_file(cloud):
    """-T sends no Content-Type."""
    curl_lands(cloud, "-T", cloud.medium().path, fixed="store, content-type")


def test_curl_data_binary(cloud):
    """--data-binary declares a form."""
    options = ("-X", "PUT", "--data-binary", f"@{cloud.medium().path}")
    curl_lands(cloud, *options, fixed="store, content-type")


def test_newman_form(cloud):
    file = cloud.medium()
    with cloud.new_image() as image_id:
        result = clients.newman(cloud, image_id, file.path, body="form-data")
        check(result.exit_status == 0, f"newman: {result.printed[-2000:]}")
        landed(cloud, image_id, file, "store, content-type, multipart")


def test_glance_image_upload(cloud):
    file = cloud.medium()
    with cloud.new_image() as image_id:
        result = clients.glance(cloud, "image-upload", "--file", file.path, image_id)
        check(result.exit_status == 0, f"glance image-upload: {result.printed}")
        landed(cloud, image_id, file, "store, length")


@contextlib.contextmanager
def openstack_creates(cloud, file, *options, disk_format="qcow2", name="cloud-test"):
    """Yields curl's output and the image's id, which is chosen here so that it is always known."""
    image_id = str(uuid.uuid4())
    command = ["image", "create", "--id", image_id, "--disk-format", disk_format, *options]
    try:
        yield clients.openstack(cloud, *command, "--file", file.path, name), image_id
    finally:
        cloud.delete(image_id)


def test_openstack_image_create(cloud):
    file = cloud.medium()
    with openstack_creates(cloud, file) as (result, image_id):
        check(result.exit_status == 0, f"openstack image create: {result.printed}")
        landed(cloud, image_id, file, "store")


# --- staged and imported: the import names the store ----------------------------------------------


def staged_is_active(cloud, image_id, file):
    ended = ("active", "queued")  # the latter: the import failed
    wait_until("the import has ended", lambda: cloud.image(image_id)["status"] in ended)
    image = cloud.image(image_id)
    same("the status", image["status"], "active")
    same("Glance's size", image["size"], file.size)
    same("Glance's sha512", image["os_hash_value"], file.sha512)


def imported(cloud, image_id, file):
    body = {"method": {"name": "glance-direct"}}
    answer = cloud.glance("POST", f"/v2/images/{image_id}/import", json=body)
    same("the status of the import", answer.status_code, 202)
    staged_is_active(cloud, image_id, file)


def curl_stages(cloud, *options, fixed, **how):
    file = cloud.medium()
    with cloud.new_image() as image_id:
        url = clients.upload_url(cloud, image_id, "stage")
        result = clients.curl(cloud, image_id, *options, url=url, **how)
        same("the answer's status", result.status, 204)
        same("X-Intake-Fixed", result.headers.get("x-intake-fixed"), fixed)
        imported(cloud, image_id, file)


def test_curl_form_to_stage(cloud):
    form = ("-X", "PUT", "-F", f"file=@{cloud.medium().path}")
    curl_stages(cloud, *form, fixed="content-type, multipart")


def test_curl_standard_input_to_stage(cloud):
    with open(cloud.medium().path, "rb") as data:
        curl_stages(cloud, "-T", "-", fixed="content-type, length", stdin=data)


def test_openstack_import(cloud):
    file = cloud.medium()
    with openstack_creates(cloud, file, "--import") as (result, image_id):
        check(result.exit_status == 0, f"openstack image create --import: {result.printed}")
        staged_is_active(cloud, image_id, file)
        upload = cloud.proxy.ended_upload(image_id)
        same("staged", (upload["door"], upload["verdict"]), ("stage", "stored"))


def test_newman_path_as_text_is_refused(cloud):
    """The body type "raw" is text that the user types."""
    path = cloud.medium().path
    with cloud.new_image() as image_id, untouched(cloud, image_id):
        result = clients.newman(cloud, image_id, path, body="raw")
        check(result.exit_status != 0, "newman reports a success")
        check("format_mismatch" in result.printed, f"it prints: {result.printed[-1500:]}")
        check("file path" in result.printed, f"no word of a path: {result.printed[-1500:]}")
