# SPDX-License-Identifier: Apache-2.0
"""Glance under its two servers, which read requests differently."""
import contextlib
import os
import socket
import subprocess

import requests

from cloud import wait_until
from proxy import scratch

EVENTLET, UWSGI = "eventlet", "uwsgi"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def eventlet(cloud):
    """A Glance like the cloud's, but without limits, which need most of its time."""
    url = f"http://127.0.0.1:{free_port()}"
    with scratch() as directory:
        conf = os.path.join(directory, "glance-api.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(
                f"[DEFAULT]\nbind_port = {url.rpartition(':')[2]}\nuse_keystone_limits = false\n"
                f"worker_self_reference_url = {url}\nlog_file = {directory}/glance.log\n"
            )
        files = os.path.join(cloud.directory, "etc", "glance-api.conf"), conf
        command = ["glance-api", *(f"--config-file={file}" for file in files)]
        quiet = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
        with subprocess.Popen(command, start_new_session=True, **quiet) as process:
            try:
                wait_until("Glance answers", lambda: is_healthy(url))
                yield url
            finally:
                process.terminate()


def is_healthy(url):
    with contextlib.suppress(requests.ConnectionError, requests.Timeout):
        return requests.get(url + "/healthcheck", timeout=5).ok
    return False


@contextlib.contextmanager
def uwsgi(cloud):
    yield cloud.envs["demo"]["CLOUD_GLANCE_UWSGI_URL"]


SERVERS = {EVENTLET: eventlet, UWSGI: uwsgi}
