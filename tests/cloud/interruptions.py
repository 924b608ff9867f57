# SPDX-License-Identifier: Apache-2.0
"""No image becomes active with fewer bytes than the file, whichever process dies in the middle.

Something is killed when half of the file has passed. curl reads the file from a pipe, and gets the rest when the test
wants its answer. Afterwards the image is `queued` again and accepts the upload, or it is complete.
"""
import contextlib
import json
import signal
import subprocess

import clients
from cloud import PATIENCE, check, same, wait_until
from uploads import OCTETS, landed_in_test

# Where half of the file has come to: the count in /uploads, and the image's status. With all of it on the proxy's disk,
# the upload goes on by itself, so the status may be any.
HALF_WAY = {"Glance": ("bytes", "saving"), "disk": ("spooled", "queued"), "Glance from disk": ("bytes", None)}
CHUNKED = ("-H", "Transfer-Encoding: chunked")
TRIES = 5  # to kill Glance before it has everything from the proxy's disk


class PipedCurl:
    """curl -T - with the big file. It sends what it is given, and waits."""

    def __init__(self, cloud, image_id, *options):
        file = cloud.big()
        known = () if CHUNKED[1] in options else ("-H", "Transfer-Encoding:", "-H", f"Content-Length: {file.size}")
        self._process = clients.curl_started(cloud, image_id, "-", *OCTETS, *known, *options, stdin=subprocess.PIPE)
        with open(file.path, "rb") as data:
            self._rest = data.read()

    def has_ended(self):
        return self._process.poll() is not None

    def give(self, size):
        given, self._rest = self._rest[:size], self._rest[size:]
        with contextlib.suppress(BrokenPipeError):  # it has ended
            self._process.stdin.write(given)
            self._process.stdin.flush()
            if not self._rest:
                self._process.stdin.close()
                self._process.stdin = None

    def kill(self):
        self._process.kill()
        self._process.communicate()

    def output(self):
        """Gives it the rest. Returns the (body, status) that it got; the status is 0 if there was no answer."""
        printed = self._process.communicate(self._rest or None, PATIENCE)[0]
        body, _, status = printed.decode().rpartition("\n")
        return body, int(status)


def half_way(cloud, image_id, *options, to="Glance"):
    """Starts curl, and waits until half of its file has come to Glance, or to the proxy's disk."""
    size = cloud.big().size
    count, status = HALF_WAY[to]
    curl = PipedCurl(cloud, image_id, *options)
    curl.give(size if to == "Glance from disk" else size * 5 // 8)
    wait_until(
        f"half of the file has come to {to}",
        lambda: curl.has_ended() or cloud.proxy.upload_in_flight(image_id).get(count, 0) > size // 2,
    )
    check(status in (None, cloud.image(image_id)["status"]), f"the image half-way is not {status}")
    return curl


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
    curl = half_way(cloud, image_id, *options, to=to)
    curl.kill()
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
        curl = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGTERM)
        try:
            same("the answer's status", curl.output()[1], 204)
            same("the proxy's exit status", cloud.proxy.ended(), 0)
        finally:
            restart(cloud)
        landed_in_test(cloud, image_id, cloud.big())


def test_proxy_told_to_stop_at_once(cloud):
    """Two SIGTERM: the proxy does not wait. (Two signals that are pending together would count as one.)"""
    with cloud.new_image() as image_id:
        curl = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGTERM)
        wait_until("the proxy has seen the first", lambda: not cloud.proxy.is_ready())
        cloud.proxy.signal(signal.SIGTERM)
        proxy_gone(cloud, image_id, curl)


def test_proxy_killed(cloud):
    with cloud.new_image() as image_id:
        curl = half_way(cloud, image_id)
        cloud.proxy.signal(signal.SIGKILL)
        proxy_gone(cloud, image_id, curl)


def proxy_gone(cloud, image_id, curl):
    try:
        cloud.proxy.ended()
        check(curl.output()[1] != 204, "curl got 204")
        same("the image afterwards", settled(cloud, image_id), "queued")
    finally:
        restart(cloud)
    takes_it_again(cloud, image_id)


def restart(cloud):
    cloud.proxy.stop()
    cloud.proxy.start()


def killed_half_way(cloud, *options, to):
    """False: Glance had taken all of it from the proxy's disk before it was killed."""
    with cloud.new_image() as image_id:
        curl = half_way(cloud, image_id, *options, to=to)
        cloud.kill_glance()
        try:
            body, status = curl.output()
        finally:
            cloud.up()
        image_status = cloud.image(image_id)["status"]
        if to == "Glance from disk" and image_status == "active":
            landed_in_test(cloud, image_id, cloud.big())
            return False
        same("the answer's status", status, 502)
        same("the reason", json.loads(body)["reason"], "glance_failed")
        check(image_status in ("saving", "queued"), "the image is active")
        nothing_on_disk(cloud)
    return True


def glance_killed(cloud, *options, to="Glance"):
    """Glance dies before it can reset the image and has no cleanup for that. The image stays `saving`, and it
    can only be deleted."""
    check(any(killed_half_way(cloud, *options, to=to) for _ in range(TRIES)), "Glance was always killed too late")
    with cloud.new_image() as image_id:
        takes_it_again(cloud, image_id)


def test_glance_killed(cloud):
    glance_killed(cloud)


def test_glance_killed_under_chunks(cloud):
    glance_killed(cloud, *CHUNKED, to="Glance from disk")
