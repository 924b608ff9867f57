# SPDX-License-Identifier: Apache-2.0
"""The programs that people upload images with, run as people run them, through the proxy."""
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field

import openstack as openstack_sdk

from cloud import HERE

DEADLINE = 120  # seconds; none of them may hang


@dataclass
class Result:
    """What a client said, and, for those that tell, what it was answered."""

    exit_status: int
    printed: str  # both streams
    seconds: float  # from its start to its end
    status: int = 0
    headers: dict = field(default_factory=dict)  # names in lower case
    sent: int = 0  # bytes of the body


def run(command, env=None, deadline=DEADLINE, stdin=subprocess.DEVNULL):
    began = time.monotonic()
    done = subprocess.run(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        timeout=deadline,
        check=False,
    )
    seconds = time.monotonic() - began
    return Result(done.returncode, done.stdout.decode(errors="replace"), seconds)


def upload_url(cloud, image_id, call="file"):
    return f"{cloud.proxy.url}/v2/images/{image_id}/{call}"


def curl_command(cloud, url, *options, token=None):
    token = token or cloud.token()
    return ["curl", "-sS", "-H", f"X-Auth-Token: {token}", *options, url]


def curl(cloud, image_id, *options, token=None, url=None, **how):
    """Body, and behind it one JSON line about the transfer (curl's %{json} and %{header_json})."""
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
    """An upload in the background; its output is the body and then the status."""
    url = upload_url(cloud, image_id)
    told = ("-w", "\n%{response_code}")
    command = curl_command(cloud, url, "-T", path, *told, *options, token=token)
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def openstack(cloud, *arguments, user="demo"):
    return run(["openstack", *arguments], cloud.envs[user])


def glance(cloud, *arguments, user="demo"):
    return run(["glance", *arguments], cloud.envs[user])


def sdk(cloud, user="demo"):
    """A connection of openstacksdk's, as programs use it."""
    env = cloud.envs[user]
    names = ("auth_url", "username", "password", "project_name", "user_domain_id")
    names += ("project_domain_id", "region_name")
    named = {name: env[f"OS_{name.upper()}"] for name in names}
    return openstack_sdk.connect(load_envvars=False, load_yaml_config=False, **named)


def newman(cloud, image_id, path, body="binary"):
    """Postman's runner: a PUT with the file as its body (newman.json), which is one of those that
    Postman offers: binary, form-data, raw."""
    program = os.path.join(cloud.directory, "newman", "node_modules", ".bin", "newman")
    variables = {"proxy": cloud.proxy.url, "image": image_id, "token": cloud.token(), "file": path}
    command = [program, "run", os.path.join(HERE, "newman.json"), "--folder", body]
    command += ["--verbose", "--color", "off"]
    for name, value in variables.items():
        command += ["--env-var", f"{name}={value}"]
    result = run(command)
    # It draws a frame around the answer's body and folds it to the width of the frame.
    result.printed = re.sub(r"\n +│ ", "", result.printed)
    return result
