# SPDX-License-Identifier: Apache-2.0
"""POST /v2/images/{id}/import: JSON that cannot be read, or is too long, and imports in audit mode."""
import json

from support.fixture import scenario
from support.glance import facts
from support.imports import (
    ALL, ANY, CHUNKED, DIRECT, FORCE, MAX, STORE, UNREADABLE, accepted, ask, begin, body, by, env, imports, kept,
    listed, refused, unreadable)
from support.raw_http import chunks


# --- what cannot be read ------------------------------------------------------------------------------


@scenario
def unreadable_json_is_refused(fixture):
    glance, proxy = env(fixture, ANY)
    for sent in unreadable():
        said = refused(glance, ask(proxy, sent), 400, "json_malformed")
        line = proxy.wait_log(f" import request_id={said['request_id']} ")
        assert " verdict=refused reason=json_malformed" in line and "method=" not in line, line
    assert proxy.metric("imports_total", method="other", result="refused") == len(UNREADABLE)


@scenario
def unreadable_json_is_refused_with_an_audit_rule(fixture):
    """Without the body nobody knows whether the audit rule applies."""
    glance, proxy = env(fixture, "rules: [{ name: all, store: test, mode: audit }]\n" + FORCE)
    for sent in unreadable():
        refused(glance, ask(proxy, sent), 400, "json_malformed")
    refused(glance, ask(proxy, body() + b" " * MAX), 413, "json_too_long")


@scenario
def too_long_json_is_refused(fixture):
    glance, proxy = env(fixture, ANY)
    most = listed("file").ljust(MAX)
    kept(glance, ask(proxy, most), "file", most)
    glance.requests.clear()
    with proxy.client() as client:
        begin(client, f"Content-Length: {MAX + 1}", "Expect: 100-continue")
        refused(glance, client.answer(), 413, "json_too_long")
        assert client.interim == []
    with proxy.client() as client:
        begin(client, CHUNKED)
        client.send_until_refused(chunks(most + b" ")[:-5])
        refused(glance, client.answer(), 413, "json_too_long")
    assert imports(glance) == []


@scenario
def rewritten_json_may_change_its_length(fixture):
    """The rewritten document may be longer or shorter than the client's."""
    glance, proxy = env(fixture)
    for filler in ("1e22," * 40_000, "[1,2],\t" * 30_000, '"\\u00e9\\u0001/",' * 15_000):
        sent = ('{"x": [%s 0], "stores": ["file"], %s}' % (filler, DIRECT)).encode()
        assert len(sent) <= MAX
        asked = accepted(glance, ask(proxy, sent), "test", fixed=True)
        document = json.loads(sent)
        document["stores"] = ["test"]
        assert json.loads(asked.body) == document


# --- audit --------------------------------------------------------------------------------------------


def watched(glance, told, sent, headers, *what, stores=None):
    assert (told.status, told.get("X-Of-Glance")) == (202, "yes"), (told.start, told.body)
    assert told.get("X-Intake-Audit") == (", ".join(what) or None), (told.fields, what)
    assert told.get("X-Intake-Fixed") is None and told.get("X-Intake-Store") == stores, told.fields
    asked = imports(glance)[-1]
    assert asked.body == sent and asked.all(STORE) == list(headers), (asked.body, asked.fields)


@scenario
def audit_relays_imports_unchanged(fixture):
    policy = ('mode: audit\nrules:\n  - { name: denied, when: { name: denied }, deny: "not here" }\n'
              '  - { name: choice, when: { name: choice }, store: test, mode: default, allow: [test] }\n'
              '  - { name: gold, when: { name: gold }, store: gold, mode: force }\n' + FORCE +
              "doors: { import_methods: [glance-direct] }\n")
    glance, proxy = env(fixture, policy)
    for name, sent, headers, what, stores in (
            ("", body(), [], ["store"], None), ("", body(), ["file"], ["store"], "file"),
            ("", listed("file", "test"), [], ["store"], None), ("", ALL, [], ["store"], None),
            ("", listed("test"), [], [], "test"), ("", body(), ["test"], [], "test"),
            ("", body(), ["file", "test"], ["store"], "file,test"),
            ("", by("web-download"), [], ["denied_by_policy"], None),
            ("denied", listed("file"), [], ["denied_by_policy"], None),
            ("choice", listed("file"), [], ["store_not_allowed"], None), ("choice", listed("test"), [], [], "test"),
            ("gold", body(), [], ["store", "store_unknown"], None)):
        glance.image = facts(name=name)
        told = ask(proxy, sent, *(f"{STORE}: {header}" for header in headers))
        watched(glance, told, sent, headers, *what, stores=stores)
        line = proxy.wait_log(f" import request_id={told.get('X-Openstack-Request-Id')} ")
        assert (" audit=" in line) == bool(what) and " verdict=accepted" in line, line
    glance.image = facts()
    for sent in unreadable():
        watched(glance, ask(proxy, sent), sent, [], "json_malformed")
    long = ALL + b" " * (3 * MAX)
    watched(glance, ask(proxy, long), long, [], "json_too_long")
    assert proxy.metric("refusals_total") == proxy.metric("fixes_total") == 0
    assert proxy.metric("audited_total", what="store") == 6
    assert proxy.metric("audited_total", what="json_malformed") == len(UNREADABLE)


@scenario
def audit_rule_relays_its_imports_unchanged(fixture):
    policy = ("rules: [{ name: trial, when: { name: trial }, store: test, mode: audit }]\n" + FORCE +
              "doors: { import_methods: [glance-direct] }\n")
    glance, proxy = env(fixture, policy, image=facts(name="trial"))
    told = ask(proxy, listed("file"))
    watched(glance, told, listed("file"), [], "store")
    assert told.get("X-Intake-Rule") == "trial"
    glance.requests.clear()
    refused(glance, ask(proxy, by("web-download")), 403, "denied_by_policy")  # `doors` does not depend on a rule
    glance.image = facts()
    accepted(glance, ask(proxy, listed("file")), "test", fixed=True)
