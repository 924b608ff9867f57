# SPDX-License-Identifier: Apache-2.0
"""Glance gets the canonical form of a request, or nothing, in whatever way the client writes it.

Each row was measured on Glance under eventlet and under uWSGI, or read in the code of Glance, Routes
and WebOb. Each is an upload for at least one of them, or they disagree on what it is."""
import json

from support.fixture import scenario
from support.glance import IMAGE, TOKEN

DATA = bytes(range(256)) * 4
V2 = "application/vnd.openstack.images-v2"
UPLOADS = [("PUT", f"/v2/images/{IMAGE}/file"), ("PUT", f"/v2/images/{IMAGE}/stage")]
OPERATIONS = [*UPLOADS, ("POST", f"/v2/images/{IMAGE}/import"), ("PATCH", f"/v2/images/{IMAGE}"),
              ("POST", f"/v2/images/{IMAGE}/locations"), ("POST", "/v2/tasks")]
STORE = "x-image-meta-store"


def folded(name):
    """A field name as WSGI reads it."""
    return name.replace("_", "-").lower()


def escaped(text):
    return "".join(f"%{ord(letter):02x}" for letter in text)


def spellings(path):
    """The spellings of a path: (target, value of Accept or None)."""
    rest = path.removeprefix("/v2")
    return [
        (path, None), (path, "*/*"), (f"{path}?", None), (f"{path}?x=_method&y=%41", None),
        (path[:-1] + escaped(path[-1]), None), ("/" + escaped(path[1:]), None), (escaped(path), None),
        (f"/%76%32{rest}", None), (f"/v%32{rest}", None),
        (path.replace("/", "//"), None), (f"////{path}", None), (path.replace("/", "/%2f"), None),
        ("/" + path[1:].replace("/", "%2F"), None), (path.replace("/", "%2F"), None),
        (f"/v2.0{rest}", None), (f"/v2.7{rest}", None), (f"/v2.15{rest}", None), (f"//v2.99/{rest}", None),
        (path[1:], None), (f"http://glance.example{path}", None), (f"HTTPS://[::1]:1/{path}", None),
        (rest, V2), (rest, f"{V2}.5"), (rest[1:], V2), (rest.replace("/", "//"), V2),
        (f"http://glance.example{rest}", V2), (rest, f"{V2};q=1.0"), (rest, f",{V2}"),
        (rest, f"{V2}\r\nAccept:"), (path, f"{V2}\r\nAccept: */*"), (path, f"\r\nAccept: {V2}"),
        (path, f"{V2}, */*"), (path, f"{V2};q=0.5"), (path, f"{V2};;="),
    ]


def unclear(path):
    """Targets that the two servers read differently, or that no client of Glance sends."""
    return [
        f"{path}%0a", f"{path}%0A", f"{path}%00", f"{path}%0d%0a", f"%0a{path}", f"{path}%7f",
        f"{path}%", f"{path}%6", f"{path}%zz", f"{path}%%36", f"{path}#", f"{path}#x", f"{path}?x#y",
        f"{path}\x85", f"{path}\xa0x", f"\xa0{path}",
        f"/.{path}", f"/x/..{path}", f"/..{path}", f"..{path}", f"{path}/.", f"{path}/x/..", f"/%2e{path}",
        f"/x/%2e%2E{path}", f"/x%2F..{path}", path.replace("/v2/", "/v2/./"), path.replace("/v2/", "/v2/x/../"),
        path.replace("/v2/", "/v2//../v2/"), f"http://h/.{path}", f"http://{path}", f"http://u@h{path}",
        f"{path}?_method=PUT", f"{path}?_method=GET", f"{path}?x=y&_method=put", f"{path}?x;_method",
        f"{path}?%5Fmethod=P%55T", f"{path}?_METHO%64=PATCH&x=_method",
    ]


def other(path):
    """Targets that Glance does not have (404, or the list of versions): (target, what Glance gets, Accept)."""
    rest = path.removeprefix("/v2")
    return [
        (f"{path}/", f"{path}/", None), (f"{path}%2F", f"{path}/", None), (f"{path}//", f"{path}/", None),
        (f"{path}/x", f"{path}/x", None), (f"/v3{rest}", f"/v3{rest}", None),
        (f"/V2{rest}", f"/V2{rest}", None), (f"/v2.{rest}", f"/v2.{rest}", None), (rest, rest, None),
        (rest, rest, f"{V2};q=0.5"), (f"/image{path}", f"/image{path}", None),
        (f"/v2{path}", f"/v2{path}", None), (f"/versions{path}", f"/versions{path}", V2),
        (path, path, V2), (path, path, "application/vnd.openstack.images-v1"),
        (path.replace("/v2/", "/v2/%49"), path.replace("/v2/", "/v2/I"), None),
    ]


def other_upload(path):
    """Targets that would be updates of an image with an odd name, if the method were not PUT."""
    tails = ((";x=y", ";x=y"), (".json", ".json"), ("%20", "%20"), ("%2565", "%2565"), ("%C3%A4", "%C3%A4"),
             ("\xc3\xa4", "%C3%A4"), ("%85", "%85"), ('"', "%22"))
    loud = path[:-4] + path[-4:].upper()
    return [*((path + tail, path + sent, None) for tail, sent in tails), (loud, loud, None)]


def fields_of(accept, kind="application/octet-stream"):
    return [f"X-Auth-Token: {TOKEN}", f"Content-Type: {kind}", "X_Image_Meta_Store: other",
            *([f"Accept: {accept}"] if accept else [])]


def asked_of(glance, method):
    """What Glance got by this method, without the proxy's own queries. Clears the record."""
    asked = [asked for asked in glance.requests if asked.method == method]
    glance.requests.clear()
    return asked


def values_of(asked, name):
    return [value for field, value in asked.fields if folded(field) == name]


@scenario
def every_spelling_of_an_upload_is_canonical(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for method, path in UPLOADS:
        for target, accept in spellings(path):
            told = proxy.ask(method, target, *fields_of(accept), body=DATA)
            assert told.status == 204, (target, accept, told.start, told.body)
            asked, = asked_of(glance, method)
            query = target[target.index("?"):] if "?" in target else ""
            assert asked.target == path + query, (target, accept, asked.target)
            assert values_of(asked, STORE) == (["test"] if path.endswith("/file") else []), (target, accept)
            assert V2 not in ",".join(values_of(asked, "accept")), (target, accept)
            assert asked.body == DATA


@scenario
def every_spelling_of_other_operations_is_canonical(fixture):
    """The policy decides whether they are relayed."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for method, path in OPERATIONS[len(UPLOADS):]:
        for target, accept in spellings(path):
            proxy.ask(method, target, *fields_of(accept), "Content-Type: application/json", body=b"[]")
            for asked in asked_of(glance, method):
                query = target[target.index("?"):] if "?" in target else ""
                assert asked.target == path + query, (target, accept, asked.target)
                assert V2 not in ",".join(values_of(asked, "accept")), (target, accept)


@scenario
def ambiguous_target_is_refused(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for method, path in OPERATIONS:
        for target in unclear(path):
            told = proxy.ask(method, target, *fields_of(None), body=DATA)
            assert told.status == 400, (target, told.start)
            assert json.loads(told.body)["reason"] == "bad_request", (target, told.body)
    assert glance.requests == [], [asked.start for asked in glance.requests]


@scenario
def other_targets_are_relayed(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for method, path in OPERATIONS:
        for target, canonical, accept in other(path) + (other_upload(path) if method == "PUT" else []):
            told = proxy.ask(method, target, *fields_of(accept, "application/json"), body=DATA)
            assert told.get("X-Intake-Store") is None, (target, told.start)
            asked, = glance.requests
            glance.requests.clear()
            assert asked.target == canonical, (target, accept, asked.target)
            assert values_of(asked, STORE) == ["other"], target
            assert asked.get("Accept") == accept, target


@scenario
def method_in_odd_case_is_refused(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for method, path in OPERATIONS:
        for odd in (method.lower(), method.capitalize(), method[:-1] + method[-1].lower()):
            told = proxy.ask(odd, path, *fields_of(None), body=DATA)
            assert (told.status, json.loads(told.body)["reason"]) == (400, "bad_request"), (odd, told.start)
    assert glance.requests == [], [asked.start for asked in glance.requests]


@scenario
def every_spelling_of_the_store_header_is_replaced(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for fields in ([], ["X-Image-Meta-Store: other"], ["X-IMAGE-META-STORE:other"], ["x_image_meta_store: other"],
                   ["X-Image_Meta-Store: other"], ["X-Image-Meta-Store: test", "X_Image_Meta_Store: other"],
                   ["X_Image_Meta_Store: other", "X-Image-Meta-Store: test"], ["X-Image-Meta-Store: test"] * 2,
                   ["X_Image_Meta_Store:", "x-image-meta-store: other"], ["X-Image-Meta-Store:"],
                   ["X-Image-Meta-Store: test,other"],
                   ["Connection: close, X-Other", "X-Image-Meta-Store: other"]):
        for method, path in UPLOADS:
            told = proxy.ask(method, path, *fields, body=DATA)
            assert told.status == 204, (fields, told.start, told.body)
            asked, = asked_of(glance, method)
            assert values_of(asked, STORE) == (["test"] if path.endswith("/file") else []), fields


@scenario
def end_to_end_field_in_connection_is_refused(fixture):
    """If the proxy dropped Accept, a request that Glance answers with 404 would become an upload."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for method, path in OPERATIONS:
        for named in ("Accept", "accept", "close, ACCEPT", "X-Image-Meta-Store", "X_Image_Meta_Store",
                      "Content-Type", "Host", "X-Auth-Token"):
            told = proxy.ask(method, path, *fields_of(V2), f"Connection: {named}", body=DATA)
            assert (told.status, json.loads(told.body)["reason"]) == (400, "bad_request"), (named, told.start)
    assert glance.requests == [], [asked.start for asked in glance.requests]


OF_THE_CALLER = [
    "Identity-Status", "User-Id", "User-Name", "User-Domain-Id", "User-Domain-Name", "Project-Id", "Project-Name",
    "Project-Domain-Id", "Project-Domain-Name", "Domain-Id", "Domain-Name", "Roles"]
OF_THE_CALLER = [
    *(f"X-{fact}" for fact in OF_THE_CALLER), *(f"X-Service-{fact}" for fact in OF_THE_CALLER), "X-Role", "X-User",
    "X-Tenant", "X-Tenant-Id", "X-Tenant-Name", "X-Is-Admin-Project", "X-Service-Catalog", "OpenStack-System-Scope"]
OF_THE_CLIENT = ["X-Auth-Token", "X-Service-Token", "X-Storage-Token", "X-User-Agent", "X-Service-Version",
                 "X-Project-Tag", "Authorization", "X-Image-Meta-Owner"]
WAYS = [str, str.upper, str.lower, lambda name: name.replace("-", "_"),
        lambda name: name.replace("-", "_").lower(), lambda name: name.replace("-", "_", 1),
        lambda name: name[::-1].replace("-", "_", 1)[::-1]]


@scenario
def identity_headers_are_removed(fixture):
    """Only Keystone says who the caller is. Other fields are not removed."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for way in WAYS:
        said = [f"{way(name)}: {value}" for value in ("admin", "Confirmed") for name in OF_THE_CALLER]
        kept = [f"{name}: {value}" for value in ("1", "2") for name in OF_THE_CLIENT]
        for method, path in [*UPLOADS, ("GET", "/v2/images"), ("DELETE", f"/v2/images/{IMAGE}")]:
            told = proxy.ask(method, path, *said, *kept, body=DATA if method == "PUT" else b"")
            assert told.status in (200, 204), (method, told.start, told.body)
            for asked in glance.requests:
                assert not {folded(name) for name in OF_THE_CALLER} & {folded(name) for name, _ in asked.fields}
                assert [f"{name}: {value}" for name, value in asked.fields if name in OF_THE_CLIENT] == kept
            assert asked_of(glance, method)


@scenario
def blank_before_the_colon_is_refused(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for name in ("X-Image-Meta-Store", "X-Roles", "X_Identity_Status", "X-Forwarded-For", "Forwarded", "Accept",
                 "Transfer-Encoding", "Content-Length"):
        for blank in (" ", "\t", "  "):
            for method, path in [*UPLOADS, ("GET", "/v2/images")]:
                told = proxy.ask(method, path, f"{name}{blank}: other")
                assert told.status == 400, (name, told.start)
    assert glance.requests == [], [asked.start for asked in glance.requests]
