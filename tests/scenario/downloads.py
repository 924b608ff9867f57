# SPDX-License-Identifier: Apache-2.0
"""Large answers, which are spliced from socket to socket past both libraries: the bytes and the ends stay the
same."""
import functools
import hashlib
import threading
import time

from support.fixture import scenario, serving, trusting
from support.glance import answer
from support.raw_http import Cut, head, request
from support.stack import data

LARGE = 1 << 20  # answers from this length on are spliced
TARGET = "/v2/images/x/file"


@functools.cache
def whole():
    return data(9 * LARGE + 12_345)


def image(length):
    return whole()[:length]


def giving(*pieces, length=None):
    """Sends the answer in these pieces. `length` is its Content-Length if that is not their sum."""
    whole = sum(map(len, pieces)) if length is None else length
    return lambda asked: asked.read().send(
        head("HTTP/1.1 200 OK", f"Content-Length: {whole}", "X-Openstack-Request-Id: req-of-glance"), *pieces)


def same(told, body):
    return (told.status, told.length, told.sha512) == (200, len(body), hashlib.sha512(body).hexdigest())


@scenario(threaded=True, representative=True)
def downloads_of_every_length_are_intact(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for length in (LARGE - 1, LARGE, LARGE + 1, 2 * LARGE, len(whole())):
        glance.other = giving(image(length))
        told = proxy.ask("GET", TARGET)
        assert same(told, image(length)), length
        assert told.all("Content-Length") == [str(length)]
        assert told.get("X-Openstack-Request-Id") == "req-of-glance"
        assert len(told.all("Date")) == 1
        assert (told.get("Connection") == "close") == (length >= LARGE)


@scenario
def body_split_in_any_way_is_intact(fixture):
    """The body comes with the head, after it, a byte at first, or a byte at last: libcurl has read some of it,
    or none."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    body = image(2 * LARGE)
    start = head("HTTP/1.1 200 OK", f"Content-Length: {len(body)}")
    for cuts in ([0, 0], [0, 1], [1, 2], [16_000, 17_000], [100, len(body) - 1], [70_000, 70_001]):
        pieces = [body[:cuts[0]], body[cuts[0]:cuts[1]], body[cuts[1]:]]

        def slowly(asked):
            asked.read().send(start + pieces[0])
            for piece in pieces[1:]:
                time.sleep(0.05)
                asked.send(piece)

        glance.other = slowly
        assert same(proxy.ask("GET", TARGET), body), cuts


@scenario
def download_is_streamed(fixture):
    def in_two(asked):
        giving(image(LARGE), length=2 * LARGE)(asked)
        asked.hold().send(image(LARGE))

    glance = fixture.glance(other=in_two)
    with fixture.proxy(glance).client() as client:
        client.send(request("GET", TARGET)).answer_head()
        for _ in range(2):
            got = b""
            while len(got) < LARGE:
                got += client.stream.up_to(LARGE - len(got))
            assert got == image(LARGE)
            glance.requests[0].go()
        assert client.closed()


@scenario
def concurrent_downloads_are_intact(fixture):
    glance = fixture.glance(other=giving(whole()))
    proxy = fixture.proxy(glance)
    wrong = []

    def load():
        if not same(proxy.ask("GET", TARGET), whole()):
            wrong.append(1)

    loads = [threading.Thread(target=load) for _ in range(12)]
    for each in loads:
        each.start()
    for each in loads:
        each.join()
    assert not wrong


@scenario
def http_1_0_and_ranges_are_served(fixture):
    def part(asked):
        assert asked.get("Range") == "bytes=0-"
        asked.read().send(answer("206 Partial Content", body=image(LARGE)))

    glance = fixture.glance(other=giving(image(LARGE)))
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        client.send(head(f"GET {TARGET} HTTP/1.0"))
        assert same(client.answer(), image(LARGE))
        assert client.closed()
    glance.other = part
    told = proxy.ask("GET", TARGET, "Range: bytes=0-")
    assert (told.status, told.body) == (206, image(LARGE))


@scenario
def head_and_not_modified_have_no_body(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    glance.other = giving(length=5 * LARGE)
    with proxy.client() as client:
        told = client.ask("HEAD", TARGET)
        assert (told.status, told.get("Content-Length")) == (200, str(5 * LARGE))
        glance.other = lambda asked: asked.read().send(
            head("HTTP/1.1 304 Not Modified", f"Content-Length: {5 * LARGE}"))
        assert client.ask("GET", TARGET).status == 304
        glance.other = giving(b"still here")
        assert client.ask("GET", TARGET).body == b"still here"


@scenario
def download_over_tls_on_either_side_is_intact(fixture):
    cert, key = fixture.certificate("both")
    glance = fixture.glance(other=giving(whole()), tls=serving(cert, key))
    for listen, tls in (({}, None), ({"tls_cert_file": cert, "tls_key_file": key}, trusting(cert))):
        proxy = fixture.proxy(glance, conf={"glance": {"ca_file": cert}, "listen": listen})
        with proxy.client(tls=tls) as client:
            assert same(client.ask("GET", TARGET), whole())
        assert proxy.stop() is None


@scenario
def download_cut_by_glance_is_cut_for_the_client(fixture):
    """The client can never take a part for the whole."""
    def breaking_off(after, how):
        def script(asked):
            giving(image(after), length=len(whole()))(asked)
            time.sleep(0.1)
            how(asked)
        return script

    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for after in (0, 10, 20_000, 3 * LARGE):
        for how in (lambda asked: asked.close(), lambda asked: asked.reset()):
            glance.other = breaking_off(after, how)
            with proxy.client() as client:
                told = client.send(request("GET", TARGET)).answer_head()
                try:
                    told.read_body(client.stream, until_close=True)
                except Cut:
                    pass
                assert not told.complete and told.length <= after
    glance.other = giving(whole())
    assert same(proxy.ask("GET", TARGET), whole())


@scenario
def stalled_glance_ends_the_download(fixture):
    def stalling(asked):
        giving(image(LARGE), length=len(whole()))(asked)
        asked.await_close()

    proxy = fixture.proxy(fixture.glance(other=stalling), conf={"glance": {"stall_timeout": "2s"}})
    began = time.monotonic()
    with proxy.client() as client:
        told = client.send(request("GET", TARGET)).answer_head()
        try:
            told.read_body(client.stream, until_close=True)
        except Cut:
            pass
    assert told.length == LARGE and not told.complete
    assert 1.9 < time.monotonic() - began


@scenario
def slow_glance_is_not_stalled(fixture):
    def slow(asked):
        giving(image(LARGE), length=LARGE + 8)(asked)
        for _ in range(8):
            time.sleep(0.4)
            asked.send(b"x")

    proxy = fixture.proxy(fixture.glance(other=slow),
                          conf={"glance": {"stall_timeout": "2s"}, "listen": {"stall_timeout": "2s"}})
    assert same(proxy.ask("GET", TARGET), image(LARGE) + b"x" * 8)


@scenario
def stalled_client_ends_the_download(fixture):
    class Endless:
        cut = False

        def __call__(self, asked):
            try:
                giving(image(LARGE), length=1 << 40)(asked)
                while True:
                    asked.send(image(LARGE))
            except OSError:
                self.cut = True
                raise

    endless = Endless()
    glance = fixture.glance(other=endless)
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "2s"}})
    with proxy.client() as client:
        client.send(request("GET", TARGET)).answer_head()
        glance.wait("the end of a client that does not read", lambda _: endless.cut)


@scenario
def slow_client_is_not_stalled(fixture):
    glance = fixture.glance(other=giving(whole()))
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "2s"}, "glance": {"stall_timeout": "2s"}})
    with proxy.client() as client:
        told = client.send(request("GET", TARGET)).answer_head()
        for _ in range(5):
            time.sleep(0.5)
            for _ in range(4):
                told.add(client.stream.up_to(1 << 18))
        told.read_body(client.stream, until_close=True)
        assert same(told, whole())


@scenario
def glance_is_cut_when_the_client_leaves(fixture):
    class Watched:
        cut = 0

        def __call__(self, asked):
            try:
                giving(image(LARGE), length=1 << 40)(asked)
                asked.hold()
                while True:
                    asked.send(image(LARGE))
            except OSError:
                self.cut += 1
                raise

    watched = Watched()
    glance = fixture.glance(other=watched)
    proxy = fixture.proxy(glance)
    for number, go_away in enumerate((lambda client: client.close(), lambda client: client.reset()), 1):
        client = proxy.client()
        client.send(request("GET", TARGET)).answer_head()
        go_away(client)
        glance.requests[-1].go()
        glance.wait("its connection being cut", lambda _: watched.cut == number)


@scenario
def drain_timeout_cuts_the_download(fixture):
    def half(asked):
        giving(image(LARGE), length=2 * LARGE)(asked)
        asked.await_close()

    proxy = fixture.proxy(fixture.glance(other=half), conf={"DEFAULT": {"drain_timeout": "300ms"}})
    with proxy.client() as client:
        told = client.send(request("GET", TARGET)).answer_head()
        assert proxy.stop() is None
        try:
            told.read_body(client.stream, until_close=True)
        except Cut:
            pass
        assert not told.complete
