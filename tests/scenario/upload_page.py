# SPDX-License-Identifier: Apache-2.0
"""GET /upload/: the page with which people upload from a browser, and what its script asks the proxy for."""
import json
import re

from support.fixture import scenario
from support.keystone import keystone
from support.logins import APPLICATION, DISK, MARK, PASSWORD, SECRET, Cloud, basic, not_in_the_log
from support.raw_http import head, request
from support.tus import PART, TUS

TOKEN = "X-Auth-Token: demo-token"
SCRIPTS = {"page.js", "passing.js", "proxy.js", "session.js", "unfinished.js", "upload.js", "row.js", "texts.js"}
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


def new_proxy(fixture, **sections):
    return fixture.proxy(fixture.small_glance(), conf={"keystone": {"auth_url": keystone(fixture).url}, **sections})


def is_guarded(told):
    """No other site can frame, read or script it, and no cache shows an old one."""
    policy = dict(part.split(" ", 1) for part in told.get("Content-Security-Policy").split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'" and policy["trusted-types"] == "'none'"
    assert (told.get("X-Content-Type-Options"), told.get("Referrer-Policy"), told.get("X-Frame-Options"),
            told.get("Cache-Control")) == ("nosniff", "no-referrer", "DENY", "no-cache"), told.fields


def is_known(proxy, path, told):
    """Who has it already gets 304, also if a proxy in front has made the tag a weak one."""
    tag = told.get("ETag")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = proxy.ask("GET", path, f"If-None-Match: {known}")
        assert (again.status, again.body, again.get("ETag")) == (304, b"", tag), (known, again.start)
    assert proxy.ask("GET", path, 'If-None-Match: "other"').status == 200


@scenario
def page_and_its_files_are_served(fixture):
    proxy = new_proxy(fixture)
    told = proxy.ask("GET", "/upload/")
    page = told.body.decode()
    assert (told.status, told.get("Content-Type")) == (200, "text/html; charset=utf-8")
    is_guarded(told)
    assert "curl -T cirros.qcow2 -u USER 'http://glance.example/upload/'" in page, page
    assert not re.search(r"<script(?! type=\"module\" src=\")|<style|\bstyle=|\son[a-z]+=|javascript:|@", page)
    files = set(re.findall(r"(?:src|href)=\"page/([^\"]+)\"", page))
    assert files == {"page.js", "style.css", "page.css", "icon.svg"}
    is_known(proxy, "/upload/", told)
    for name in sorted(files | SCRIPTS):
        told = proxy.ask("GET", f"/upload/page/{name}")
        assert (told.status, told.get("Content-Type")) == (200, TYPES[name.partition(".")[2]]), name
        is_guarded(told)
        assert set(re.findall(r"from '\./([^']+)'", told.body.decode())) <= SCRIPTS, name
    is_known(proxy, "/upload/page/page.js", told=proxy.ask("GET", "/upload/page/page.js"))
    with proxy.client() as client:
        for path in ("/upload/", "/upload/page/page.js"):
            client.send(head(f"HEAD {path} HTTP/1.1", "Host: h"))
            told = client.answer("HEAD")
            assert told.status == 200 and int(told.get("Content-Length")) > 1000 and told.get("ETag"), told.fields
    told = proxy.ask("GET", "/upload")
    assert (told.status, told.get("Location")) == (301, "upload/"), "relative: there may be a prefix"


@scenario
def page_has_the_address_by_which_it_was_asked(fixture):
    proxy = new_proxy(fixture, listen={"trusted_proxies": "127.0.0.0/8"})
    told = proxy.ask("GET", "/upload/", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https",
                     "X-Forwarded-Host: images.example.org", "X-Forwarded-Prefix: /image")
    assert b"'https://images.example.org/image/upload/'" in told.body
    told = proxy.ask("GET", "/upload/", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: <b>")
    assert b"<b>" not in told.body


@scenario
def other_paths_and_methods_are_those_of_glance(fixture):
    glance = fixture.small_glance()
    with_keystone = {"keystone": {"auth_url": keystone(fixture).url}}
    proxy = fixture.proxy(glance, conf=with_keystone)
    others = [("GET", "/upload/page/"), ("GET", "/upload/page/none.js"), ("GET", "/upload/x"), ("DELETE", "/upload/"),
              ("GET", "/upload/page/page.js/"), ("GET", "/upload/index.html"), ("DELETE", "/upload/page/token")]
    switched_off = [("GET", "/upload/"), ("GET", "/upload"), ("HEAD", "/upload/page/page.js"),
                    ("POST", "/upload/page/token"), ("POST", "/upload/page/image/a")]
    for method, path in others:
        proxy.ask(method, path, TOKEN)
    same_as_asked(glance, others)
    fault = proxy.stop()
    assert not fault, fault
    proxy.write({})
    proxy.start()
    proxy.wait_ready()
    for method, path in switched_off:
        with proxy.client() as link:
            link.send(request(method, path, TOKEN)).answer(method)
    same_as_asked(glance, others + switched_off)


def same_as_asked(glance, requests):
    asked = [(told["method"], told["target"]) for told in glance.requests() if told["target"].startswith("/upload")]
    assert asked == requests, asked


# --- logins ---------------------------------------------------------------------------------------


class Logins(Cloud):
    def log_in(self, *fields, query="", client="192.0.2.1"):
        with self.proxy.client(tls=self.tls) as link:
            return link.ask("POST", f"/upload/page/token{query}", f"X-Forwarded-For: {client}", *fields)

    def gives(self, told, token, project):
        assert told.status == 201, (told.start, told.body)
        document = json.loads(told.body)["token"]
        assert told.get("X-Subject-Token") == token and document["project"] == {"id": project, "name": project}
        assert document["expires_at"] == "2999-01-01T00:00:00Z" and told.get("Cache-Control") == "no-store"
        assert token.encode() not in told.body


@scenario
def page_logs_its_users_in_over_tls(fixture):
    cloud = Logins(fixture, fixture.certificate("login"))
    cloud.gives(cloud.log_in(basic("demo@Default", PASSWORD)), "demo-token", "demo")
    cloud.gives(cloud.log_in(basic("both@Default", PASSWORD), query="?project=demo"), "demo-token", "demo")
    cloud.gives(cloud.log_in(basic(APPLICATION, SECRET)), "other-token", "another-project")
    cloud.gives(cloud.log_in(TOKEN), "demo-token", "demo")
    cloud.refused(cloud.log_in(basic("both@Default", PASSWORD)), 400, "project_required", "demo, another-project")
    cloud.refused(cloud.log_in("X-Auth-Token: stale"), 401, "login_failed")
    cloud.refused(cloud.log_in(basic("demo@Default", PASSWORD), query="?projekt=demo"), 400, "bad_request", "project")
    for number in range(3):
        told = cloud.log_in(basic("anna@sales", f"wrong{MARK}"), client=f"192.0.2.{number}")
        cloud.refused(told, 401, "login_failed")
        assert told.get("WWW-Authenticate").startswith("Basic "), "RFC 9110 11.6.1"
    told = cloud.refused(cloud.log_in(basic("anna@sales", PASSWORD)), 429, "too_many_failed_logins")
    assert int(told.get("Retry-After")) > 0
    not_in_the_log(cloud)
    assert "demo-token" not in cloud.proxy.log() and not cloud.glance.requests()


@scenario
def each_login_of_the_page_asks_keystone(fixture):
    """Glance may have refused the token that an earlier login gave. An upload takes the token that is known."""
    cloud = Logins(fixture, fixture.certificate("login"))
    for who in (basic("demo@Default", PASSWORD), basic(APPLICATION, SECRET), TOKEN):
        for _ in range(2):
            assert cloud.log_in(who).status == 201 and cloud.keystone.take_asked(), who
    cloud.put(basic("demo@Default", PASSWORD), query="?project=demo")
    cloud.keystone.take_asked()
    cloud.put(basic("demo@Default", PASSWORD), query="?project=demo")
    assert not cloud.keystone.take_asked()


@scenario
def page_of_another_site_cannot_try_passwords(fixture):
    cloud = Logins(fixture, fixture.certificate("login"))
    for field in ("Origin: https://elsewhere.example.org", "Origin: null", "Sec-Fetch-Site: cross-site",
                  "Sec-Fetch-Site: same-site"):
        cloud.refused(cloud.log_in(basic("demo", PASSWORD), field), 400, "bad_request", "another site")
    assert not cloud.keystone.take_asked()
    assert cloud.log_in(basic("demo", PASSWORD), "Origin: https://glance.example").status == 201
    assert cloud.log_in(basic("demo", PASSWORD), "Origin: https://elsewhere.example.org", "Sec-Fetch-Site: same-origin").status == 201


@scenario
def page_logs_nobody_in_with_a_password_in_plain_http(fixture):
    cloud = Logins(fixture)
    told = cloud.refused(cloud.log_in(basic("demo", PASSWORD)), 403, "password_over_plain_http")
    assert told.get("WWW-Authenticate") is None and not cloud.keystone.take_asked()
    cloud.gives(cloud.log_in(TOKEN), "demo-token", "demo")
    not_in_the_log(cloud)


# --- what a file would become -----------------------------------------------------------------------


class Page:
    def __init__(self, fixture):
        self.glance = fixture.small_glance()
        conf = {"keystone": {"auth_url": keystone(fixture).url}, "resume": {"window": "10m"}}
        self.proxy = fixture.proxy(self.glance, conf=conf)

    def describe(self, path, opening, *fields, token=TOKEN, length=None):
        length = length or len(opening)
        return self.proxy.ask("POST", f"/upload/page/image/{path}", token, PART, f"Upload-Length: {length}", *fields,
                              body=opening)

    def refused(self, told, status, reason, words=""):
        document = json.loads(told.body)
        assert (told.status, document["reason"]) == (status, reason) and words in document["message"], told.body
        assert "image_id" not in document, "there is none"
        return document


@scenario(representative=True)
def file_becomes_an_image_by_the_requests_of_the_page(fixture):
    page = Page(fixture)
    data = DISK + bytes(200_000)
    told = page.describe("my%20disk.img?visibility=private", data[:65536], length=len(data))
    assert told.status == 200 and told.get("Cache-Control") == "no-store", (told.start, told.body)
    image = json.loads(told.body)
    assert image == {"id": image["id"], "name": "my disk", "disk_format": "raw", "container_format": "bare",
                     "visibility": "private"}
    assert not page.glance.ask("GET", "/v2/images")["images"], "nothing is created by that"
    assert page.proxy.uploads() == {"in_flight": [], "finished": []}, "and it is no upload"
    with page.proxy.client() as link:
        assert link.ask("POST", "/v2/images", TOKEN, "Content-Type: application/json", body=told.body).status == 201
        url = f"/v2/images/{image['id']}/file"
        assert link.ask("POST", url, TOKEN, TUS, f"Upload-Length: {len(data)}").status == 201
    with page.proxy.client() as link:
        told = link.ask("PATCH", url, TOKEN, TUS, PART, "Upload-Offset: 0", body=data)
        assert told.status == 204 and told.get("X-Intake-Verified") == "sha512", (told.start, told.body)
    assert page.glance.ask("GET", f"/v2/images/{image['id']}")["status"] == "active"


@scenario
def file_that_becomes_no_image_is_refused_first(fixture):
    page = Page(fixture)
    hint = page.refused(page.describe("a.txt", b"text" * 200), 400, "format_unknown")["hint"]
    assert "/upload/NAME?disk_format=raw" in hint, hint
    assert json.loads(page.describe("a.txt?disk_format=ari", b"text" * 200).body)["container_format"] == "ari"
    page.refused(page.describe("a", DISK, token="X-Auth-Token: stale"), 401, "login_failed")
    page.refused(page.describe("", DISK), 400, "bad_request", "no name")
    page.refused(page.describe("a/b", DISK), 400, "bad_request", "slash")
    page.refused(page.describe("a?disk_fromat=raw", DISK), 400, "bad_request", "did you mean disk_format?")
    page.refused(page.describe("a", DISK, length=3), 400, "size_mismatch")
    page.refused(page.describe("a", bytes(1_100_000)), 400, "bad_request", "at most 1048576 bytes")
    page.refused(page.proxy.ask("POST", "/upload/page/image/a", TOKEN, PART, body=DISK), 411, "length_required")
    page.refused(page.proxy.ask("POST", "/upload/page/image/a", TOKEN, "Upload-Length: 0"), 400, "empty_body")
    assert not page.glance.requests()
