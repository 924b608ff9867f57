# SPDX-License-Identifier: Apache-2.0
"""Import requests (POST /v2/images/{id}/import), and checks of what Glance got of them."""
import json

from .glance import IMAGE, answer
from .raw_http import head

IMPORT = f"/v2/images/{IMAGE}/import"
TOKEN = "X-Auth-Token: a-token"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
STORE = "X-Image-Meta-Store"

FORCE = "default: { store: test, mode: force }\n"
CHOICE = "default: { store: test, mode: default, allow: [file, test] }\n"
ANY = "default: { store: test, mode: default }\n"
MAX = 256 * 1024

DIRECT = '"method": {"name": "glance-direct"}'


def by(method, **more):
    return json.dumps({"method": {"name": method, **more}}).encode()


def body(more=""):
    """An import with unusual blanks and key order."""
    return (' {"z" :\t[1.50, "\\u00e9"],%s %s}\r\n' % (more and f" {more} ,", DIRECT)).encode()


def listed(*stores):
    return body(f'"stores":  {json.dumps(stores)}')


ALL = body('"all_stores" :true')


def take(asked):
    asked.read().send(answer("202 Accepted", "X-Of-Glance: yes"))


def env(fixture, policy=FORCE, conf=None, **glance):
    glance = fixture.glance(**{"other": take, **glance})
    return glance, fixture.proxy(glance, policy=policy, conf=conf)


def imports(glance):
    return [asked for asked in glance.requests if asked.method == "POST"]


def ask(proxy, sent, *fields, target=IMPORT):
    return proxy.ask("POST", target, TOKEN, JSON, *fields, body=sent)


def begin(client, *fields):
    """Sends the head of an import."""
    return client.send(head(f"POST {IMPORT} HTTP/1.1", "Host: g", TOKEN, *fields))


def accepted(glance, told, stores, fixed=False, rule="default"):
    """Checks Glance's answer and the proxy's fields. Returns what Glance got."""
    assert (told.status, told.get("X-Of-Glance")) == (202, "yes"), (told.start, told.body)
    assert told.get("X-Intake-Store") == stores, told.fields
    assert told.get("X-Intake-Rule") == rule, told.fields
    assert told.get("X-Intake-Fixed") == ("store" if fixed else None), told.fields
    asked = imports(glance)[-1]
    assert asked.complete and asked.target == IMPORT
    return asked


def kept(glance, told, stores, sent, headers=()):
    asked = accepted(glance, told, stores)
    assert asked.body == sent and asked.all(STORE) == list(headers), (asked.body, asked.fields)
    return asked


def refused(glance, told, status, reason):
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (status, reason), (told.start, said)
    assert said["image_id"] == IMAGE and said["message"] and said["hint"], said
    assert imports(glance) == []
    return said


# --- what cannot be read ------------------------------------------------------------------------------

UNREADABLE = (
    b"x", b"{", b"[]", b"{}", b'"text"', b"{}{}", b'{"method": "glance-direct"}', b'{"method": {"name": 1}}',
    b'{%s, "stores": ["test"], "stores": ["file"]}', b'{%s, "stores": ["file"], "stores": ["test"]}',
    b'{%s, "stores": ["test"], "st\\u006fres": ["file"]}', b'{%s, "all_stores": false, "all_stores": true}',
    b'{%s, "stores": "file"}', b'{%s, "stores": {"file": 1}}', b'{%s, "stores": null}', b'{%s, "stores": [["file"]]}',
    b'{%s, "all_stores": 1}', b'{%s, "stores": ["te\\u0000st"]}', b'{%s, "stores": ["test\\r\\nX-Forged: 1"]}',
    b'{%s, "method": {"name": "web-download"}}', b'{%s, "x": NaN}', b'\xef\xbb\xbf{%s}', b'{%s, "x": "\\ud800"}',
)


def unreadable():
    for text in UNREADABLE:
        yield text.replace(b"%s", DIRECT.encode())
