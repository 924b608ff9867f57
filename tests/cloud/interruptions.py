# SPDX-License-Identifier: Apache-2.0
"""No image becomes active with fewer bytes than the file, whichever process dies in the middle.

Something is killed when half of the file has passed. curl is stopped then (SIGSTOP), until the test reads its output.
Afterwards the image is `queued` again and accepts the upload, or it is complete.
"""
import json
import signal

import clients
from cloud import PATIENCE, check, same, wait_until
from uploads import OCTETS, landed_in_test

SLOWLY = (*OCTETS, "--limit-rate", "15M")
# Where half of the file has come to: the count in /uploads, and the image's status. With all of it on the proxy's disk,
# to stop curl does not stop the upload, so the status may be any.
HALF_WAY = {"Glance": ("bytes", "saving"), "disk": ("spooled", "queued"), "Glance from disk": ("bytes", None)}
CHUNKED = ("-H", "Transfer-Encoding: chunked")


def half_way(cloud, image_id, *options, to="Glance"):
    """Starts curl, and waits until half of its file has come to Glance, or to the proxy's disk."""
    file = cloud.big()
    count, status = HALF_WAY[to]
    process = clients.curl_started(cloud, image_id, file.path, *SLOWLY, *options)
    wait_until(
        f"half of the file has come to {to}",
        lambda: process.poll() is not None
        or cloud.proxy.upload_in_flight(image_id).get(count, 0) > file.size // 2,
    )
    process.send_signal(signal.SIGSTOP)
    check(status in (None, cloud.image(image_id)["status"]), f"the image half-way is not {status}")
    return process


def output(process):
    """Lets curl go on. Returns the (body, status) that it got; the status is 0 if there was no answer."""
    process.send_signal(signal.SIGCONT)
    body, _, status = process.communicate(timeout=PATIENCE)[0].decode().rpartition("\n")
    return body, int(status)


def settled(cloud, image_id):
    """The status after `saving`. Fails if an active image is incomplete."""
    status = wait_until(
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


def client_killed(cloud, image_id, *options, to="Glance"):
    """Returns the image's status."""
    process = half_way(cloud, image_id, *options, to=to)
    process.kill()
    process.communicate()
    status = settled(cloud, image_id)
    nothing_on_disk(cloud)
    return status


def nothing_on_disk(cloud):
    wait_until(
        "the space on the proxy's disk is free again",
        lambda: cloud.proxy.metric("glance_intake_spool_bytes") == 0,
    )


def test_client_killed(cloud):
    with cloud.new_image() as image_id:
        same("the image afterwards", client_killed(cloud, image_id), "queued")
        takes_it_again(cloud, image_id)


def test_chunked_client_killed(cloud):
    """Glance does not know about the upload yet."""
    with cloud.new_image() as image_id:
        status = client_killed(cloud, image_id, *CHUNKED, to="disk")
        same("the image afterwards", status, "queued")
        takes_it_again(cloud, image_id)


def test_chunked_client_killed_after_its_last_byte(cloud):
    """The whole body is on the proxy's disk, and Glance gets it."""
    with cloud.new_image() as image_id:
        same("the image afterwards", client_killed(cloud, image_id, *CHUNKED, to="Glance from disk"), "active")


def test_proxy_told_to_stop(cloud):
    """One SIGTERM: the upload is finished, then the proxy ends."""
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGTERM)
        try:
            same("the answer's status", output(process)[1], 204)
            same("the proxy's exit status", cloud.proxy.ended(), 0)
        finally:
            restart(cloud)
        landed_in_test(cloud, image_id, cloud.big())


def test_proxy_told_to_stop_at_once(cloud):
    """Two SIGTERM: the proxy does not wait. (Two signals that are pending together would count as one.)"""
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGTERM)
        wait_until("the proxy has seen the first", lambda: not cloud.proxy.is_ready())
        cloud.proxy.signal(signal.SIGTERM)
        proxy_gone(cloud, image_id, process)


def test_proxy_killed(cloud):
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGKILL)
        proxy_gone(cloud, image_id, process)


def proxy_gone(cloud, image_id, process):
    try:
        cloud.proxy.ended()
        check(output(process)[1] != 204, "curl got 204")
        same("the image afterwards", settled(cloud, image_id), "queued")
    finally:
        restart(cloud)
    takes_it_again(cloud, image_id)


def restart(cloud):
    cloud.proxy.stop()
    cloud.proxy.start()


def glance_killed(cloud, *options, to="Glance"):
    """Glance dies before it can reset the image and has no cleanup for that. The image stays `saving`, and it
    can only be deleted."""
    with cloud.new_image() as image_id:
        process = half_way(cloud, image_id, *options, to=to)
        cloud.kill_glance()
        try:
            body, status = output(process)
        finally:
            cloud.up()
        same("the answer's status", status, 502)
        same("the reason", json.loads(body)["reason"], "glance_failed")
        check(cloud.image(image_id)["status"] in ("saving", "queued"), "the image is active")
        nothing_on_disk(cloud)
    with cloud.new_image() as image_id:
        takes_it_again(cloud, image_id)


def test_glance_killed(cloud):
    glance_killed(cloud)


def test_glance_killed_under_chunks(cloud):
    glance_killed(cloud, *CHUNKED, to="Glance from disk")
