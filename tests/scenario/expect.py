# SPDX-License-Identifier: Apache-2.0
"""A client that sends Expect gets a refusal before it has sent a byte of the image."""
import json

from support.fixture import scenario
from support.glance import IMAGE, UPLOAD, answer, facts
from support.raw_http import head

DENYING = """\
rules:
  - name: no-isos
    when: { disk_format: [iso] }
    deny: "convert to qcow2 first"
  - name: only-file
    when: { disk_format: [vhd] }
    store: file
    mode: default
    allow: [file]
  - name: small-raws
    when: { disk_format: [raw] }
    store: test
    mode: force
    max_size: 1MiB
default:
  store: test
  mode: force
"""


def refused(proxy, glance, *fields, size=5_000_000):
    """Sends only a head. Returns the answer. There must be no 100, and no PUT to Glance."""
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Expect: 100-continue",
                         f"Content-Length: {size}", *fields))
        told = client.answer()
        assert client.interim == []
        assert client.closed(), "the body that was not sent must not be waited for"
    assert glance.uploads() == []
    return told


@scenario
def refusal_comes_instead_of_100(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"upload": {"max_size": "4GiB"}}, policy=DENYING)
    asked_for = "X-Image-Meta-Store: test"
    table = [  # the image, request fields, size, what is answered
        (facts(status="active"), [], 5, 409, "image_not_queued"),
        (facts(status="saving"), [], 5, 409, "image_not_queued"),
        (facts(disk_format=None), [], 5, 400, "formats_unset"),
        (facts(container_format=None), [], 5, 400, "formats_unset"),
        (facts(), [], (4 << 30) + 1, 413, "too_large"),
        (facts(disk_format="raw"), [], (1 << 20) + 1, 413, "too_large"),
        (facts(disk_format="iso"), [], 5, 403, "denied_by_policy"),
        (facts(disk_format="vhd"), [asked_for], 5, 403, "store_not_allowed"),
    ]
    for image, fields, size, status, reason in table:
        glance.image = image
        told = refused(proxy, glance, *fields, size=size)
        said = json.loads(told.body)
        assert (told.status, said["reason"]) == (status, reason), (image, told.status, said)
        assert list(said)[:3] == ["message", "code", "title"], said
        assert said["image_id"] == IMAGE and said["hint"]
        assert said["request_id"] == told.get("X-Openstack-Request-Id")
        assert proxy.metric("refusals_total", reason=reason) >= 1, reason
    assert "convert to qcow2 first" in json.dumps(
        json.loads(refused_iso(proxy, glance).body)), "the operator's own words"


def refused_iso(proxy, glance):
    glance.image = facts(disk_format="iso")
    return refused(proxy, glance)


@scenario
def refusal_names_the_images_status(fixture):
    glance = fixture.glance(image=facts(status="deactivated"))
    said = json.loads(refused(fixture.proxy(glance), glance).body)
    assert "deactivated" in said["message"]


@scenario
def glances_refusal_comes_instead_of_100(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for start in ("401 Unauthorized", "403 Forbidden", "404 Not Found"):
        words = f"<html>{start}, says Glance</html>".encode()
        glance.image = answer(start, "Content-Type: text/html; charset=UTF-8",
                              "Www-Authenticate: Keystone uri=\"http://k\"",
                              "X-Openstack-Request-Id: req-of-glance", body=words)
        told = refused(proxy, glance)
        assert (told.status, told.body) == (int(start[:3]), words)
        assert told.get("Content-Type") == "text/html; charset=UTF-8"
        assert told.get("Www-Authenticate") == "Keystone uri=\"http://k\""
        assert told.all("X-Openstack-Request-Id") == ["req-of-glance"]


@scenario
def refusal_comes_early_without_expect(fixture):
    glance = fixture.glance(image=facts(status="active"))
    with fixture.proxy(glance).client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Content-Length: 50000000"), b"start")
        assert client.answer().status == 409
    assert glance.uploads() == []


@scenario
def client_that_sends_everything_reads_the_refusal(fixture):
    glance = fixture.glance(image=facts(status="active"))
    proxy = fixture.proxy(glance)
    size = 24 << 20  # far more than all socket buffers can hold
    for framing in (f"Content-Length: {size}", "Transfer-Encoding: chunked"):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", framing))
            body = bytes(size) if "Length" in framing else b"%x\r\n%s\r\n0\r\n\r\n" % (size, bytes(size))
            client.send_until_refused(body)
            assert client.answer().status == 409, framing
