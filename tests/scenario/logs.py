# SPDX-License-Identifier: Apache-2.0
"""One line per upload, and never a secret."""
import hashlib
import json
import re

from support.glance import IMAGE, TOKEN, UPLOAD, answer, facts
from support.proxy import wait_until
from support.scene import scenario
from support.wire import head

DATA = bytes(range(256))
EXPECTED = {"client": "127.0.0.1", "project": "demo", "image": IMAGE, "store": "test",
            "rule": "default", "bytes": str(len(DATA)), "sha512": hashlib.sha512(DATA).hexdigest(),
            "glance_status": "204", "verdict": "stored"}


@scenario
def an_upload_in_text(scene):
    proxy = scene.proxy(scene.glance())
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-mine", body=DATA)
    line = proxy.wait_log("upload .*request_id=req-mine")
    for name, value in EXPECTED.items():
        assert f" {name}={value}" in line, (name, line)
    assert re.search(r" seconds=\d+", line), line
    assert len(re.findall("request_id=req-mine", proxy.log())) == 1


@scenario
def an_upload_in_json(scene):
    proxy = scene.proxy(scene.glance(), conf={"DEFAULT": {"log_format": "json"}})
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-mine", body=DATA)
    proxy.wait_log('"event": ?"upload"')
    lines = [json.loads(line) for line in proxy.log().splitlines()]  # every line of the log
    line, = [line for line in lines if line.get("event") == "upload"]
    for name, value in {**EXPECTED, "request_id": "req-mine"}.items():
        assert str(line[name]) == value, (name, line)


@scenario
def a_refusal_has_its_reason(scene):
    proxy = scene.proxy(scene.glance(image=facts(status="active")))
    proxy.ask("PUT", UPLOAD, body=DATA)
    proxy.wait_log("upload .*verdict=refused.*reason=image_not_queued")


@scenario
def nothing_from_outside_forges_a_line(scene):
    forged = "name\nupload request_id=forged verdict=stored"
    glance = scene.glance(image=facts(owner=forged, status=forged, disk_format=forged))
    proxy = scene.proxy(glance, conf={"DEFAULT": {"debug": "true"}})
    proxy.ask("PUT", UPLOAD, body=DATA)
    proxy.wait_log("upload .*reason=image_not_queued")
    assert not re.search("^upload request_id=forged", proxy.log(), re.MULTILINE)
    assert not re.search("^[^\n]{0,40}upload request_id=forged", proxy.log(), re.MULTILINE)


@scenario
def to_a_file_that_is_opened_again(scene):
    file = scene.folder / "intake.log"
    proxy = scene.proxy(scene.glance(), conf={"DEFAULT": {"log_file": file}})
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-first", body=DATA)
    proxy.error_file = file
    proxy.wait_log("req-first")
    file.rename(scene.folder / "intake.log.1")
    proxy.signal(1)  # SIGHUP, as logrotate sends it
    proxy.ask("GET", "/v2/images")

    def followed():
        proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-second", body=DATA)
        return file.exists() and "req-second" in file.read_text()
    wait_until("the new file is written", followed)


@scenario(threaded=True)
def no_token_anywhere(scene):
    secret = [f"X-Auth-Token: {TOKEN}", f"X-Service-Token: {TOKEN}", f"Authorization: Basic {TOKEN}",
              f"Cookie: session={TOKEN}"]
    glance = scene.glance()
    proxy = scene.proxy(glance, conf={"DEFAULT": {"debug": "true"}})
    assert proxy.ask("PUT", UPLOAD, *secret, body=DATA).status == 204
    assert proxy.ask("GET", "/v2/images", *secret).status == 200
    glance.upload = lambda asked: asked.read(10).reset()
    told = [proxy.ask("PUT", UPLOAD, *secret, body=DATA)]
    glance.image = answer("500 Internal Server Error", body=b"no")
    told.append(proxy.ask("PUT", UPLOAD, *secret, body=DATA))
    with proxy.client() as client:
        client.send(head("GET /v2/images HTTP/1.1", "Host: a", "Host: b", *secret))
        told.append(client.answer())
    glance.stop()
    told.append(proxy.ask("GET", "/v2/images", *secret))

    for page in ("/uploads", "/metrics"):
        assert TOKEN not in proxy.admin(page), page
    for said in told:
        assert TOKEN.encode() not in said.body
    proxy.stop()
    assert proxy.log() and TOKEN not in proxy.log()
