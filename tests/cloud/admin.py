# SPDX-License-Identifier: Apache-2.0
"""What the operator of the cloud changes: limits in Keystone, quotas in Ceph, lifetimes of tokens.

Each change is undone at the end of the `with` block.
"""
import contextlib
import os
import subprocess
import uuid

import catalog
from cloud import PATIENCE, check, wait_until
from glance_servers import free_port, is_answered


@contextlib.contextmanager
def limited_project(cloud, **limits):
    """A project with its own limits (sizes in MiB), which the user demo may use. Yields the name of the
    environment."""
    env = cloud.envs["admin"]
    ks = catalog.keystone(env["OS_AUTH_URL"], env["OS_PASSWORD"])
    name = f"limited-{uuid.uuid4()}"
    project = ks.projects.create(name, domain="default")
    made = []
    try:
        member = ks.roles.list(name="member")[0]
        ks.roles.grant(member, user=ks.users.list(name="demo")[0], project=project)
        service = ks.services.list(type="image")[0]
        for resource, limit in limits.items():
            region = env["OS_REGION_NAME"]
            made.append(ks.limits.create(project, service, resource, limit, region=region))
        cloud.envs[name] = {**cloud.envs["demo"], "OS_PROJECT_NAME": name}
        yield name
    finally:
        for limit in made:
            ks.limits.delete(limit)
        ks.projects.delete(project)


def radosgw_admin(cloud, *arguments):
    conf = os.path.join(cloud.directory, "etc", "ceph.conf")
    done = subprocess.run(
        ["radosgw-admin", *arguments],
        env={**os.environ, "CEPH_CONF": conf},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    check(done.returncode == 0, f"radosgw-admin: {done.stdout.decode(errors='replace')}")


@contextlib.contextmanager
def s3_quota(cloud, scope, size):
    """Sets a quota in bytes. `scope` is `bucket`, or `user` for all buckets of the owner."""
    whose = {"bucket": f"--bucket={cloud.bucket}", "user": f"--uid={cloud.envs['demo']['CLOUD_S3_OWNER']}"}[scope]
    quota = [f"--quota-scope={scope}", whose]
    if scope == "user":  # or the gateway would count what the owner had minutes ago
        radosgw_admin(cloud, "user", "stats", whose, "--sync-stats")
    radosgw_admin(cloud, "quota", "set", *quota, f"--max-size={size}")
    radosgw_admin(cloud, "quota", "enable", *quota)
    try:
        yield
    finally:
        radosgw_admin(cloud, "quota", "disable", *quota)
        radosgw_admin(cloud, "quota", "set", *quota, "--max-size=-1")


def brief_keystone(cloud, seconds, directory):
    """The URL of a second Keystone with the same database, whose tokens last `seconds`."""
    return second_keystone(cloud, directory, f"[token]\nexpiration = {seconds}\n")


@contextlib.contextmanager
def second_keystone(cloud, directory, settings):
    """The URL of a second Keystone with the same database, and more settings."""
    conf = os.path.join(directory, "second.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(settings)
    files = f"{cloud.directory}/etc/keystone.conf;{conf}"
    port = free_port()
    command = ["uwsgi", "--plugin", "python3", "--http-socket", f"127.0.0.1:{port}"]
    command += ["--wsgi-file", "/usr/bin/keystone-wsgi-public", "--die-on-term", "--need-app"]
    with open(os.path.join(directory, "second.out"), "wb") as out:
        process = subprocess.Popen(
            command,
            env={**os.environ, "OS_KEYSTONE_CONFIG_FILES": files},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        url = f"http://127.0.0.1:{port}/v3"
        wait_until("the second Keystone answers", lambda: is_answered(url))
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)
