# SPDX-License-Identifier: Apache-2.0
"""spool_dir is on a file system of eight MiB, and the file is larger: 507 `spool_full`, and the image is queued. When
there is space again, another try works."""
import contextlib
import json
import subprocess

import clients
from cloud import MIB, check, same, wait_until
from paused import PausedUpload
from proxy import another_proxy, scratch
from resuming import KEEPS, offset
from uploads import OCTETS, landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
SIZE = 12 * MIB
SLOW = "[upload]\nslow = spool\nslow_rate = 1GiB\nquota = off\n"


@contextlib.contextmanager
def small_disk():
    """The path of a file system in memory."""
    with scratch() as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", directory], check=True)
        try:
            yield directory
        finally:
            subprocess.run(["umount", directory], check=True)


def make_space(directory):
    subprocess.run(["mount", "-o", "remount,size=64m", directory], check=True)


def is_refused(cloud, image_id, status, body):
    """The answer names the reason, and Glance waits for data again."""
    same("the status with a full disk", status, 507)
    same("the reason", json.loads(body)["reason"], "spool_full")
    same("the image", cloud.image(image_id)["status"], "queued")


def test_kept_upload(cloud):
    """What is on disk stays, and the client goes on there."""
    file = cloud.data_file("full.qcow2", SIZE)
    with small_disk() as directory:
        more = f"{KEEPS}[upload]\nspool_dir = {directory}\n"
        with another_proxy(cloud, POLICY, more=more), cloud.new_image() as image_id:
            result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
            is_refused(cloud, image_id, result.status, result.printed)
            at = offset(cloud, image_id)
            check(MIB < at <= 8 * MIB, f"the offset is {at}")
            make_space(directory)
            result = clients.curl(cloud, image_id, "-C", str(at), "-T", file.path, *OCTETS)
            same("the status of the rest", result.status, 204)
            landed_in_test(cloud, image_id, file)
            same("the bytes on disk", cloud.proxy.metric("glance_intake_spool_bytes"), 0)


@contextlib.contextmanager
def slow_upload(cloud, proxy, image_id, file):
    """Its client pauses until the proxy takes it for a slow one."""
    name = "glance_intake_slow_uploads_total"
    before = proxy.metric(name)
    with contextlib.ExitStack() as stack:
        upload = PausedUpload(cloud, stack, image_id, file.size, file.path)
        upload.send(MIB)
        wait_until("the upload counts as slow", lambda: proxy.metric(name) > before)
        yield upload


def test_slow_upload(cloud):
    """It came too slowly for Glance, and its data goes to disk first."""
    file = cloud.data_file("full.qcow2", SIZE)
    with small_disk() as directory:
        more = f"{SLOW}spool_dir = {directory}\n"
        with another_proxy(cloud, POLICY, more=more) as proxy, cloud.new_image() as image_id:
            with slow_upload(cloud, proxy, image_id, file) as upload:
                answer = upload.finish()
                is_refused(cloud, image_id, answer.status, answer.read())
            wait_until("the space is free", lambda: proxy.metric("glance_intake_spool_bytes") == 0)
            make_space(directory)
            with slow_upload(cloud, proxy, image_id, file) as upload:
                same("the status of the second try", upload.finish().status, 204)
            landed_in_test(cloud, image_id, file)
