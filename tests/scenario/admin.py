# SPDX-License-Identifier: Apache-2.0
"""The admin pages: health, readiness, uploads, metrics."""
import json
import urllib.error

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, facts
from support.proxy import wait_until
from support.raw_http import head


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
    assert status(proxy, "/readyz") == 200
    glance.stop()
    wait_until("readyz says so", lambda: status(proxy, "/readyz") == 503)
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
