# SPDX-License-Identifier: Apache-2.0
"""A Glance whose few processes are all busy with uploads counts as busy, not as out."""
import contextlib
import os
import subprocess
import time

import requests

import clients
from cloud import KIB, PATIENCE, check, same, wait_until
from proxy import another_proxy, scratch
from servers import free_port, is_healthy
from uploads import OCTETS, landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
PROCESSES = 2  # one upload each
SLOW = f"{192 * KIB}"  # bytes a second


@contextlib.contextmanager
def small_uwsgi(cloud):
    """Its URL: Glance under uWSGI with two processes and no threads, as Kolla runs it."""
    port = free_port()
    ini = os.path.join(cloud.directory, "etc", "glance-uwsgi.ini")
    command = ["uwsgi", "--http-socket", f"127.0.0.1:{port}", "--ini", ini]
    environment = {**os.environ, "OS_GLANCE_CONFIG_DIR": os.path.join(cloud.directory, "etc", "glance-uwsgi")}
    with scratch() as directory:
        with open(ini, encoding="utf-8") as file:
            text = file.read().replace("processes = 1", f"processes = {PROCESSES}")
        text = text.replace("threads = 8", "threads = 1")
        command[-1] = os.path.join(directory, "uwsgi.ini")
        with open(command[-1], "w", encoding="utf-8") as file:
            file.write(text)
        quiet = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
        process = subprocess.Popen(command, env=environment, **quiet)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until("uWSGI answers", lambda: is_healthy(url))
            yield url
        finally:
            process.terminate()
            process.wait(30)


def started(cloud, stack):
    """A slow upload, and its image."""
    image_id = stack.enter_context(cloud.new_image())
    slowly = ("--limit-rate", SLOW, *OCTETS)
    process = clients.curl_started(cloud, image_id, cloud.small().path, *slowly)
    stack.callback(process.kill)
    return process, image_id


def health(proxy):
    """The state of the only endpoint in /readyz, which must say ready."""
    answer = proxy.readiness()
    same("the status of /readyz", answer.status_code, 200)
    return answer.json()["endpoints"][0]["state"]


def test_glance_is_ready_while_all_processes_upload(cloud):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(small_uwsgi(cloud))
        more = "[glance]\nhealth_interval = 1s\n[upload]\nquota = off\n"
        proxy = stack.enter_context(another_proxy(cloud, POLICY, url, more))
        wait_until("the endpoint is up", lambda: health(proxy) == "up")
        uploads = [started(cloud, stack) for _ in range(PROCESSES)]
        seen = []
        while any(process.poll() is None for process, _ in uploads):
            seen.append(health(proxy))
            time.sleep(0.2)
        check("busy" in seen, f"the endpoint was never busy: {sorted(set(seen))}")
        check("out" not in seen, "the endpoint was out while it took two uploads")
        for process, image_id in uploads:
            same("what curl was answered", process.communicate()[0].strip(), b"204")
            landed_in_test(cloud, image_id, cloud.small())
        wait_until("the endpoint is up again", lambda: health(proxy) == "up")
        same("its metric", proxy.metric(f'glance_intake_endpoint_up{{endpoint="{url}"}}'), 1)
        requests.get(proxy.url + "/v2/images", headers={"X-Auth-Token": cloud.token()}, timeout=PATIENCE).raise_for_status()
    return f"{len(seen)} looks, {seen.count('busy')} of them busy"
