# SPDX-License-Identifier: Apache-2.0
"""A proxy at which users log in, before the small Glance and a Keystone."""
import base64
import json

from .fixture import trusting
from .keystone import User, keystone
from .secret_search import spellings

DISK = b"\0" * 510 + b"\x55\xaa"
APPLICATION = "0123456789abcdef0123456789abcdef"
MARK = "-battery-staple-"  # in all passwords, so that one search finds each of them
PASSWORD = f"correct-horse{MARK}\u00df"
SECRET = f"application{MARK}4711"


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Cloud:
    """A small Glance, a Keystone, and a proxy before them that trusts its peers in front."""

    def __init__(self, fixture, certificate=None):
        """`certificate` is (certificate, key): the proxy and Keystone speak TLS."""
        self.glance = fixture.small_glance()
        self.keystone = keystone(fixture, certificate)
        self.keystone.server.users = {
            ("demo", "Default"): User(PASSWORD, "demo", default="demo"),
            ("joe@example.org", "Default"): User(PASSWORD, "demo", default="demo"),
            ("anna", "sales"): User(PASSWORD, "another-project"),
            ("both", "Default"): User(PASSWORD, "demo", "another-project"),
            ("none", "Default"): User(PASSWORD)}
        self.keystone.server.applications = {APPLICATION: (SECRET, "another-project")}
        listen = {"trusted_proxies": "127.0.0.0/8"}
        auth = {"auth_url": self.keystone.url}
        if certificate:
            listen |= {"tls_cert_file": certificate[0], "tls_key_file": certificate[1]}
            auth["ca_file"] = certificate[0]
        self.tls = certificate and trusting(certificate[0])
        self.proxy = fixture.proxy(
            self.glance, conf={"keystone": auth, "DEFAULT": {"debug": "true"}, "listen": listen})

    def put(self, *fields, query="", client="192.0.2.1"):
        """An upload of a client that the proxy in front names."""
        with self.proxy.client(tls=self.tls) as link:
            return link.ask("PUT", f"/upload/disk.raw{query}", f"X-Forwarded-For: {client}", *fields, body=DISK)

    def owner(self, told):
        """Whose token made the image. The small Glance has its own name for another-project."""
        assert told.status == 201, (told.start, told.body)
        return json.loads(told.body)["owner"]

    def refused(self, told, status, reason, words=""):
        document = json.loads(told.body)
        assert (told.status, document["reason"]) == (status, reason), told.body
        assert words in document["message"], document["message"]
        return told


def not_in_the_log(cloud):
    """Stops the proxy, so that all of its log is there."""
    fault = cloud.proxy.stop()
    assert not fault, fault
    log = cloud.proxy.log().encode()
    assert b": login\n" in log, "it has debug lines"
    for spelling in spellings(MARK):
        assert spelling not in log, spelling
