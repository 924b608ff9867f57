# SPDX-License-Identifier: Apache-2.0
"""Many uploads, and a very long one: the proxy's memory does not grow."""
import concurrent.futures
import contextlib
import os
import threading
import uuid
from hashlib import sha512

import requests

import clients
from cloud import MIB, check, same
from proxy import another_proxy, scratch
from sink import Sink

MANY = 200
MANY_FOR_GLANCE = 20  # its one worker needs more than a second for each
BOUND = 300  # MiB in memory
GIB = 1 << 30


def held(proxy):
    """Checks the proxy's peak memory. Returns it for the report."""
    peak = proxy.memory().peak()
    check(peak < BOUND, f"{peak} MiB resident at the peak")
    return f"{peak} MiB resident at the peak"


@contextlib.contextmanager
def many_images(cloud):
    ids = []
    try:
        for number in range(MANY_FOR_GLANCE):
            fields = {"name": f"load-{number}", "disk_format": "raw", "container_format": "bare"}
            ids.append(cloud.glance("POST", "/v2/images", json=fields).json()["id"])
        yield ids
    finally:
        for image_id in ids:
            cloud.delete(image_id)


def all_at_once(upload, ids):
    """Calls upload(id) in one thread each, all at once. Returns the set of statuses."""
    barrier = threading.Barrier(len(ids))

    def begin(image_id):
        barrier.wait()
        return upload(image_id)

    with concurrent.futures.ThreadPoolExecutor(len(ids)) as pool:
        return set(pool.map(begin, ids))


def test_many_uploads_at_once(cloud):
    """1 MiB each, all different, into a real Glance. (The policy sends `load-*` to `file`: for S3, Glance needs
    half a second of its one core before it reads a byte.)"""
    token, padding = cloud.token(), os.urandom(MIB)

    def data_of(image_id):
        return image_id.encode() + padding

    def upload(image_id):
        url, headers = clients.upload_url(cloud, image_id), {"X-Auth-Token": token}
        return requests.put(url, data=data_of(image_id), headers=headers, timeout=1800).status_code

    with many_images(cloud) as ids:
        cloud.proxy.memory().forget_peak()
        same("the statuses", all_at_once(upload, ids), {204})
        note = held(cloud.proxy)
        for image_id in ids:
            image = cloud.image(image_id)
            same("the store", image["stores"], "file")
            same("Glance's sha512", image["os_hash_value"], sha512(data_of(image_id)).hexdigest())
    return note


@contextlib.contextmanager
def proxy_before_sink(cloud):
    with Sink() as sink, another_proxy(cloud, cloud.policy(), sink.url) as proxy:
        yield proxy, sink


def sparse(directory, size):
    path = os.path.join(directory, "sparse")
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def put_file(proxy, path, image_id):
    with open(path, "rb") as data:
        url = f"{proxy.url}/v2/images/{image_id}/file"
        headers = {"X-Auth-Token": "any"}
        return requests.put(url, data=data, headers=headers, timeout=600).status_code


def test_200_uploads_of_4_mib_at_once(cloud):
    """All are in flight at the same time. Each is slowed down to Glance's pace. Together they are more than twice
    the bound, and each is many times what the sockets' buffers hold."""
    ids = [str(uuid.uuid4()) for _ in range(MANY)]
    with proxy_before_sink(cloud) as (proxy, sink), scratch() as directory:
        path = sparse(directory, 4 * MIB)
        statuses = all_at_once(lambda image_id: put_file(proxy, path, image_id), ids)
        same("the statuses", statuses, {204})
        wanted = {f"/v2/images/{image_id}/file": 4 * MIB for image_id in ids}
        same("what arrived", sink.taken, wanted)
        return held(proxy)


def test_more_than_4_gib(cloud):
    """curl -T of a sparse file: longer than 32 bits can count, and thirteen times the bound."""
    size = 4 * GIB + MIB
    image_id = str(uuid.uuid4())
    with proxy_before_sink(cloud) as (proxy, sink), scratch() as directory:
        url = f"{proxy.url}/v2/images/{image_id}/file"
        tell = ["-w", "%{response_code} %{size_upload}"]
        command = ["curl", "-sS", "-H", "X-Auth-Token: any", *tell, "-T"]
        result = clients.run([*command, sparse(directory, size), url], deadline=1800)
        same("curl's status and bytes", result.printed, f"204 {size}")
        same("what arrived", sink.taken, {f"/v2/images/{image_id}/file": size})
        return held(proxy)
