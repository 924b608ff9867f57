# SPDX-License-Identifier: Apache-2.0
"""One-command uploads with a password or an application credential, over TLS, at a real Keystone that locks
users out.

All is one test, because the accounts and the second Keystone take longer than the steps."""
import contextlib
import json
import lzma
import os
import re
import subprocess
import sys
import uuid

import admin
import catalog
import requests
from cloud import HERE, PATIENCE, DataFile, check, same, wait_until
from proxy import scratch
from tls_proxy import tls_proxy

sys.path.append(os.path.dirname(HERE))

from support.secret_search import memory, spellings  # noqa: E402

POLICY = {"default": {"store": "test", "mode": "force"}}
LOCKOUT = 4  # wrong passwords after which Keystone locks a user out: one more than the proxy lets through
PASSWORD = f"correct-horse-{uuid.uuid4()}"
SECRET = f"application-{uuid.uuid4()}"
KEYSTONE = f"[security_compliance]\nlockout_failure_attempts = {LOCKOUT}\n"
SETTINGS = """\
[DEFAULT]
debug = true
[upload]
compressed = decompress
"""


class Accounts:
    """Two projects, users of one and of both, and an application credential of the first user."""

    def __init__(self, cloud, stack):
        env = cloud.envs["admin"]
        self.url = env["OS_AUTH_URL"]
        self.keystone = catalog.keystone(self.url, env["OS_PASSWORD"])
        self.stack, self.mark = stack, uuid.uuid4().hex[:8]
        self.member = self.keystone.roles.list(name="member")[0]
        self.first, self.second = self.project("first"), self.project("second")
        self.one, self.other = self.user("one", self.first), self.user("other", self.first)
        self.both = self.user("both", self.first, self.second)
        self.application = self.new_application()

    def made(self, manager, *arguments, **fields):
        entry = manager.create(*arguments, **fields)
        self.stack.callback(manager.delete, entry)
        return entry

    def project(self, name):
        return self.made(self.keystone.projects, f"{name}-{self.mark}", domain="default")

    def user(self, name, *projects):
        user = self.made(self.keystone.users, f"{name}-{self.mark}", domain="default", password=PASSWORD)
        for project in projects:
            self.keystone.roles.grant(self.member, user=user, project=project)
        return user

    def new_application(self):
        """Only the user himself can make one. It is deleted before him: on sqlite, Keystone would leave its roles,
        which the next one then could not get."""
        url = f"{self.url}/users/{self.one.id}/application_credentials"
        token = self.log_in(self.one, {"project": {"id": self.first.id}}).headers["X-Subject-Token"]
        options = {"headers": {"X-Auth-Token": token}, "timeout": PATIENCE}
        answer = requests.post(url, json={"application_credential": {"name": self.mark, "secret": SECRET}}, **options)
        answer.raise_for_status()
        made = answer.json()["application_credential"]["id"]
        self.stack.callback(requests.delete, f"{url}/{made}", **options)
        return made

    def log_in(self, user, scope="unscoped", url=None):
        """At Keystone itself, with the right password."""
        identity = {"methods": ["password"], "password": {"user": {"id": user.id, "password": PASSWORD}}}
        return requests.post((url or self.url) + "/auth/tokens", timeout=PATIENCE,
                             json={"auth": {"identity": identity, "scope": scope}})


class Client:
    """curl, as in the first lines of the README."""

    def __init__(self, cloud, cert, file):
        self.cloud, self.cert, self.file = cloud, cert, file

    def put(self, login, query="", scheme="https"):
        """Status and JSON of the answer, and its header."""
        url = f"{scheme}://127.0.0.1:{self.cloud.proxy.port}/upload/login-test{query}"
        done = subprocess.run(["curl", "-sS", "-i", "--cacert", self.cert, "-T", self.file.path, "-u", login, url],
                              capture_output=True, timeout=PATIENCE, check=True)
        head, _, body = done.stdout.decode().rpartition("\r\n\r\n")
        head = head[head.rindex("HTTP/1.1 "):]
        return int(head.split()[1]), json.loads(body), head

    def breaks_off(self, login, data):
        """The pipe stays open, so curl has half of the data when it is killed."""
        url = f"https://127.0.0.1:{self.cloud.proxy.port}/upload/login-test"
        with subprocess.Popen(["curl", "-sS", "--cacert", self.cert, "-T", "-", "-u", login, url],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as curl:
            curl.stdin.write(data[:len(data) // 2])
            curl.stdin.flush()
            wait_until("the upload is there", lambda: self.cloud.proxy.metric("glance_intake_requests_in_flight"))
            curl.kill()
        wait_until("it has ended", lambda: not self.cloud.proxy.metric("glance_intake_requests_in_flight"))

    def uploads(self, login, project, query=""):
        status, image, _ = self.put(login, query)
        same(f"the status of {query or 'an upload'}: {image}", status, 201)
        try:
            same("the image's project", image["owner"], project.id)
            same("the image's status", image["status"], "active")
            same("the image in the bucket", self.cloud.in_bucket(image["id"]), (self.file.size, self.file.sha512))
        finally:
            self.cloud.delete(image["id"])

    def is_refused(self, login, status, reason, query=""):
        told, document, head = self.put(login, query)
        same(f"the refusal {document}", (told, document["reason"]), (status, reason))
        return document["message"], head


def logins_succeed(client, accounts):
    one, both = f"{accounts.one.name}:{PASSWORD}", f"{accounts.both.name}:{PASSWORD}"
    client.uploads(one, accounts.first)
    client.uploads(f"{accounts.one.name}@Default:{PASSWORD}", accounts.first)
    client.uploads(f"{accounts.application}:{SECRET}", accounts.first)
    client.uploads(both, accounts.second, f"?project={accounts.second.name}")
    client.uploads(both, accounts.first, f"?project={accounts.first.id}")
    message, _ = client.is_refused(both, 400, "project_required")
    check(accounts.first.name in message and accounts.second.name in message, message)
    client.is_refused(one, 400, "project_required", f"?project={accounts.second.name}")


def logins_fail(client, accounts, url):
    """The proxy lets fewer wrong passwords through than Keystone needs to lock the user out."""
    for _ in range(LOCKOUT - 1):
        _, head = client.is_refused(f"{accounts.other.name}:wrong", 401, "login_failed")
        check('Www-Authenticate: Basic realm="glance-intake", charset="UTF-8"'.lower() in head.lower(), head)
    for _ in range(3):
        _, head = client.is_refused(f"{accounts.other.name.upper()}:wrong", 429, "too_many_failed_logins")
        check(re.search(r"^Retry-After: \d+\r?$", head, re.MULTILINE), head)
    same("Keystone's status for the user", accounts.log_in(accounts.other, url=url).status_code, 201)
    client.uploads(f"{accounts.one.name}:{PASSWORD}", accounts.first)
    client.is_refused(f"{accounts.application}:wrong", 401, "login_failed")


def no_secret_is_left(proxy):
    log, left = proxy.log().encode(), b"\n".join(memory(proxy.memory().pid))
    check(re.search(rb'"level": *"debug"', log, re.IGNORECASE), "the log has no debug lines")
    for secret in PASSWORD, SECRET:
        for spelling in spellings(secret):
            check(spelling not in log, f"{spelling} is in the log")
            check(spelling not in left, f"{spelling} is in the memory, {left.count(spelling)} times")


def compressed_uploads(client, accounts, directory):
    """One becomes an image, and others fail: at once, in the middle, and because the client leaves."""
    login, path, whole = f"{accounts.one.name}:{PASSWORD}", os.path.join(directory, "packed.xz"), client.file
    with open(whole.path, "rb") as file:
        packed = lzma.compress(file.read(), preset=0)

    def sends(data):
        with open(path, "wb") as file:
            file.write(data)
        client.file = DataFile(path)

    sends(packed)
    status, image, _ = client.put(login)
    same(f"the status of a compressed upload: {image}", status, 201)
    same("the digest of its image", image["os_hash_value"], whole.sha512)
    client.cloud.delete(image["id"])
    for data, reason in ((packed[:-20], "truncated"), (packed + b"more", "damaged_body"),
                         (lzma.compress(b"none" * 4096), "format_unknown")):
        sends(data)
        client.is_refused(login, 400, reason)
    client.breaks_off(login, packed)
    client.file = whole


def test_logins(cloud):
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        accounts = Accounts(cloud, stack)
        url = stack.enter_context(admin.second_keystone(cloud, directory, KEYSTONE))
        proxy = stack.enter_context(tls_proxy(cloud, POLICY, more=SETTINGS, keystone=url))
        client = Client(cloud, proxy.cert, cloud.tiny())
        logins_succeed(client, accounts)
        logins_fail(client, accounts, url)
        compressed_uploads(client, accounts, directory)
        wait_until("the images of failed uploads are deleted", lambda: not cloud.all_images())
        wait_until("no client is connected", lambda: not proxy.metric("glance_intake_connections"))
        no_secret_is_left(proxy)
