# SPDX-License-Identifier: Apache-2.0
"""One-command uploads of users who log in with a password or an application credential."""
import base64
import json

from support.fixture import scenario, trusting
from support.keystone import User, keystone
from support.raw_http import head
from support.secret_search import spellings

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


def refusals(cloud):
    keystone_server = cloud.keystone.server
    challenge = cloud.refused(cloud.put(), 401, "login_required").get("WWW-Authenticate")
    assert challenge == 'Basic realm="glance-intake", charset="UTF-8"'
    told = cloud.refused(cloud.put(basic("both", PASSWORD)), 400, "project_required", "demo, another-project")
    assert "?project=" in json.loads(told.body)["hint"]
    cloud.refused(cloud.put(basic("both", PASSWORD), query="?project=x"), 400, "project_required", "has no project x")
    cloud.refused(cloud.put(basic("none", PASSWORD)), 400, "project_required", "has no project")
    cloud.refused(cloud.put(basic(APPLICATION, SECRET), query="?project=demo"), 400, "project_required")
    cloud.keystone.take_asked()
    cloud.refused(cloud.put(basic("demo", PASSWORD), "X-Forwarded-Proto: http"), 403, "password_over_plain_http")
    cloud.refused(cloud.put("Authorization: Basic !"), 400, "bad_request")
    assert not cloud.keystone.take_asked()
    keystone_server.fault = 500
    cloud.refused(cloud.put(basic("demo", PASSWORD)), 503, "keystone_unreachable", "it answers 500")
    keystone_server.fault = 0
    assert not cloud.glance.ask("GET", "/v2/images")["images"]


def uploads(cloud):
    assert cloud.owner(cloud.put(basic("demo", PASSWORD))) == "demo"
    assert cloud.owner(cloud.put(basic("joe@example.org@Default", PASSWORD))) == "demo"
    assert cloud.owner(cloud.put(basic("anna@sales", PASSWORD))) == "other"
    assert cloud.owner(cloud.put(basic("anna", PASSWORD), query="?domain=sales")) == "other"
    assert cloud.owner(cloud.put(basic("both", PASSWORD), query="?project=demo")) == "demo"
    assert cloud.owner(cloud.put(basic(APPLICATION, SECRET))) == "other"
    assert cloud.keystone.take_asked()
    assert cloud.owner(cloud.put(basic("demo", PASSWORD))) == "demo"
    assert not cloud.keystone.take_asked(), "it is remembered"


def failures(cloud):
    """Each from another address. The user is slowed down, and Keystone is not asked any more."""
    for number in range(3):
        told = cloud.refused(cloud.put(basic("demo", f"wrong{MARK}{number}"), client=f"192.0.2.{number}"), 401,
                             "login_failed")
        assert told.get("WWW-Authenticate").startswith("Basic ")
    cloud.keystone.take_asked()
    told = cloud.refused(cloud.put(basic("Demo", f"wrong{MARK}3"), client="192.0.2.9"), 429,
                         "too_many_failed_logins")
    assert 1 <= int(told.get("Retry-After")) <= 600
    assert not cloud.keystone.take_asked()
    assert cloud.owner(cloud.put(basic("demo", PASSWORD))) == "demo", "a login that is remembered"
    # an address: ten in all
    for number in range(10):
        cloud.put(basic(f"nobody{number}", "x"), client="198.51.100.7")
    told = cloud.refused(cloud.put(basic("nobody10", "x"), client="198.51.100.7"), 429, "too_many_failed_logins")
    assert cloud.owner(cloud.put(basic("both", PASSWORD), query="?project=another-project")) == "other"


def not_in_the_log(cloud):
    log = cloud.proxy.log().encode()
    assert b": login\n" in log, "it has debug lines"
    for spelling in spellings(MARK):
        assert spelling not in log, spelling


@scenario
def users_log_in_over_tls(fixture):
    cloud = Cloud(fixture, fixture.certificate("login"))
    refusals(cloud)
    uploads(cloud)
    failures(cloud)
    not_in_the_log(cloud)


@scenario
def passwords_in_plain_http_are_refused_before_all_else(fixture):
    cloud = Cloud(fixture)
    with cloud.proxy.client() as link:
        link.send(head("PUT /upload/disk.raw HTTP/1.1", "Host: h", "Content-Length: 512", "Expect: 100-continue",
                       basic("demo", PASSWORD)))
        told = link.answer()
    cloud.refused(told, 403, "password_over_plain_http")
    assert "WWW-Authenticate" not in dict(told.fields)
    told = cloud.refused(cloud.put(), 401, "login_required")
    assert told.get("WWW-Authenticate") == f'Keystone uri="{cloud.keystone.url}"', "nobody is asked for a password"
    assert not cloud.keystone.take_asked()
    assert cloud.owner(cloud.put("X-Auth-Token: demo-token")) == "demo"
    assert cloud.owner(cloud.put(basic("demo", PASSWORD), "X-Forwarded-Proto: https")) == "demo"
    not_in_the_log(cloud)
