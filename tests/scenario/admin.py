# SPDX-License-Identifier: Apache-2.0
"""The admin pages: health, readiness, uploads, metrics."""
import json
import pathlib
import re
import urllib.error
import urllib.request

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, facts
from support.proxy import ADMIN_PORT, wait_until
from support.raw_http import PATIENCE, head

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "proxy"


def admin_answer(proxy, path):
    return urllib.request.urlopen(f"http://{proxy.host}:{ADMIN_PORT}{path}", timeout=PATIENCE)


def status(proxy, page):
    try:
        return proxy.admin(page) and 200
    except urllib.error.HTTPError as told:
        return told.code


@scenario
def readyz_follows_glance_and_healthz_does_not(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    assert status(proxy, "/healthz") == 200
    wait_until("readyz says so", lambda: status(proxy, "/readyz") == 200)
    glance.stop()
    wait_until("readyz says otherwise", lambda: status(proxy, "/readyz") == 503)
    assert status(proxy, "/healthz") == 200, "healthz is about the process, not about Glance"


@scenario
def unknown_page_is_404(fixture):
    proxy = fixture.proxy(fixture.glance())
    assert status(proxy, "/v2/images") == 404


@scenario(threaded=True)
def upload_is_shown_in_flight_and_when_finished(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Content-Length: 5000000"), bytes(3_000_000))
        glance.the_upload(received=3_000_000)
        wait_until("the bytes are shown",
                   lambda: proxy.uploads()["in_flight"][0]["bytes"] == 3_000_000)
        shown = proxy.uploads()["in_flight"][0]
        assert (shown["image"], shown["store"], shown["project"]) == (IMAGE, "test", "demo")
        assert shown["step"]
        assert proxy.metric("uploads_in_flight") == 1
        assert client.send(bytes(2_000_000)).answer().status == 204
    wait_until("it is over", lambda: proxy.uploads()["in_flight"] == [])
    done = proxy.uploads()["finished"][0]
    assert (done["image"], done["bytes"], done["verdict"]) == (IMAGE, 5_000_000, "stored")
    assert proxy.metric("uploads_total", result="stored", store="test") == 1
    assert proxy.metric("uploads_in_flight") == 0
    assert proxy.metric("bytes_total", direction="to_glance") >= 5_000_000


@scenario
def page_allows_only_its_own_scripts_and_styles(fixture):
    """What a browser is told about each file of the page, and that the page asks for no other."""
    proxy = fixture.proxy(fixture.glance())
    page = admin_answer(proxy, "/").read().decode()
    assert not re.search(r"<script(?! type=\"module\" src=\"/)|<style|\bstyle=|\bon[a-z]+=|javascript:", page)
    files = set(re.findall(r"(?:src|href)=\"([^\"]+)\"", page)) | {"/view.js", "/model.js", "/texts.js"}
    assert {"/style.css", "/page.css", "/page.js", "/icon.svg"} <= files
    for path in files:
        told = admin_answer(proxy, path)
        assert told.status == 200, path
        policy = dict(part.split(" ", 1) for part in told.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert all(policy[kind] == "'self'" for kind in ("script-src", "style-src", "connect-src", "img-src"))
        assert (told.headers["X-Content-Type-Options"], told.headers["Referrer-Policy"],
                told.headers["Cache-Control"]) == ("nosniff", "no-referrer", "no-store"), path


def steps_of(file):
    """Those in which an upload is in the list."""
    steps = re.findall(r'^    {"(\w+)", ', (SOURCE / "exchange" / file).read_text(), re.MULTILINE)
    assert "send" in steps, steps
    return set(steps[steps.index("share"):])


@scenario
def page_and_document_have_words_for_each_step(fixture):
    del fixture
    wanted = steps_of("upload/upload.c") | steps_of("new_image/new_image.c")
    words = set(re.findall(r"^  (\w+): '", (SOURCE / "admin" / "page" / "model.js").read_text(), re.MULTILINE))
    assert wanted <= words, wanted - words
    document = (SOURCE.parent / "config" / "README.md").read_text()
    described = set(re.findall(r"^\| `(\w+)` \|", document.partition("| step | what")[2], re.MULTILINE))
    assert wanted <= described, wanted - described


@scenario
def status_has_uploads_and_refusals(fixture):
    """The names of images are those that Glance tells, whatever is in them."""
    name = "<script>\u202e\"&" + "x" * 240
    glance = fixture.glance(image=facts(name=name))
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Content-Length: 5000000"), bytes(3_000_000))
        glance.the_upload(received=3_000_000)
        upload = json.loads(proxy.admin("/status"))["in_flight"][0]
        assert (upload["name"], upload["project"], upload["state"]) == (name, "demo", "sending")
        assert client.send(bytes(2_000_000)).answer().status == 204
    wait_until("it is over", lambda: not proxy.uploads()["in_flight"])
    assert proxy.uploads()["finished"][0]["name"] == name
    for _ in range(2):
        assert proxy.ask("PUT", UPLOAD, "X-OpenStack-Image-Size: 4", body=b"image").status == 400

    def ready():
        told = json.loads(proxy.admin("/status"))
        return told if told["ready"] else None
    status = wait_until("it is ready", ready)
    refusal, = status["refusals"]
    assert (refusal["reason"], refusal["count"], sum(refusal["per_minute"])) == ("size_mismatch", 2, 2)
    assert len(refusal["per_minute"]) == 60 and refusal["message"] and refusal["hint"]
    assert not status["problems"] and status["version"]
    assert status["endpoints"][0]["endpoint"] == glance.url
    page = proxy.admin("/")
    assert "&lt;script&gt;\ufffd" in page and "<script>" not in page and "size_mismatch" in page


@scenario
def refusals_are_counted_by_reason(fixture):
    glance = fixture.glance(image=facts(status="active"))
    proxy = fixture.proxy(glance)
    for _ in range(3):
        assert proxy.ask("PUT", UPLOAD, body=b"image").status == 409
    assert proxy.metric("refusals_total", reason="image_not_queued") == 3
    done = proxy.uploads()["finished"]
    assert len(done) == 3 and {one["reason"] for one in done} == {"image_not_queued"}


@scenario
def uploads_page_keeps_the_last_hundred(fixture):
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"workers": 1}})
    with proxy.client() as client:
        for _ in range(110):
            assert client.ask("PUT", UPLOAD, body=b"image").status == 204
    wait_until("all are counted", lambda: proxy.metric("uploads_total", result="stored") == 110)
    assert len(json.loads(proxy.admin("/uploads"))["finished"]) == 100
