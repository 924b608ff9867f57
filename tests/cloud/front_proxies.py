# SPDX-License-Identifier: Apache-2.0
"""Behind a real HAProxy and a real nginx, which add the client's address to X-Forwarded-For. A client cannot
pass for another one, and a client at an exempt address is recognised."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys

from cloud import HERE, Skip, check, same, wait_until
from proxy import another_proxy, scratch
from glance_servers import free_port

sys.path.append(os.path.dirname(HERE))

from support.forged_address import forms  # noqa: E402
from support.raw_http import Client, Cut  # noqa: E402

FRONT, OTHER, EXEMPT = "127.0.0.1", "127.0.0.5", "127.0.0.6"
POLICY = {
    "rules": [
        {"name": "exempt", "when": {"client": [EXEMPT, FRONT]}, "store": "file", "mode": "force"}
    ],
    "default": {"store": "test", "mode": "force"},
    "doors": {"exempt": [EXEMPT, FRONT]},
}
TRUST = f"[listen]\ntrusted_proxies = {FRONT}\n"
COMMANDS = {"haproxy": ("-db", "-f", "@FILE@"), "nginx": ("-p", "@RUN@", "-c", "@FILE@")}
FILES = {"haproxy": "front-haproxy.cfg", "nginx": "front-nginx.conf"}


def program(name):
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not found:
        raise Skip(f"{name} is not installed")
    return found


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection((FRONT, port), 5):
        return True
    return False


@contextlib.contextmanager
def front(name, port):
    """Starts one before the proxy on `port`. Yields its port."""
    with scratch() as run:
        values = {"FRONT": free_port(), "PORT": port, "RUN": run, "FILE": f"{run}/front.conf"}

        def render(text):
            for key, value in values.items():
                text = text.replace(f"@{key}@", str(value))
            return text

        with open(os.path.join(HERE, "conf", FILES[name] + ".in"), encoding="ascii") as file:
            text = render(file.read())
        with open(values["FILE"], "w", encoding="ascii") as file:
            file.write(text)
        command = [program(name), *map(render, COMMANDS[name])]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(f"{name} answers", lambda: answers(values["FRONT"]))
                yield values["FRONT"]
            finally:
                process.terminate()


@contextlib.contextmanager
def environment(cloud, name):
    with another_proxy(cloud, POLICY, more=TRUST) as proxy, front(name, proxy.port) as port:
        yield proxy, port


def ask(port, source, method, path, *fields, body=b""):
    """Returns None if the front proxy closes the connection without an answer."""
    with Client((FRONT, port), source) as client:
        client.sock.settimeout(300)  # uploads wait for Glance and S3
        try:
            return client.ask(method, path, *fields, body=body)
        except (Cut, ConnectionError):
            return None


def make_task(cloud, port, source, fields):
    token = f"X-Auth-Token: {cloud.token()}"
    kind = "Content-Type: application/json"
    return ask(port, source, "POST", "/v2/tasks", token, kind, *fields, body=b'{"type": "import"}')


def is_ours(answer):
    return answer is not None and answer.get("X-Openstack-Request-Id") is not None


def is_kept_out(cloud, port, fields):
    """True if this proxy refused the request because of the client's address. Some forms are refused by the
    front proxy."""
    answer = make_task(cloud, port, OTHER, fields)
    if not is_ours(answer):
        check(answer is None or answer.status >= 400, f"{fields} is answered {answer and answer.start}")
        return False
    said = json.loads(answer.body)
    wanted = {400: "bad_request", 403: "denied_by_policy"}.get(answer.status)
    check(wanted and said.get("reason") == wanted, f"{fields} is answered {answer.start} {said}")
    return answer.status == 403


def upload(cloud, port, source, *fields):
    """Returns the rule that was applied."""
    with open(cloud.small().path, "rb") as file:
        data = file.read()
    with cloud.new_image() as image_id:
        token, kind = f"X-Auth-Token: {cloud.token()}", "Content-Type: application/octet-stream"
        path = f"/v2/images/{image_id}/file"
        answer = ask(port, source, "PUT", path, token, kind, *fields, body=data)
        same("the status", answer.status, 204)
        image = cloud.image(image_id)
        same("the store", image["stores"], answer.get("X-Intake-Store"))
        return answer.get("X-Intake-Rule")


def nobody_passes_for_the_exempt_client(cloud, name):
    with environment(cloud, name) as (_, port):
        kept_out = [is_kept_out(cloud, port, fields) for fields in forms(EXEMPT)]
        check(sum(kept_out) > len(kept_out) // 2, f"only {sum(kept_out)} forms came to the proxy")
        forged = f"X-Forwarded-For: {EXEMPT}", f"Forwarded: for={EXEMPT}"
        same("the rule for the other client", upload(cloud, port, OTHER, *forged), "default")
        same("the rule for the exempt client", upload(cloud, port, EXEMPT), "exempt")
        answer = make_task(cloud, port, EXEMPT, [])
        check(b"denied_by_policy" not in answer.body, "the exempt client is kept out")
        return f"{len(kept_out)} forms, {sum(kept_out)} of them judged by the real address"


def test_behind_haproxy(cloud):
    return nobody_passes_for_the_exempt_client(cloud, "haproxy")


def test_behind_nginx(cloud):
    return nobody_passes_for_the_exempt_client(cloud, "nginx")
