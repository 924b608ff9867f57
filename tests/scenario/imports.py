# SPDX-License-Identifier: Apache-2.0
"""POST /v2/images/{id}/import: its methods, Glance's answers, and imports before the small Glance."""
import concurrent.futures
import json
import uuid

from support.fixture import scenario
from support.glance import IMAGE, answer, facts, json_answer
from support.imports import (
    ALL, CHOICE, FORCE, IMPORT, JSON, STORE, TOKEN, accepted, ask, begin, body, by, env, imports, kept, listed,
    refused)
from support.raw_http import Cut, request
from support.stack import TOKEN as DEMO, Stack, data


# --- methods ------------------------------------------------------------------------------------------


@scenario
def closed_methods_are_refused(fixture):
    policy = FORCE + f"doors: {{ import_methods: [glance-direct, copy-image], exempt: [{fixture.host}] }}\n"
    glance, proxy = env(fixture, policy)
    for method, status in (("glance-direct", 202), ("copy-image", 202), ("web-download", 403),
                           ("glance-download", 403), ("made-up", 403), ("", 403), ("GLANCE-DIRECT", 403)):
        for source in (fixture.host, "127.0.0.77"):
            glance.requests.clear()
            with proxy.client(source) as client:
                told = client.ask("POST", IMPORT, TOKEN, JSON, body=by(method, uri="http://x/"))
            if source == fixture.host:
                accepted(glance, told, "test", fixed=True)
            elif status == 202:
                accepted(glance, told, "test", fixed=True)
            else:
                said = refused(glance, told, status, "denied_by_policy")
                assert f"imports by {method} are closed" in said["message"], said
    assert proxy.metric("imports_total", method="web-download", result="refused") == 1
    assert proxy.metric("imports_total", method="web-download", result="accepted") == 1
    assert proxy.metric("imports_total", method="other", result="refused") == 3
    assert "made-up" not in proxy.admin("/metrics")


@scenario
def rules_match_the_import_method(fixture):
    policy = ('rules:\n  - { name: fetched, when: { import_method: [web-download] }, store: file, mode: force }\n'
              '  - { name: none, when: { name: none }, deny: "nothing comes in by import" }\n' + FORCE)
    glance, proxy = env(fixture, policy)
    asked = accepted(glance, ask(proxy, by("web-download", uri="http://x/")), "file", fixed=True, rule="fetched")
    assert asked.all(STORE) == ["file"]
    assert accepted(glance, ask(proxy, by("glance-direct")), "test", fixed=True).all(STORE) == ["test"]
    glance.requests.clear()
    glance.image = facts(name="none")
    said = refused(glance, ask(proxy, by("glance-direct")), 403, "denied_by_policy")
    assert "nothing comes in by import" in said["message"], said


@scenario
def copy_is_not_redirected(fixture):
    """A copy into another store than asked for would not help the client. So a forced store is the only one
    allowed."""
    glance, proxy = env(fixture, image=facts(status="active", stores="file"))
    copy = '"method": {"name": "copy-image"}'
    sent = f'{{{copy}, "stores": ["test"]}}'.encode()
    kept(glance, ask(proxy, sent), "test", sent)
    asked = accepted(glance, ask(proxy, f"{{{copy}}}".encode()), "test", fixed=True)
    assert asked.all(STORE) == ["test"]
    glance.requests.clear()
    for more in ('"stores": ["file"]', '"stores": ["test", "file"]', '"all_stores": true'):
        said = refused(glance, ask(proxy, f"{{{copy}, {more}}}".encode()), 403, "store_not_allowed")
        assert "the policy allows test" in said["message"], said


# --- Glance's answers ---------------------------------------------------------------------------------


@scenario
def glances_refusals_are_relayed(fixture):
    """Of the query for the image, or of the import."""
    for status, start in ((404, "404 Not Found"), (401, "401 Unauthorized"), (403, "403 Forbidden")):
        glance, proxy = env(fixture, image=answer(start, body=b"Glance's own"))
        told = ask(proxy, body())
        assert (told.status, told.body) == (status, b"Glance's own") and imports(glance) == []
        proxy.wait_log(f" import .* glance_status={status} verdict=rejected")
        proxy.stop()
        glance.stop()
    glance, proxy = env(fixture, other=lambda asked: asked.read().send(answer("409 Conflict", body=b"staged first")))
    told = ask(proxy, body())
    assert (told.status, told.body, told.get("X-Intake-Store")) == (409, b"staged first", "test")
    proxy.wait_log(" import .* glance_status=409 verdict=rejected")
    assert proxy.metric("imports_total", method="glance-direct", result="rejected") == 1


@scenario
def import_without_a_body_is_relayed(fixture):
    words = answer("400 Bad Request", body=b"Body expected")
    glance, proxy = env(fixture, other=lambda asked: asked.read().send(words))
    told = proxy.ask("POST", IMPORT, TOKEN)
    assert (told.status, told.body) == (400, b"Body expected") and len(imports(glance)) == 1
    assert [asked.method for asked in glance.requests] == ["POST"]


@scenario
def glance_closing_is_502(fixture):
    glance, proxy = env(fixture, other=lambda asked: asked.read().close())
    told = ask(proxy, body())
    assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_failed")
    proxy.wait_log(" import .* method=glance-direct .* verdict=failed reason=glance_failed")
    assert proxy.metric("imports_total", result="failed") == 1


@scenario
def closed_port_is_502(fixture):
    proxy = fixture.proxy(fixture.closed_url())
    told = ask(proxy, body())
    assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_unreachable")
    proxy.wait_log(" import .* verdict=failed reason=glance_unreachable")


@scenario
def partial_import_is_aborted(fixture):
    glance, proxy = env(fixture)
    with proxy.client() as client:
        begin(client, "Content-Length: 100").send(b"{")
    proxy.wait_log(" import .* verdict=aborted")
    assert glance.requests == []


@scenario
def complete_import_survives_the_client(fixture):
    """Glance does the same: it does what was asked."""
    def slow(asked):
        asked.hold().read().send(json_answer("200 OK", facts()))

    glance, proxy = env(fixture, image=slow)
    for count, end in enumerate(("close", "reset"), 1):
        with proxy.client() as client:
            client.send(request("POST", IMPORT, TOKEN, body=body()))
            glance.wait("the question", lambda it: any(asked.target.endswith(IMAGE) for asked in it.requests))
            getattr(client, end)()
        next(asked for asked in glance.requests if asked.target.endswith(IMAGE)).go()
        glance.wait("the import", lambda it: imports(it) and imports(it)[-1].complete)
        proxy.wait_metric(count, "imports_total", result="accepted")
        glance.requests.clear()
    proxy.wait_metric(0, "requests_in_flight")


@scenario(threaded=True)
def import_is_logged_counted_and_shown(fixture):
    glance, proxy = env(fixture, CHOICE)
    told = ask(proxy, listed("test", "file"))
    line = proxy.wait_log(f" import request_id={told.get('X-Openstack-Request-Id')} ")
    for part in (f" image={IMAGE} ", " project=demo ", " method=glance-direct ", ' store="test, file" ',
                 " rule=default ", " glance_status=202 ", " verdict=accepted"):
        assert part in f"{line} ", (part, line)
    row = proxy.uploads()["finished"][0]
    assert (row["door"], row["method"], row["verdict"], row["store"]) == ("import", "glance-direct", "accepted",
                                                                          "test, file")
    assert proxy.metric("imports_total", method="glance-direct", result="accepted") == 1
    assert proxy.metric("uploads_total") == proxy.metric("upload_bytes_total") == 0
    assert proxy.metric("upload_duration_seconds_count") == 0
    page = proxy.admin("/")
    assert "<td>import by glance-direct</td>" in page and ">accepted</span>" in page, page
    assert "a-token" not in proxy.log() + page


@scenario
def imports_share_a_connection(fixture):
    glance, proxy = env(fixture)
    with proxy.client() as client:
        for _ in range(5):
            assert client.ask("POST", IMPORT, TOKEN, body=listed("file")).status == 202
            assert client.ask("POST", IMPORT, TOKEN, body=b"{").status == 400
            assert client.ask("POST", IMPORT, TOKEN, body=body()).status == 202
        begin(client, "Expect: 100-continue", f"Content-Length: {len(ALL)}")
        assert client.stream.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        accepted(glance, client.send(ALL).answer(), "test", fixed=True)
    assert sum(asked.target == "/v2/info/stores" for asked in glance.requests) == 1  # once a minute


@scenario(short=True)
def failed_allocations_do_not_bypass_the_policy(fixture):
    """The client gets an error or no answer. Nothing passes the policy."""
    short = fixture.short_memory(100)
    glance, proxy = env(fixture)

    def attempt(way):
        method, target, kind, sent, fields = way
        try:
            return proxy.ask(method, target, TOKEN, kind, *fields, body=sent).status
        except (Cut, OSError):
            return None  # there was no memory for an answer

    update = f"/v2/images/{IMAGE}"
    point = b'[{"op": "add", "path": "/locations/-", "value": {"url": "http://x/", "metadata": {}}}]'
    patch = "Content-Type: application/openstack-images-v2.1-json-patch"
    ways = (("POST", IMPORT, JSON, listed("file"), []), ("POST", IMPORT, JSON, body(), [f"{STORE}: file"]),
            ("POST", IMPORT, JSON, ALL, []), ("PATCH", update, patch, point, []),
            ("POST", f"{update}/locations", JSON, point, []))
    short.touch()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        told = list(pool.map(attempt, ways * 200))
    short.unlink()
    counts = {status: told.count(status) for status in set(told)}
    assert counts[202] > 100 and counts[403] > 100 and counts[503] > 10, counts
    assert {asked.target for asked in glance.requests if asked.method != "GET"} == {IMPORT}
    for asked in imports(glance):
        if asked.complete:
            stores = [*asked.all(STORE), *json.loads(asked.body).get("stores", [])]
            assert stores == ["test"], (asked.fields, asked.body)
    proxy.wait_metric(0, "requests_in_flight")
    assert [attempt(way) for way in ways] == [202, 202, 202, 403, 403]


# --- with the small Glance ----------------------------------------------------------------------------


@scenario
def imported_data_is_in_the_policys_store(fixture):
    """Through the proxy the data goes to the policy's store. Past the proxy it goes where the client says."""
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance, policy=FORCE)
    for sent, fields in ((body(), []), (body(), [f"{STORE}: file"]), (listed("file"), []), (ALL, []),
                         (listed("test", "file"), [])):
        image = glance.create()
        glance.send("PUT", f"/v2/images/{image}/stage", b"staged", "application/octet-stream")
        told = proxy.ask("POST", f"/v2/images/{image}/import", "X-Auth-Token: demo-token", *fields, body=sent)
        assert told.status == 202, told.body
        shown = glance.ask("GET", f"/v2/images/{image}")
        assert (shown["status"], shown["stores"]) == ("active", "test"), (sent, shown)
    image = glance.create()
    glance.send("PUT", f"/v2/images/{image}/stage", b"staged", "application/octet-stream")
    glance.send("POST", f"/v2/images/{image}/import", listed("file"), "application/json")
    assert glance.ask("GET", f"/v2/images/{image}")["stores"] == "file"
    unknown = str(uuid.uuid4())
    assert proxy.ask("POST", f"/v2/images/{unknown}/import", "X-Auth-Token: demo-token", body=body()).status == 404


SIZED = """\
rules:
  - { name: huge, when: { larger_than: 64KiB }, deny: "too much of it" }
  - { name: free, when: { name: free }, store: test }
default: { store: test, mode: force, max_size: 32KiB }
"""


@scenario
def staged_size_selects_the_rule(fixture):
    """The image is staged under one rule and imported under another. The import knows the staged size."""
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance, policy=SIZED)
    for size, status, reason in ((32 << 10, 202, None), (33 << 10, 413, "too_large"),
                                 (65 << 10, 403, "denied_by_policy")):
        image = glance.create(name="free")
        glance.send("PUT", f"/v2/images/{image}/stage", bytes(size), "application/octet-stream")
        change = json.dumps([{"op": "replace", "path": "/name", "value": "bound"}]).encode()
        patch = "Content-Type: application/openstack-images-v2.1-json-patch"
        assert proxy.ask("PATCH", f"/v2/images/{image}", DEMO, patch, body=change).status == 200
        told = proxy.ask("POST", f"/v2/images/{image}/import", DEMO, JSON, body=body())
        assert told.status == status, (size, told.start, told.body)
        assert not reason or json.loads(told.body)["reason"] == reason, told.body
        assert glance.ask("GET", f"/v2/images/{image}")["status"] == ("uploading" if reason else "active")


@scenario
def unfinished_stage_is_not_imported(fixture):
    stack = Stack(fixture)
    image = stack.image()

    def hurry():
        told = stack.proxy.ask("POST", f"/v2/images/{image}/import", DEMO, JSON, body=body())
        said = json.loads(told.body)
        assert (told.status, said["reason"]) == (409, "upload_in_progress"), said

    sent = data(300_000)
    stack.stored(stack.put_with_pause(image, sent, hurry, action="stage"), image, sent, action="stage")
    assert stack.proxy.ask("POST", f"/v2/images/{image}/import", DEMO, JSON, body=body()).status == 202
    assert stack.show(image)["status"] == "active"
