# SPDX-License-Identifier: Apache-2.0
"""Three proxies behind a real HAProxy, before one real Glance, as on three controllers ([cluster]).

No image gets a mixture of two uploads, or is active with other bytes than one of them had. Uploads of all proxies
together stay within the quota of the bucket. A proxy that dies takes no other upload with it.
CLUSTER_PAIRS is how many pairs of requests race for one image each.
"""
import concurrent.futures
import contextlib
import functools
import hashlib
import json
import os
import signal
import threading

import requests

import admin
from cloud import KIB, MIB, PATIENCE, check, same, wait_until
from controllers import COUNT, OCTETS, environment
from paused import PausedUpload

PAIRS = int(os.environ.get("CLUSTER_PAIRS", "12"))
SIZE = 2 * MIB
SPACE = SIZE * 5 // 2  # for two uploads, and not for a third one
RACES = (("file", "file"), ("file", "import"), ("import", "import"))


def data(name, size=SIZE):
    return hashlib.shake_128(name.encode()).digest(size)


def sha512(body):
    return hashlib.sha512(body).hexdigest()


# --- races for one image -------------------------------------------------------------------------


def run_at_once(*functions):
    barrier = threading.Barrier(len(functions))

    def run(function):
        barrier.wait()
        return function()

    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(run, function) for function in functions]]


def race(controllers, stack, number):
    """Two requests for one image. Returns whether it became active."""
    kinds = RACES[number % len(RACES)]
    bodies = [data(f"{number} {which}") for which in range(2)]
    staged = "import" in kinds
    image_id = controllers.staged(stack, bodies[1]) if staged else stack.enter_context(controllers.new_image())

    def begin(kind, body):
        if kind == "file":
            return lambda: controllers.put(image_id, body)
        what = {"method": {"name": "glance-direct"}}
        return lambda: controllers.ask("POST", f"/v2/images/{image_id}/import", json=what).status_code

    statuses = run_at_once(*(begin(kind, body) for kind, body in zip(kinds, bodies)))
    stored = [sha512(body) for kind, body, status in zip(kinds, bodies, statuses) if (kind, status) == ("file", 204)]
    check(len(stored) <= 1, f"both uploads of {kinds} were stored: {statuses}")
    image = controllers.settled(image_id)
    if image["status"] == "active":
        possible = stored or [sha512(body) for body in (bodies[1:] if staged else bodies)]
        check(image["os_hash_value"] in possible, f"{kinds} {statuses} left other bytes: {image}")
        same("the object in the bucket", controllers.cloud.in_bucket(image_id), (SIZE, image["os_hash_value"]))
    else:
        check(not stored, f"{kinds} {statuses}, and the image is {image['status']}")
    return image["status"] == "active"


def racing_pairs(controllers):
    """Every third of the pairs are two uploads, an upload and an import, two imports. Some pairs race at one time."""
    def pair(number):
        with contextlib.ExitStack() as stack:
            return race(controllers, stack, number)

    controllers.cloud.token()  # before threads ask for it
    with concurrent.futures.ThreadPoolExecutor(COUNT) as pool:
        active = sum(pool.map(pair, range(PAIRS)))
    check(active > PAIRS // 2, f"only {active} of {PAIRS} images became active")

    def used():
        return sum("image=" in proxy.log() or '"image"' in proxy.log() for proxy in controllers.proxies)

    wait_until("not one proxy had all of them", lambda: used() > 1)
    return f"{PAIRS} pairs, {active} images became active, {used()} proxies took part"


# --- sums over images ----------------------------------------------------------------------------


def slow_upload(controllers, proxy, image_id, go):
    """Sends half of the data, and the rest when `go` is set. Returns the status."""
    def pieces():
        body = data(image_id)
        yield body[:SIZE // 2]
        go.wait(PATIENCE)
        yield body[SIZE // 2:]

    class Sized:  # requests sends a Content-Length
        def __iter__(self):
            return pieces()

        def __len__(self):
            return SIZE

    with contextlib.suppress(requests.RequestException):
        url = proxy.url if proxy else None
        return controllers.ask("PUT", f"/v2/images/{image_id}/file", url, headers=OCTETS, data=Sized()).status_code
    return 0


@contextlib.contextmanager
def bucket_quota(cloud, space):
    """The bucket may have so many bytes more than now. Yields what it may have in all."""
    limit = (cloud.bucket_use() + space) // KIB * KIB
    with admin.s3_quota(cloud, "bucket", limit):
        yield limit


def is_refused(cloud, proxy, image_id):
    """Whether an upload is refused before its first byte. A proxy forgets what others have in flight when they were
    silent for five seconds, and may then let it begin."""
    with contextlib.ExitStack() as stack:
        upload = PausedUpload(cloud, stack, image_id, SIZE, port=proxy.port)
        wait_until("it is judged", lambda: upload.is_answered() or proxy.upload_in_flight(image_id))
        if upload.is_answered():
            answer = upload.answer()
            return answer.status == 413 and json.loads(answer.read())["reason"] == "store_full"
    return False


def sums_are_counted(controllers):
    """Two uploads fit, each at another proxy; the third proxy knows that a third one does not."""
    cloud, (one, two, three) = controllers.cloud, controllers.proxies
    with bucket_quota(cloud, SPACE) as limit, contextlib.ExitStack() as stack:
        images = [stack.enter_context(controllers.new_image()) for _ in range(COUNT)]
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(COUNT))
        go = threading.Event()
        stack.callback(go.set)  # also after a failure
        slow = []
        for proxy, image_id in zip((one, two), images):
            slow.append(pool.submit(slow_upload, controllers, proxy, image_id, go))
            wait_until("it is under way", lambda: proxy.upload_in_flight(image_id).get("bytes"))
            wait_until("the third one knows", lambda: controllers.heard(three) == SIZE * len(slow))
        wait_until("the third is refused with store_full", lambda: is_refused(cloud, three, images[2]))
        shown = one.admin_url + "/uploads?all"  # without a proxy that needs more than a quarter of a second
        wait_until("/uploads?all shows two uploads in flight",
                   lambda: len(requests.get(shown, timeout=PATIENCE).json()["in_flight"]) == 2)
        go.set()
        same("the statuses of the first two", [each.result() for each in slow], [204, 204])
        check(cloud.bucket_use() <= limit, "the bucket has more than its quota")


def sums_hold_in_a_race(controllers):
    """More uploads than fit begin at one moment, before any proxy has heard of the others. No proxy alone accepts
    more than fits; and when they have heard of each other, none accepts any more."""
    cloud = controllers.cloud
    with bucket_quota(cloud, SPACE) as limit, contextlib.ExitStack() as stack:
        # one more than all proxies would accept if none heard of the others
        images = [stack.enter_context(controllers.new_image()) for _ in range(2 * COUNT + 1)]
        statuses = run_at_once(*(functools.partial(controllers.put, each, data(each)) for each in images))
        active = [each for each in images if controllers.image(each)["status"] == "active"]
        same("what is active", active, [each for each, status in zip(images, statuses) if status == 204])
        for proxy in controllers.proxies:
            stored = sum(proxy.newest_upload(each, "finished").get("verdict") == "stored" for each in active)
            check(stored * SIZE <= SPACE, f"one proxy has stored {stored} uploads")
        wait_until("the gateway counts them", lambda: cloud.bucket_use() > limit - SIZE)
        late = [each for each in images if each not in active][0]
        same("the statuses when it is full", [controllers.put(late, data(late), url=proxy.url)
                                              for proxy in controllers.proxies], [413] * COUNT)
        over = max(0, cloud.bucket_use() - limit)
        return f"{len(active)} of {len(images)} uploads at one moment were stored, {over} bytes over the quota"


# --- a proxy dies --------------------------------------------------------------------------------


def one_proxy_dies(controllers):
    """Its uploads break off, and can be made again; those of the others go on."""
    with contextlib.ExitStack() as stack:
        images = [stack.enter_context(controllers.new_image()) for _ in range(2 * COUNT)]
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(images)))
        go = threading.Event()
        stack.callback(go.set)
        slow = {image_id: pool.submit(slow_upload, controllers, None, image_id, go) for image_id in images}

        def owner(image_id):
            return next((proxy for proxy in controllers.proxies
                         if proxy.upload_in_flight(image_id).get("bytes")), None)

        owners = {image_id: wait_until("it is under way", lambda: owner(image_id)) for image_id in images}
        victim = owners[images[0]]
        lost = [image_id for image_id in images if owners[image_id] is victim]
        victim.signal(signal.SIGKILL)
        same("how it ended", victim.ended(), -signal.SIGKILL)
        peer = f"127.0.0.1:{victim.admin_port}"
        rest = [proxy for proxy in controllers.proxies if proxy is not victim]
        for proxy in rest:
            wait_until("its end is noticed", lambda: controllers.peer_metric(proxy, "up", peer) == 0)
        go.set()
        for image_id, upload in slow.items():
            check((upload.result() == 204) == (image_id not in lost), f"{image_id}: {upload.result()}, lost: {lost}")
        for image_id in lost:
            wait_until("the image is queued again", lambda: controllers.image(image_id)["status"] == "queued")
            wait_until("it is stored after all", lambda: controllers.put(image_id, data(image_id)) == 204)
        for image_id in images:
            image = controllers.image(image_id)
            same("the image", (image["status"], image["os_hash_value"]), ("active", sha512(data(image_id))))
        return f"{len(lost)} of {len(images)} uploads were at the proxy that died"


def test_three_proxies(cloud):
    """All is one test, because the start of three proxies takes longer than most of the steps."""
    with environment(cloud) as controllers:
        told = [step(controllers) for step in (racing_pairs, sums_are_counted, sums_hold_in_a_race, one_proxy_dies)]
    return "; ".join(filter(None, told))
