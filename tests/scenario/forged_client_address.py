# SPDX-License-Identifier: Apache-2.0
"""A client cannot pass for another one by forwarding fields of its own. A trusted proxy adds the real address
to one of the two headers, and passes the other one on unchanged."""
import json

from support.fixture import scenario
from support.forged_address import EXEMPT, forms
from support.glance import UPLOAD, answer, facts

FRONT = "127.0.0.1"  # where all requests come from
REAL = "198.51.100.7"
TRUST = {"trusted_proxies": FRONT}
BOTH = {"trusted_proxies": FRONT, "forwarded_header": "forwarded"}
POLICY = f"""
rules:
  - {{ name: exempt, when: {{ client: [{EXEMPT}, {FRONT}] }}, store: file, mode: force }}
default: {{ store: test, mode: force }}
doors: {{ exempt: [{EXEMPT}, {FRONT}] }}
"""
TASK = ("POST", "/v2/tasks", "X-Auth-Token: t", "Content-Type: application/json")


def in_own_field(fields, name, value):
    """Adds a field, as HAProxy does."""
    return [*fields, f"{name}: {value}"]


def in_one_field(fields, name, value):
    """Merges all fields that it recognises into one, as nginx does, and puts it first."""
    same = [field for field in fields if field.split(":")[0].lower() == name.lower()]
    values = [field.split(":", 1)[1].strip(" \t") for field in same]
    return [f"{name}: {', '.join([*values, value])}", *(field for field in fields if field not in same)]


def first(fields, name, value):
    """Replaces the field, and puts it first."""
    return [f"{name}: {value}", *(field for field in fields if field.split(":")[0].lower() != name.lower())]


def try_all(fixture, listen, name, value):
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("201 Created")))
    proxy = fixture.proxy(glance, conf={"listen": listen}, policy=POLICY)
    for number, fields in enumerate(forms()):
        for way in (in_own_field, in_one_field, first):
            sent = way(fields, name, value)
            request_id = f"req-{number}-{way.__name__}"
            told = proxy.ask(*TASK, f"X-Openstack-Request-Id: {request_id}", *sent, body=b"{}")
            assert told.status in (400, 403), (sent, told.start)
            reason = json.loads(told.body)["reason"]
            assert reason == {400: "bad_request", 403: "denied_by_policy"}[told.status], (sent, reason)
            if told.status == 403:
                assert f" client={REAL} " in proxy.wait_log(f"request_id={request_id} "), sent
    assert glance.requests == []


@scenario
def forged_address_fails_behind_x_forwarded_for(fixture):
    try_all(fixture, TRUST, "X-Forwarded-For", REAL)


@scenario
def forged_address_fails_behind_forwarded(fixture):
    try_all(fixture, BOTH, "Forwarded", f"for={REAL};proto=http")


@scenario
def missing_address_matches_no_exemption(fixture):
    """Neither the exempt address to the left of the gap, nor that of the proxy, which is exempt, too."""
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("201 Created")))
    proxy = fixture.proxy(glance, conf={"listen": TRUST}, policy=POLICY)
    for number, value in enumerate(("unknown", "", f"{EXEMPT},", f"{EXEMPT}, unknown", f"{EXEMPT}, _x",
                                    f"unknown, {FRONT}", f"{EXEMPT}, , {FRONT}")):
        mine = f"X-Openstack-Request-Id: req-{number}"
        told = proxy.ask(*TASK, mine, f"X-Forwarded-For: {value}", body=b"{}")
        assert told.status == 403, (value, told.start)
        assert " client=" not in proxy.wait_log(f"request_id=req-{number} "), value
    for value in ("Forwarded: for=" + EXEMPT, "Forwarded: for=unknown", "X_Forwarded_For: " + EXEMPT,
                  "X-Forwarded-Proto: https", "Via: 1.1 front"):
        assert proxy.ask(*TASK, value, body=b"{}").status == 403, value
    assert glance.requests == []
    assert proxy.ask(*TASK, body=b"{}").status == 201  # the host itself


@scenario
def real_address_matches_the_exemption(fixture):
    """In every form in which a proxy may write it."""
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("201 Created")))
    proxy = fixture.proxy(glance, conf={"listen": TRUST}, policy=POLICY)
    for value in (EXEMPT, f"{EXEMPT}:4711", f"::ffff:{EXEMPT}", f"[::ffff:{EXEMPT}]:1", f"evil, {EXEMPT}",
                  f'"{REAL}, {EXEMPT}, {FRONT}', f"{EXEMPT}, {FRONT}:80"):
        assert proxy.ask(*TASK, f"X-Forwarded-For: {value}", body=b"{}").status == 201, value
    proxy.stop()
    proxy = fixture.proxy(glance, conf={"listen": BOTH}, policy=POLICY)
    for value in (f"for={EXEMPT}", f'for="{EXEMPT}:4711";proto=https', f"For={EXEMPT};by=_front",
                  f"for=evil, for={EXEMPT}", f'for={EXEMPT}, for="{FRONT}:80"'):
        assert proxy.ask(*TASK, f"Forwarded: {value}", body=b"{}").status == 201, value


@scenario
def unreadable_address_is_refused(fixture):
    """Nothing goes to Glance, and the message names the header."""
    glance = fixture.glance()
    for listen, name, values in (
            (TRUST, "X-Forwarded-For", (f'"{REAL}"', "nonsense", f"{REAL} {REAL}", f'{EXEMPT}, "{FRONT}"')),
            (BOTH, "Forwarded", ("for=nonsense", f'for="{REAL}', REAL, f"for={REAL};for={EXEMPT}"))):
        proxy = fixture.proxy(glance, conf={"listen": listen}, policy=POLICY)
        for value in values:
            told = proxy.ask("GET", "/v2/images", f"{name}: {value}")
            said = json.loads(told.body)
            assert (told.status, said["reason"]) == (400, "bad_request"), (value, told.start)
            assert name in said["message"], said
            with proxy.client("127.0.0.9") as untrusted:  # an untrusted peer: its field is ignored
                assert untrusted.ask("GET", "/v2/images", f"{name}: {value}").status == 200
        assert len(glance.requests) == len(values)
        glance.requests.clear()
        proxy.stop()


@scenario
def rule_applies_to_the_real_address(fixture):
    glance = fixture.glance(image=facts())
    proxy = fixture.proxy(glance, conf={"listen": TRUST}, policy=POLICY)
    for fields, rule in ((["Forwarded: for=" + EXEMPT, f"X-Forwarded-For: {REAL}"], "default"),
                         ([f"X-Forwarded-For: {EXEMPT}, {REAL}"], "default"),
                         ([f"X-Forwarded-For: {REAL}, {EXEMPT}"], "exempt")):
        told = proxy.ask("PUT", UPLOAD, "X-Auth-Token: t", *fields, body=b"x" * 512)
        assert told.get("X-Intake-Rule") == rule, (fields, told.start, told.fields)
