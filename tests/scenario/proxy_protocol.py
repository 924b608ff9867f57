# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol: trusted proxies name their client before the first byte of the request."""
import os
import shutil
import socket
import struct
import subprocess

from support.fixture import Skip, scenario, trusting
from support.glance import UPLOAD
from support.proxy import wait_until
from support.raw_http import PATIENCE, Client, Cut, request

ELSE = "127.0.0.9"  # the address of a client that is no trusted proxy
TRUSTED = {"proxy_protocol": "true", "trusted_proxies": "127.0.0.1"}
ONE = b"PROXY TCP4 198.51.100.7 192.0.2.8 56324 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TWO = SIGNATURE + struct.pack(">BBH4s4sHH", 0x21, 0x11, 12, socket.inet_aton("198.51.100.7"),
                              socket.inet_aton("192.0.2.8"), 56324, 443)
LOCAL = SIGNATURE + b"\x20\0\0\0"
BODY = os.urandom(1 << 20)
FORGED = "X-Forwarded-For: 203.0.113.1"


def proxied(fixture, glance, **listen):
    return fixture.proxy(glance, conf={"listen": {**TRUSTED, **listen}})


def asked(proxy, *pieces, source=None):
    """The answer to a request after these bytes."""
    with proxy.client(source) as client:
        return client.send(*pieces).ask("GET", "/v2/images", FORGED)


def seen(glance):
    return glance.requests[-1].get("X-Forwarded-For")


@scenario(threaded=True)
def header_names_the_client(fixture):
    """And what the client itself says is not believed."""
    glance = fixture.glance()
    proxy = proxied(fixture, glance)
    for header in (ONE, TWO):
        assert asked(proxy, header).status == 200 and seen(glance) == "198.51.100.7"
        with proxy.client() as client:
            client.send(header)
            for _ in range(2):
                assert client.ask("GET", "/v2/images").status == 200 and seen(glance) == "198.51.100.7"
            assert client.ask("PUT", UPLOAD, body=BODY).status == 204
        proxy.wait_log("upload .* client=198.51.100.7 .*verdict=stored")
    assert proxy.metric("connections") <= 4


@scenario
def header_may_come_in_pieces(fixture):
    """At every split, and together with the request."""
    glance = fixture.glance()
    proxy = proxied(fixture, glance)
    ask = request("GET", "/v2/images")
    for header in (ONE, TWO):
        for cut in range(1, len(header)):
            assert asked(proxy, header[:cut], header[cut:]).status == 200 and seen(glance) == "198.51.100.7"
        with proxy.client() as client:
            assert client.send(header + ask).answer().status == 200 and seen(glance) == "198.51.100.7"


@scenario
def proxy_itself_may_ask(fixture):
    """A health check of a balancer, or a client that it does not know."""
    glance = fixture.glance()
    proxy = proxied(fixture, glance)
    for header in (LOCAL, b"PROXY UNKNOWN\r\n"):
        assert asked(proxy, header).status == 200
        assert seen(glance) == "203.0.113.1, 127.0.0.1"


@scenario
def trusted_peer_without_a_header_is_refused(fixture):
    glance = fixture.glance()
    proxy = proxied(fixture, glance)
    for wrong in (b"", b"\r\n", b"PROXY TCP4 x y 1 2\r\n", SIGNATURE + b"\x21\x11\xff\xff", b"PROXY TCP4 " + b"1" * 200):
        try:
            status = asked(proxy, wrong).status
            raise AssertionError(f"{wrong}: {status}")
        except (Cut, ConnectionError):
            pass
    assert not glance.requests
    proxy.wait_log("a connection of the trusted proxy 127.0.0.1 was closed: it did not begin with a PROXY header")
    wait_until("all are closed", lambda: proxy.metric("connections") == 0)


@scenario
def headers_of_others_are_not_believed(fixture):
    glance = fixture.glance()
    proxy = proxied(fixture, glance)
    with proxy.client(ELSE) as client:
        assert client.send(ONE).ask("GET", "/v2/images").status == 400
    with proxy.client(ELSE) as client:
        assert client.ask("GET", "/v2/images", FORGED).status == 200 and seen(glance) == ELSE
    assert len(glance.requests) == 1


@scenario
def header_has_a_time_limit(fixture):
    """header_timeout, however the bytes drip."""
    proxy = proxied(fixture, fixture.glance(), header_timeout="500ms")
    for begun in (b"", ONE[:20]):
        with proxy.client() as client:
            assert client.send(begun).closed()
    proxy.wait_log("was not complete within header_timeout")


@scenario
def unfinished_headers_end_with_a_drain(fixture):
    proxy = proxied(fixture, fixture.glance(), header_timeout="1h")
    with proxy.client() as client:
        client.send(ONE[:20])
        proxy.signal(15)
        assert client.closed() and proxy.wait_exit() == 0


@scenario
def setting_follows_a_reload(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"trusted_proxies": "127.0.0.1"}})
    assert asked(proxy).status == 200 and seen(glance) == "203.0.113.1, 127.0.0.1"
    proxy.write({"listen": TRUSTED})
    proxy.signal(1)
    proxy.wait_log("is in force")
    assert asked(proxy, ONE).status == 200 and seen(glance) == "198.51.100.7"


@scenario(threaded=True)
def header_comes_before_tls(fixture):
    cert, key = fixture.certificate("listener")
    glance = fixture.glance()
    proxy = proxied(fixture, glance, tls_cert_file=cert, tls_key_file=key)
    for header in (ONE, TWO):
        with socket.create_connection(proxy.address, PATIENCE) as sock:
            sock.sendall(header)
            with trusting(cert).wrap_socket(sock, server_hostname=fixture.host) as tls:
                tls.sendall(request("GET", "/v2/images", "Connection: close"))
                assert tls.recv(100).startswith(b"HTTP/1.1 200 ")
        assert seen(glance) == "198.51.100.7"


@scenario
def unix_socket_may_be_a_trusted_proxy(fixture):
    glance = fixture.glance()
    path = fixture.folder / "clients.sock"
    proxy = proxied(fixture, glance, bind=f"{fixture.host}:29292, unix:{path}", trusted_proxies="unix:")
    with Client(path) as client:
        assert client.send(TWO).ask("GET", "/v2/images").status == 200 and seen(glance) == "198.51.100.7"
    assert proxy.ask("GET", "/v2/images").status == 200


HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen one
    bind {host}:29301
    server it {host}:29292 source 127.0.0.1 send-proxy check inter 200ms
listen two
    bind {host}:29302
    server it {host}:29292 source 127.0.0.1 send-proxy-v2 check inter 200ms
listen four
    bind {host}:29303
    server it {host}:29292 source 127.0.0.1 send-proxy-v2-ssl-cn
"""


@scenario
def haproxy_is_understood(fixture):
    """The real one, where it is installed."""
    program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise Skip("there is no haproxy")
    glance = fixture.glance()
    proxy = proxied(fixture, glance)
    conf = fixture.folder / "haproxy.cfg"
    conf.write_text(HAPROXY.format(host=fixture.host))
    front = subprocess.Popen([program, "-db", "-f", conf], stdin=subprocess.DEVNULL)
    fixture.callback(front.wait)
    fixture.callback(front.terminate)
    for port in (29301, 29302, 29303):
        def answered(port=port):
            try:
                with Client((fixture.host, port), ELSE) as client:
                    return client.ask("PUT", UPLOAD, body=BODY).status == 204
            except (Cut, OSError):
                return False
        wait_until(f"an answer at {port}", answered)
        assert glance.uploads()[-1].get("X-Forwarded-For") == ELSE
    assert "trusted proxy" not in proxy.log(), proxy.log()
