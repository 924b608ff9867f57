# SPDX-License-Identifier: Apache-2.0
"""A client that is killed in the middle of its upload goes on where it was, with `curl -C`. So it does after a kill of
the proxy, if the upload is kept on disk."""
import signal

import requests

import clients
from cloud import KIB, MIB, PATIENCE, check, same, wait_until
from interruptions import half_way, settled, takes_it_again
from proxy import another_proxy
from question import ALLOWED_ORIGIN
from uploads import OCTETS, landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
HOLDS = "[resume]\nwindow = 5m\n"


def held_half_way(cloud, image_id):
    """An upload whose curl was killed when half of its file had passed."""
    process = half_way(cloud, image_id)
    process.kill()
    process.communicate()
    metric = "glance_intake_uploads_held"
    wait_until("the upload is held", lambda: cloud.proxy.metric(metric) == 1)


def offset(cloud, image_id):
    result = clients.curl(cloud, image_id, "-I")
    same("the status of HEAD", result.status, 200)
    return int(result.headers["upload-offset"])


def test_killed_client_goes_on(cloud):
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=HOLDS), cloud.new_image() as image_id:
        held_half_way(cloud, image_id)
        at = offset(cloud, image_id)
        check(file.size // 2 - 64 * KIB < at < file.size, f"the offset is {at}")
        result = clients.curl(cloud, image_id, "-C", str(at), "-T", file.path, *OCTETS)
        same("the status of the rest", result.status, 204)
        landed_in_test(cloud, image_id, file)
        same("the offset afterwards", offset(cloud, image_id), file.size)


def test_whole_upload_starts_again(cloud):
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=HOLDS), cloud.new_image() as image_id:
        held_half_way(cloud, image_id)
        result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
        same("the status of the second upload", result.status, 204)
        landed_in_test(cloud, image_id, file)


def test_page_may_use_tus(cloud):
    """Glance's configuration names the origin, and no field of tus."""
    with another_proxy(cloud, POLICY, more=HOLDS), cloud.new_image() as image_id:
        url = f"{cloud.proxy.url}/v2/images/{image_id}/file"
        origin = {"Origin": ALLOWED_ORIGIN}
        asks = {
            **origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "content-type,tus-resumable,upload-offset,x-auth-token",
        }
        allowed = requests.options(url, headers=asks, timeout=PATIENCE).headers
        same("the origin", allowed.get("Access-Control-Allow-Origin"), ALLOWED_ORIGIN)
        names = allowed["Access-Control-Allow-Headers"].lower()
        for name in asks["Access-Control-Request-Headers"].split(","):
            check(name in names, f"{name} is not allowed: {names}")
        tus = {**origin, "Tus-Resumable": "1.0.0", "X-Auth-Token": cloud.token()}
        created = requests.post(url, headers={**tus, "Upload-Length": "9"}, timeout=PATIENCE)
        same("the status of the creation", created.status_code, 201)
        told = requests.head(url, headers=tus, timeout=PATIENCE)
        for answer, names in ((created, ("Location", "Tus-Resumable")), (told, ("Upload-Offset",))):
            same("the origin", answer.headers.get("Access-Control-Allow-Origin"), ALLOWED_ORIGIN)
            for name in names:
                check(name in answer.headers["Access-Control-Expose-Headers"], f"a page cannot read {name}")


# --- kept on disk -----------------------------------------------------------------------------------------

KEEPS = HOLDS + "backing = spool\n"


def kept_half_way(cloud, image_id):
    """A curl that has brought half of its file to the proxy's disk."""
    return half_way(cloud, image_id, to="disk")


def killed_and_started_again(cloud):
    cloud.proxy.signal(signal.SIGKILL)
    same("the end of the proxy", cloud.proxy.ended(), -signal.SIGKILL)
    cloud.proxy.start()


def test_killed_proxy_goes_on(cloud):
    """A stranger does not, and learns nothing."""
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=KEEPS), cloud.new_image() as image_id:
        process = kept_half_way(cloud, image_id)
        killed_and_started_again(cloud)
        process.communicate()
        at = offset(cloud, image_id)
        check(file.size // 2 - MIB < at < file.size, f"the offset is {at}")
        stranger = clients.curl(cloud, image_id, "-I", token=cloud.token("other"))
        check(stranger.status in (403, 404), f"a stranger gets {stranger.status}")
        check("upload-offset" not in stranger.headers, f"a stranger learns {stranger.headers}")
        rest = ("-C", str(at), "-T", file.path, *OCTETS)
        stranger = clients.curl(cloud, image_id, *rest, token=cloud.token("other"))
        check(stranger.status in (403, 404), f"a stranger gets {stranger.status}")
        same("the offset after that", offset(cloud, image_id), at)
        result = clients.curl(cloud, image_id, *rest)
        same("the status of the rest", result.status, 204)
        landed_in_test(cloud, image_id, file)
        same("the bytes on disk", cloud.proxy.metric("glance_intake_spool_bytes"), 0)


def test_killed_proxy_whose_upload_glance_has(cloud):
    """With hold the upload is lost with the proxy, and the image is queued again."""
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=HOLDS), cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        killed_and_started_again(cloud)
        process.communicate()
        same("the image", settled(cloud, image_id), "queued")
        same("the offset", offset(cloud, image_id), 0)
        takes_it_again(cloud, image_id)
    return f"{file.size} bytes"


def test_full_disk_and_end_of_the_window(cloud):
    file = cloud.big()
    full = f"{KEEPS}[upload]\nspool_limit = {file.size + MIB}B\n"
    with another_proxy(cloud, POLICY, more=full), cloud.new_image() as first, cloud.new_image() as second:
        process = kept_half_way(cloud, first)
        result = clients.curl(cloud, second, "-T", file.path, *OCTETS)
        same("the status with a full disk", result.status, 507)
        process.kill()
        process.communicate()
        at = offset(cloud, first)
        result = clients.curl(cloud, first, "-C", str(at), "-T", file.path, *OCTETS)
        same("the status of the rest", result.status, 204)
        landed_in_test(cloud, first, file)
    short = KEEPS.replace("5m", "3s")
    with another_proxy(cloud, POLICY, more=short), cloud.new_image() as image_id:
        process = kept_half_way(cloud, image_id)
        killed_and_started_again(cloud)
        process.communicate()
        wait_until("its window ends", lambda: cloud.proxy.metric("glance_intake_uploads_held") == 0)
        same("the offset", offset(cloud, image_id), 0)
        takes_it_again(cloud, image_id)
