#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fills Keystone: projects, users, a region in the catalog, and Glance's limits there.

usage: catalog.py FILE     FILE gets the id of the image endpoint, which Glance must know
"""
import os
import sys

from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

# user and project, role, where the password is
USERS = [
    ("demo", "member", "DEMO_PASSWORD"),
    ("other", "member", "DEMO_PASSWORD"),
    ("service", "admin", "GLANCE_PASSWORD"),
]
LIMITS = {  # sizes in MiB
    "image_size_total": 100 * 1024,
    "image_stage_total": 100 * 1024,
    "image_count_total": 2000,
    "image_count_uploading": 1000,
}


def keystone(url, password):
    auth = v3.Password(
        auth_url=url,
        username="admin",
        password=password,
        user_domain_id="default",
        system_scope="all",
    )
    return client.Client(session=session.Session(auth=auth), interface="public")


def named(manager, name, **fields):
    """The entry of this name. It is created if there is none."""
    found = [entry for entry in manager.list() if entry.name == name]
    return found[0] if found else manager.create(name, **fields)


def add_users(ks):
    roles = {role.name: role for role in ks.roles.list()}
    for name, role, password in USERS:
        project = named(ks.projects, name, domain="default")
        user = named(ks.users, name, domain="default", password=os.environ[password])
        ks.roles.grant(roles[role], user=user, project=project)
        if name == "service":  # oslo.limit reads the limits with a token of system scope
            ks.roles.grant(roles["reader"], user=user, system="all")


def add_endpoints(ks, service, region, url):
    """Returns the public one."""
    endpoints = {e.interface: e for e in ks.endpoints.list(service=service, region=region)}
    for interface in ("public", "internal", "admin"):
        if interface not in endpoints:
            endpoints[interface] = ks.endpoints.create(service, url, interface, region)
    return endpoints["public"]


def add_limits(ks, service, region):
    there = {limit.resource_name for limit in ks.registered_limits.list(service=service, region=region)}
    for name in LIMITS.keys() - there:
        ks.registered_limits.create(service, name, LIMITS[name], region=region)


def main(path):
    ks = keystone(os.environ["KEYSTONE_URL"], os.environ["ADMIN_PASSWORD"])
    region = os.environ["REGION"]
    add_users(ks)
    add_endpoints(ks, ks.services.list(type="identity")[0], region, os.environ["KEYSTONE_URL"])
    service = named(ks.services, "glance", type="image")
    endpoint = add_endpoints(ks, service, region, os.environ["PROXY_URL"])
    add_limits(ks, service, region)
    with open(path, "w", encoding="ascii") as file:
        file.write(endpoint.id)


if __name__ == "__main__":
    main(sys.argv[1])
