# SPDX-License-Identifier: Apache-2.0
"""Ways to get data into a store without sending it: locations that a client names, and tasks. They are
closed, unless the policy opens them or exempts the client. (imports.py tests imports.)"""
import json

from support.fixture import scenario
from support.glance import IMAGE, answer
from support.raw_http import chunks, head

UPDATE = f"/v2/images/{IMAGE}"
LOCATIONS = f"{UPDATE}/locations"
TASKS = "/v2/tasks"
NEWER, OLDER = (f"Content-Type: application/openstack-images-v2.{minor}-json-patch" for minor in (1, 0))
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
TOKEN = "X-Auth-Token: a-token"

THERE = {"url": "file:///etc/passwd", "metadata": {"store": "file"}}
POINT = json.dumps([{"op": "add", "path": "/locations/-", "value": THERE}]).encode()
POINT_OLDER = json.dumps([{"add": "/locations/-", "value": THERE}]).encode()
RENAME = b' [ {"value":"x" ,\t"path" : "\\u002fname", "op":"replace"} ]\r\n'
ADD = json.dumps({"url": "file:///etc/passwd"}).encode()
TASK = json.dumps({"type": "import", "input": {"import_from": "file:///etc/passwd"}}).encode()

OPERATIONS = {  # event in the log: (method, target, type, body)
    "locations": ("POST", LOCATIONS, JSON, ADD),
    "locations by PATCH": ("PATCH", UPDATE, NEWER, POINT),
    "locations by the older PATCH": ("PATCH", UPDATE, OLDER, POINT_OLDER),
    "task": ("POST", TASKS, JSON, TASK),
}

CLOSED = "default: { store: test }\n"
OPEN = CLOSED + "doors: { locations: open, tasks: open }\n"
AUDIT = "mode: audit\n" + CLOSED
ONE_RULE_WATCHES = "rules: [{ name: all, store: test, mode: audit }]\n" + CLOSED

MAX = 256 * 1024


def take(asked):
    asked.read().send(answer("201 Created", "X-Of-Glance: yes", body=b"Glance's own"))


def env(fixture, policy=CLOSED, conf=None):
    glance = fixture.glance(other=take)
    return glance, fixture.proxy(glance, policy=policy, conf=conf)


def updates(glance):
    """The updates that reached Glance, without the queries for the client's identity."""
    return [asked for asked in glance.requests if asked.method == "PATCH"]


def refused(told, status, reason):
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (status, reason), (told.start, said)
    assert said["message"] and said["hint"], said
    return said


def passed(glance, told, body):
    """The whole body has arrived, and the answer is Glance's."""
    assert (told.status, told.get("X-Of-Glance"), told.body) == (201, "yes", b"Glance's own"), told.start
    own = told.get("X-Openstack-Request-Id")  # of two pipelined requests, the second may have begun
    asked = [each for each in glance.requests if each.get("X-Openstack-Request-Id") == own][-1]
    assert asked.complete and asked.body == body, asked.body
    return asked


def begin(client, *fields):
    """Sends the head of an update."""
    return client.send(head(f"PATCH {UPDATE} HTTP/1.1", "Host: g", NEWER, *fields))


def event(name):
    return name.split(" ")[0]


# --- closed, open, exempt, audit ----------------------------------------------------------------------


@scenario(representative=True)
def operations_are_closed_by_default(fixture):
    glance, proxy = env(fixture)
    for count, (name, (method, target, kind, body)) in enumerate(OPERATIONS.items(), 1):
        told = proxy.ask(method, target, TOKEN, kind, body=body)
        said = refused(told, 403, "denied_by_policy")
        assert "closed" in said["message"], said
        assert said["request_id"] == told.get("X-Openstack-Request-Id"), said
        line = proxy.wait_log(f" {event(name)} request_id={said['request_id']} ")
        assert " verdict=refused reason=denied_by_policy" in line, line
        assert (f" image={IMAGE} " in line) == (event(name) == "locations"), line
        assert proxy.metric("refusals_total", reason="denied_by_policy") == count
    assert glance.requests == []
    assert proxy.metric("uploads_total") == proxy.metric("imports_total") == 0
    assert {(row["door"], row["verdict"]) for row in proxy.uploads()["finished"]} == {
        ("locations", "refused"), ("task", "refused")}


@scenario
def closed_operation_is_refused_instead_of_100(fixture):
    """An update has to be read first, so it gets 100 Continue. An operation that is closed in any case does not."""
    glance, proxy = env(fixture)
    for name, (method, target, kind, body) in OPERATIONS.items():
        with proxy.client() as client:
            client.send(head(f"{method} {target} HTTP/1.1", "Host: g", TOKEN, kind, "Expect: 100-continue",
                             f"Content-Length: {len(body)}"))
            if method == "PATCH":
                assert client.stream.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
                client.send(body)
            refused(client.answer(), 403, "denied_by_policy")
            assert client.interim == [], name
    assert glance.requests == []


@scenario
def open_operations_are_relayed(fixture):
    glance, proxy = env(fixture, OPEN)
    for method, target, kind, body in OPERATIONS.values():
        passed(glance, proxy.ask(method, target, TOKEN, kind, body=body), body)
    assert proxy.uploads()["finished"] == []  # the proxy records nothing about open operations


@scenario
def exempt_addresses_are_relayed(fixture):
    """The address is the one that the proxy trusts."""
    exempt, other = fixture.host, "127.0.0.77"
    policy = CLOSED + f"doors: {{ exempt: [{exempt}, 10.1.0.0/16] }}\n"
    glance, proxy = env(fixture, policy, {"listen": {"trusted_proxies": exempt}})
    for method, target, kind, body in OPERATIONS.values():
        for source, via, status in ((exempt, [], 201), (other, [], 403),
                                    (exempt, ["X-Forwarded-For: 10.1.2.3"], 201),
                                    (exempt, ["X-Forwarded-For: 10.2.0.1"], 403),
                                    (other, [f"X-Forwarded-For: {exempt}"], 403)):
            with proxy.client(source) as client:
                told = client.ask(method, target, TOKEN, kind, *via, body=body)
            assert told.status == status, (source, via, told.start)
    assert len(glance.requests) == 2 * len(OPERATIONS)


@scenario
def locations_and_tasks_open_separately(fixture):
    for opens, names in (("locations", 3), ("tasks", 1)):
        glance, proxy = env(fixture, CLOSED + f"doors: {{ {opens}: open }}\n")
        told = [proxy.ask(method, target, TOKEN, kind, body=body).status
                for method, target, kind, body in OPERATIONS.values()]
        assert sorted(told) == [201] * names + [403] * (4 - names), told
        proxy.stop()
        glance.stop()


@scenario
def audit_relays_closed_operations(fixture):
    glance, proxy = env(fixture, AUDIT)
    for count, (name, (method, target, kind, body)) in enumerate(OPERATIONS.items(), 1):
        told = proxy.ask(method, target, TOKEN, kind, body=body)
        passed(glance, told, body)
        assert told.get("X-Intake-Audit") == "denied_by_policy"
        line = proxy.wait_log(f" {event(name)} request_id={told.get('X-Openstack-Request-Id')} ")
        assert " audit=denied_by_policy " in line and " verdict=accepted" in line, line
        assert proxy.metric("audited_total", what="denied_by_policy") == count
    assert proxy.metric("refusals_total") == 0
    assert proxy.uploads()["finished"][0]["audit"] == "denied_by_policy"
    for method, target, kind, body in (("PATCH", UPDATE, NEWER, RENAME), ("GET", UPDATE, JSON, b"")):
        told = proxy.ask(method, target, TOKEN, kind, body=body)
        assert told.get("X-Intake-Audit") is None, "there is nothing to report"


@scenario
def audit_rule_opens_no_operation(fixture):
    glance, proxy = env(fixture, ONE_RULE_WATCHES)
    for method, target, kind, body in OPERATIONS.values():
        refused(proxy.ask(method, target, TOKEN, kind, body=body), 403, "denied_by_policy")
    refused(proxy.ask("PATCH", UPDATE, TOKEN, NEWER, body=b"[{]"), 400, "json_malformed")
    assert glance.requests == []


# --- which updates are about locations ----------------------------------------------------------------

POINTERS = (  # as they stand in the JSON; Glance decodes each to a list that begins with "locations"
    "/locations", "/locations/-", "/locations/0", "//locations", "///locations/-", "/ locations", "/locations /-",
    "/\\tlocations\\n/1", "\\u002flocations", "/\\u006cocations", "\\/locations", "/locations\\u00a0",
    "/\\u3000locations", "/\u2003locations",
)
OTHER_POINTERS = ("/name", "/locations2", "/Locations", "/~1locations", "/location", "/x/locations", "/tags", "/",
                  "/os_locations", "/~0locations", "/\\u200blocations")


def changes(pointer):
    """The same change in both JSON patch dialects."""
    for kind, change in ((NEWER, '[{"op": "add", "path": "%s", "value": "x"}]'),
                         (NEWER, '[{"op": "remove", "path": "%s"}]'),
                         (OLDER, '[{"add": "%s", "value": "x"}]'),
                         (OLDER, '[{"remove": "%s"}]')):
        yield kind, (change % pointer).encode()


@scenario
def every_spelling_of_the_locations_path_is_refused(fixture):
    glance, proxy = env(fixture)
    with proxy.client() as client:
        for pointer in POINTERS:
            for kind, body in changes(pointer):
                refused(client.ask("PATCH", UPDATE, TOKEN, kind, body=body), 403, "denied_by_policy")
        assert glance.requests == []
        for pointer in OTHER_POINTERS:
            for kind, body in changes(pointer):
                passed(glance, client.ask("PATCH", UPDATE, TOKEN, kind, body=body), body)


@scenario
def locations_are_found_in_both_patch_dialects(fixture):
    """Glance reads a body in one dialect only. Other servers may read it in the other."""
    glance, proxy = env(fixture)
    with proxy.client() as client:
        for kind in (NEWER, OLDER):
            for change in ({"remove": "/locations/0"}, {"op": "replace", "path": "/locations", "value": []},
                           {"op": "add", "path": "/name", "add": "/locations/-", "value": THERE}):
                body = json.dumps([{"op": "add", "path": "/a", "value": "x"}, change,
                                   {"op": "add", "path": "/b", "value": "x"}]).encode()
                refused(client.ask("PATCH", UPDATE, TOKEN, kind, body=body), 403, "denied_by_policy")
    assert glance.requests == []


@scenario
def every_spelling_of_the_target_is_refused(fixture):
    glance, proxy = env(fixture)
    accept = "Accept: application/vnd.openstack.images-v2"
    for target, *more in ((f"//v2//images/{IMAGE}",), (f"/v2.7/images/{IMAGE}",), (f"/%76%32/%69mages/{IMAGE}?x=y",),
                          (f"/v2%2Fimages%2F{IMAGE}",), (f"/images/{IMAGE}", accept), (f"v2/images/{IMAGE}",)):
        refused(proxy.ask("PATCH", target, TOKEN, NEWER, *more, body=POINT), 403, "denied_by_policy")
        assert glance.requests == []
        asked = passed(glance, proxy.ask("PATCH", target, TOKEN, NEWER, *more, body=RENAME), RENAME)
        assert asked.target.split("?")[0] == UPDATE and asked.get("Accept") is None, (asked.start, asked.fields)
        glance.requests.clear()


# --- relayed unchanged --------------------------------------------------------------------------------


@scenario(threaded=True)
def update_is_relayed_byte_for_byte(fixture):
    """In the client's framing, with the client's fields."""
    glance, proxy = env(fixture)
    long = json.dumps([{"op": "add", "path": f"/p{i}", "value": "\u00e9" * 100} for i in range(300)]).encode()
    assert 100_000 < len(long) < MAX
    for body in (RENAME, b"[]", b" [ ] ", b"{}", b'{"op": "add"}', b"[1, 2]", long):
        told = proxy.ask("PATCH", UPDATE, TOKEN, NEWER, "X-Mine: 1", "X-Image-Meta-Store: file", body=body)
        asked = passed(glance, told, body)
        assert (asked.get("Content-Length"), asked.get("X-Mine")) == (str(len(body)), "1"), asked.fields
        assert asked.all("X-Image-Meta-Store") == ["file"]  # which has no meaning here
        with proxy.client() as client:
            begin(client, CHUNKED).send(chunks(body))
            assert passed(glance, client.answer(), body).chunked
    assert proxy.uploads()["finished"] == []


@scenario
def updates_share_a_connection(fixture):
    """Relayed and refused updates on one connection, and two in one send."""
    glance, proxy = env(fixture)
    with proxy.client() as client:
        for _ in range(5):
            passed(glance, client.ask("PATCH", UPDATE, NEWER, body=RENAME), RENAME)
            refused(client.ask("PATCH", UPDATE, NEWER, body=POINT), 403, "denied_by_policy")
            assert client.ask("GET", UPDATE).status == 200
        one = head(f"PATCH {UPDATE} HTTP/1.1", "Host: g", NEWER, f"Content-Length: {len(RENAME)}") + RENAME
        client.send(one + one)
        passed(glance, client.answer(), RENAME)
        passed(glance, client.answer(), RENAME)


@scenario
def only_patch_types_are_checked(fixture):
    """Glance answers 415 to every other type, and 400 to an empty body."""
    glance, proxy = env(fixture)
    for kinds in ([], ["Content-Type: text/plain"], [JSON], ["Content-Type: application/octet-stream"]):
        asked = passed(glance, proxy.ask("PATCH", UPDATE, TOKEN, *kinds, body=POINT), POINT)
        assert [f"Content-Type: {value}" for value in asked.all("Content-Type")] == kinds
    passed(glance, proxy.ask("PATCH", UPDATE, TOKEN, NEWER), b"")
    glance.requests.clear()
    for kinds in ([NEWER + "; charset=utf-8"], [NEWER.upper()], [JSON, NEWER], [NEWER, JSON],
                  [NEWER + ";x", JSON], ["Content-Type: application/openstack-images-v2.9-json-patch"]):
        refused(proxy.ask("PATCH", UPDATE, TOKEN, *kinds, body=POINT), 403, "denied_by_policy")
    assert glance.requests == []


# --- with the small Glance ----------------------------------------------------------------------------


@scenario
def closed_operation_leaves_the_image_queued(fixture):
    """Past the proxy the image becomes active without an upload. Through the proxy it stays queued."""
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance)
    for method, end, kind, body in (("PATCH", "", NEWER, POINT), ("PATCH", "", OLDER, POINT_OLDER),
                                    ("POST", "/locations", JSON, ADD)):
        for address, status in ((glance.url, "active"), (None, "queued")):
            image = glance.create()
            target = f"/v2/images/{image}{end}"
            if address:
                glance.send(method, target, body, kind.split(": ")[1])
            else:
                told = proxy.ask(method, target, "X-Auth-Token: demo-token", kind, body=body)
                refused(told, 403, "denied_by_policy")
            assert glance.ask("GET", f"/v2/images/{image}")["status"] == status, (method, target)
