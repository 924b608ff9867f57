# SPDX-License-Identifier: Apache-2.0
"""Answers that are lost before Glance under uWSGI: its router closes slow requests, and a reset follows a refusal."""
import contextlib
import os
import uuid

import requests

import clients
from cloud import HERE, PATIENCE, check, same, wait_until
from proxy import another_proxy, scratch
from glance_servers import UWSGI, free_port, running, url_of
from uploads import OCTETS

FOREIGN_IMAGE = "00000000-0000-4000-8000-000000000403"
ROUTER_SECONDS = 3
LATE_SECONDS = 9
RAW_SIZE = 48 << 20  # more than all socket buffers can hold
POLICY = {"default": {"store": "test", "mode": "force"}}


@contextlib.contextmanager
def late_glance(late):
    """Its URL: uWSGI's router before one process with four threads."""
    port = free_port()
    command = ["uwsgi", "--plugins", "http,python3", "--http", f"127.0.0.1:{port}", "--master", "--processes", "1",
               "--threads", "4", "--need-app", "--die-on-term", "--http-timeout", str(ROUTER_SECONDS),
               "--wsgi-file", os.path.join(HERE, "conf", "late-wsgi.py")]
    with scratch() as directory:
        environment = {**os.environ, "LATE": str(late)}
        with running(command, f"http://127.0.0.1:{port}", cwd=directory, env=environment) as url:
            yield url


def raw_file(cloud):
    def make(path):
        with open(path, "wb") as file:
            file.write(os.urandom(RAW_SIZE))

    return cloud.file("noise.raw", make)


def refusals_heard(cloud, image_id, times=3):
    """A client that goes on sending reads the refusal, each time. The proxy gives Glance two seconds for it."""
    heard = 0
    for _ in range(5 * times):
        result = clients.curl(
            cloud, image_id, "-T", raw_file(cloud).path, "-H", "Expect:", *OCTETS, token=cloud.token("other")
        )
        if result.status != 403 and result.seconds > 2:
            continue
        same("the answer's status", result.status, 403)
        check("Not allowed to upload image data" in result.printed, f"it says: {result.printed}")
        heard += 1
        if heard == times:
            return
    check(False, f"{heard} refusals came in time")


def test_lost_answer_is_recovered(cloud):
    """The image's status replaces the answer."""
    file = raw_file(cloud)
    with late_glance(LATE_SECONDS) as url, another_proxy(cloud, POLICY, url):
        direct, image_id = uuid.uuid4(), str(uuid.uuid4())
        with open(file.path, "rb") as data, contextlib.suppress(requests.ConnectionError):
            answer = requests.put(f"{url}/v2/images/{direct}/file", data=data, timeout=PATIENCE)
            check(False, f"the router has waited: {answer.status_code}")
        result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
        same("the answer's status", result.status, 204)
        same("X-Intake-Verified", result.headers.get("x-intake-verified"), "sha512")


def test_lost_answer_is_recovered_without_the_client(cloud):
    with late_glance(LATE_SECONDS) as url, another_proxy(cloud, POLICY, url) as proxy:
        image_id = str(uuid.uuid4())
        process = clients.curl_started(cloud, image_id, raw_file(cloud).path, *OCTETS)
        wait_until(
            "Glance has all of it",
            lambda: proxy.upload_in_flight(image_id).get("bytes") == RAW_SIZE,
        )
        process.kill()
        process.wait()
        wait_until("it is over", lambda: proxy.upload_in_flight(image_id) == {})
        upload = proxy.ended_upload(image_id)
        same("the log's verdict", (upload["verdict"], upload["verified"]), ("stored", "sha512"))


def test_refusal_is_read_behind_the_router(cloud):
    with late_glance(0) as url, another_proxy(cloud, POLICY, url):
        refusals_heard(cloud, FOREIGN_IMAGE)


def test_refusal_of_a_foreign_upload_is_read(cloud):
    """An upload to a community image, which every user may see."""
    url = url_of(cloud, UWSGI)
    with another_proxy(cloud, POLICY, url):
        with cloud.new_image(disk_format="raw", visibility="community") as image_id:
            refusals_heard(cloud, image_id)
