# SPDX-License-Identifier: Apache-2.0
"""The stores that Glance lists: what a client may choose, and whether the policy's stores exist."""
import json
import re
import threading
import time
import urllib.error

from support.fixture import scenario
from support.glance import UPLOAD, answer, json_answer, new_upload, store_list
from support.proxy import wait_until
from support.stack import OCTETS, RIGHT, TOKEN, Stack, data

BODY = data(1000)
CHOOSE = "default:\n  store: test\n  mode: default\n"
TO_GOLD = "default:\n  store: gold\n  mode: force\n"
MISSING = "the policy names the store gold, which Glance does not have"


def ready(proxy):
    """(status, text) of /readyz."""
    try:
        return 200, proxy.admin("/readyz")
    except urllib.error.HTTPError as told:
        return told.code, told.read().decode()


def asked_for_stores(glance):
    return sum(asked["target"] == "/v2/info/stores" for asked in glance.requests())


@scenario(threaded=True)
def policy_with_a_missing_store_is_503(fixture):
    """It is the operator's mistake. The client cannot fix it, so the log and /readyz report it, too."""
    stack = Stack(fixture, policy=TO_GOLD)
    assert ready(stack.proxy)[0] == 200  # no request with a token has come yet
    for _ in range(3):
        image = stack.image()
        told = stack.put_head(image, *RIGHT, f"Content-Length: {len(BODY)}")
        said = stack.refused(told, image, 503, "store_unknown")
        assert "gold" in said["message"] and "file, test" in said["message"], said
    status, text = ready(stack.proxy)
    assert status == 503 and MISSING in text, text
    stack.proxy.wait_log(f"ERROR {re.escape(MISSING)}")
    assert stack.proxy.log().count(f"ERROR {MISSING}") == 1
    assert stack.proxy.metric("stores_missing") == 1
    image = stack.image()
    stack.stored(stack.put(image, BODY, action="stage"), image, BODY, "stage")  # staged data goes to no store yet


@scenario
def every_missing_store_is_reported(fixture):
    """Also stores of other rules and of `allow`. Uploads to other stores pass."""
    policy = ("rules:\n  - { name: gold, when: { disk_format: [iso] }, store: gold }\n"
              "  - { name: choice, when: { disk_format: [ami] }, store: file, mode: default, allow: [file, silver] }\n"
              "default: { store: test, mode: force }\n")
    stack = Stack(fixture, policy=policy)
    image = stack.image()
    stack.stored(stack.put(image, BODY), image, BODY)
    status, text = ready(stack.proxy)
    assert status == 503 and "the policy names the stores gold, silver, which Glance does not have" in text, text
    assert stack.proxy.metric("stores_missing") == 2


@scenario(threaded=True)
def client_may_choose_glances_stores(fixture):
    stack = Stack(fixture, policy=CHOOSE)
    for store in ("file", "test"):
        image = stack.image()
        told = stack.put(image, BODY, TOKEN, OCTETS, f"X-Image-Meta-Store: {store}")
        assert (told.status, told.get("X-Intake-Store")) == (204, store)
        assert stack.show(image)["stores"] == store
    for store in ("gold", "TEST", "tes", "test2", "os_glance_staging_store", "os_glance_tasks_store"):
        image = stack.image()
        told = stack.put_head(image, TOKEN, OCTETS, f"X-Image-Meta-Store: {store}", f"Content-Length: {len(BODY)}")
        said = stack.refused(told, image, 403, "store_not_allowed")
        assert store in said["message"], said
        if not store.startswith("os_glance_"):
            assert "Glance has file, test" in said["message"], said
    assert ready(stack.proxy)[0] == 200  # a client's mistake does not change the readiness


@scenario
def reserved_stores_are_refused(fixture):
    """Even if Glance should list them."""
    glance = fixture.glance(stores=store_list("os_glance_tasks_store", "test"))
    proxy = fixture.proxy(glance, policy=CHOOSE)
    for _ in range(2):
        told = proxy.ask("PUT", UPLOAD, "X-Image-Meta-Store: os_glance_tasks_store", body=BODY)
        assert (told.status, json.loads(told.body)["reason"]) == (403, "store_not_allowed")
    assert glance.uploads() == []


@scenario(long=True)
def stores_are_queried_once_a_minute(fixture):
    """And what is new then counts. Most of this is waiting."""
    stack = Stack(fixture, policy=TO_GOLD)
    began = time.monotonic()
    for _ in range(10):
        assert stack.put(stack.image(), BODY).status == 503
    assert asked_for_stores(stack.glance) == 1
    stack.glance.set_stores("file", "test", "gold")
    assert stack.put(stack.image(), BODY).status == 503
    time.sleep(30)
    assert stack.put(stack.image(), BODY).status == 503
    wait_until("it asks again", lambda: stack.put(stack.image(), BODY).status == 204)
    assert 59 < time.monotonic() - began
    assert asked_for_stores(stack.glance) == 2
    assert ready(stack.proxy)[0] == 200
    stack.proxy.wait_log("INFO no store that the policy names is known to be missing any more")


@scenario
def unknown_stores_are_not_checked(fixture):
    """The next upload queries them again."""
    for stores, words in ((answer("500 Internal Server Error"), "does not tell its stores"),
                          (answer("403 Forbidden"), "does not tell its stores"),
                          (lambda asked: asked.close(), "does not tell its stores"),
                          (answer("200 OK", body=b"<html>"), "cannot be read"),
                          (json_answer("200 OK", {"stores": []}), "cannot be read"),
                          (json_answer("200 OK", {"stores": "gold"}), "cannot be read")):
        glance = fixture.glance(stores=stores)
        proxy = fixture.proxy(glance, policy=TO_GOLD)
        for _ in range(2):
            glance.requests.clear()
            told = proxy.ask("PUT", UPLOAD, body=BODY)
            assert (told.status, told.get("X-Intake-Store")) == (204, "gold"), told.body
            assert any(asked.target == "/v2/info/stores" for asked in glance.requests), words
        proxy.wait_log(f"WARNING req-.*{words}")
        assert ready(proxy)[0] == 200 and proxy.metric("stores_missing") == 0
        glance.stores = store_list("test")
        assert proxy.ask("PUT", UPLOAD, body=BODY).status == 503
        proxy.stop()
        glance.stop()


@scenario
def known_stores_survive_a_failed_query(fixture):
    """As long as the known list is recent enough."""
    stack = Stack(fixture, policy=TO_GOLD)
    assert stack.put(stack.image(), BODY).status == 503
    stack.glance.fault(on="stores", answer=500)
    assert stack.put(stack.image(), BODY).status == 503
    assert ready(stack.proxy)[0] == 503


@scenario
def single_store_glance_is_queried_once(fixture):
    """404 means that this Glance has one store without a name. It is not asked again."""
    glance = fixture.glance(stores=answer("404 Not Found"))
    proxy = fixture.proxy(glance, policy=TO_GOLD)
    for _ in range(5):
        assert proxy.ask("PUT", UPLOAD, body=BODY).status == 204
    assert sum(asked.target == "/v2/info/stores" for asked in glance.requests) == 1
    assert ready(proxy)[0] == 200
    assert "WARNING req-" not in proxy.log()


@scenario(threaded=True)
def stores_query_delays_one_upload_only(fixture):
    def slow(asked):
        asked.hold()
        asked.read().send(json_answer("200 OK", store_list("test")))

    glance = fixture.glance(stores=slow)
    proxy = fixture.proxy(glance)
    told = {}
    with proxy.client() as first:
        waits = threading.Thread(target=lambda: told.update(first=first.ask("PUT", new_upload(), body=BODY)))
        waits.start()
        glance.wait("the question", lambda it: any(asked.target.endswith("/stores") for asked in it.requests))
        for _ in range(5):
            assert proxy.ask("PUT", new_upload(), body=BODY).status == 204
        assert not told
        next(asked for asked in glance.requests if asked.target.endswith("/stores")).go()
        waits.join()
    assert told["first"].status == 204
    assert sum(asked.target == "/v2/info/stores" for asked in glance.requests) == 1


@scenario
def failed_upload_does_not_block_the_stores_query(fixture):
    """An unauthorized upload is refused, and its query for the stores ends with it."""
    stack = Stack(fixture, policy=TO_GOLD)
    for _ in range(3):
        assert stack.put(stack.image(), BODY, "X-Auth-Token: nobody's", OCTETS).status == 401
        told = stack.put("00000000-0000-4000-8000-000000000000", BODY)
        assert told.status == 404
    image = stack.image()
    stack.refused(stack.put(image, BODY), image, 503, "store_unknown")


@scenario
def new_policy_is_checked_against_known_stores(fixture):
    """The known list is used."""
    stack = Stack(fixture)
    image = stack.image()
    stack.stored(stack.put(image, BODY), image, BODY)
    assert ready(stack.proxy)[0] == 200
    for policy, status in ((TO_GOLD, 503), (CHOOSE, 200)):
        stack.proxy.write({}, policy)
        stack.proxy.signal(1)
        wait_until("it is looked at", lambda status=status: ready(stack.proxy)[0] == status)
    stack.proxy.wait_log(f"ERROR {re.escape(MISSING)}")
    assert stack.proxy.log().count(f"ERROR {MISSING}") == 1
