# SPDX-License-Identifier: Apache-2.0
"""Capacity of a store: the proxy asks the bucket for its use and its quota. The keys for that appear nowhere. Uploads in
flight count as used, too (capacity_in_flight.py)."""
from support.fixture import scenario
from support.form import declared, file, form
from support.gateway import ACCESS_KEY, BUCKET, SECRET_KEY
from support.gateway_stack import BODY, MIB, GatewayStack, head_of
from support.glance import answer
from support.proxy import wait_until
from support.stack import ACTIONS, OCTETS, RIGHT, TOKEN


# --- the limit ------------------------------------------------------------------------------


@scenario(threaded=True)
def smallest_limit_is_enforced(fixture):
    """Of the bucket's quota, its owner's quota, and the policy's `capacity`."""
    store = GatewayStack(fixture, capacity="10MiB")
    stack, gateway = store.stack, store.gateway
    for bucket, user, limit in ((-1, -1, 10), (7, -1, 7), (-1, 6, 6), (7, 6, 6), (6, 7, 6), (100, 100, 10)):
        gateway.bucket_quota = bucket if bucket < 0 else bucket * MIB
        gateway.user_quota = user if user < 0 else user * MIB
        gateway.used = limit * MIB - len(BODY)
        image = stack.image()
        told = stack.put_head(image, *head_of(len(BODY) + 1))
        store.refused(told, image, f"test may hold {limit * MIB} bytes", f"has {gateway.used} ",
                      "and 0 on their way", f"needs {len(BODY) + 1}")
        store.kept_secret(told)
        told = stack.put(image, BODY)  # this one fits to the byte
        stack.stored(told, image, BODY)
        assert told.get("X-Intake-Verified") == "sha512"
    assert gateway.faults == []
    assert stack.proxy.metric("refusals_total", reason="store_full") == 6
    store.kept_secret()


@scenario
def store_over_its_limit_is_full(fixture):
    store = GatewayStack(fixture)
    store.gateway.used, store.gateway.bucket_quota = 10 * MIB, 5 * MIB
    for fields in (head_of(1), [*RIGHT, "Transfer-Encoding: chunked"]):
        image = store.stack.image()
        store.refused(store.stack.put_head(image, *fields), image, f"may hold {5 * MIB} bytes", f"has {10 * MIB} ")


@scenario
def store_without_a_limit_is_never_full(fixture):
    store = GatewayStack(fixture)
    store.gateway.used = 1 << 50
    image = store.stack.image()
    store.stack.stored(store.stack.put(image, BODY), image, BODY)


@scenario(threaded=True)
def capacity_is_checked_when_the_length_is_known(fixture):
    """Glance has got nothing before."""
    store = GatewayStack(fixture)
    stack = store.stack
    for room, good in ((len(BODY), True), (len(BODY) - 1, False)):
        store.gateway.bucket_quota = room
        for send, sent, fields in ((stack.put_chunked, BODY, RIGHT),
                                   (stack.put, form(file(BODY)), [TOKEN, declared()]),
                                   (stack.put_chunked, form(file(BODY)), [TOKEN, declared()]),
                                   (stack.put_chunked, BODY, [*RIGHT, f"X-Openstack-Image-Size: {len(BODY)}"])):
            image = stack.image()
            told = send(image, sent, *fields)
            if good:
                stack.stored(told, image, BODY)
            else:
                store.refused(told, image, f"needs {len(BODY)}")
    stack.proxy.wait_no_spools()


@scenario
def gateway_is_not_queried_without_need(fixture):
    """For staged data, for stores without a bucket, and with `quota = off`."""
    store = GatewayStack(fixture)
    store.gateway.used, store.gateway.bucket_quota = 10 * MIB, MIB
    image = store.stack.image()
    store.stack.stored(store.stack.put(image, BODY, action="stage"), image, BODY, "stage")
    store.stack.set(quota="off")
    for action in ACTIONS:
        image = store.stack.image()
        store.stack.stored(store.stack.put(image, BODY, action=action), image, BODY, action)
    store.stack.policy = store.stack.policy.replace(
        "{ store: test, mode: force }", "{ store: test, mode: default, allow: [file, test] }")
    store.stack.set()
    image = store.stack.image()
    told = store.stack.put(image, BODY, TOKEN, OCTETS, "X-Image-Meta-Store: file")
    assert (told.status, told.get("X-Intake-Store")) == (204, "file"), told.body
    assert store.gateway.requests == []


# --- a gateway without an answer ------------------------------------------------------------


def goes_on(store, count, *words):
    """The upload passes, with a warning and a metric."""
    image = store.stack.image()
    told = store.stack.put(image, BODY)
    store.stack.stored(told, image, BODY)
    line = store.proxy.wait_log(f"WARNING {told.get('X-Openstack-Request-Id')}: the space in test is unknown: ")
    for each in words:
        assert each in line, line
    assert store.proxy.metric("store_checks_failed_total", store="test") == count
    store.kept_secret(told)


@scenario(threaded=True)
def unusable_answer_means_not_checked(fixture):
    store = GatewayStack(fixture, capacity="1MiB")  # small: the upload would be refused if an answer was used
    gateway = store.gateway
    used = "X-RGW-Bytes-Used: "
    for count, (script, words) in enumerate((
            (lambda asked: asked.read().send(answer("403 Forbidden")), "403"),
            (lambda asked: asked.read().send(answer("404 Not Found")), "404"),
            (lambda asked: asked.read().send(answer("500 Internal Server Error")), "500"),
            (lambda asked: asked.read().send(answer("301 Moved Permanently", "Location: http://example.org/")), "301"),
            (lambda asked: asked.read().send(answer("200 OK")), "does not say"),
            (lambda asked: asked.read().send(answer("200 OK", f"{used}much")), "cannot be read"),
            (lambda asked: asked.read().send(answer("200 OK", f"{used}-5")), "cannot be read"),
            (lambda asked: asked.read().send(answer("200 OK", f"{used}1", "X-RGW-Quota-User-Size: x")),
             "cannot be read"),
            (lambda asked: asked.read().close(), "does not answer"),
            (lambda asked: asked.read().reset(), "does not answer"),
            (lambda asked: asked.read().send(b"220 smtp.example.org\r\n\r\n").close(), "does not answer")), 1):
        gateway.other = script
        goes_on(store, count, words)
    asked_others = [asked for asked in gateway.requests if asked.target != f"/{BUCKET}"]
    assert asked_others == []


@scenario
def closed_gateway_means_not_checked(fixture):
    store = GatewayStack(fixture)
    store.gateway.stop()
    goes_on(store, 1, "does not answer")


@scenario(long=True)
def slow_gateway_means_not_checked(fixture):
    """An upload does not wait longer for it."""
    store = GatewayStack(fixture)
    store.gateway.other = lambda asked: asked.read().hold()
    goes_on(store, 1, "does not answer", "nothing for")
    for asked in store.gateway.requests:
        asked.go()


@scenario
def wrong_keys_mean_not_checked_and_new_keys_are_read(fixture):
    """The key files are read for each query, so new keys need no restart."""
    store = GatewayStack(fixture, capacity="1MiB")
    store.keys.secret.write_text("another-secret-key-that-no-log-may-show")
    goes_on(store, 1, "403")
    assert store.gateway.faults == ["the signature is wrong"]
    store.keys.access.write_text("somebody-elses")
    goes_on(store, 2, "403")
    store.keys.secret.unlink()
    goes_on(store, 3, "cannot be asked")
    assert "another-secret-key" not in store.proxy.log() and "somebody-elses" not in store.proxy.log()
    store.keys.access.write_text(ACCESS_KEY)
    store.keys.secret.write_text(SECRET_KEY)
    image = store.stack.image()
    store.refused(store.stack.put(image, BODY), image)
    wait_until("nothing more was wrong", lambda: len(store.gateway.faults) == 2)


@scenario
def keys_and_tokens_stay_apart(fixture):
    """The keys do not go to Glance, and nothing of the client goes to the gateway."""
    store = GatewayStack(fixture)
    store.stack.put(store.stack.image(), BODY)
    for asked in store.stack.glance.requests():
        names = {name.lower() for name, _ in asked["headers"]}
        assert not any(name.startswith("x-amz-") or name == "authorization" for name in names), asked
    asked, = store.gateway.requests
    names = {name.lower() for name, _ in asked.fields}
    assert names <= {"host", "user-agent", "accept", "authorization", "x-amz-date", "x-amz-content-sha256"}, names
    store.kept_secret()


@scenario
def slow_upload_keeps_its_space(fixture):
    """While it is spooled, and until it is sent. Its own space does not make it ask again."""
    store = GatewayStack(fixture, slow="spool", slow_rate="1MiB")
    stack = store.stack
    store.gateway.bucket_quota = 3 * MIB
    slow, other = stack.image(), stack.image()
    with stack.client() as client:
        stack.begin(client, slow, *RIGHT, f"Content-Length: {len(BODY)}")
        client.send(BODY[:200_000])
        wait_until("it is spooled",
                   lambda: [one["state"] for one in stack.proxy.uploads()["in_flight"]] == ["spooling"])
        client.send(BODY[200_000:-1])  # more than half of the free space
        wait_until("it is on disk", lambda: stack.proxy.uploads()["in_flight"][0]["spooled"] == len(BODY) - 1)
        assert stack.put(other, BODY).status == 413
        told = client.send(BODY[-1:]).answer()
    stack.stored(told, slow, BODY)
