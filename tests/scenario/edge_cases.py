# SPDX-License-Identifier: Apache-2.0
"""Unusual answers of Glance, decisions that need the size, sizes near the limits of numbers, failed allocations."""
import concurrent.futures
import json

from interrupted import BODY, FULL, GATEWAY_PORT, POLICY, after_put, bucket_has, fail, hang, hang_early, key_file
from support.fixture import scenario
from support.glance import BEHIND, IMAGE, UPLOAD, answer, facts, json_answer, new_upload
from support.raw_http import Cut, chunks, head
from support.stack import OCTETS


# --- Glance is slow, or answers oddly -----------------------------------------------------------


@scenario(long=True)
def missing_limits_and_stores_delay_only_shortly(fixture):
    """Glance never answers for the limits and the stores."""
    glance = fixture.glance(usage=hang, stores=hang)
    proxy = fixture.proxy(glance)
    told = proxy.ask("PUT", UPLOAD, OCTETS, body=BODY)
    assert told.status == 204, (told.start, told.body)

    proxy.wait_log("Glance does not tell its stores: nothing for 10000 ms: not checked")
    proxy.wait_log("Glance does not tell what the project may upload: .*: not checked")


@scenario
def glances_failure_is_relayed_although_the_image_is_unknown(fixture):
    """The wait for the image's status is shorter than the one for a proof, which takes three questions."""
    glance = fixture.glance(image=after_put(lambda: glance, hang), upload=fail)
    proxy = fixture.proxy(glance)
    told = proxy.ask("PUT", UPLOAD, OCTETS, body=BODY)
    assert (told.status, told.body) == (500, b"it broke"), (told.start, told.body)
    looks = sum(hasattr(asked, "is_late") for asked in glance.requests)
    assert looks in (1, 2), looks


@scenario
def log_has_libcurls_error(fixture):
    """The answer does not have it."""
    glance = fixture.glance(image=lambda asked: asked.read().reset())
    proxy = fixture.proxy(glance)
    told = proxy.ask("PUT", UPLOAD, OCTETS, body=BODY)
    assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_failed"), told.body
    proxy.wait_log("req-.*: Glance: .*(reset|reply)")


@scenario
def too_long_answers_are_not_used(fixture):
    much = json_answer("200 OK", {"usage": {}, "stores": [{"id": "test"}], "more": "x" * (3 << 20)})
    proxy = fixture.proxy(fixture.glance(usage=much, stores=much))
    assert proxy.ask("PUT", UPLOAD, OCTETS, body=BODY).status == 204
    proxy.wait_log("Glance does not tell its stores: its answer is too long: not checked")


@scenario
def other_2xx_of_the_preflight_is_502(fixture):
    """The answer to the preflight is never taken for the answer to the upload."""
    for start in ("202 Accepted", "203 Non-Authoritative Information", "204 No Content"):
        glance = fixture.glance(image=lambda asked, start=start: asked.read().send(answer(start)))
        proxy = fixture.proxy(glance)
        told = proxy.ask("PUT", UPLOAD, OCTETS, body=BODY)
        assert (told.status, json.loads(told.body)["reason"]) == (502, "glance_failed"), (start, told.start)
        assert glance.uploads() == []
        assert not proxy.stop()
        glance.stop()


# --- a decision that needs the size ---------------------------------------------------------------


@scenario
def only_the_chosen_stores_capacity_is_checked(fixture):
    """A rule depends on the size, and the size is known only at the end. A bucket that could be the one may be asked
    before that, but refuses nothing."""
    gateway = fixture.glance(port=GATEWAY_PORT, other=bucket_has(FULL))
    glance = fixture.glance()
    rules = 'rules:\n  - name: large\n    when: { larger_than: 256KiB }\n    store: file\n'
    proxy = fixture.proxy(glance, policy=rules + POLICY.format(endpoint=gateway.url, key=key_file(fixture)))
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, "Transfer-Encoding: chunked"), chunks(BODY))
        told = client.answer()
    assert (told.status, told.get("X-Intake-Store"), told.get("X-Intake-Rule")) == (204, "file", "large"), (
        told.start, told.body)
    asked = len(gateway.requests)
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, "Transfer-Encoding: chunked"),
                    chunks(BODY[:4000]))
        told = client.answer()
    assert (told.status, json.loads(told.body)["reason"]) == (413, "store_full"), (told.start, told.body)
    assert len(gateway.requests) > asked


# --- bounds -------------------------------------------------------------------------------------


@scenario
def image_is_locked_in_either_letter_case(fixture):
    """Glance's database may compare ids without regard to letter case."""
    told = json_answer("200 OK", facts(id=IMAGE, status="saving"))
    glance = fixture.glance(image=facts(id=IMAGE), upload=hang_early, other=lambda asked: asked.read().send(told))
    proxy = fixture.proxy(glance)
    with proxy.client() as first:
        first.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(BODY)}"), BODY[:200_000])
        glance.the_upload(10_000)
        told = proxy.ask("PUT", UPLOAD.replace(IMAGE, IMAGE.upper()), OCTETS, body=BODY)
    assert (told.status, json.loads(told.body)["reason"]) == (409, "upload_in_progress"), (told.start, told.body)
    assert len(glance.uploads()) == 1


@scenario
def sizes_near_2_63_do_not_overflow(fixture):
    """No sum of used, reserved and announced bytes wraps around to a small number."""
    most = 2**63 - 1
    gateway = fixture.glance(port=GATEWAY_PORT, other=bucket_has(10**18 - 1))
    limits = {"usage": {"image_size_total": {"limit": most, "usage": most}}}
    glance = fixture.glance(usage=limits)
    policy = POLICY.replace("    capacity: 10MiB\n", "").format(endpoint=gateway.url, key=key_file(fixture))
    proxy = fixture.proxy(glance, policy=policy, conf={"upload": {"max_size": "8388607TiB"}})

    def reason(*fields):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", OCTETS, "Expect: 100-continue", *fields))
            told = client.answer()
        assert told.status in (400, 413), told.start
        return json.loads(told.body)["reason"] if told.body.startswith(b"{") else "not HTTP"

    sizes = (most, most - 1, 2**62 + 1, 1)
    for size in sizes:
        assert reason(f"Content-Length: {size}") in ("quota_exceeded", "too_large"), size
        assert reason("Transfer-Encoding: chunked", f"X-Openstack-Image-Size: {size}") in (
            "quota_exceeded", "too_large"), size
    for size in (most + 1, 2**64 - 1, 2**64, 2**64 + 1, -1):
        assert reason(f"Content-Length: {size}") in ("bad_request", "not HTTP"), size
        assert reason("Transfer-Encoding: chunked", f"X-Openstack-Image-Size: {size}") == "bad_request", size
    assert glance.uploads() == []


# --- memory -------------------------------------------------------------------------------------


@scenario(short=True)
def failed_allocation_fails_only_its_own_upload(fixture):
    """Any allocation of the program may fail. Other uploads go on."""
    short = fixture.short_memory(300)
    key = key_file(fixture)
    gateway = fixture.glance(port=GATEWAY_PORT, other=bucket_has(0))
    glance = fixture.glance()
    proxy = fixture.proxy(glance, policy=POLICY.format(endpoint=gateway.url, key=key),
                          conf={"glance": {"stall_timeout": "2s"}})
    ways = ((f"Content-Length: {len(BODY)}", BODY), ("Transfer-Encoding: chunked", chunks(BODY)))

    def upload(way):
        framing, body = way
        try:
            with proxy.client() as client:
                client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", OCTETS, framing)).send_until_refused(body)
                return client.answer().status
        except (Cut, OSError):
            return None  # there was no memory for an answer

    others = [proxy.client() for _ in range(6)]
    for client in others:
        fixture.enter_context(client)
        client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", OCTETS, f"Content-Length: {len(BODY)}"), BODY[:-1])
    glance.wait("the others", lambda _: [one.length >= len(BODY) - 1 - BEHIND for one in glance.uploads()] == [True] * 6)
    short.touch()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = list(pool.map(upload, ways * 300))
    short.unlink()
    assert told.count(204) > 10 and told.count(503) > 10, {status: told.count(status) for status in set(told)}
    assert [client.send(BODY[-1:]).answer().status for client in others] == [204] * 6
    proxy.wait_metric(0, "requests_in_flight")
    proxy.wait_no_spools()
    assert [upload(way) for way in ways] == [204, 204]
