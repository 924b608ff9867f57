# SPDX-License-Identifier: Apache-2.0
"""The result of `glance-intake explain` is what the running proxy does."""
import json
import re
import subprocess

from support.fixture import scenario
from support.glance import UPLOAD, facts, store_list
from support.raw_http import head

DATA = bytes(2048)

POLICY = """\
rules:
  - { name: no-isos, when: { disk_format: iso }, deny: convert it }
  - { name: choose, when: { name: "win-*", user_agent: "*Horizon*" }, store: file, allow: [file, test] }
  - { name: large, when: { larger_than: 1KiB, project: builders }, store: file, mode: force }
  - { name: small, when: { visibility: public }, store: test, max_size: 1KiB }
default: { store: test, mode: force }
"""

FACTS = {"disk_format": "disk-format", "container_format": "container-format", "owner": "project",
         "name": "name", "visibility": "visibility"}


def explain(proxy, *words):
    done = subprocess.run([*proxy.command, "explain", "--config-file", proxy.conf_file, *words],
                          check=True, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.stdout


def line_of(told, start):
    """The rest of the line that begins with `start`: a rule, a store, or a list of changes."""
    found = re.search(f"^{re.escape(start)}(.*?)(?: \\(line \\d+\\))?$", told, re.MULTILINE)
    return found and found[1]


def words_for(image, fields):
    """The same request as options of explain. A field that the upload does not have is given as empty."""
    words = [f"--{FACTS[key]}={value}" for key, value in image.items() if key in FACTS and value]
    if not any(field.startswith("Content-Type:") for field in fields):
        fields = [*fields, "Content-Type:"]
    return [*words, f"--size={len(DATA)}", *(f"--header={field}" for field in fields)]


@scenario
def explain_predicts_the_upload(fixture):
    glance = fixture.glance(stores=store_list("file", "test"))
    proxy = fixture.proxy(glance, policy=POLICY, conf={"upload": {"format": "off", "damaged": "off"}})
    octets, horizon = "Content-Type: application/octet-stream", "User-Agent: a Horizon"
    asks_for_file = "X_Image-Meta_Store: file"
    table = [
        (facts(), []),
        (facts(), [octets]),
        (facts(), [octets, "X-Image-Meta-Store: test"]),
        (facts(), [asks_for_file]),
        (facts(disk_format="iso"), [octets]),
        (facts(name="win-11"), [octets, horizon, asks_for_file]),
        (facts(name="win-11"), [horizon, "X-Image-Meta-Store: rbd"]),
        (facts(name="win-11"), [asks_for_file]),
        (facts(owner="builders"), [octets]),
        (facts(visibility="public"), [octets]),
        (facts(), ["Content-Range: bytes 0-9/10"]),
        (facts(), ["Content-Encoding: gzip"]),
        (facts(), ["Content-Type: multipart/mixed; boundary=x"]),
        (facts(), ["x-openstack-image-size: 2047"]),
        (facts(), ["Repr-Digest: sha-256=?"]),
    ]
    for image, fields in table:
        glance.image = image
        told = explain(proxy, *words_for(image, fields))
        done = proxy.ask("PUT", UPLOAD, *fields, body=DATA)
        if done.status == 204:
            assert "refused" not in told, told
            assert line_of(told, "rule: ") == done.get("X-Intake-Rule"), told
            assert line_of(told, "store: ") == done.get("X-Intake-Store"), told
            assert line_of(told, "would be changed: ") == done.get("X-Intake-Fixed"), told
        else:
            reason = json.loads(done.body)["reason"]
            assert re.search(r"^refused \((\w+)\)", told, re.MULTILINE)[1] == reason, told


@scenario
def explain_refuses_bad_heads_like_the_proxy(fixture):
    proxy = fixture.proxy(fixture.glance())
    for field in ("Content_Length: 5", "Transfer-Encoding: gzip", "X Y: z", "Content-Length: 5x"):
        told = explain(proxy, f"--header={field}")
        assert told.startswith("refused (bad_request): "), told
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: glance", field))
            assert client.answer().status == 400, field
