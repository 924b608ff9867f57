# SPDX-License-Identifier: Apache-2.0
"""POST /v2/images/{id}/import: the stores that it may ask for, in each of the three ways, and its methods.
Glance gets one store, or the client's request byte for byte."""
import concurrent.futures
import json
import uuid

from support.fixture import scenario
from support.glance import IMAGE, answer, facts, json_answer, store_list
from support.raw_http import Cut, chunks, head, request
from support.stack import Stack, data
from support.stack import TOKEN as DEMO

IMPORT = f"/v2/images/{IMAGE}/import"
TOKEN = "X-Auth-Token: a-token"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
STORE = "X-Image-Meta-Store"

FORCE = "default: { store: test, mode: force }\n"
CHOICE = "default: { store: test, mode: default, allow: [file, test] }\n"
ANY = "default: { store: test, mode: default }\n"
MAX = 256 * 1024

DIRECT = '"method": {"name": "glance-direct"}'


def by(method, **more):
    return json.dumps({"method": {"name": method, **more}}).encode()


def body(more=""):
    """An import with unusual blanks and key order."""
    return (' {"z" :\t[1.50, "\\u00e9"],%s %s}\r\n' % (more and f" {more} ,", DIRECT)).encode()


def listed(*stores):
    return body(f'"stores":  {json.dumps(stores)}')


ALL = body('"all_stores" :true')


def take(asked):
    asked.read().send(answer("202 Accepted", "X-Of-Glance: yes"))


def env(fixture, policy=FORCE, conf=None, **glance):
    glance = fixture.glance(**{"other": take, **glance})
    return glance, fixture.proxy(glance, policy=policy, conf=conf)


def imports(glance):
    return [asked for asked in glance.requests if asked.method == "POST"]


def ask(proxy, sent, *fields, target=IMPORT):
    return proxy.ask("POST", target, TOKEN, JSON, *fields, body=sent)


def begin(client, *fields):
    """Sends the head of an import."""
    return client.send(head(f"POST {IMPORT} HTTP/1.1", "Host: g", TOKEN, *fields))


def accepted(glance, told, stores, fixed=False, rule="default"):
    """Checks Glance's answer and the proxy's fields. Returns what Glance got."""
    assert (told.status, told.get("X-Of-Glance")) == (202, "yes"), (told.start, told.body)
    assert told.get("X-Intake-Store") == stores, told.fields
    assert told.get("X-Intake-Rule") == rule, told.fields
    assert told.get("X-Intake-Fixed") == ("store" if fixed else None), told.fields
    asked = imports(glance)[-1]
    assert asked.complete and asked.target == IMPORT
    return asked


def kept(glance, told, stores, sent, headers=()):
    asked = accepted(glance, told, stores)
    assert asked.body == sent and asked.all(STORE) == list(headers), (asked.body, asked.fields)
    return asked


def refused(glance, told, status, reason):
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (status, reason), (told.start, said)
    assert said["image_id"] == IMAGE and said["message"] and said["hint"], said
    assert imports(glance) == []
    return said


# --- one forced store ---------------------------------------------------------------------------------


@scenario(representative=True)
def forced_store_replaces_every_choice(fixture):
    glance, proxy = env(fixture)
    for sent, headers in ((body(), []), (body(), ["file"]), (body(), ["gold"]), (body(), ["test", "file"]),
                          (body('"all_stores": false'), []), (body('"all_stores": false'), ["file"])):
        told = ask(proxy, sent, *(f"{STORE}: {name}" for name in headers))
        asked = accepted(glance, told, "test", fixed=True)
        assert asked.all(STORE) == ["test"] and asked.body == sent, (headers, asked.fields)
    for sent, headers in ((listed("file"), []), (listed("file", "test"), []), (listed(), []), (ALL, []),
                          (listed("os_glance_tasks_store"), []), (listed("test"), ["file"]), (ALL, ["test"]),
                          (body('"all_stores": true, "stores": ["file"]'), []), (listed("test", "test", "file"), [])):
        told = ask(proxy, sent, *(f"{STORE}: {name}" for name in headers))
        asked = accepted(glance, told, "test", fixed=True)
        assert asked.all(STORE) == [] and asked.get("Content-Length") == str(len(asked.body)), asked.fields
        document = json.loads(asked.body)
        assert document == {"z": [1.5, "\u00e9"], "stores": ["test"], "method": {"name": "glance-direct"}}, document
        if b'"stores"' in sent:
            assert [key for key in document if key != "stores"] == ["z", "method"], "the order of keys has changed"


@scenario
def forced_store_applies_to_every_spelling(fixture):
    glance, proxy = env(fixture)
    for field in ("x-image-meta-store", "X_Image_Meta_Store", "X-Image_Meta-Store", "x_image-meta_store"):
        asked = accepted(glance, ask(proxy, body(), f"{field}: file"), "test", fixed=True)
        spelled = [name for name, _ in asked.fields if name.replace("_", "-").lower() == STORE.lower()]
        assert spelled == [STORE] and asked.get(STORE) == "test", asked.fields
    accept = "Accept: application/vnd.openstack.images-v2"
    for target, *more in ((f"//v2//images/{IMAGE}//import",), (f"/v2.7/images/{IMAGE}/import",),
                          (f"/v2/images/{IMAGE}%2F%69mport",), (f"/images/{IMAGE}/import", accept)):
        told = ask(proxy, listed("file"), *more, target=target)
        asked = accepted(glance, told, "test", fixed=True)
        assert json.loads(asked.body)["stores"] == ["test"] and asked.get("Accept") is None, target


@scenario(threaded=True)
def right_import_is_relayed_unchanged(fixture):
    glance, proxy = env(fixture)
    kept(glance, ask(proxy, body(), f"{STORE}: test"), "test", body(), ["test"])
    kept(glance, ask(proxy, listed("test")), "test", listed("test"))
    kept(glance, ask(proxy, listed("test"), f"{STORE}: test"), "test", listed("test"), ["test"])  # Glance says 400
    glance.stores = store_list("test")
    with proxy.client() as client:
        begin(client, CHUNKED).send(chunks(listed("test"), 7))
        assert kept(glance, client.answer(), "test", listed("test")).chunked


@scenario
def chunked_import_is_rewritten(fixture):
    glance, proxy = env(fixture)
    with proxy.client() as client:
        for _ in range(3):
            begin(client, CHUNKED).send(chunks(ALL, 5))
            asked = accepted(glance, client.answer(), "test", fixed=True)
            assert json.loads(asked.body)["stores"] == ["test"] and not asked.chunked
            begin(client, CHUNKED).send(chunks(body(), 5))
            asked = accepted(glance, client.answer(), "test", fixed=True)
            assert asked.chunked and asked.body == body() and asked.all(STORE) == ["test"]


@scenario
def digests_of_a_rewritten_body_are_dropped(fixture):
    glance, proxy = env(fixture)
    digests = ["Content-MD5: x", "Digest: x", "Repr-Digest: x", "Content-Digest: x"]
    for sent, count in ((listed("file"), 0), (listed("test"), 4), (body(), 4)):
        assert ask(proxy, sent, *digests).status == 202
        found = [name for name, _ in imports(glance)[-1].fields if "digest" in name.lower() or "MD5" in name]
        assert len(found) == count, found


# --- the client's choice ------------------------------------------------------------------------------


@scenario
def allowed_stores_are_relayed(fixture):
    glance, proxy = env(fixture, CHOICE)
    for store in ("file", "test"):
        kept(glance, ask(proxy, body(), f"{STORE}: {store}"), store, body(), [store])
        kept(glance, ask(proxy, listed(store)), store, listed(store))
    kept(glance, ask(proxy, listed("test", "file")), "test, file", listed("test", "file"))
    kept(glance, ask(proxy, ALL), "file, test", ALL)
    asked = accepted(glance, ask(proxy, body()), "test", fixed=True)
    assert asked.all(STORE) == ["test"] and asked.body == body()
    asked = accepted(glance, ask(proxy, listed()), "test", fixed=True)
    assert json.loads(asked.body)["stores"] == ["test"]


@scenario(representative=True)
def other_stores_are_refused(fixture):
    glance, proxy = env(fixture, CHOICE, stores=store_list("file", "test", "gold"))
    for sent, fields, store in ((body(), [f"{STORE}: gold"], "gold"), (listed("gold"), [], "gold"),
                                (listed("file", "gold"), [], "gold"), (ALL, [], "all stores"),
                                (listed("file"), [f"{STORE}: gold"], "gold"), (listed(""), [], "asks for ,"),
                                (body(), [f"{STORE}: file", f"{STORE}: test"], "file,test"),
                                (listed("os_glance_staging_store"), [], "os_glance_staging_store")):
        told = ask(proxy, sent, *fields)
        said = refused(glance, told, 403, "store_not_allowed")
        assert store in said["message"] and "the policy allows file, test" in said["message"], said
        line = proxy.wait_log(f" import request_id={said['request_id']} ")
        assert " method=glance-direct " in line and " verdict=refused reason=store_not_allowed" in line, line


@scenario
def default_mode_allows_glances_stores(fixture):
    glance, proxy = env(fixture, ANY)
    kept(glance, ask(proxy, listed("file", "test")), "file, test", listed("file", "test"))
    kept(glance, ask(proxy, ALL), "file, test", ALL)
    glance.requests.clear()
    for sent, fields, store in ((listed("file", "gold"), [], "gold"), (body(), [f"{STORE}: gold"], "gold"),
                                (listed("os_glance_tasks_store"), [], "os_glance_tasks_store")):
        said = refused(glance, ask(proxy, sent, *fields), 403, "store_not_allowed")
        assert store in said["message"], said


@scenario
def all_stores_needs_a_known_list_or_any_store(fixture):
    """If Glance does not list its stores, all_stores is accepted only by a rule that allows any store."""
    for policy, status in ((ANY, 202), (CHOICE, 403), (FORCE, 202)):
        glance, proxy = env(fixture, policy, stores=answer("500 Internal Server Error"))
        told = ask(proxy, ALL)
        assert told.status == status, told.body
        if policy == FORCE:
            assert json.loads(imports(glance)[-1].body)["stores"] == ["test"]
        elif policy == ANY:
            kept(glance, told, None, ALL)
        proxy.stop()
        glance.stop()


@scenario
def missing_store_is_503(fixture):
    glance, proxy = env(fixture, "default: { store: gold, mode: force }\n")
    for sent in (body(), listed("file"), ALL):
        said = refused(glance, ask(proxy, sent), 503, "store_unknown")
        assert "gold" in said["message"] and "file, test" in said["message"], said


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


# --- what cannot be read ------------------------------------------------------------------------------

UNREADABLE = (
    b"x", b"{", b"[]", b"{}", b'"text"', b"{}{}", b'{"method": "glance-direct"}', b'{"method": {"name": 1}}',
    b'{%s, "stores": ["test"], "stores": ["file"]}', b'{%s, "stores": ["file"], "stores": ["test"]}',
    b'{%s, "stores": ["test"], "st\\u006fres": ["file"]}', b'{%s, "all_stores": false, "all_stores": true}',
    b'{%s, "stores": "file"}', b'{%s, "stores": {"file": 1}}', b'{%s, "stores": null}', b'{%s, "stores": [["file"]]}',
    b'{%s, "all_stores": 1}', b'{%s, "stores": ["te\\u0000st"]}', b'{%s, "stores": ["test\\r\\nX-Forged: 1"]}',
    b'{%s, "method": {"name": "web-download"}}', b'{%s, "x": NaN}', b'\xef\xbb\xbf{%s}', b'{%s, "x": "\\ud800"}',
)


def unreadable():
    for text in UNREADABLE:
        yield text.replace(b"%s", DIRECT.encode())


@scenario(representative=True)
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


@scenario(representative=True)
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


@scenario(representative=True)
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
