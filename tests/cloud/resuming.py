# SPDX-License-Identifier: Apache-2.0
"""A client that is killed in the middle of its upload goes on where it was, with `curl -C`. So it does after a kill of
the proxy, if the upload is kept on disk."""
import contextlib
import signal

import requests

import clients
from cloud import KIB, MIB, PATIENCE, check, same, wait_until
from interruptions import half_way, output, settled, takes_it_again
from paused import PausedUpload
from proxy import another_proxy
from question import ALLOWED_ORIGIN
from uploads import OCTETS, landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
OTHER_POLICY = {"default": {"store": "file", "mode": "force"}}
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


def sent_part(cloud, image_id, content_range):
    """A PUT of five bytes that says to be this range."""
    headers = {"X-Auth-Token": cloud.token(), "Content-Range": content_range}
    return requests.put(clients.upload_url(cloud, image_id), b"12345", headers=headers, timeout=PATIENCE)


def harmless(cloud, image_id, file, at):
    """What does not fit is refused, and the upload stays where it is: a stranger's request, another file of the same
    length, another length, offsets that are too high, ranges that are none."""
    for what in (("-I",), ("-X", "DELETE"), ("-C", str(at), "-T", file.path, *OCTETS)):
        stranger = clients.curl(cloud, image_id, *what, token=cloud.token("other"))
        check(stranger.status in (403, 404), f"a stranger gets {stranger.status}")
        check("upload-offset" not in stranger.headers, f"a stranger learns {stranger.headers}")
    other = cloud.file("other", lambda path: another_file(file, path))
    for first in (1, at - MIB):
        result = clients.curl(cloud, image_id, "-C", str(first), "-T", other.path, *OCTETS)
        same("the status of another file", (result.status, "offset_mismatch" in result.printed), (409, True))
        same("the offset that it is told", result.headers["upload-offset"], str(at))
    for told, status, reason in (
        (f"{at}-{at + 4}/{file.size + 1}", 409, "offset_mismatch"),
        (f"{at + 1}-{at + 5}/{file.size}", 409, "offset_mismatch"),
        ("5-4/9", 400, "content_range"),
        (f"{at}-{at + 4}/*", 400, "content_range"),
        (f"{at}-{file.size}/{file.size}", 400, "content_range"),
    ):
        answer = sent_part(cloud, image_id, f"bytes {told}")
        same(f"the answer to {told}", (answer.status_code, answer.json()["reason"]), (status, reason))
    same("the offset after that", offset(cloud, image_id), at)


def another_file(file, path):
    """Of the same length. It differs only here and there, as another version of an image does."""
    with open(file.path, "rb") as like, open(path, "wb") as out:
        while block := like.read(MIB):
            out.write(block[:-1] + bytes([block[-1] ^ 1]))


def test_killed_client_goes_on(cloud):
    """At a place before the offset, too."""
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=HOLDS), cloud.new_image() as image_id:
        held_half_way(cloud, image_id)
        at = offset(cloud, image_id)
        check(file.size // 2 - 64 * KIB < at < file.size, f"the offset is {at}")
        harmless(cloud, image_id, file, at)
        result = clients.curl(cloud, image_id, "-C", str(at - 3 * MIB - 1), "-T", file.path, *OCTETS)
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
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=KEEPS), cloud.new_image() as image_id:
        process = kept_half_way(cloud, image_id)
        killed_and_started_again(cloud)
        output(process)
        at = offset(cloud, image_id)
        check(file.size // 2 - MIB < at < file.size, f"the offset is {at}")
        harmless(cloud, image_id, file, at)
        result = clients.curl(cloud, image_id, "-C", str(at - 3 * MIB - 1), "-T", file.path, *OCTETS)
        same("the status of the rest", result.status, 204)
        landed_in_test(cloud, image_id, file)
        same("the bytes on disk", cloud.proxy.metric("glance_intake_spool_bytes"), 0)


def test_killed_proxy_whose_upload_glance_has(cloud):
    """With hold the upload is lost with the proxy, and the image is queued again."""
    file = cloud.big()
    with another_proxy(cloud, POLICY, more=HOLDS), cloud.new_image() as image_id:
        process = half_way(cloud, image_id)
        killed_and_started_again(cloud)
        output(process)
        same("the image", settled(cloud, image_id), "queued")
        same("the offset", offset(cloud, image_id), 0)
        takes_it_again(cloud, image_id)
    return f"{file.size} bytes"


def test_full_spool(cloud):
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


# --- changed in between, and stopped ------------------------------------------------------------------------


def cut_off(cloud, image_id):
    """A client that is lost before the last byte of a small file."""
    file = cloud.small()
    with contextlib.ExitStack() as stack:
        upload = PausedUpload(cloud, stack, image_id, file.size, file.path)
        upload.send(file.size - 1)
        wait_until("all of that is here", lambda: offset(cloud, image_id) == file.size - 1)
    wait_until("the upload is held", lambda: f"image {image_id} was lost after" in cloud.proxy.log())
    return file


def is_dropped(cloud, image_id):
    wait_until("the image is queued again", lambda: cloud.image(image_id)["status"] == "queued")


def test_policy_that_changes_in_between(cloud):
    for more in (HOLDS, KEEPS):
        with another_proxy(cloud, POLICY, more=more), cloud.new_image() as image_id:
            file = cut_off(cloud, image_id)
            cloud.proxy.reload(OTHER_POLICY)
            result = clients.curl(cloud, image_id, "-C", str(file.size - 1), "-T", file.path, *OCTETS)
            told = result.status, result.headers.get("upload-offset"), "another store" in result.printed
            same("the answer to the rest", told, (409, "0", True))
            is_dropped(cloud, image_id)
            result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
            same("the status of the whole file", result.status, 204)
            same("its store", cloud.image(image_id)["stores"], "file")


def test_drain(cloud):
    """What Glance has is dropped, and what is on disk waits for the next process."""
    for more, stays in ((HOLDS, False), (KEEPS, True)):
        with contextlib.ExitStack() as stack:
            proxy = stack.enter_context(another_proxy(cloud, POLICY, more=more))
            image_id = stack.enter_context(cloud.new_image())
            file = cut_off(cloud, image_id)
            proxy.signal(signal.SIGTERM)
            same("the end of the proxy", proxy.ended(), 0)
            is_dropped(cloud, image_id)
            proxy.start()
            at = offset(cloud, image_id)
            same("the offset", at, file.size - 1 if stays else 0)
            first = ("-C", str(at)) if at else ()
            result = clients.curl(cloud, image_id, *first, "-T", file.path, *OCTETS)
            same("the status of the rest", result.status, 204)
            landed_in_test(cloud, image_id, file)


def test_end_of_the_window(cloud):
    """What is on disk has the same window after a kill of the proxy."""
    for more in (HOLDS, KEEPS):
        with another_proxy(cloud, POLICY, more=more.replace("5m", "4s")), cloud.new_image() as image_id:
            file = cut_off(cloud, image_id)
            if more == KEEPS:
                killed_and_started_again(cloud)
            wait_until("its window ends", lambda: cloud.proxy.metric("glance_intake_uploads_held") == 0)
            is_dropped(cloud, image_id)
            same("the offset", offset(cloud, image_id), 0)
            result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
            same("the status of the whole file", result.status, 204)
            landed_in_test(cloud, image_id, file)
