# SPDX-License-Identifier: Apache-2.0
"""A 204 means that these bytes are in that store. Promised digests are checked.

If a digest differs by one bit, the image stays queued, and nothing of it is in the bucket.
"""
import base64
import contextlib
import hashlib
import re

import requests

import admin
import clients
from cloud import PATIENCE, check, same, wait_until
from paused import begun
from proxy import scratch
from refusals import PATIENTLY, is_refusal
from fixes import openstack_creates, staged_is_active
from uploads import OCTETS, landed_in_test


def digest_of(file, algorithm):
    with open(file.path, "rb") as data:
        return hashlib.file_digest(data, algorithm).digest()


def one_bit_off(digest):
    return bytes((digest[0] ^ 1, *digest[1:]))


def repr_digest(file):
    return f"sha-512=:{base64.b64encode(bytes.fromhex(file.sha512)).decode()}:"


def proven(result, file, verified="sha512"):
    same("the answer's status", result.status, 204)
    same("X-Intake-Verified", result.headers.get("x-intake-verified"), verified)
    same("Repr-Digest", result.headers.get("repr-digest"), repr_digest(file))


# --- good uploads --------------------------------------------------------------------------------


def is_proven(cloud, image_id, file, *options):
    result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS, *options)
    proven(result, file)
    landed_in_test(cloud, image_id, file)
    same("in the log", cloud.proxy.ended_upload(image_id)["verified"], "sha512")


def test_upload_is_verified(cloud):
    with cloud.new_image() as image_id:
        is_proven(cloud, image_id, cloud.small())


def test_upload_in_s3_parts_is_verified(cloud):
    """Glance writes to S3 in parts from 100 MiB on."""
    with cloud.new_image() as image_id:
        is_proven(cloud, image_id, cloud.big())


def test_staged_data_is_verified_by_size(cloud):
    """Glance has not hashed staged data and tells only its size. The imported image has the digest that the
    client was told."""
    file = cloud.small()
    with cloud.new_image() as image_id:
        url = clients.upload_url(cloud, image_id, "stage")
        result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS, url=url)
        proven(result, file, verified="size")
        body = {"method": {"name": "glance-direct"}, "stores": ["test"]}
        headers = {"X-Auth-Token": cloud.token()}
        url = clients.upload_url(cloud, image_id, "import")
        answer = requests.post(url, json=body, headers=headers, timeout=PATIENCE)
        same("the status of the import", answer.status_code, 202)
        staged_is_active(cloud, image_id, file)
        landed_in_test(cloud, image_id, file)


def test_staged_by_openstack(cloud):
    file = cloud.small()
    with openstack_creates(cloud, file, "--import") as (result, image_id):
        check(result.exit_status == 0, f"openstack image create --import: {result.printed}")
        upload = cloud.proxy.ended_upload(image_id)
        same("verified", (upload["door"], upload["verified"]), ("stage", "size"))
        same("the digest in the log", upload["sha512"], file.sha512)
        staged_is_active(cloud, image_id, file)


# --- promised digests ----------------------------------------------------------------------------


def in_parts(cloud, image_id):
    """The unfinished multipart uploads of the image."""
    answer = cloud.s3.list_multipart_uploads(Bucket=cloud.bucket, Prefix=image_id)
    return answer.get("Uploads", [])


def is_broken(cloud, image_id, file, field, *options):
    result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS, *options)
    how = (400, "digest_mismatch")
    answer = is_refusal(cloud, image_id, result.status, result.printed, *how)
    check(f"{field} promises another" in answer["message"], f"it says: {answer['message']}")
    check("x-intake-verified" not in result.headers, "of something refused it says: verified")
    wait_until("the image waits again", lambda: cloud.image(image_id)["status"] == "queued")
    same("the object in the bucket", cloud.in_bucket(image_id), None)


def is_held(cloud, field, algorithm, form):
    """First with one wrong bit, then with the right digest."""
    file = cloud.small()
    right = digest_of(file, algorithm)
    with cloud.new_image() as image_id:
        values = (base64.b64encode(d).decode() for d in (one_bit_off(right), right))
        wrong, right = (("-H", f"{field}: {form.format(value)}") for value in values)
        is_broken(cloud, image_id, file, field, *wrong)
        same("the parts of it in the bucket", in_parts(cloud, image_id), [])
        is_proven(cloud, image_id, file, *right)


def test_repr_digest(cloud):
    is_held(cloud, "Repr-Digest", "sha256", "sha-256=:{}:")
    is_held(cloud, "Repr-Digest", "sha512", "sha-512=:{}:")


def test_content_digest(cloud):
    is_held(cloud, "Content-Digest", "sha256", "sha-256=:{}:")
    is_held(cloud, "Content-Digest", "sha512", "sha-512=:{}:")


def test_digest(cloud):
    is_held(cloud, "Digest", "sha256", "SHA-256={}")
    is_held(cloud, "Digest", "sha512", "SHA-512={}")
    is_held(cloud, "Digest", "md5", "MD5={}")


def test_content_md5(cloud):
    is_held(cloud, "Content-MD5", "md5", "{}")


def test_digest_properties(cloud):
    for algorithm in ("sha256", "md5"):
        field, file = f"owner_specified.openstack.{algorithm}", cloud.small()
        right = digest_of(file, algorithm)
        with cloud.new_image(**{field: one_bit_off(right).hex()}) as image_id:
            is_broken(cloud, image_id, file, field)
            media_type = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
            change = [{"op": "replace", "path": f"/{field}", "value": right.hex()}]
            path = f"/v2/images/{image_id}"
            answer = cloud.glance("PATCH", path, headers=media_type, json=change)
            same("the status of the correction", answer.status_code, 200)
            is_proven(cloud, image_id, file)


def test_wrong_digest_of_a_large_file(cloud):
    """There is no object. Glance's S3 driver does not abort a multipart upload that is cut: the parts stay in
    the bucket, as without the proxy, until a lifecycle rule removes them."""
    file = cloud.big()
    wrong = base64.b64encode(one_bit_off(digest_of(file, "sha256"))).decode()
    with cloud.new_image() as image_id:
        is_broken(cloud, image_id, file, "Digest", "-H", f"Digest: SHA-256={wrong}")
        parts = in_parts(cloud, image_id)
        for upload in parts:
            whose = {"Bucket": cloud.bucket, "Key": image_id, "UploadId": upload["UploadId"]}
            cloud.s3.abort_multipart_upload(**whose)
        is_proven(cloud, image_id, file)
    return f"uploads in parts that Glance has left in the bucket: {len(parts)}"


def test_sdk_that_computes_checksums(cloud):
    """openstacksdk does so on request, and stores them as image properties."""
    file, sdk = cloud.small(), clients.sdk(cloud)
    how = {"filename": file.path, "disk_format": "qcow2", "container_format": "bare"}
    image = sdk.create_image("cloud-test", validate_checksum=True, **how)
    try:
        sha256 = cloud.image(image.id)["owner_specified.openstack.sha256"]
        same("the property", sha256, digest_of(file, "sha256").hex())
        landed_in_test(cloud, image.id, file)
    finally:
        cloud.delete(image.id)
    try:
        image = sdk.create_image("cloud-test", sha256="0" * 64, md5="0" * 32, **how)
    except Exception as error:  # pylint: disable=broad-except; whatever it raises is printed
        check("does not have the digest that was promised" in str(error), f"it says: {error}")
    else:
        cloud.delete(image.id)
        check(False, "the SDK reports a success")


# --- one upload per image ------------------------------------------------------------------------


def test_second_concurrent_upload_is_refused(cloud):
    file = cloud.small()
    with cloud.new_image() as image_id, contextlib.ExitStack() as stack:
        upload = begun(cloud, stack, image_id)
        # Until Glance has begun with the first, both are sent, and Glance decides.
        wait_until("Glance takes the first", lambda: cloud.image(image_id)["status"] == "saving")
        result = clients.curl(cloud, image_id, "-T", cloud.big().path, *PATIENTLY)
        how = (result.status, result.printed, 409, "upload_in_progress")
        answer = is_refusal(cloud, image_id, *how)
        same("bytes that the second has sent", result.sent, 0)
        same("the status of the first", upload.finish().status, 204)
        landed_in_test(cloud, image_id, file)
    told = rf"it began \d+ s ago, and Glance has \d+ of its {file.size} bytes"
    check(re.search(told, answer["message"]), f"not since when and how far: {answer['message']}")


# --- tokens that end during the upload -----------------------------------------------------------


def told_of_proof(cloud, upload):
    """Ends the upload, and checks that it is good. Returns X-Intake-Verified."""
    answer = upload.finish()
    same("the answer's status", answer.status, 204)
    landed_in_test(cloud, upload.image_id, cloud.small())
    return answer.headers["X-Intake-Verified"]


def glance_takes(cloud, image_id, token):
    headers = {"X-Auth-Token": token}
    url = f"{cloud.glance_url}/v2/images/{image_id}"
    return requests.get(url, headers=headers, timeout=PATIENCE).status_code != 401


def test_token_expires(cloud):
    """Glance stores the upload that it has begun, and then does not show the image."""
    with scratch() as directory, admin.brief_keystone(cloud, 20, directory) as url:
        cloud.new_token(keystone_url=url)  # the first answer of a process takes long
        with cloud.new_image() as image_id, contextlib.ExitStack() as stack:
            token = cloud.new_token(keystone_url=url)
            upload = begun(cloud, stack, image_id, token)
            wait_until("the token has expired", lambda: not glance_takes(cloud, image_id, token))
            same("X-Intake-Verified", told_of_proof(cloud, upload), "no")
            same("in the log", cloud.proxy.ended_upload(image_id)["verified"], "no")
    wait_until("the log says why", lambda: "not verified: the token has expired" in cloud.proxy.log())


def test_token_is_revoked(cloud):
    """Glance notices this only when its token cache expires, after five minutes by default."""
    with cloud.new_image() as image_id, contextlib.ExitStack() as stack:
        token = cloud.new_token()
        upload = begun(cloud, stack, image_id, token)
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        url = cloud.envs["demo"]["OS_AUTH_URL"] + "/auth/tokens"
        answer = requests.delete(url, headers=headers, timeout=PATIENCE)
        same("the status of the revocation", answer.status_code, 204)
        verified = told_of_proof(cloud, upload)
        wanted = "sha512" if glance_takes(cloud, image_id, token) else "no"
        same("X-Intake-Verified", verified, wanted)
    return f"verified: {verified}"
