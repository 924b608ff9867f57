# SPDX-License-Identifier: Apache-2.0
"""The disk with the spools is slow. No client or Glance is blamed for that, and nobody else is delayed."""
import concurrent.futures
import os
import pathlib
import subprocess
import time

from support.fixture import scenario
from support.proxy import SANITIZERS, wait_until
from support.raw_http import chunk, chunks, head
from support.stack import RIGHT, Stack, data

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "support" / "slow_disk.c"
CHUNKED = "Transfer-Encoding: chunked"
LARGE = data(1_500_000)  # six blocks, each written and read
SLOW = 400  # ms for each of them, unless a scenario says otherwise
ONE_WORKER = {"DEFAULT": {"workers": 1}}


def slow(fixture, milliseconds=SLOW):
    """The proxies that are started after this have a slow disk."""
    library = fixture.folder / "slow_disk.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SOURCE], check=True, timeout=180)
    options = f"{SANITIZERS['ASAN_OPTIONS']}:verify_asan_link_order=0"
    fixture.proxy_command = ["env", f"LD_PRELOAD={library}", f"SLOW_DISK_MS={milliseconds}",
                             f"ASAN_OPTIONS={options}", *fixture.proxy_command]


def seconds(act):
    began = time.monotonic()
    act()
    return time.monotonic() - began


@scenario(threaded=True)
def slow_disk_does_not_block_the_worker(fixture):
    slow(fixture, 1000)
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=ONE_WORKER)
    body = LARGE[:1_000_000]  # four blocks
    with proxy.client() as uploading, proxy.client() as other, concurrent.futures.ThreadPoolExecutor() as pool:
        def upload():
            uploading.send(head("PUT /v2/images/0b7c1d52-6a43-4f6e-9a0d-3f1c2e4b5a69/file HTTP/1.1", "Host: h",
                                CHUNKED), chunks(body))
            return uploading.answer().status

        began = time.monotonic()
        over = pool.submit(upload)
        waits = []
        while not over.done():
            waits.append(seconds(lambda: other.ask("GET", "/v2/images")))
            time.sleep(0.02)
        assert over.result() == 204
        took = time.monotonic() - began
    assert took > 6, "the disk was not slow at all"
    # A blocked worker would answer once between two blocks, and so nearly always after a second.
    assert sum(wait for wait in waits if wait > 0.5) < took / 2, waits
    assert glance.uploads()[0].body == body


@scenario(long=True)
def slow_disk_is_not_a_stall(fixture):
    slow(fixture, 3000)
    stack = Stack(fixture, conf={"listen": {"stall_timeout": "2s"}, "glance": {"stall_timeout": "2s"}})
    image = stack.image()
    body = LARGE[:500_000]
    stack.stored(stack.put_chunked(image, body), image, body)


@scenario(threaded=True)
def client_may_leave_while_a_block_is_written(fixture):
    slow(fixture)
    stack = Stack(fixture)
    for leave in ("close", "reset"):
        image = stack.image()
        with stack.client() as client:
            stack.begin(client, image, *RIGHT, CHUNKED).send(chunk(LARGE))
            wait_until("a block is on its way", lambda: stack.proxy.metric("spool_bytes") > 0)
            getattr(client, leave)()
        stack.proxy.wait_no_spools()
        assert stack.puts(image) == []


@scenario(threaded=True)
def proxy_stops_while_a_block_is_written(fixture):
    slow(fixture)
    stack = Stack(fixture)
    with stack.client() as client:
        stack.begin(client, stack.image(), *RIGHT, CHUNKED).send(chunk(LARGE))
        wait_until("a block is on its way", lambda: stack.proxy.metric("spool_bytes") > 0)
        stack.proxy.signal(15)
        stack.proxy.wait_log("draining")
        stack.proxy.signal(15)  # at once
        assert seconds(stack.proxy.wait_exit) < 60
    assert os.listdir(stack.proxy.spool_dir) == []


@scenario
def eight_uploads_share_a_slow_disk(fixture):
    slow(fixture, 100)
    stack = Stack(fixture, conf=ONE_WORKER)
    images = [stack.image() for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(len(images)) as pool:
        told = list(pool.map(lambda image: stack.put_chunked(image, LARGE), images))
    for image, answer in zip(images, told):
        stack.stored(answer, image, LARGE)
    stack.proxy.wait_no_spools()
