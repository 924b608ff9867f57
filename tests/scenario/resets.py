# SPDX-License-Identifier: Apache-2.0
"""A client resets the connection in each step of an empty upload. The request is complete from the beginning,
so only the reset shows that the client is gone."""
import threading

from support.fixture import scenario
from support.gateway import ACCESS_KEY, BUCKET, SECRET_KEY, Gateway
from support.glance import NO_CONTENT, facts, json_answer, new_upload, store_list
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, head

BODY = b"\0few bytes"
LENGTH_0, NO_LENGTH, CHUNKED = (["Content-Length: 0"], b""), ([], b""), (["Transfer-Encoding: chunked"], LAST_CHUNK)
UNFINISHED = (["Transfer-Encoding: chunked"], b"")
ACTIONS = ("file", "stage")

# The query that Glance (or the bucket) does not answer while all clients of a step reset.
BEFORE_THE_BODY = ("image", "stores")
BEFORE_IT_IS_SENT = (*BEFORE_THE_BODY, "usage", "bucket")
STEPS = (*BEFORE_IT_IS_SENT, "send", "proof")


class Withholding:
    """A Glance and a bucket that hold back the answers to one kind of request."""

    def __init__(self, fixture, properties):
        self.lock = threading.Lock()
        self.kind = None
        self.held = []
        self.properties = properties
        self.glance = fixture.glance(image=self.tell_image, upload=self.take,
                                     usage=self.answering("usage", {"usage": {}}),
                                     stores=self.answering("stores", store_list("file", "test")))
        self.gateway = Gateway(fixture.host)
        self.answer_bucket = self.gateway.other
        self.gateway.other = self.tell_bucket
        fixture.callback(self.gateway.stop)

    def hold(self, asked, kind):
        with self.lock:
            mine = self.kind == kind
            if mine:
                self.held.append(asked)
        if mine:
            asked.hold()

    def answering(self, kind, document):
        def script(asked):
            asked.read()
            self.hold(asked, kind)
            asked.send(json_answer("200 OK", document))
        return script

    def tell_image(self, asked):
        asked.read()
        own = asked.get("X-Openstack-Request-Id")
        sent = [put for put in self.glance.uploads() if put.answered and put.get("X-Openstack-Request-Id") == own]
        self.hold(asked, "proof" if sent else "image")
        found = {"id": asked.target.split("/")[-1], **facts(**self.properties)}
        if sent:
            staged = sent[-1].target.endswith("/stage")
            found |= {"status": "uploading" if staged else "active", "size": sent[-1].length,
                      "os_hash_algo": "sha512", "os_hash_value": sent[-1].sha512,
                      "stores": sent[-1].get("X-Image-Meta-Store")}
        asked.send(json_answer("200 OK", found))

    def take(self, asked):
        asked.read()
        self.hold(asked, "send")
        asked.send(NO_CONTENT)

    def tell_bucket(self, asked):
        self.hold(asked, "bucket")
        self.answer_bucket(asked)

    def begin(self, kind):
        with self.lock:
            self.kind, self.held = kind, []

    def let_go(self):
        with self.lock:
            self.kind = None
        for asked in self.held:
            asked.go()


def policy(fixture, gateway, mode):
    """The store has capacity for BODY and no more."""
    access, secret = fixture.folder / "access", fixture.folder / "secret"
    access.write_text(ACCESS_KEY)
    secret.write_text(SECRET_KEY)
    return (f"{mode}default: {{ store: test, mode: force }}\n"
            "stores:\n"
            "  test:\n"
            f"    s3: {{ endpoint: \"{gateway.url}\", bucket: {BUCKET}, access_key_file: {access},\n"
            f"           secret_key_file: {secret} }}\n"
            f"    capacity: {len(BODY)}\n")


def target(action):
    return new_upload().replace("/file", f"/{action}")


def begin(client, where, fields, sent):
    client.send(head(f"PUT {where} HTTP/1.1", "Host: h", "Content-Type: application/octet-stream",
                     "X-Image-Meta-Store: test", *fields), sent)


def is_over(proxy):
    """Nothing is in flight any more, and no client is connected."""
    for gauge in ("connections", "uploads_in_flight", "requests_in_flight", "spool_bytes"):
        proxy.wait_metric(0, gauge)
    assert proxy.process.poll() is None


def reset_all(withholding, proxy, step, kinds):
    """Resets all clients of a step together, since it may take the proxy a second to notice a reset. Returns
    the targets."""
    withholding.begin(step)
    places = [(target(action), framing) for action in ACTIONS for framing in kinds
              if (step, action) != ("bucket", "stage")]
    clients = [proxy.client() for _ in places]
    for client, (where, framing) in zip(clients, places):
        begin(client, where, *framing)
    expected = 1 if step == "stores" else len(places)  # one upload queries the stores for all
    wait_until(f"{expected} of {step} are held", lambda: len(withholding.held) >= expected)
    for client in clients:
        client.reset()
    proxy.wait_metric(0, "connections")
    withholding.let_go()
    is_over(proxy)
    return [where for where, _ in places]


def takes_another(proxy, where):
    """No lock on the image and no reserved capacity is left."""
    with proxy.client() as client:
        begin(client, where, [f"Content-Length: {len(BODY)}"], BODY)
        told = client.answer()
    assert told.status == 204, (where, told.start, told.body)
    assert told.get("X-Intake-Audit") is None, told.fields


def walk(fixture, mode, properties):
    withholding = Withholding(fixture, properties)
    glance = withholding.glance
    rules = policy(fixture, withholding.gateway, mode)
    proxy = None
    for step in STEPS:
        if step in ("image", "stores"):
            proxy = fixture.proxy(glance, policy=rules)  # a new proxy does not know the stores yet
        else:
            proxy.reload(policy=rules)  # forgets the usage
        kinds = [LENGTH_0, NO_LENGTH, CHUNKED]
        glance.requests.clear()
        where = reset_all(withholding, proxy, step, kinds)
        sent = {put.target for put in glance.uploads()}
        if step == "stores":  # only the upload that queried the stores has waited
            assert len(sent) < len(where), sent
        elif step == "bucket" and not mode:
            # Without a length the body is read meanwhile, and no data needs no space.
            assert sent <= {where[kinds.index(CHUNKED)]}, sent
        else:
            assert sent == (set() if step in BEFORE_IT_IS_SENT else set(where)), (step, sent)
        for each in where:
            takes_another(proxy, each)
        is_over(proxy)
        if step == "image":
            assert not proxy.stop(), step


@scenario(threaded=True)
def reset_of_an_audited_empty_upload_leaves_nothing(fixture):
    walk(fixture, "mode: audit\n", {})


@scenario
def reset_of_an_allowed_empty_upload_leaves_nothing(fixture):
    walk(fixture, "", {"block_device_mapping": "[]"})


@scenario
def reset_of_a_partial_request_leaves_nothing(fixture):
    """A part of a head, and a body without an end."""
    withholding = Withholding(fixture, {})
    for mode in ("", "mode: audit\n"):
        proxy = fixture.proxy(withholding.glance, policy=policy(fixture, withholding.gateway, mode))
        for sent in (b"", b"PUT /v2/im", b"PUT /v2/images HTTP/1.1\r\nHost: h\r\nContent-Le"):
            proxy.client().send(sent).reset()
        is_over(proxy)
        for step in BEFORE_THE_BODY:
            for each in reset_all(withholding, proxy, step, [UNFINISHED]):
                takes_another(proxy, each)
            proxy.stop()
            proxy.start()
            proxy.wait_ready()
        proxy.stop()
