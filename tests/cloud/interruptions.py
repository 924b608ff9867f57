# SPDX-License-Identifier: Apache-2.0
"""Whoever dies in the middle, no image becomes active with fewer bytes than the file has.

Each upload is slowed down so that it lasts some ten seconds, and something is killed when half of
the file has been read. Then the image is `queued` again and takes the upload, or it is whole.
"""
import json
import signal

import clients
from cloud import check, same, wait_until
from uploads import OCTETS, landed_in_test

SLOWLY = (*OCTETS, "--limit-rate", "40M")
CHUNKED = ("-H", "Transfer-Encoding: chunked")


def half_way(cloud, image_id, *options):
    """A curl that has read half of its file."""
    file = cloud.big()
    process = clients.curl_started(cloud, image_id, file.path, *SLOWLY, *options)
    wait_until(
        60,
        "curl has read half of its file",
        lambda: process.poll() is not None
        or clients.read_so_far(process, file.path) > file.size // 2,
    )
    same("the image half-way", cloud.image(image_id)["status"], "saving")
    return process


def output(process):
    """The body and the status that curl was answered; 0 for none."""
    body, _, status = process.communicate(timeout=60)[0].decode().rpartition("\n")
    return body, int(status)


def settled(cloud, image_id):
    """The status after `saving`. A short active image fails here."""
    status = wait_until(
        60,
        "the image is no longer saving",
        lambda: cloud.image(image_id)["status"].replace("saving", ""),
    )
    if status == "active":
        landed_in_test(cloud, image_id, cloud.big())
    return status


def takes_it_again(cloud, image_id):
    result = clients.curl(cloud, image_id, "-T", cloud.big().path, *OCTETS)
    same("the status of the second try", result.status, 204)
    landed_in_test(cloud, image_id, cloud.big())


def client_killed(cloud, *options):
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id, *options)
        process.kill()
        process.communicate()
        same("the image afterwards", settled(cloud, image_id), "queued")
        takes_it_again(cloud, image_id)


def test_client_killed(cloud):
    client_killed(cloud)


def test_chunked_client_killed(cloud):
    client_killed(cloud, *CHUNKED)


def test_proxy_told_to_stop(cloud):
    """One SIGTERM: the upload in flight is finished, then the proxy ends."""
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGTERM)
        try:
            same("the answer's status", output(process)[1], 204)
            same("the proxy's exit status", cloud.proxy.ended(30), 0)
        finally:
            restart(cloud)
        landed_in_test(cloud, image_id, cloud.big())


def test_proxy_told_to_stop_at_once(cloud):
    """Two: it does not wait. (Two that are pending together would be one.)"""
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGTERM)
        wait_until(10, "the proxy has seen the first", lambda: not cloud.proxy.is_ready())
        cloud.proxy.signal(signal.SIGTERM)
        proxy_gone(cloud, image_id, process)


def test_proxy_killed(cloud):
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGKILL)
        proxy_gone(cloud, image_id, process)


def proxy_gone(cloud, image_id, process):
    try:
        cloud.proxy.ended(10)
        check(output(process)[1] != 204, "curl was told that all is well")
        same("the image afterwards", settled(cloud, image_id), "queued")
    finally:
        restart(cloud)
    takes_it_again(cloud, image_id)


def restart(cloud):
    cloud.proxy.stop()
    cloud.proxy.start()


def glance_killed(cloud, *options):
    """Nobody can set the image back: Glance died before it could, and has no sweeper for it. So it
    stays `saving` in Glance's database, and all that can be done is to delete it."""
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id, *options)
        cloud.kill_glance()
        try:
            body, status = output(process)
        finally:
            cloud.up()
        same("the answer's status", status, 502)
        same("the reason", json.loads(body)["reason"], "glance_failed")
        check(cloud.image(image_id)["status"] in ("saving", "queued"), "the image is active")
    with cloud.new_image() as image_id:
        takes_it_again(cloud, image_id)


def test_glance_killed(cloud):
    glance_killed(cloud)


def test_glance_killed_under_chunks(cloud):
    glance_killed(cloud, *CHUNKED)
