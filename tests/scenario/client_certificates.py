# SPDX-License-Identifier: Apache-2.0
"""Certificates of clients at the listener, and of the proxy at Glance; and the operator's ciphers."""
import json
import ssl
import subprocess

from support.fixture import scenario, serving, trusting
from support.glance import UPLOAD
from support.proxy import wait_until
from support.raw_http import Cut

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def authority(fixture, name):
    cert, key = fixture.folder / f"{name}.crt", fixture.folder / f"{name}.key"
    openssl("req", "-x509", *EC, "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", cert)
    return cert, key


def signed(fixture, name, by, days="2", purpose="clientAuth"):
    """A certificate for a client, and its key."""
    cert, key, request = (fixture.folder / f"{name}.{end}" for end in ("crt", "key", "csr"))
    more = fixture.folder / f"{name}.ext"
    more.write_text(f"extendedKeyUsage={purpose}\n")
    openssl("req", *EC, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", by[0], "-CAkey", by[1], "-CAcreateserial", "-days", days,
            "-extfile", more, "-out", cert)
    return cert, key


def showing(listener, pair=None, version=None):
    """A client's context that trusts the listener, and shows this certificate."""
    tls = trusting(listener)
    if pair:
        tls.load_cert_chain(*pair)
    if version:
        tls.maximum_version = version
    return tls


def asked(proxy, tls, method="GET", target="/v2/images", **more):
    with proxy.client(tls=tls) as client:
        return client.ask(method, target, **more)


def listening(fixture, glance, ca_file):
    cert, key = fixture.certificate("listener")
    conf = {"tls_cert_file": cert, "tls_key_file": key, "tls_client_ca_file": ca_file}
    return fixture.proxy(glance, conf={"listen": conf}), cert


@scenario(threaded=True, representative=True)
def client_needs_a_certificate(fixture):
    ca = authority(fixture, "ca")
    glance = fixture.glance()
    proxy, listener = listening(fixture, glance, ca[0])
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        told = asked(proxy, showing(listener, None, version))
        assert told.status == 403 and json.loads(told.body)["reason"] == "certificate_required", told.body
        assert asked(proxy, showing(listener, None, version), "PUT", UPLOAD, body=b"x").status == 403
    assert not glance.requests
    good = signed(fixture, "good", ca)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with proxy.client(tls=showing(listener, good, version)) as client:
            assert [client.ask("GET", "/v2/images").status for _ in range(2)] == [200, 200]
        assert asked(proxy, showing(listener, good, version), "PUT", UPLOAD, body=b"\0" * 600).status == 204


@scenario
def certificates_of_others_are_refused(fixture):
    """Of another authority, for servers, expired, and signed by itself."""
    ca = authority(fixture, "ca")
    glance = fixture.glance()
    proxy, listener = listening(fixture, glance, ca[0])
    for pair in (signed(fixture, "foreign", authority(fixture, "other")),
                 signed(fixture, "server", ca, purpose="serverAuth"),
                 signed(fixture, "expired", ca, days="-1"), fixture.certificate("itself")):
        assert asked(proxy, showing(listener, pair)).status == 403, pair
    assert not glance.requests


@scenario
def browsers_question_is_not_passed_on(fixture):
    """A refusal asks Glance for CORS fields, but not for a client without a certificate."""
    ca = authority(fixture, "ca")
    glance = fixture.glance()
    proxy, listener = listening(fixture, glance, ca[0])
    with proxy.client(tls=showing(listener)) as client:
        assert client.ask("GET", "/v2/images", "Origin: https://a.example").status == 403
    assert not glance.requests


@scenario
def reload_replaces_the_authorities(fixture):
    old, new = authority(fixture, "old"), authority(fixture, "new")
    proxy, listener = listening(fixture, fixture.glance(), old[0])
    first, second = signed(fixture, "first", old), signed(fixture, "second", new)
    assert asked(proxy, showing(listener, first)).status == 200
    assert asked(proxy, showing(listener, second)).status == 403
    old[0].write_text(new[0].read_text())
    proxy.signal(1)
    proxy.wait_log("is in force")
    wait_until("the new one counts", lambda: asked(proxy, showing(listener, second)).status == 200)
    assert asked(proxy, showing(listener, first)).status == 403
    old[0].write_text("nothing\n")
    proxy.signal(1)
    proxy.wait_log("the old one stays in force")
    assert asked(proxy, showing(listener, second)).status == 200


@scenario
def reload_without_tls_settings_still_asks_for_certificates(fixture):
    """TLS goes on until a restart, and so does the demand for certificates, however often the settings are read."""
    ca = authority(fixture, "ca")
    proxy, listener = listening(fixture, fixture.glance(), ca[0])
    good = signed(fixture, "good", ca)
    for count in (1, 2):
        proxy.write({})
        proxy.signal(1)
        wait_until("it is in force", lambda count=count: proxy.log().count("is in force") == count)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            told = asked(proxy, showing(listener, None, version))
            assert told.status == 403 and json.loads(told.body)["reason"] == "certificate_required", told.body
            assert asked(proxy, showing(listener, good, version)).status == 200


def checked(proxy):
    done = subprocess.run([*proxy.command, "--check", "--config-file", proxy.conf_file], capture_output=True,
                          text=True, timeout=180, check=False)
    return done.returncode, done.stdout + done.stderr


@scenario
def check_finds_bad_files(fixture):
    cert, key = fixture.certificate("listener")
    other = fixture.certificate("other")
    empty = fixture.folder / "empty.pem"
    empty.write_text("")
    listen = {"tls_cert_file": cert, "tls_key_file": key}
    proxy = fixture.proxy(fixture.closed_url(), start=False)
    for conf, said in (({"listen": {**listen, "tls_client_ca_file": empty}}, "tls_client_ca_file: no certificate"),
                       ({"listen": {**listen, "tls_client_ca_file": "/absent.pem"}}, "No such file"),
                       ({"glance": {"client_cert_file": cert, "client_key_file": other[1]}},
                        "client_key_file: this key does not belong"),
                       ({"glance": {"client_cert_file": empty, "client_key_file": key}},
                        "client_cert_file: no certificate"),
                       ({"listen": {**listen, "tls_ciphers": "ALL"}}, "tls_ciphers: 'ALL' is not a priority")):
        proxy.write(conf)
        status, told = checked(proxy)
        assert status == 1 and said in told, (conf, told)


@scenario(threaded=True)
def proxy_shows_its_certificate_to_glance(fixture):
    """Also in health checks. Without one, such a Glance is out."""
    ca = authority(fixture, "ca")
    pair = signed(fixture, "proxy", ca)
    server = fixture.certificate("glance")
    tls = serving(*server)
    tls.load_verify_locations(ca[0])
    tls.verify_mode = ssl.CERT_REQUIRED
    glance = fixture.glance(tls=tls)
    settings = {"ca_file": server[0], "health_interval": "2s"}
    proxy = fixture.proxy(glance, conf={"glance": {**settings, "client_cert_file": pair[0],
                                                   "client_key_file": pair[1]}})
    proxy.wait_metric(1, "endpoint_state", state="up")
    assert proxy.ask("GET", "/v2/images").status == 200
    assert proxy.ask("PUT", UPLOAD, body=b"\0" * 600).status == 204
    proxy.write({"glance": settings})
    proxy.signal(1)
    proxy.wait_log("is in force")
    wait_until("its requests fail", lambda: proxy.ask("GET", "/v2/images").status == 502)
    proxy.wait_metric(1, "endpoint_state", state="out")


def cipher(proxy, listener, version=None):
    with proxy.client(tls=showing(listener, None, version)) as client:
        return client.sock.cipher()[0]


@scenario
def operators_ciphers_count(fixture):
    """And tls_min_version does, too: NORMAL alone would allow TLS 1.0."""
    cert, key = fixture.certificate("listener")
    listen = {"tls_cert_file": cert, "tls_key_file": key, "tls_ciphers": "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305"}
    proxy = fixture.proxy(fixture.closed_url(), conf={"listen": listen})
    assert "CHACHA20" in cipher(proxy, cert) and "CHACHA20" in cipher(proxy, cert, ssl.TLSVersion.TLSv1_2)
    proxy.stop()
    proxy.write({"listen": {**listen, "tls_min_version": "1.3"}})
    proxy.start()
    proxy.wait_ready()
    assert "CHACHA20" in cipher(proxy, cert)
    try:
        cipher(proxy, cert, ssl.TLSVersion.TLSv1_2)
        raise AssertionError("TLS 1.2 was accepted")
    except (ssl.SSLError, ConnectionError, Cut):
        pass
