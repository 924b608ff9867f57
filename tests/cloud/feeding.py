# SPDX-License-Identifier: Apache-2.0
"""uWSGI ends an upload whose client is silent for socket-timeout. The proxy feeds Glance, so that only its own
stall_timeout decides about a client.

FEEDING_SILENCE is how many seconds its client is silent."""
import contextlib
import os
import time

import requests

from cloud import MIB, PATIENCE, check, same, wait_until
from paused import PausedUpload
from proxy import another_proxy
from glance_servers import another_uwsgi
from uploads import landed_in_test

POLICY = {"default": {"store": "test", "mode": "force"}}
IMPATIENT = {"plugins": "http,python3", "threads": 4, "socket-timeout": 7}
LISTENERS = "http-socket", "http"
BEFORE_SILENCE = MIB
SILENCE = float(os.environ.get("FEEDING_SILENCE", "8"))  # more than socket-timeout


def silent_upload(cloud, stack, proxy):
    """A client that sends half of its file."""
    image_id, file = stack.enter_context(cloud.new_image()), cloud.small()
    upload = PausedUpload(cloud, stack, image_id, file.size, file.path, port=proxy.port)
    upload.send(BEFORE_SILENCE)
    return upload


def silent_uploads(cloud, stack, urls, feed_interval):
    more = f"[glance]\nfeed_interval = {feed_interval}\n[upload]\nquota = off\n"
    proxies = [stack.enter_context(another_proxy(cloud, POLICY, url, more)) for url in urls]
    for proxy in proxies:  # the first request of a Glance may take longer than the proxy waits for it
        requests.get(proxy.url + "/v2/images?limit=1", headers={"X-Auth-Token": cloud.token()}, timeout=PATIENCE).raise_for_status()
    return [silent_upload(cloud, stack, proxy) for proxy in proxies]


def test_silent_client_before_impatient_uwsgi(cloud):
    """The clients are silent until uWSGI has given up those that are not fed."""
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(another_uwsgi(cloud, IMPATIENT, listener)) for listener in LISTENERS]
        fed = silent_uploads(cloud, stack, urls, "1s")
        began = time.monotonic()
        for listener, upload in zip(LISTENERS, silent_uploads(cloud, stack, urls, "0")):
            status = upload.answer().status
            check(status in (500, 502), f"the answer without feeding, by {listener}: {status}")
            wait_until("the image is queued again", lambda: cloud.image(upload.image_id)["status"] == "queued")
        time.sleep(max(0, began + SILENCE - time.monotonic()))
        for listener, upload in zip(LISTENERS, fed):
            same(f"the answer with feeding, by {listener}", upload.finish().status, 204)
            landed_in_test(cloud, upload.image_id, cloud.small())
