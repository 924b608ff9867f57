# SPDX-License-Identifier: Apache-2.0
"""Large bodies that need no check are spliced from socket to socket, with hashing (verify = digest) or
without. Others are copied. Glance and the client see no difference."""
import base64
import functools
import hashlib
import signal
import threading
import time

from support.buffers import MOST
from support.fixture import scenario
from support.form import declared, file, form
from support.glance import UPLOAD, accept_upload, answer, new_upload
from support.proxy import wait_until
from support.raw_http import PATIENCE, head, reason
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data

MIB = 1 << 20
SIZE = MOST + 8 * MIB  # more than all buffers between client and Glance
WAYS = ("off", "size", "digest")


@functools.cache
def large():
    return data(5 * MIB + 7)


def repeated(count):
    """`count` bytes of all values, made quickly."""
    return (large() * (count // len(large()) + 1))[:count]


def send(client, count):
    """Sends these bytes without making them. Returns whether all of them could be sent."""
    return client.send_until_refused(*[large()] * (count // len(large())), large()[:count % len(large())])


def proxies(fixture, glance, conf=None):
    """In turn: a proxy that splices, and the same one when it also hashes."""
    proxy = fixture.proxy(glance, conf={"upload": {"verify": "size"}, **(conf or {})})
    yield proxy
    proxy.reload(conf={"upload": {"verify": "digest"}, **(conf or {})})
    yield proxy


class Sender(threading.Thread):
    """A thread that begins an upload at once."""

    def __init__(self, proxy, body):
        super().__init__()
        self._proxy = proxy
        self._body = body
        self._told = None
        self.start()

    def run(self):
        with self._proxy.client() as client:
            self._told = begin(client, len(self._body), new_upload()).send(self._body).answer()

    def answer(self):
        self.join()
        return self._told


def begin(client, size, path=UPLOAD):
    return client.send(head(f"PUT {path} HTTP/1.1", "Host: h", f"Content-Length: {size}"))


def arrived(stack, told, image, body):
    assert told.status == 204, (told.start, told.body)
    shown = stack.show(image)
    assert shown["status"] in ("active", "uploading"), shown
    assert (shown["size"], shown["os_hash_value"]) == (len(body), hashlib.sha512(body).hexdigest())


# --- the bytes are intact -------------------------------------------------------------------


@scenario(threaded=True, representative=True)
def bodies_are_intact_with_every_verify(fixture):
    stack = Stack(fixture)
    for verify in WAYS:
        stack.set(verify=verify)
        for action in ACTIONS:
            for size in (256 * 1024 - 1, 256 * 1024, MIB + 1, len(large())):
                body = repeated(size)
                image = stack.image()
                told = stack.put(image, body, action=action)
                arrived(stack, told, image, body)


@scenario
def bodies_in_pieces_are_intact(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for verify in WAYS:
        proxy.reload(conf={"upload": {"verify": verify}})
        for piece in (70_000, 300_001, 2 * MIB):
            with proxy.client() as client:
                begin(client, len(large()))
                for at in range(0, len(large()), piece):
                    client.send(large()[at:at + piece])
                    time.sleep(0.005)
                assert client.answer().status == 204
            assert glance.uploads()[-1].sha512 == hashlib.sha512(large()).hexdigest()


def reads_slowly(asked):
    """Most of the time its socket buffer is full."""
    while asked.length < int(asked.get("Content-Length")):
        asked.read(min(200_000, int(asked.get("Content-Length")) - asked.length))
        time.sleep(0.002)
    accept_upload(asked)


@scenario
def slow_glance_gets_every_byte(fixture):
    body = repeated(32 * MIB)
    glance = fixture.glance(upload=reads_slowly)
    proxy = fixture.proxy(glance)
    for verify in WAYS:
        proxy.reload(conf={"upload": {"verify": verify}})
        assert proxy.ask("PUT", UPLOAD, body=body).status == 204
        assert glance.uploads()[-1].sha512 == hashlib.sha512(body).hexdigest()


@scenario
def many_stalled_uploads_are_intact(fixture):
    """Each stalled upload has a pipe of its own and gives it back. With hashing, there are more of them than
    pipes for the hashing threads."""
    start = threading.Event()

    def waits(asked):
        asked.read(1000)
        start.wait(PATIENCE)
        accept_upload(asked)

    glance = fixture.glance(upload=waits)
    whole = memoryview(repeated(8 * MIB + 40))
    for proxy, count in zip(proxies(fixture, glance), (10, 40)):
        start.clear()
        glance.requests.clear()
        bodies = [whole[:len(whole) - number] for number in range(count)]
        senders = [Sender(proxy, body) for body in bodies]
        glance.wait("all of them", lambda _, count=count: len(glance.uploads()) == count)
        start.set()
        assert {sender.answer().status for sender in senders} == {204}
        sent = {len(body): hashlib.sha512(body).hexdigest() for body in bodies}
        assert {asked.length: asked.sha512 for asked in glance.uploads()} == sent


# --- checks that still apply ----------------------------------------------------------------


def footed(body):
    """A fixed VHD: raw data, and a footer with its size."""
    footer = bytearray(512)
    footer[:40] = (b"conectix" + b"\0\0\0\2\0\1\0\0" + b"\xff" * 8 + bytes(4) + b"qemu\0\5\0\3" + b"Wi2k")
    footer[40:48] = footer[48:56] = len(body).to_bytes(8, "big")
    footer[60:64] = (2).to_bytes(4, "big")
    footer[64:68] = ((1 << 32) - 1 - sum(footer)).to_bytes(4, "big")
    return body + bytes(footer)


@scenario
def footer_is_checked_while_splicing(fixture):
    stack = Stack(fixture, verify="size")
    disk = bytes(MIB) + data(2 * MIB)
    good = footed(disk)
    image = stack.image(disk_format="vhd")
    arrived(stack, stack.put(image, good), image, good)
    for bad in (disk, good + bytes(512), good[:-512]):
        image = stack.image(disk_format="vhd")
        stack.refused(stack.put(image, bad), image, 400, "format_mismatch", reached=True)


@scenario
def promised_digest_and_size_are_checked(fixture):
    """A promised digest has to be computed, although verify does not need it."""
    stack = Stack(fixture, verify="size")
    digest = hashlib.sha256(large()).digest()
    for promise in (digest, digest[::-1]):
        image = stack.image()
        field = f"Repr-Digest: sha-256=:{base64.b64encode(promise).decode()}:"
        told = stack.put(image, large(), *RIGHT, field)
        if promise == digest:
            arrived(stack, told, image, large())
        else:
            stack.refused(told, image, 400, "digest_mismatch", reached=True)
    image = stack.image()
    told = stack.put(image, large(), *RIGHT, f"x-openstack-image-size: {len(large())}")
    arrived(stack, told, image, large())
    image = stack.image()
    told = stack.put(image, large(), *RIGHT, f"x-openstack-image-size: {len(large()) + 1}")
    stack.refused(told, image, 400, "size_mismatch")


@scenario
def large_form_is_unwrapped(fixture):
    stack = Stack(fixture, verify="size")
    image = stack.image()
    arrived(stack, stack.put(image, form(file(large())), TOKEN, declared()), image, large())
    image = stack.image()
    told = stack.put(image, form(file(large()), file(large())), TOKEN, declared())
    stack.refused(told, image, 400, "multipart_malformed", reached=True)


# --- what goes wrong ------------------------------------------------------------------------


def send_until_stuck(client, glance, seen):
    """Sends for a while, in which the buffers between the client and Glance fill up, and until this upload has
    reached Glance, which has seen so many before it."""
    client.sock.settimeout(0.5)
    try:
        send(client, SIZE)
    except TimeoutError:
        glance.wait("the start", lambda _: len(glance.uploads()) > seen and glance.uploads()[-1].length == 10_000)
        return
    raise AssertionError("nobody has held it back")


@scenario(threaded=True)
def early_answer_reaches_the_client(fixture):
    """A client that waits for the answer, and one that first sends everything."""
    def enough(asked):
        asked.read(5 * MIB).send(answer("413 Payload Too Large", body=b"too large"))
        asked.await_close()
        asked.close()

    for proxy in proxies(fixture, fixture.glance(upload=enough)):
        for sent in (6 * MIB, SIZE):
            with proxy.client() as client:
                send(begin(client, SIZE), sent)
                told = client.answer()
                assert (told.status, told.body) == (413, b"too large")
                assert told.get("X-Intake-Store") == "test"


@scenario(threaded=True)
def glance_dying_while_splicing_is_502(fixture):
    glance = fixture.glance()
    deaths = [(SIZE, lambda asked: asked.read(5 * MIB).close()), (SIZE, lambda asked: asked.read(5 * MIB).reset()),
              (SIZE, lambda asked: asked.close()), (6 * MIB, lambda asked: asked.read().close())]
    for proxy in proxies(fixture, glance):
        for size, glance.upload in deaths:
            with proxy.client() as client:
                send(begin(client, size), size)
                assert reason(client.answer()) == (502, "glance_failed")


@scenario
def glance_that_stops_reading_is_504(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read(10_000).hold())
    for proxy in proxies(fixture, glance, {"glance": {"stall_timeout": "3s"}}):
        with proxy.client() as client:
            send(begin(client, SIZE), SIZE)
            assert reason(client.answer()) == (504, "glance_timeout")
        glance.uploads()[-1].go()


@scenario(threaded=True)
def client_leaving_while_splicing_cuts_the_upload(fixture):
    """Glance must not take the part that it has for a whole image."""
    def waits(asked):
        asked.read(10_000).hold()
        accept_upload(asked)

    glance = fixture.glance(upload=waits)
    for proxy in proxies(fixture, glance):
        for leave in ("close", "reset"):
            seen = len(glance.uploads())
            client = begin(proxy.client(), 2 * SIZE)
            send_until_stuck(client, glance, seen)
            getattr(client, leave)()
            glance.uploads()[-1].go()
            glance.wait("the end", lambda _: glance.uploads()[-1].cut)
            assert not glance.uploads()[-1].complete
        proxy.wait_metric(len(glance.uploads()), "uploads_total", result="aborted")


@scenario(threaded=True)
def proxy_stops_while_splicing(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read(10_000).hold())
    for seen, verify in enumerate(("size", "digest")):
        proxy = fixture.proxy(glance, conf={"upload": {"verify": verify}})
        client = begin(proxy.client(), SIZE)
        send_until_stuck(client, glance, seen)
        proxy.signal(signal.SIGTERM)
        wait_until("it is stopping", lambda: "draining: nothing new" in proxy.log())
        proxy.signal(signal.SIGTERM)
        assert proxy.wait_exit() == 0
        client.close()
        glance.uploads()[-1].go()
