# SPDX-License-Identifier: Apache-2.0
"""One log line for each upload, and no secret in any line."""
import hashlib
import json
import os
import re
import signal
import subprocess

from support.fixture import scenario
from support.glance import IMAGE, TOKEN, UPLOAD, answer, facts
from support.proxy import wait_until
from support.raw_http import head

DATA = bytes(range(256))
EXPECTED = {"client": "127.0.0.1", "project": "demo", "image": IMAGE, "store": "test",
            "rule": "default", "bytes": str(len(DATA)), "sha512": hashlib.sha512(DATA).hexdigest(),
            "glance_status": "204", "verdict": "stored"}


@scenario
def upload_is_logged_as_text(fixture):
    proxy = fixture.proxy(fixture.glance())
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-mine", body=DATA)
    line = proxy.wait_log("upload .*request_id=req-mine")
    for name, value in EXPECTED.items():
        assert f" {name}={value}" in line, (name, line)
    assert re.search(r" seconds=\d+", line), line
    assert len(re.findall("request_id=req-mine", proxy.log())) == 1


@scenario
def upload_is_logged_as_json(fixture):
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"log_format": "json"}})
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-mine", body=DATA)
    proxy.wait_log('"event": ?"upload"')
    lines = [json.loads(line) for line in proxy.log().splitlines()]  # every line of the log
    line, = [line for line in lines if line.get("event") == "upload"]
    for name, value in {**EXPECTED, "request_id": "req-mine"}.items():
        assert str(line[name]) == value, (name, line)


@scenario
def refusal_is_logged_with_its_reason(fixture):
    proxy = fixture.proxy(fixture.glance(image=facts(status="active")))
    proxy.ask("PUT", UPLOAD, body=DATA)
    proxy.wait_log("upload .*verdict=refused.*reason=image_not_queued")


@scenario
def foreign_values_cannot_forge_a_line(fixture):
    forged = "name\nupload request_id=forged verdict=stored"
    glance = fixture.glance(image=facts(owner=forged, status=forged, disk_format=forged))
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"debug": "true"}})
    proxy.ask("PUT", UPLOAD, body=DATA)
    proxy.wait_log("upload .*reason=image_not_queued")
    assert not re.search("^upload request_id=forged", proxy.log(), re.MULTILINE)
    assert not re.search("^[^\n]{0,40}upload request_id=forged", proxy.log(), re.MULTILINE)


@scenario
def log_file_is_reopened_on_sighup(fixture):
    file = fixture.folder / "intake.log"
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"log_file": file}})
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-first", body=DATA)
    proxy.error_file = file
    proxy.wait_log("req-first")
    file.rename(fixture.folder / "intake.log.1")
    proxy.signal(1)  # SIGHUP, as logrotate sends it
    proxy.ask("GET", "/v2/images")

    def followed():
        proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-second", body=DATA)
        return file.exists() and "req-second" in file.read_text()
    wait_until("the new file is written", followed)


@scenario
def log_file_is_reopened_even_if_the_configuration_is_wrong(fixture):
    """Otherwise logrotate would compress and remove a file to which the proxy still writes."""
    file = fixture.folder / "intake.log"
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"log_file": file}})
    with open(proxy.conf_file, "a", encoding="utf-8") as conf:
        conf.write("[nope]\n")
    file.rename(fixture.folder / "intake.log.1")
    proxy.signal(1)
    proxy.error_file = file
    wait_until("there is a new file", file.exists)
    proxy.wait_log("unknown section .nope.")
    proxy.wait_log("the old one stays in force")


@scenario(threaded=True)
def tokens_are_never_shown(fixture):
    secret = [f"X-Auth-Token: {TOKEN}", f"X-Service-Token: {TOKEN}", f"Authorization: Basic {TOKEN}",
              f"Cookie: session={TOKEN}"]
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"debug": "true"}})
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


# --- a reader that stops ------------------------------------------------------------------------

LINES = {"access_log": "all", "workers": 1}
LONG = "User-Agent: " + "u" * 3000
REQUESTS = 2_000  # with LONG: their lines are more than the queue and the pipe can hold together


def until_lines_are_lost(proxy):
    """Sends many requests that log something. All of them are answered."""
    with proxy.client() as client:
        for number in range(REQUESTS):
            assert client.ask("GET", "/v2/images", LONG).status == 200
            if number % 50 == 0 and proxy.metric("log_lines_lost_total"):
                return
    raise AssertionError("no line was lost")


def ends_soon(proxy):
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0  # long before drain_timeout


@scenario(threaded=True)
def stopped_log_reader_blocks_nobody(fixture):
    """Standard error is a pipe that is not read, as when a log collector hangs."""
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": LINES}, start=False)
    proxy.spawn(subprocess.PIPE)
    proxy.error_file.touch()
    proxy.wait_ready()
    until_lines_are_lost(proxy)
    ends_soon(proxy)
    proxy.process.stderr.close()


@scenario
def lost_lines_are_reported(fixture):
    """log_file is a FIFO without a reader at first. A later reader gets whole lines, and one that says how many
    were lost."""
    fifo = fixture.folder / "log.fifo"
    os.mkfifo(fifo)
    proxy = fixture.proxy(fixture.glance(), conf={
        "DEFAULT": {**LINES, "log_file": fifo, "log_format": "json"}})
    until_lines_are_lost(proxy)
    seen, rest = [], b""
    with open(fifo, "rb", buffering=0) as reader:
        os.set_blocking(reader.fileno(), False)

        def told():
            nonlocal rest
            piece = reader.read(1 << 16)
            *lines, rest = (rest + (piece or b"")).split(b"\n")
            seen.extend(json.loads(line) for line in lines)
            return [line for line in seen if "lines of this log were lost" in line.get("message", "")]
        wait_until("the gap is told", told)
        lost = sum(int(line["message"].split()[0]) for line in told())
        assert 0 < lost <= proxy.metric("log_lines_lost_total")
        proxy.signal(signal.SIGTERM)
        wait_until("the last line", lambda: told() and seen[-1].get("message", "").endswith("has stopped"))
    assert proxy.wait_exit() == 0


@scenario
def full_disk_is_counted(fixture):
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"log_file": "/dev/full"}})
    assert proxy.ask("PUT", UPLOAD, body=DATA).status == 204
    wait_until("it is counted", lambda: proxy.metric("log_lines_lost_total") >= 1)
    ends_soon(proxy)


@scenario
def reload_replaces_a_stuck_log_file(fixture):
    fifo, file = fixture.folder / "log.fifo", fixture.folder / "intake.log"
    os.mkfifo(fifo)
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {**LINES, "log_file": fifo}})
    until_lines_are_lost(proxy)
    proxy.write({"DEFAULT": {"log_file": file, "workers": 1}})
    proxy.signal(signal.SIGHUP)
    wait_until("it is told what was lost", lambda: file.exists() and "lines of this log were lost" in file.read_text())
    proxy.ask("PUT", UPLOAD, "X-Openstack-Request-Id: req-after", body=DATA)
    wait_until("lines come through", lambda: "request_id=req-after" in file.read_text())
