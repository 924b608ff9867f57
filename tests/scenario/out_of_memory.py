# SPDX-License-Identifier: Apache-2.0
"""Any allocation of the program may fail. The request that needs the memory gets 503, or its connection ends.
It never hangs, does not harm other requests, and Glance stores no damaged image."""
import concurrent.futures
import hashlib
import json
import random
import time

from support.fixture import scenario, trusting
from support.glance import UPLOAD
from support.proxy import wait_until
from support.raw_http import PATIENCE, Cut, chunk, chunks, head
from support.stack import OCTETS, TOKEN, data

SMALL, LARGE = data(40_000), data(1_500_000)
STRIPPED = data(200_000).translate(None, b"\0\r\n")
JSON = "Content-Type: application/json"
DOWNLOAD = "/v2/images/x/file"
OPERATIONS = 160  # for each rate: enough for failures in many places
SOON = PATIENCE  # for one operation; the longest normal wait is 30 s, for the state of an image


def reason(told):
    return json.loads(told.body)["reason"]


def is_out_of_memory(told):
    return told.status == 503 and reason(told) == "out_of_memory"


# --- a known allocation fails ---------------------------------------------------------------------


def no_large_pieces(fixture, least, **script):
    """While the returned file exists, each allocation of `least` bytes or more fails."""
    short = fixture.short_memory(1, least)
    glance = fixture.glance(**script)
    return short, glance, fixture.proxy(glance, conf={"DEFAULT": {"workers": 1}})


def nothing_is_left(proxy):
    proxy.wait_metric(0, "requests_in_flight")
    proxy.wait_metric(0, "connections")


@scenario(short=True)
def missing_relay_buffer_fails_the_download(fixture):
    """A missing buffer used to look like a full one, and the download hung."""
    short, glance, proxy = no_large_pieces(fixture, 60_000)
    for framing, body in (("Content-Length: 200000", bytes(200_000)),
                          ("Transfer-Encoding: chunked", chunks(bytes(200_000)))):
        glance.other = lambda asked, told=head("HTTP/1.1 200 OK", framing) + body: asked.read().send(told)
        short.touch()
        with proxy.client() as client:
            client.sock.settimeout(SOON)
            assert is_out_of_memory(client.ask("GET", DOWNLOAD)), framing
        short.unlink()
        nothing_is_left(proxy)
        assert proxy.ask("GET", DOWNLOAD).length == 200_000


@scenario(short=True)
def missing_body_buffer_fails_the_request(fixture):
    """Also for the second of two chunks that came together, when libmicrohttpd's connection is suspended already."""
    short, _, proxy = no_large_pieces(fixture, 8192)
    piece = bytes(6000)
    ways = [("Content-Length: 9000", bytes(9000)), ("Transfer-Encoding: chunked", chunk(bytes(9000))),
            ("Transfer-Encoding: chunked", chunk(piece[:1000]) + chunk(piece) + chunk(piece))]
    short.touch()
    for method, target in (("PUT", "/v2/metadefs/x"), ("PUT", UPLOAD)):
        for framing, body in ways:
            with proxy.client() as client:
                client.sock.settimeout(SOON)
                client.send(head(f"{method} {target} HTTP/1.1", "Host: h", OCTETS, framing) + body)
                told = client.answer()
                assert is_out_of_memory(told), (target, framing, told.start, told.body)
                assert client.closed()
    short.unlink()
    nothing_is_left(proxy)
    assert proxy.ask("PUT", "/v2/metadefs/x", body=bytes(9000)).status == 200


@scenario(short=True)
def no_memory_at_all_closes_the_connection(fixture):
    """Neither the client nor Glance is blamed."""
    short, glance, proxy = no_large_pieces(fixture, 0)
    with proxy.client() as client:
        assert client.ask("GET", DOWNLOAD).status == 200
        short.touch()
        for start in ("GET /v2/images HTTP/1.1", f"PUT {UPLOAD} HTTP/1.1"):
            with proxy.client() as other:
                other.sock.settimeout(SOON)
                other.send(head(start, "Host: h", *(["Content-Length: 5"] if "PUT" in start else [])))
                assert other.closed()  # there was no memory for the connection
        short.unlink()
    nothing_is_left(proxy)
    assert len(glance.requests) == 1


# --- any allocation may fail --------------------------------------------------------------------


class Storm:
    """All operations that clients do, each on its own connection and with its own image."""

    def __init__(self, glance, proxy, tls=None):
        self.glance = glance
        self.proxy = proxy
        self.tls = tls
        self.bodies = {}  # image id: the data sent to it
        self.stored = self.glance.create()
        self.glance.upload(self.stored, LARGE)
        self.small = self.glance.create()
        self.glance.upload(self.small, SMALL)
        self.ways = [(self.put, LARGE), (self.put, SMALL), (self.put_chunked, LARGE), (self.put_chunked, SMALL),
                     (self.put_form, SMALL), (self.download, LARGE), (self.download, SMALL), (self.listing, b""),
                     (self.relayed_body, SMALL), (self.imported, SMALL), (self.refused, STRIPPED),
                     (self.not_queued, SMALL)]

    def ask(self, start, *fields, body=b""):
        with self.proxy.client(tls=self.tls) as client:
            client.sock.settimeout(SOON)
            client.send(head(f"{start} HTTP/1.1", "Host: glance.example", TOKEN, *fields))
            client.send_until_refused(body)
            return client.answer()

    def image(self, body, **properties):
        image = self.glance.create(**properties)
        self.bodies[image] = body
        return image

    def put(self, body):
        return self.ask(f"PUT /v2/images/{self.image(body)}/file", OCTETS, f"Content-Length: {len(body)}",
                        body=body), 204

    def put_chunked(self, body):
        return self.ask(f"PUT /v2/images/{self.image(body)}/file", OCTETS, "Transfer-Encoding: chunked",
                        body=chunks(body)), 204

    def put_form(self, body):
        form = (b"--bound\r\nContent-Disposition: form-data; name=\"f\"; filename=\"i\"\r\n"
                b"Content-Type: application/octet-stream\r\n\r\n" + body + b"\r\n--bound--\r\n")
        return self.ask(f"PUT /v2/images/{self.image(body)}/file", "Content-Type: multipart/form-data; boundary=bound",
                        f"Content-Length: {len(form)}", body=form), 204

    def download(self, body):
        told = self.ask(f"GET /v2/images/{self.stored if body is LARGE else self.small}/file")
        assert told.status != 200 or told.body == body
        return told, 200

    def listing(self, _):
        return self.ask("GET /v2/images?limit=5"), 200

    def relayed_body(self, _):
        body = json.dumps({"name": "x" * 200, "disk_format": "raw", "container_format": "bare"}).encode()
        return self.ask("POST /v2/images", JSON, f"Content-Length: {len(body)}", body=body), 201

    def imported(self, body):
        image = self.image(body)
        staged = self.ask(f"PUT /v2/images/{image}/stage", OCTETS, f"Content-Length: {len(body)}", body=body)
        if staged.status != 204:
            return staged, 204
        method = json.dumps({"method": {"name": "glance-direct"}, "stores": ["test"]}).encode()
        return self.ask(f"POST /v2/images/{image}/import", JSON, f"Content-Length: {len(method)}", body=method), 202

    def refused(self, body):
        return self.ask(f"PUT /v2/images/{self.image(body)}/file", OCTETS, f"Content-Length: {len(body)}",
                        body=body), 400

    def not_queued(self, body):
        return self.ask(f"PUT /v2/images/{self.stored}/file", OCTETS, f"Content-Length: {len(body)}", body=body), 409

    def attempt(self, way):
        """Returns "good", "short" (of memory) or "cut". Any other text is a failure."""
        do, body = way
        try:
            told, expected = do(body)
        except TimeoutError:
            return f"{do.__name__} hangs"
        except (Cut, OSError):
            return "cut"
        if told.status == expected:
            return "good"
        return "short" if is_out_of_memory(told) else f"{do.__name__}: {told.start}: {told.body[:300]!r}"

    def blow(self, seed, count):
        ways = [self.ways[number % len(self.ways)] for number in range(count)]
        random.Random(seed).shuffle(ways)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(self.attempt, ways))

    def is_whole(self):
        """No active image has other data than was sent."""
        for image, body in self.bodies.items():
            wait_until("Glance is through with it",
                       lambda image=image: self.glance.ask("GET", f"/v2/images/{image}")["status"]
                       not in ("saving", "importing"))
            shown = self.glance.ask("GET", f"/v2/images/{image}")
            if shown["status"] == "active":
                assert (shown["size"], shown["os_hash_value"]) == (len(body), hashlib.sha512(body).hexdigest()), shown


def storm(fixture, one_of, conf=None, tls=None):
    short = fixture.short_memory(one_of)
    proxy_conf = {"glance": {"stall_timeout": "4s"}, "listen": {"stall_timeout": "4s"}}
    for section, keys in (conf or {}).items():
        proxy_conf.setdefault(section, {}).update(keys)
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance, conf=proxy_conf)
    weather = Storm(glance, proxy, tls)
    assert set(weather.blow(0, len(weather.ways))) == {"good"}  # while no allocation fails
    short.touch()
    began = time.monotonic()
    told = weather.blow(one_of, OPERATIONS)
    short.unlink()
    counts = {word: told.count(word) for word in set(told)}
    assert set(told) <= {"good", "short", "cut"}, (one_of, counts)
    assert counts.get("short", 0) + counts.get("cut", 0) > 5, (one_of, counts)
    weather.is_whole()
    proxy.wait_metric(0, "requests_in_flight")
    proxy.wait_metric(0, "uploads_in_flight")
    proxy.wait_metric(0, "connections")
    proxy.wait_no_spools()
    after = weather.blow(1, len(weather.ways))
    assert set(after) == {"good"}, after
    print(one_of, counts, round(time.monotonic() - began, 1))


@scenario(short=True)
def one_in_20_allocations_fails(fixture):
    storm(fixture, 20)


@scenario(short=True)
def one_in_60_allocations_fails(fixture):
    storm(fixture, 60)


@scenario(short=True)
def one_in_300_allocations_fails(fixture):
    storm(fixture, 300)


@scenario(short=True)
def one_in_100_allocations_fails_with_tls(fixture):
    cert, key = fixture.certificate("listener")
    storm(fixture, 100, {"listen": {"tls_cert_file": cert, "tls_key_file": key,
                                    "stall_timeout": "4s"}}, trusting(cert))


@scenario(short=True)
def one_in_100_allocations_fails_without_hashing(fixture):
    storm(fixture, 100, {"upload": {"unknown_length": "stream", "verify": "size"}})
