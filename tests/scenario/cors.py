# SPDX-License-Identifier: Apache-2.0
"""A refusal to a browser has the CORS fields that Glance would have sent. The proxy asks Glance for them,
because Glance's configuration says which origins may read answers."""
import json
import time

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, answer, facts
from support.proxy import wait_until
from support.raw_http import head, request
from support.stack import OCTETS, TOKEN
from support.tus import TUS

PAGE = "https://horizon.example.org"
FIELDS = ["Vary: Origin", f"Access-Control-Allow-Origin: {PAGE}", "Access-Control-Allow-Credentials: true",
          "Access-Control-Expose-Headers: X-Auth-Token,X-OpenStack-Request-ID"]
STRIPPED = 8192 * b"x"

# reason: (fields of the upload, facts of the image, body)
REFUSED = {
    "content_range": (["Content-Range: bytes 0-1/2"], {}, b"\0body"),
    "bad_request": (["Transfer_Encoding: chunked"], {}, b"\0body"),
    "image_not_queued": ([], {"status": "active"}, b"\0body"),
    "damaged_body": ([], {}, STRIPPED),
    "digest_mismatch": (["Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="], {}, b"\0body"),
}


def versions(asked):
    """Answers with the CORS fields for the allowed origin, as oslo.middleware does."""
    fields = FIELDS if asked.get("Origin") == PAGE else []
    asked.read().send(answer("200 OK", "Content-Type: application/json", *fields, body=b'{"versions": []}'))


def put(client, body, *fields):
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", TOKEN, OCTETS, *fields, f"Content-Length: {len(body)}"))
    client.send_until_refused(body)
    return client.answer()


def for_a_page(told):
    """The CORS fields, without the list of the proxy's own fields."""
    lines = [f"{name}: {value}" for name, value in told.fields
             if name == "Vary" or name.startswith("Access-Control-")]
    return [line for line in lines if not line.startswith("Access-Control-Expose-Headers: X-Intake-")]


def refusals(fixture, *origin, reasons=REFUSED):
    """(reason, the refusal, Glance) for each reason."""
    glance = fixture.glance(other=versions)
    proxy = fixture.proxy(glance)
    for reason in reasons:
        fields, image, body = REFUSED[reason]
        glance.image = facts(**image)
        glance.requests.clear()
        for _ in range(5):  # without the fields, Glance may have been too slow: the proxy waits two seconds for it
            told = put(fixture.client(proxy), body, *fields, *origin)
            assert json.loads(told.body)["reason"] == reason, told.body
            if for_a_page(told) or not origin:
                break
        yield reason, told, glance


def refused(fixture, reason, *origin):
    (_, told, glance), = refusals(fixture, *origin, reasons=(reason,))
    return told, glance


def questions(glance):
    """The requests that only fetch CORS fields."""
    return [asked for asked in glance.requests if asked.target == "/versions"]


@scenario
def every_refusal_has_cors_fields_for_the_page_that_may(fixture):
    for reason, told, glance in refusals(fixture, f"Origin: {PAGE}"):
        assert for_a_page(told) == FIELDS, (reason, told.fields)
        own = told.get("X-Openstack-Request-Id")
        asked, = [asked for asked in questions(glance) if asked.get("X-Openstack-Request-Id") == own]
        assert asked.get("X-Auth-Token") is None, reason


@scenario
def refusals_without_origin_have_no_cors_fields(fixture):
    for reason, told, glance in refusals(fixture):
        assert for_a_page(told) == [] and questions(glance) == [], (reason, told.fields)


@scenario
def foreign_origin_gets_no_cors_fields(fixture):
    told, _ = refused(fixture, "image_not_queued", "Origin: https://foreign.example.org")
    assert for_a_page(told) == []


@scenario
def two_origins_get_no_cors_fields(fixture):
    """No browser sends two. Glance is asked for none of them."""
    told, glance = refused(fixture, "content_range", f"Origin: {PAGE}", "Origin: https://foreign.example.org")
    assert for_a_page(told) == [] and questions(glance) == []


@scenario
def own_fields_are_exposed(fixture):
    """A page sees only the fields that are named in Access-Control-Expose-Headers."""
    told, _ = refused(fixture, "damaged_body", f"Origin: {PAGE}")
    own = {name for name, _ in told.fields if name.startswith("X-Intake-")}
    named = ",".join(told.all("Access-Control-Expose-Headers")).replace(" ", "").split(",")
    assert own and own <= set(named), (own, named)


@scenario
def glances_refusal_needs_no_cors_query(fixture):
    """It has its own CORS fields."""
    glance = fixture.glance(other=versions, image=answer("404 Not Found", *FIELDS, body=b"no such image"))
    told = put(fixture.client(fixture.proxy(glance)), b"\0body", f"Origin: {PAGE}")
    assert (told.status, for_a_page(told)) == (404, FIELDS)
    assert questions(glance) == []


@scenario
def refusal_is_sent_although_the_cors_query_fails(fixture):
    """Glance fails, closes the connection, or does not answer in time."""
    ways = [lambda asked: asked.read().send(answer("500 Internal Server Error", "Connection: close")).close(),
            lambda asked: asked.read().close(),
            lambda asked: asked.read().await_close()]
    proxy = fixture.proxy(fixture.glance(other=lambda asked: ways.pop(0)(asked)))
    for _ in range(3):
        with proxy.client() as client:
            told = put(client, b"\0body", "Content-Range: bytes 0-1/2", f"Origin: {PAGE}")
        assert json.loads(told.body)["reason"] == "content_range", told.body
        assert for_a_page(told) == []
    wait_until("Glance was asked each time", lambda: not ways)


@scenario
def cors_preflight_is_relayed(fixture):
    fields = [*FIELDS[:3], "Access-Control-Allow-Methods: PUT", "Access-Control-Max-Age: 3600"]
    glance = fixture.glance(other=lambda asked: asked.read().send(answer("200 OK", *fields)))
    asks = [f"Origin: {PAGE}", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-auth-token"]
    told = fixture.proxy(glance).ask("OPTIONS", UPLOAD, *asks)
    assert (told.status, for_a_page(told)) == (200, fields)
    asked, = glance.requests
    assert [f"{name}: {value}" for name, value in asked.fields if f"{name}: {value}" in asks] == asks


# --- uploads that go on ---------------------------------------------------------------------------

KNOWN = {"x-auth-token", "content-type"}  # the fields that Glance's configuration allows


def like_oslo(asked):
    """Answers a preflight request as oslo.middleware does: without a field if anything is not allowed."""
    wanted = {name.strip().lower() for name in (asked.get("Access-Control-Request-Headers") or "").split(",")} - {""}
    allowed = asked.get("Origin") == PAGE and wanted <= KNOWN and \
        asked.get("Access-Control-Request-Method") in ("GET", "PUT", "POST", "DELETE", "PATCH")
    fields = [*FIELDS, "Access-Control-Allow-Headers: " + ",".join(sorted(wanted))] if allowed else []
    asked.read().send(answer("200 OK", *fields))


@scenario
def preflight_allows_the_fields_of_uploads_that_go_on(fixture):
    glance = fixture.glance(other=like_oslo)
    proxy = fixture.proxy(glance, conf={"resume": {"window": "10m"}})

    def ask(method, fields, origin=PAGE, target=UPLOAD):
        told = proxy.ask("OPTIONS", target, f"Origin: {origin}", f"Access-Control-Request-Method: {method}",
                         f"Access-Control-Request-Headers: {fields}")
        names = {name.strip().lower() for name in ",".join(told.all("Access-Control-Allow-Headers")).split(",")}
        return told.get("Access-Control-Allow-Origin"), names

    for method, fields in (("POST", "tus-resumable,upload-length,x-auth-token"),
                           ("PATCH", "content-type, Tus-Resumable, upload-offset,x-auth-token"),
                           ("HEAD", "tus-resumable"), ("DELETE", "tus-resumable,x-auth-token"),
                           ("PATCH", "upload-complete,upload-draft-interop-version,upload-offset,x-auth-token")):
        origin, allowed = ask(method, fields)
        wanted = {name.strip().lower() for name in fields.split(",")}
        assert origin == PAGE and wanted <= allowed, (method, fields, origin, allowed)
    for refused_one in (ask("PATCH", "tus-resumable,x-other"), ask("LOCK", "tus-resumable"),
                        ask("PATCH", "tus-resumable", "https://foreign.example.org"),
                        ask("PATCH", "tus-resumable", target="/v2/images")):
        assert refused_one == (None, {""}), refused_one


@scenario
def page_may_read_how_far_its_upload_is(fixture):
    described = answer("200 OK", "Content-Type: application/json", *FIELDS,
                       body=json.dumps({"id": IMAGE, **facts()}).encode())
    glance = fixture.glance(image=described, other=versions)
    for backing in ("hold", "spool"):
        proxy = fixture.proxy(glance, conf={"resume": {"window": "10m", "backing": backing}})

        def ask(method, *fields, body=b"", proxy=proxy):
            with proxy.client() as client:
                told = client.send(request(method, UPLOAD, TOKEN, TUS, f"Origin: {PAGE}", *fields,
                                           body=body)).answer(method)
            exposed = ",".join(told.all("Access-Control-Expose-Headers")).replace(" ", "").split(",")
            assert told.get("Access-Control-Allow-Origin") == PAGE, (method, told.fields)
            assert {name for name, _ in told.fields if name.startswith(("Upload-", "Tus-", "Location"))} <= \
                set(exposed), (method, told.fields)
            return told

        assert ask("POST", "Upload-Length: 9").status == 201
        assert ask("HEAD").get("Upload-Offset") == "0"
        part = ("Content-Type: application/offset+octet-stream",)
        assert ask("PATCH", *part, "Upload-Offset: 0", body=b"\0body").get("Upload-Offset") == "5"
        assert ask("PATCH", *part, "Upload-Offset: 4", body=b"\0").status == 409
        assert ask("DELETE").status == 204
        proxy.stop()


@scenario(threaded=True)
def client_may_reset_during_the_cors_query(fixture):
    """Its refusal only waits for the CORS query, which is dropped with it."""
    glance = fixture.glance(other=lambda asked: versions(asked.hold()), image=facts(status="active"))
    proxy = fixture.proxy(glance)
    client = proxy.client()
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", TOKEN, OCTETS, f"Origin: {PAGE}", "Content-Length: 5"))
    glance.wait("the question", lambda _: questions(glance))
    time.sleep(1.5)  # the proxy looks for a reset at its first tick, after a second
    client.reset()
    proxy.wait_metric(0, "connections")
    proxy.wait_metric(0, "requests_in_flight")
    questions(glance)[0].go()
    glance.other = versions
    assert proxy.ask("GET", "/v2/images").status == 200
