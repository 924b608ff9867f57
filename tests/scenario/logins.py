# SPDX-License-Identifier: Apache-2.0
"""One-command uploads of users who log in with a password or an application credential."""
import json

from support.fixture import scenario
from support.logins import APPLICATION, MARK, PASSWORD, SECRET, Cloud, basic, not_in_the_log
from support.raw_http import head


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
