# SPDX-License-Identifier: Apache-2.0
"""The programs that people upload images with, run as people run them, through the proxy."""
import contextlib
import json
import os
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field

import openstack as openstack_sdk

import python_clients
from cloud import HERE

DEADLINE = 600  # seconds; no client may hang

# The first connections of a process register the metrics of openstacksdk, and must not do so at the same time.
CONNECTING = threading.Lock()


@dataclass
class Result:
    """What a client printed, and the answer's status and headers if the client shows them."""

    exit_status: int
    printed: str  # both streams
    seconds: float  # from its start to its end
    status: int = 0
    headers: dict = field(default_factory=dict)  # names in lower case
    sent: int = 0  # bytes of the body


def run(command, env=None, deadline=DEADLINE, stdin=subprocess.DEVNULL):
    env = {**os.environ, **python_clients.SAME_ORDER, **(env or {})}
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        if command[0] in python_clients.PROGRAMS:
            status = python_clients.run(command, env, stdin, output, deadline)
        else:
            status = subprocess.run(
                command, stdin=stdin, stdout=output, stderr=output, env=env, timeout=deadline, check=False
            ).returncode
        seconds = time.monotonic() - began
        output.seek(0)
        return Result(status, output.read().decode(errors="replace"), seconds)


@contextlib.contextmanager
def terminal():
    """A terminal as standard input. Without one, clients take standard input for the image's data."""
    master, slave = os.openpty()
    try:
        yield slave
    finally:
        os.close(master)
        os.close(slave)


def upload_url(cloud, image_id, call="file"):
    return f"{cloud.proxy.url}/v2/images/{image_id}/{call}"


def curl_command(cloud, url, *options, token=None):
    token = token or cloud.token()
    return ["curl", "-sS", "-H", f"X-Auth-Token: {token}", *options, url]


def curl(cloud, image_id, *options, token=None, url=None, **how):
    """Runs curl. It prints the answer's body and then a line of JSON (curl's %{json} and %{header_json})."""
    tell = '\n{"status": %{response_code}, "sent": %{size_upload}, "headers": %{header_json}}'
    url = url or upload_url(cloud, image_id)
    result = run(curl_command(cloud, url, "-w", tell, *options, token=token), **how)
    body, _, facts = result.printed.partition('\n{"status": ')
    facts = json.loads('{"status": ' + facts)
    result.printed = body
    result.status, result.sent = facts["status"], facts["sent"]
    result.headers = {name.lower(): values[0] for name, values in facts["headers"].items()}
    return result


def curl_started(cloud, image_id, path, *options, token=None):
    """Starts an upload in the background. It prints the body and then the status."""
    url = upload_url(cloud, image_id)
    told = ("-w", "\n%{response_code}")
    command = curl_command(cloud, url, "-T", path, *told, *options, token=token)
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def openstack(cloud, *arguments, user="demo", env=None, **how):
    return run(["openstack", *arguments], {**cloud.envs[user], **(env or {})}, **how)


def glance(cloud, *arguments, user="demo", env=None, **how):
    return run(["glance", *arguments], {**cloud.envs[user], **(env or {})}, **how)


def sdk(cloud, user="demo", **settings):
    """A connection of openstacksdk, as programs use it."""
    env = cloud.envs[user]
    names = ("auth_url", "username", "password", "project_name", "user_domain_id")
    names += ("project_domain_id", "region_name")
    named = {name: env[f"OS_{name.upper()}"] for name in names}
    with CONNECTING:
        connection = openstack_sdk.connect(load_envvars=False, load_yaml_config=False, **named, **settings)
        assert connection.image
    return connection


def newman(cloud, image_id, path, body="binary"):
    """Postman's runner: a PUT with the file as its body. `body` is one of Postman's body types: binary,
    form-data, raw."""
    return newman_runs(cloud, body, url=cloud.proxy.url, image=image_id, file=path)


def newman_runs(cloud, folder, env=None, **variables):
    """Runs a folder of newman.json, or one of its requests."""
    program = os.path.join(cloud.directory, "newman", "node_modules", ".bin", "newman")
    command = [program, "run", os.path.join(HERE, "newman.json"), "--folder", folder]
    command += ["--verbose", "--color", "off"]
    for name, value in {"token": cloud.token(), **variables}.items():
        command += ["--env-var", f"{name}={value}"]
    result = run(command, env)
    # newman prints the answer's body in a frame and folds long lines.
    result.printed = re.sub(r"\n +│ ", "", result.printed)
    return result


def fetch(**request):
    """A request of a web page (fetch.mjs), given and returned as JSON."""
    result = run(["node", os.path.join(HERE, "fetch.mjs"), json.dumps(request)])
    if result.exit_status == 0:
        told = json.loads(result.printed)
        result.status, result.headers = told["status"], told["headers"]
        result.printed = told["body"]
    return result
