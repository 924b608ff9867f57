# SPDX-License-Identifier: Apache-2.0
"""Rules with `mode: audit` among rules that are enforced, and the audit header for browsers."""

from support.audit import AUDIT, BODY, LENGTH, OTHER_STORE, AuditStack, put
from support.fixture import scenario
from support.form import declared, file, form
from support.glance import UPLOAD, answer, facts
from support.raw_http import chunks
from support.stack import ACTIONS, OCTETS, RIGHT, TOKEN, data


# --- some rules, not all --------------------------------------------------------------------

SOME = """\
rules:
  - { name: huge, when: { name: ["sized*"], larger_than: 64KiB }, deny: "too much of it" }
  - { name: watched, when: { name: [watched, sized] }, store: test, mode: audit }
  - { name: large, when: { name: late, larger_than: 64KiB }, store: test, mode: audit }
default: { store: test, mode: force }
"""

SMALL = data(1000)
CHUNKED = "Transfer-Encoding: chunked"


@scenario(threaded=True)
def audit_rule_applies_to_its_own_uploads_only(fixture):
    """Findings of the head are kept until the rule is known."""
    audit = AuditStack(fixture, policy=SOME)
    odd = ["Content-Encoding: gzip", "Content-Range: x", LENGTH]
    audit.stored(audit.image(name="watched"), [TOKEN, OCTETS, OTHER_STORE, *odd], BODY, BODY, "store", "content_range",
                 "content_encoding")
    image = audit.image()
    told = audit.stack.put_head(image, *RIGHT, *odd)
    audit.stack.refused(told, image, 400, "content_range")
    assert told.get("X-Intake-Audit") is None
    image = audit.image(name="watched", disk_format=None)
    told = put(audit.stack, image, [*RIGHT, LENGTH], BODY)
    assert told.status == 400 and b'"reason"' not in told.body  # Glance's own
    image = audit.image(disk_format=None)
    audit.stack.refused(audit.stack.put_head(image, *RIGHT, LENGTH), image, 400, "formats_unset")


@scenario
def rules_without_audit_are_enforced(fixture):
    audit = AuditStack(fixture, policy=SOME)
    for fields, sent in (([TOKEN, OTHER_STORE, LENGTH], BODY), ([TOKEN, OTHER_STORE, CHUNKED], chunks(BODY))):
        image = audit.image()
        told = put(audit.stack, image, fields, sent)
        asked = audit.stack.stored(told, image, BODY)
        assert ["X-Image-Meta-Store", "test"] in asked["headers"]
        assert told.get("X-Intake-Audit") is None
        assert told.get("X-Intake-Fixed").startswith("store, content-type")
    assert audit.counted() == {}


@scenario
def false_size_does_not_select_an_audit_rule(fixture):
    """The rule `huge` is enforced, and only the size separates it from the audit rule `watched`."""
    audit = AuditStack(fixture, policy=SOME)
    audit.stored(audit.image(name="sized"), [*RIGHT, CHUNKED], chunks(SMALL), SMALL, "length", store="test")
    told_size = "X-Openstack-Image-Size: 1000"
    audit.stored(audit.image(name="sized"), [*RIGHT, CHUNKED, told_size], chunks(SMALL), SMALL, "length", store="test")
    packed = form(file(BODY))
    lies = [
        ([*RIGHT, LENGTH], BODY, 403, "denied_by_policy"),
        ([*RIGHT, LENGTH, told_size], BODY, 400, "size_mismatch"),
        ([*RIGHT, CHUNKED], chunks(BODY), 411, "length_required"),
        ([*RIGHT, CHUNKED, told_size], chunks(BODY), 400, "size_mismatch"),
        ([*RIGHT, CHUNKED, "X-Openstack-Image-Size: 1001"], chunks(SMALL), 400, "size_mismatch"),
        ([TOKEN, declared(), f"Content-Length: {len(packed)}"], packed, 411, "length_required"),
        ([TOKEN, declared(), f"Content-Length: {len(packed)}", told_size], packed, 411, "length_required"),
        ([TOKEN, declared(), CHUNKED, told_size], chunks(packed), 411, "length_required"),
    ]
    for fields, sent, status, reason in lies:
        image = audit.image(name="sized")
        audit.stack.refused(put(audit.stack, image, fields, sent), image, status, reason, reached=True)


@scenario
def audit_rule_may_be_selected_by_the_spooled_size(fixture):
    """The size is known when the body is on disk. From then on nothing is refused."""
    audit = AuditStack(fixture, policy=SOME)
    other_store = [TOKEN, OCTETS, OTHER_STORE]
    packed = form(file(BODY))
    for fields, sent, fixed in (([*other_store, CHUNKED], chunks(BODY), "length"),
                                ([TOKEN, declared(), OTHER_STORE, f"Content-Length: {len(packed)}"], packed,
                                 "content-type, multipart")):
        image = audit.image(name="late")
        told = put(audit.stack, image, fields, sent)
        audit.stack.stored(told, image, BODY)
        assert (told.get("X-Intake-Rule"), told.get("X-Intake-Store")) == ("large", "file")
        assert (told.get("X-Intake-Fixed"), told.get("X-Intake-Audit")) == (fixed, "store")
    image = audit.image(name="late")
    told = put(audit.stack, image, [*other_store, CHUNKED], chunks(SMALL))
    audit.stack.stored(told, image, SMALL)
    assert (told.get("X-Intake-Rule"), told.get("X-Intake-Store")) == ("default", "test")
    assert told.get("X-Intake-Audit") is None


@scenario
def enforce_mode_reports_no_audit(fixture):
    audit = AuditStack(fixture, policy="mode: enforce\ndefault: { store: test }\n")
    for action in ACTIONS:
        image = audit.image()
        told = put(audit.stack, image, [TOKEN, OTHER_STORE, LENGTH], BODY, action)
        audit.stack.stored(told, image, BODY, action)
        assert told.get("X-Intake-Audit") is None
    image = audit.image()
    told = put(audit.stack, image, [*RIGHT, LENGTH, "Content-Range: x"], BODY)
    audit.stack.refused(told, image, 400, "content_range")
    assert audit.counted() == {} and " audit=" not in audit.proxy.log()


# --- a browser ------------------------------------------------------------------------------


@scenario
def cors_exposes_the_audit_header(fixture):
    """Glance's configuration says for which origins."""
    allowed = [["Access-Control-Allow-Origin: http://horizon.example"], []]
    for fields in allowed:
        glance = fixture.glance(image=facts(), upload=lambda request, fields=fields: request.read().send(
            answer("204 No Content", *fields)))
        proxy = fixture.proxy(glance, policy=AUDIT)
        told = proxy.ask("PUT", UPLOAD, "Origin: http://horizon.example", OCTETS, OTHER_STORE, body=b"\0image")
        assert told.status == 204
        exposed = told.get("Access-Control-Expose-Headers")
        names = [name for name, _ in told.fields if name.startswith("X-Intake-") or name == "Repr-Digest"]
        assert "X-Intake-Audit" in names and "Repr-Digest" in names
        assert exposed == (", ".join(names) if fields else None)
        glance.stop()
        assert not proxy.stop()
