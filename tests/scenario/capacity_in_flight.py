# SPDX-License-Identifier: Apache-2.0
"""Capacity of a store: uploads in flight count as used, whenever they end."""
import json
import threading

from support.fixture import scenario
from support.gateway import Gateway
from support.gateway_stack import BODY, MIB, Keys, head_of
from support.glance import UPLOAD, answer, new_upload
from support.proxy import wait_until
from support.raw_http import head
from support.stack import RIGHT


def waiting(asked):
    asked.read(100_000).hold().read().send(answer("204 No Content"))


@scenario(threaded=True)
def capacity_includes_uploads_in_flight(fixture):
    """Each of two uploads would fit alone, on any worker. The capacity is free again when the first has ended."""
    gateway = Gateway(fixture.host)
    fixture.callback(gateway.stop)
    gateway.bucket_quota, gateway.used = 5 * MIB, MIB
    glance = fixture.glance(upload=waiting)
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 4}}, policy=Keys(fixture).policy(gateway.url))
    for finish in ("well", "client gone", "refused by Glance"):
        glance.requests.clear()
        with proxy.client() as first:
            first.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", *head_of(3 * MIB)), bytes(1 * MIB))
            asked = glance.the_upload(received=100_000)
            for _ in range(8):
                told = proxy.ask("PUT", UPLOAD, *RIGHT, body=BODY)
                said = json.loads(told.body)
                assert (told.status, said["reason"]) == (413, "store_full"), said
                assert f"has {MIB} and {3 * MIB} on their way, and this upload needs {2 * MIB}" in said["message"], said
            if finish == "well":
                asked.go()
                assert first.send(bytes(2 * MIB)).answer().status == 204
            elif finish == "client gone":
                first.reset()
                proxy.wait_metric(0, "uploads_in_flight")
                asked.go()
            else:
                asked.close()
                assert first.answer().status == 502
        glance.upload = lambda asked: asked.read().send(answer("204 No Content"))
        assert proxy.ask("PUT", UPLOAD, *RIGHT, body=BODY).status == 204, finish
        glance.upload = waiting
    assert gateway.faults == []


@scenario(threaded=True)
def concurrent_uploads_never_exceed_the_capacity(fixture):
    """Never more at a time than fit."""
    together, most = [], []
    lock = threading.Lock()

    def upload(asked):
        asked.read(1)
        with lock:
            together.append(asked)
            most.append(len(together))
        asked.read()
        with lock:
            together.remove(asked)
        asked.send(answer("204 No Content"))

    gateway = Gateway(fixture.host)
    fixture.callback(gateway.stop)
    gateway.bucket_quota = 3 * len(BODY)
    proxy = fixture.proxy(fixture.glance(upload=upload), policy=Keys(fixture).policy(gateway.url),
                          conf={"DEFAULT": {"workers": 4}})
    statuses = []

    def send():
        with proxy.client() as client:
            client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", *head_of(len(BODY))))
            client.send_until_refused(BODY)
            statuses.append(client.answer().status)

    senders = [threading.Thread(target=send) for _ in range(24)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert set(statuses) <= {204, 413} and statuses.count(204) >= 3, statuses
    assert max(most) <= 3
    proxy.wait_metric(0, "uploads_in_flight")
    assert proxy.ask("PUT", UPLOAD, *RIGHT, body=BODY).status == 204


@scenario(threaded=True)
def upload_that_ends_while_the_gateway_answers_is_counted(fixture):
    """It is not in the answer, and no longer in flight. So the gateway is asked again."""
    gateway = Gateway(fixture.host)
    fixture.callback(gateway.stop)
    gateway.bucket_quota = 5 * MIB
    held = []

    def compute_now_and_send_later(asked):
        gateway.other = gateway.tell
        asked.read()
        told = gateway.told()
        held.append(asked)
        asked.hold().send(told)

    glance = fixture.glance(upload=waiting)
    proxy = fixture.proxy(glance, policy=Keys(fixture).policy(gateway.url))
    with proxy.client() as first, proxy.client() as second:
        first.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", *head_of(4 * MIB)), bytes(1 * MIB))
        asked = glance.the_upload(received=100_000)
        gateway.other = compute_now_and_send_later
        second.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", *head_of(4 * MIB)))
        wait_until("the gateway has computed its answer", lambda: held)
        asked.go()
        assert first.send(bytes(3 * MIB)).answer().status == 204
        proxy.wait_metric(0, "uploads_in_flight")
        gateway.used = 4 * MIB
        held[0].go()
        said = json.loads(second.answer().body)
    assert said["reason"] == "store_full", said
    assert f"has {4 * MIB} and 0 on their way" in said["message"], said
    assert gateway.faults == []
