# SPDX-License-Identifier: Apache-2.0
"""The policy's `limits`: how many uploads go on at one time, and how fast they are together."""
import concurrent.futures
import contextlib
import time

import clients
from cloud import KIB, MIB, check, same, wait_until
from paused import PausedUpload
from proxy import another_proxy
from glance_servers import EVENTLET, UWSGI, url_of
from uploads import OCTETS, landed_in_test

SIZE = MIB
RATE = 2 * MIB
SAVED_UP = RATE // 4  # of an idle project


def limited(cloud, url=None, **limits):
    return another_proxy(cloud, {**cloud.policy(), "limits": limits}, endpoint=url)


def test_uploads_at_one_time(cloud):
    """Two of the project, and one of each client. Whoever waits has sent nothing to Glance, and goes on in order."""
    with limited(cloud, uploads=2, uploads_per_client=1) as proxy, contextlib.ExitStack() as stack:
        # before anybody waits: who has waited for a minute is refused
        images = [stack.enter_context(cloud.new_image(disk_format="raw")) for _ in range(4)]

        def begin(client):
            return PausedUpload(cloud, stack, images.pop(), SIZE, source=client)

        def is_sending(upload):
            return wait_until("it is at Glance", lambda: proxy.upload_in_flight(upload.image_id).get("bytes"))

        def is_waiting(upload):
            state = {"state": "queued", "bytes": 0}
            wait_until("it waits", lambda: state.items() <= proxy.upload_in_flight(upload.image_id).items())

        first = begin("127.0.0.1")
        first.send(SIZE // 2)
        is_sending(first)
        same_client = begin("127.0.0.1")
        is_waiting(same_client)
        other_client = begin("127.0.0.2")
        other_client.send(SIZE // 2)
        is_sending(other_client)
        one_too_many = begin("127.0.0.3")
        is_waiting(one_too_many)
        same("the metric", proxy.metric("glance_intake_limits_queued"), 2)
        same("the status of the first", first.finish().status, 204)
        same_client.send(SIZE // 2)
        is_sending(same_client)
        is_waiting(one_too_many)
        same("the statuses", [each.finish().status for each in (other_client, one_too_many, same_client)], [204] * 3)
        same("who still waits", proxy.metric("glance_intake_limits_queued"), 0)


def rate_is_shared(cloud, url):
    """Two clients together are not faster. Returns the rate."""
    file = cloud.small()
    with limited(cloud, url, rate=f"{RATE}B") as proxy, contextlib.ExitStack() as stack:
        images = [stack.enter_context(cloud.new_image()) for _ in range(2)]
        cloud.token()  # before threads ask for it
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(images)) as pool:
            done = list(pool.map(lambda image_id: clients.curl(cloud, image_id, "-T", file.path, *OCTETS), images))
        took = time.monotonic() - began
        same("the statuses", [each.status for each in done], [204] * 2)
        fastest = (2 * file.size - SAVED_UP) / RATE
        check(took > fastest, f"two uploads have taken {took:.2f} s: the rate allows {fastest:.2f} s")
        check(proxy.metric("glance_intake_limits_slowed_seconds_total") > 0, "nothing was slowed")
        for image_id in images:
            landed_in_test(cloud, image_id, file)
        return 2 * file.size / took


def test_rate(cloud):
    rates = {server: rate_is_shared(cloud, url_of(cloud, server)) // KIB for server in (EVENTLET, UWSGI)}
    return f"KiB/s of {RATE // KIB}: {rates}"
