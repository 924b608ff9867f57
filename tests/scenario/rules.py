# SPDX-License-Identifier: Apache-2.0
"""Rules of policy.yaml: the store, the client's choice, and size limits."""
import json

from support.fixture import scenario
from support.glance import UPLOAD, facts, store_list
from support.proxy import STREAM, wait_until
from support.raw_http import LAST_CHUNK, chunk, head

DATA = b"\0image\r\n"

ANY_DATA = {"upload": {"format": "off"}}  # these tests are about the image, not its bytes

POLICY = """\
rules:
  - name: windows
    when: { disk_format: [vhd, vhdx], name: ["win-*"] }
    store: file
    mode: default
    allow: [file, test]
  - name: choose
    when: { visibility: [public] }
    store: test
    mode: default
  - name: huge
    when: { project: [builders], larger_than: 1MiB }
    store: file
    mode: force
  - name: agents
    when: { user_agent: ["*Horizon*"], client: [127.0.0.0/8] }
    store: file
    mode: force
    max_size: 64KiB
default:
  store: test
  mode: force
"""


def stored(proxy, glance, *fields, body=DATA):
    """Uploads. Returns the store that Glance was told, and the rule that the client was told."""
    told = proxy.ask("PUT", UPLOAD, *fields, body=body)
    assert told.status == 204, (told.start, told.body)
    asked = glance.uploads()[-1]
    assert told.all("X-Intake-Store") == asked.all("X-Image-Meta-Store")
    return asked.all("X-Image-Meta-Store"), told.get("X-Intake-Rule")


@scenario
def first_matching_rule_applies(fixture):
    glance = fixture.glance(stores=store_list("file", "test", "third"))
    proxy = fixture.proxy(glance, policy=POLICY, conf=ANY_DATA)
    horizon = "User-Agent: python Horizon client"
    choice = "X-Image-Meta-Store: test"
    table = [  # the image, request fields, body, the store, the rule
        (facts(), [], DATA, "test", "default"),
        (facts(disk_format="vhd", name="win-11"), [], DATA, "file", "windows"),
        (facts(disk_format="vhd", name="win-11"), [choice], DATA, "test", "windows"),
        (facts(disk_format="vhd", name="linux"), [], DATA, "test", "default"),
        (facts(visibility="public"), ["X-Image-Meta-Store: third"], DATA, "third", "choose"),
        (facts(owner="builders"), [], bytes(1 << 20), "test", "default"),
        (facts(owner="builders"), [], bytes((1 << 20) + 1), "file", "huge"),
        (facts(), [horizon], DATA, "file", "agents"),
    ]
    for image, fields, body, store, rule in table:
        glance.image = image
        assert stored(proxy, glance, *fields, body=body) == ([store], rule), (image, fields)


@scenario
def every_spelling_of_the_store_header_is_replaced(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    spellings = ["X-Image-Meta-Store", "x-image-meta-store", "X_Image_Meta_Store", "X-Image_Meta-Store"]
    for fields in [[f"{name}: file"] for name in spellings] + [
            [f"{name}: file" for name in spellings], ["X-Image-Meta-Store:"],
            ["X_Image_Meta_Store: test", "X-Image-Meta-Store: file"]]:
        assert stored(proxy, glance, *fields) == (["test"], "default"), fields
        names = [name.lower().replace("_", "-") for name, _ in glance.uploads()[-1].fields]
        assert names.count("x-image-meta-store") == 1, fields


@scenario
def replaced_store_is_reported(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    right = "Content-Type: application/octet-stream"
    told = proxy.ask("PUT", UPLOAD, right, "X-Image-Meta-Store: file", body=DATA)
    assert told.get("X-Intake-Fixed") == "store"
    proxy.wait_log("upload .*fixes=store")


@scenario
def store_outside_allow_is_refused(fixture):
    glance = fixture.glance(image=facts(disk_format="vhd", name="win-11"))
    proxy = fixture.proxy(glance, policy=POLICY)
    for choice in ("third", "os_glance_staging_store", "TEST"):
        told = proxy.ask("PUT", UPLOAD, f"X-Image-Meta-Store: {choice}", body=DATA)
        said = json.loads(told.body)
        assert (told.status, said["reason"]) == (403, "store_not_allowed"), choice
        assert "file, test" in said["message"], said
    glance.image = facts(visibility="public")  # no `allow`: any store but Glance's reserved ones
    told = proxy.ask("PUT", UPLOAD, "X-Image-Meta-Store: os_glance_staging_store", body=DATA)
    assert told.status == 403
    assert glance.uploads() == []


def send_chunked(client, count, size, *fields):
    """Sends up to `count` chunks of `size` bytes, without the last one."""
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked", *fields))
    return client.send_until_refused(chunk(bytes(size)) * count)


@scenario
def max_size_is_enforced_while_streaming(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, policy=POLICY, conf={"upload": {"max_size": "2MiB"}})
    table = [(["User-Agent: Horizon"], 64 << 10), ([], 2 << 20)]  # the rule's limit, the global one
    for fields, limit in table:
        with proxy.client() as client:
            send_chunked(client, 40, 60_000, *fields)
            told = client.answer()
            assert (told.status, json.loads(told.body)["reason"]) == (413, "too_large"), fields
        # Glance may have got nothing, if the first bytes were too many
        wait_until("the upload to Glance is broken off", lambda: all(asked.cut for asked in glance.uploads()))
        assert all(asked.length <= limit and not asked.complete for asked in glance.uploads())


@scenario
def body_of_exactly_max_size_is_stored(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"upload": {"max_size": "64KiB"}})
    assert stored(proxy, glance, body=bytes(65536)) == (["test"], "default")
    with proxy.client() as client:
        send_chunked(client, 2, 32768)
        assert client.send(LAST_CHUNK).answer().status == 204


@scenario
def rule_by_size_needs_the_length(fixture):
    glance = fixture.glance(image=facts(owner="builders"))
    proxy = fixture.proxy(glance, policy=POLICY, conf=STREAM)
    with proxy.client() as client:  # too small for the rule to matter
        send_chunked(client, 1, 1000)
        assert client.send(LAST_CHUNK).answer().status == 204
    with proxy.client() as client:
        send_chunked(client, 40, 60_000)
        told = client.answer()
        assert (told.status, json.loads(told.body)["reason"]) == (411, "length_required")
    wait_until("the upload to Glance is broken off", lambda: glance.uploads()[-1].cut)
