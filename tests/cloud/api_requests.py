# SPDX-License-Identifier: Apache-2.0
"""Requests of the Image API, which fidelity.py sends to two sides.

`{active}`, `{queued}`, `{shared}`, `{member}` and `{tag}` are the same for both sides, and no request changes
them. Each side has its own `{own}`, `{own_namespace}` and `{chosen}`.
"""
from admin_requests import cache, metadefs, tasks
from question import (
    ALLOWED_ORIGIN, JSON_TYPE, NOBODY, PATCH_TYPE, SNOWMAN, Question, get, patch, send
)

OLD_PATCH_TYPE = "Content-Type: application/openstack-images-v2.0-json-patch"
OCTETS = "Content-Type: application/octet-stream"


def discovery():
    """How a client discovers the service, mostly without a token."""
    for target in ("/", "/versions", "/versions/", "/v2", "/v2/", "/v2.9/", "/v9", "/no", "/?a=b"):
        yield get(target, user=None)
    yield get("/v2")
    yield get("/v2/")
    yield get("/", "Accept: application/json")
    yield get("/versions", "Accept: text/html")
    yield get("/images", "Accept: application/vnd.openstack.images-v2")
    yield get("/images", "Accept: application/vnd.openstack.images-v2.5")
    yield get("/v2/images?limit=1", "Accept: application/vnd.openstack.images-v2")
    for version in ("v2.0", "v2.7", "v2.15", "v2.99"):
        yield get(f"/{version}/schemas/image")
    for method in ("GET", "HEAD", "OPTIONS"):
        yield Question(method, "/healthcheck", user=None)
    yield get("/healthcheck", "Accept: application/json", user=None)
    yield get("/healthcheck?detailed=1", user=None)


def schemas():
    names = ("image", "images", "member", "members", "task", "tasks", "metadefs/namespace",
             "metadefs/namespaces", "metadefs/resource_type", "metadefs/resource_types",
             "metadefs/property", "metadefs/properties", "metadefs/object", "metadefs/objects",
             "metadefs/tag", "metadefs/tags")
    for name in names:
        yield get(f"/v2/schemas/{name}")
    yield get("/v2/schemas/nothing")
    yield send("POST", "/v2/schemas/image", {})


def information():
    for name in ("import", "stores", "usage"):
        yield get(f"/v2/info/{name}")
    yield get("/v2/info/stores/detail")
    yield get("/v2/info/stores/detail", user="admin")
    yield send("POST", "/v2/info/stores", {})
    yield Question("DELETE", "/v2/info/import")


QUERIES = (
    # pages
    "", "limit=1", "limit=2", "limit=0", "limit=-1", "limit=x", "limit=1000000",
    "marker={active}", "limit=1&marker={active}", f"marker={NOBODY}",
    # order
    "sort=name:asc", "sort=name:asc,size:desc,created_at", "sort=nothing:asc", "sort=name:up",
    "sort_key=name&sort_dir=asc", "sort_key=name&sort_dir=asc&sort_key=size&sort_dir=desc",
    "sort_key=size&sort_key=name&sort_dir=asc&limit=1", "sort_key=name&sort=name",
    # one field
    "name=fidelity%20%C3%A9", "name=in:%22a,b%22,fidelity-queued", "id={active}",
    "id=in:{active},{queued}", "owner=nobody", "status=active", "status=in:queued,active",
    "status=nothing", "disk_format=raw", "disk_format=in:raw,qcow2", "container_format=bare",
    "visibility=private", "visibility=shared", "visibility=public", "visibility=community",
    "visibility=all", "visibility=nothing", "member_status=pending", "member_status=all",
    "size_min=1", "size_max=10", "size_min=1&size_max=100000000", "size_min=x", "min_ram=0",
    "created_at=gt:2020-01-01T00:00:00Z", "updated_at=lt:2020-01-01T00:00:00Z",
    "created_at=nothing:1", "changes-since=2020-01-01", "protected=true", "protected=false",
    "protected=x", "os_hidden=true", "os_hidden=false", "hw_vif_model=virtio",
    "checksum=00000000000000000000000000000000", "tag=more", "tag=a%20tag",
    # hardly a query
    "&&", "=", "a=%zz", "a=%00",
)


def lists():
    """Lists of the three images of this test, which have a tag of their own."""
    for query in QUERIES:
        yield get("/v2/images?tag={tag}&" + query)
    yield get("/v2/images?limit=1&sort=name:asc&tag={tag}&marker={active}&status=queued")
    yield get("/v2/images/?tag={tag}")
    yield get("/v2//images?tag={tag}&limit=1")
    yield get("/v2/images?tag={tag}", user="other")
    yield get("/v2/images?tag={tag}", user="admin")
    yield get("/v2/images?tag={tag}", "Accept: text/plain")
    yield Question("HEAD", "/v2/images?tag={tag}")
    yield Question("OPTIONS", "/v2/images?tag={tag}")


def one_image():
    for name in ("active", "queued", "shared"):
        yield get(f"/v2/images/{{{name}}}")
        yield get(f"/v2/images/{{{name}}}/members")
        yield get(f"/v2/images/{{{name}}}/tasks")
        yield get(f"/v2/images/{{{name}}}/file")
    yield get(f"/v2/images/{NOBODY}")
    yield get("/v2/images/not-an-id")
    yield get("/v2/images/%7Bactive%7D")
    yield get("/v2/images/{active}/")
    yield get("/v2/images/{active}/nothing")
    yield get("/v2/images/{active}", user="other")
    yield get("/v2/images/{active}", "X-Openstack-Request-Id: req-of-mine")
    yield get("/v2/images/{active}", "Accept-Encoding: gzip, deflate")
    yield get("/v2/%69mages/{active}")
    yield get("/v2/images/%C3%A9%20%2B")
    yield get("/v2/images/{shared}/members/{member}")
    yield get("/v2/images/{shared}/members/nobody")
    yield Question("HEAD", "/v2/images/{active}")
    yield Question("OPTIONS", "/v2/images/{active}")


def download():
    """An image of 100 KB, in full and in ranges."""
    target = "/v2/images/{active}/file"
    for part in ("0-0", "5-9", "0-", "-10", "99999-", "99990-200000", "100000-", "200000-300000"):
        yield get(target, f"Range: bytes={part}")
    for part in ("5-2", "0-0,5-9", "x-y", "-0", "-200000"):
        yield get(target, f"Range: bytes={part}")
    yield get(target, "Range: lines=1-2")
    yield get(target, "Content-Range: bytes 5-9/*")
    yield get(target, "Accept-Encoding: gzip")
    yield get(target, "Accept-Encoding: gzip", "Range: bytes=0-99")
    for condition in ('If-None-Match: "x"', "If-None-Match: *", 'If-Match: "x"', "If-Match: *",
                      "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT",
                      "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT", 'If-Range: "x"'):
        yield get(target, condition)
    yield Question("HEAD", target)
    yield Question("OPTIONS", target)
    yield get(target, user=None)
    yield get(target, user="other")


def lives():
    """An image of each side, from creation to deletion."""
    own = "/v2/images/{own}"
    fields = {"disk_format": "raw", "tags": ["b", "a"], "hw_vif_model": "virtio", "min_disk": 1}
    yield send("POST", "/v2/images", {"name": f"own {SNOWMAN}", **fields}, keep="own")
    yield get(own)
    yield patch(own, {"op": "replace", "path": "/name", "value": f"renamed {SNOWMAN}"})
    slashed = {"op": "add", "path": "/a~1b", "value": "1"}
    yield patch(own, slashed, {"op": "add", "path": "/c", "value": SNOWMAN})
    yield patch(own, slashed, {"op": "remove", "path": "/tags"})
    yield patch(own, {"op": "remove", "path": "/a~1b"})
    yield patch(own, {"op": "replace", "path": "/visibility", "value": "shared"})
    yield patch(own, {"add": "/old", "value": "way"}, media_type=OLD_PATCH_TYPE)
    yield patch(own, {"op": "replace", "path": "/id", "value": "x"})
    yield patch(own, {"op": "remove", "path": "/nothing"})
    yield patch(own, {"op": "nothing", "path": "/name"})
    yield patch(own, {"op": "replace", "path": "/visibility", "value": "public"})
    yield patch(own)
    location = {"url": "file:///nothing", "metadata": {}}
    yield patch(own, {"op": "add", "path": "/locations/-", "value": location})
    yield Question("PATCH", own, (JSON_TYPE,), b"[]")
    yield Question("PATCH", own, (PATCH_TYPE,), b"{no json")
    yield Question("PATCH", own, ("Content-Type: text/plain",), b"x")
    for tag in ("new", "a%20tag", "%E2%98%83", "%2F", "a%2Bb", "x" * 256):
        yield Question("PUT", f"{own}/tags/{tag}")
    yield Question("DELETE", own + "/tags/a%20tag")
    yield Question("DELETE", own + "/tags/nothing")
    yield get(own)
    yield send("POST", own + "/members", {"member": "{member}"})
    yield send("POST", own + "/members", {"member": "{member}"})
    yield send("POST", own + "/members", {})
    yield get(own + "/members")
    yield send("PUT", own + "/members/{member}", {"status": "accepted"}, user="other")
    yield send("PUT", own + "/members/{member}", {"status": "nothing"}, user="other")
    yield send("PUT", own + "/members/{member}", {"status": "accepted"})
    yield get(own + "/members/{member}", user="other")
    yield get(own, user="other")
    yield get(own + "/members", user="admin")
    yield Question("DELETE", own + "/members/{member}", user="other")
    yield Question("DELETE", own + "/members/{member}")
    yield Question("DELETE", own + "/members/{member}")
    yield Question("POST", own + "/actions/deactivate", user="admin")
    yield send("POST", own + "/import", {"method": {"name": "nothing"}})
    copy = {"method": {"name": "copy-image"}, "stores": ["test"]}
    yield send("POST", own + "/import", copy, user="admin")
    yield send("POST", own + "/locations", {"url": "file:///nothing"})
    yield Question("DELETE", "/v2/stores/file/{own}", user="admin")
    yield Question("PUT", "/v2/cache/{own}", user="admin")
    yield patch(own, {"op": "replace", "path": "/protected", "value": True})
    yield Question("DELETE", own)
    yield patch(own, {"op": "replace", "path": "/protected", "value": False})
    yield Question("DELETE", own)
    yield Question("DELETE", own)
    yield get(own)


def uploads():
    """Image data. The proxy adds fields of its own to these answers."""
    own = "/v2/images/{own}"
    yield send("POST", "/v2/images", {"disk_format": "raw", "container_format": "bare"}, keep="own")
    yield Question("PUT", own + "/file", (OCTETS,), b"not\r\nquite\0a disk\n" * 100)
    yield get(own)
    yield get(own + "/file")
    yield Question("POST", own + "/actions/deactivate", user="admin")
    yield get(own + "/file")
    yield Question("POST", own + "/actions/reactivate", user="admin")
    yield send("POST", own + "/file", {})
    yield Question("DELETE", own + "/file")
    yield Question("DELETE", own)
    yield send("POST", "/v2/images", {"disk_format": "raw", "container_format": "bare"}, keep="own")
    yield Question("PUT", own + "/stage", (OCTETS,), b"not\r\nquite\0a disk\n" * 100)
    yield get(own)
    yield Question("DELETE", own)
    yield Question("PUT", f"/v2/images/{NOBODY}/file", (OCTETS,), b"x\n")
    yield Question("PUT", "/v2/images/{active}/file", (OCTETS,), b"x\n", user="other")
    yield Question("PUT", "/v2/images/{active}/file", (OCTETS,), b"x\n", user=None)


def creations():
    """Each request is refused, or creates an image that is deleted at once."""
    gone = Question("DELETE", "/v2/images/{own}")
    yield from (send("POST", "/v2/images", {}, keep="own"), gone)
    yield send("POST", "/v2/images", {"id": "{chosen}", "name": "n" * 255}, keep="own")
    yield send("POST", "/v2/images", {"id": "{chosen}"})
    yield gone
    yield send("POST", "/v2/images", {"id": "{chosen}"})
    wrong = [{"name": "n" * 256}, {"disk_format": "nothing"}, {"visibility": "public"}]
    wrong += [{"status": "active"}, {"tags": ["x" * 256]}, {"tags": "x"}, {"min_ram": -1}]
    wrong += [{"a": {"b": 1}}, []]
    wrong += [{f"property-{number}": "x" for number in range(200)}]
    for document in wrong:
        yield send("POST", "/v2/images", document)
    yield Question("POST", "/v2/images", (JSON_TYPE,), b"{no json")
    yield Question("POST", "/v2/images", (JSON_TYPE,), b'{"name": "\xff"}')
    yield Question("POST", "/v2/images", (JSON_TYPE,))
    for media_type in ("text/plain", "application/json; charset=utf-8"):
        yield Question("POST", "/v2/images", (f"Content-Type: {media_type}",), b"{}", keep="own")
        yield gone
    yield send("POST", "/v2/images", {}, user=None)


def refused():
    """Errors as HTML, text and JSON, of kinds that the other groups do not have."""
    types = ("text/html", "text/plain", "application/json", "*/*", "image/png", "")
    for accept in (*types, "application/json;q=0.1, text/plain", "text/*, application/json"):
        accept = f"Accept: {accept}"
        yield get(f"/v2/images/{NOBODY}", accept)
        yield get("/v2/images?limit=x", accept)
        yield get("/v2/images", accept, user=None)
        yield get("/v2/info/stores/detail", accept)
        yield Question("POST", "/v2/images/{active}", (accept,))
    yield get("/v2/images", "X-Auth-Token: not-a-token", user=None)
    yield get("/v2/images?tag={tag}", "X-Auth-Token: another")
    yield get("/v2/images?tag={tag}", "X-Service-Token: not-a-token")
    yield get("/v2/info/stores/detail", "X-Roles: admin", "X-Identity-Status: Confirmed")
    yield get("/v2/images", "X-Roles: admin", "X-Identity-Status: Confirmed", user=None)
    yield get("/v2/images", "X-Auth-Token: " + "gAAAAA" + 8192 * "x", user=None)
    yield get("/v2/images?limit=1&tag={tag}", "X-Padding: " + 8192 * "x")
    yield get("/v2/images?limit=1&tag={tag}&name=" + 6000 * "x")
    yield get("/v2/images?limit=1&tag={tag}&name=" + 1000 * "%C3%A9")
    yield get("/v2/images/" + 2000 * "x")
    yield get("/" + 2000 * "x", user=None)
    for method in ("PROPFIND", "TRACE", "REPORT", "FOO"):
        yield Question(method, "/v2/images")
        yield Question(method, "/v2/images/{active}")
    for method in ("PUT", "PATCH", "DELETE"):
        yield Question(method, "/v2/images")
    yield get("/v2/images;x=y")
    yield get("/v2/images/{active};x=y")
    yield get("/v2/images%3Flimit=1")
    yield get("/V2/images")
    yield get("/v1/images")
    yield get("/v3/images")
    yield get("/v2/images/{active}/FILE")


def connections():
    """Old clients, and clients that set Connection."""
    for target in ("/v2/images?tag={tag}", "/v2/images/{active}/file", "/", f"/v2/images/{NOBODY}"):
        for method in ("GET", "HEAD"):
            yield Question(method, target, version="HTTP/1.0")
            yield Question(method, target, ("Connection: keep-alive",), version="HTTP/1.0")
            yield Question(method, target, ("Connection: close",))
    yield get("/v2/images?tag={tag}", "TE: trailers", "Connection: TE")


def browsers():
    """CORS preflights and the requests after them, from an allowed and from a foreign page."""
    foreign = ("https://foreign.example.org", ALLOWED_ORIGIN.upper(), "null", "")
    for origin in (ALLOWED_ORIGIN, *foreign):
        origin = f"Origin: {origin}"
        for method in ("GET", "PUT", "PATCH", "TRACE"):
            fields = (origin, f"Access-Control-Request-Method: {method}")
            yield Question("OPTIONS", "/v2/images/{active}/file", fields, user=None)
        fields = (origin, "Access-Control-Request-Method: POST")
        for names in ("content-type,x-auth-token", "x-image-meta-store"):
            fields = (*fields[:2], f"Access-Control-Request-Headers: {names}")
            yield Question("OPTIONS", "/v2/images", fields, user=None)
        yield Question("OPTIONS", "/v2/images", (origin,), user=None)
        yield get("/v2/images?tag={tag}", origin)
        yield get("/v2/images", origin, user=None)
        yield get(f"/v2/images/{NOBODY}", origin)
        yield get("/", origin, user=None)


GROUPS = (discovery, schemas, information, lists, one_image, download, lives, uploads, creations)
GROUPS += (tasks, metadefs, cache, refused, connections, browsers)
