# SPDX-License-Identifier: Apache-2.0
"""The time that an upload needs for the checks before it and the verification after it.

A small upload shows most of it, since this time does not depend on the size.
"""
import os
import re
import statistics
import time

import requests

import clients
from cloud import HERE, PATIENCE, check, same

OCTET_STREAM = {"Content-Type": "application/octet-stream"}
ROUNDS = 9
IMAGE = "GET image"
# What is remembered for some time: the limits of the project, the stores, the hash algorithm.
SOMETIMES = ("GET info/usage", "GET info/stores", "GET images?limit=1&status=active")


def tiny(cloud):
    def make(path):
        with open(path, "wb") as file:
            file.write(os.urandom(64 * 1024))

    return cloud.file("tiny.raw", make)


def timed(cloud, url):
    """Seconds of an upload to a new image, and its request id."""
    headers = {"X-Auth-Token": cloud.token(), "X-Image-Meta-Store": "test", **OCTET_STREAM}
    with open(tiny(cloud).path, "rb") as data, cloud.new_image(disk_format="raw") as image_id:
        began = time.monotonic()
        answer = requests.put(url.format(id=image_id), data=data, headers=headers, timeout=PATIENCE)
        seconds = time.monotonic() - began
        same("the answer's status", answer.status_code, 204)
    return seconds, answer.headers["X-Openstack-Request-Id"]


def asked_of_glance(cloud, request_id):
    """(request, seconds in Glance) of each request for one upload."""
    asked = []
    for line in cloud.glance_log(request_id):
        access = re.search(r'"([A-Z]+) /v2/(\S+) HTTP/1.1" \d+ \d+ ([\d.]+)$', line)
        if access:
            method, path, seconds = access.groups()
            what = re.sub(r"images/[0-9a-f-]{36}", "image", path)
            asked.append((f"{method} {what}", float(seconds)))
    return asked


def taken(asked, what):
    return [seconds for asked_for, seconds in asked if asked_for == what]


def milliseconds(seconds):
    return f"{1000 * statistics.median(seconds):.0f} ms"


def test_cost_of_a_small_upload(cloud):
    """64 KiB into S3, alternately through the proxy and past it."""
    path = "/v2/images/{id}/file"
    past, through, asked = [], [], []
    for _ in range(ROUNDS):
        past.append(timed(cloud, cloud.glance_url + path)[0])
        seconds, request_id = timed(cloud, cloud.proxy.url + path)
        through.append(seconds)
        asked.append(asked_of_glance(cloud, request_id))
    each = [IMAGE, IMAGE, "PUT image/file"]
    for one in asked:
        same("what Glance was asked", sorted(what for what, _ in one if what not in SOMETIMES), each)
    everything = [row for one in asked for row in one]
    counts = {what: len(taken(everything, what)) for what in SOMETIMES}
    for what, count in counts.items():
        check(count < ROUNDS, f"{what} is sent for every upload")
    ratio = statistics.median(through) / statistics.median(past)
    return (
        f"{milliseconds(through)} through the proxy, {milliseconds(past)} past it, {ratio:.2f} times"
        f" as long; Glance took {milliseconds(taken(everything, IMAGE))} for the image: medians of {ROUNDS};"
        f" {len(each)} requests to Glance for an upload, and in all {counts}"
    )


def test_bench_has_its_modules(cloud):
    """tests/bench/cloud takes some from here. It is no part of the tests otherwise."""
    result = clients.run([os.path.join(HERE, "..", "bench", "cloud"), "--help"])
    same("its exit status", result.exit_status, 0)
