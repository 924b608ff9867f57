# SPDX-License-Identifier: Apache-2.0
"""Glance under its two servers, which read requests differently."""
import contextlib
import os
import socket
import subprocess

import requests

from cloud import PATIENCE, wait_until
from proxy import scratch

EVENTLET, UWSGI = "eventlet", "uwsgi"


def free_ports(count):
    """All are taken at one time, so they differ."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def free_port():
    return free_ports(1)[0]


@contextlib.contextmanager
def running(command, url, **how):
    """A Glance at this URL, from the time when it answers."""
    quiet = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
    process = subprocess.Popen(command, **quiet, **how)
    try:
        wait_until("Glance answers", lambda: is_healthy(url))
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def url_of(cloud, server):
    return {EVENTLET: cloud.glance_url, UWSGI: cloud.envs["demo"]["CLOUD_GLANCE_UWSGI_URL"]}[server]


def is_answered(url):
    """Whether a GET is answered with 2xx. A server that still reads its modules accepts connections already."""
    with contextlib.suppress(requests.ConnectionError, requests.Timeout):
        return requests.get(url, timeout=5).ok
    return False


def is_healthy(url):
    return is_answered(url + "/healthcheck")


@contextlib.contextmanager
def another_uwsgi(cloud, settings, listener="http-socket"):
    """A Glance like the cloud's under uWSGI, with other settings. Yields its URL. Requests reach its processes
    directly, or through uWSGI's router if the listener is `http`."""
    port = free_port()
    with open(os.path.join(cloud.directory, "etc", "glance-uwsgi.ini"), encoding="utf-8") as file:
        kept = [line for line in file if line.partition(" =")[0] not in (*settings, "[uwsgi]\n")]
    changed = [f"{name} = {value}\n" for name, value in settings.items()]
    environment = {**os.environ, "OS_GLANCE_CONFIG_DIR": os.path.join(cloud.directory, "etc", "glance-uwsgi")}
    with scratch() as directory:
        ini = os.path.join(directory, "uwsgi.ini")
        with open(ini, "w", encoding="utf-8") as file:  # `plugins` must come before what needs them
            file.writelines(["[uwsgi]\n", *changed, f"{listener} = 127.0.0.1:{port}\n", *kept])
        with running(["uwsgi", "--ini", ini], f"http://127.0.0.1:{port}", env=environment) as url:
            yield url
