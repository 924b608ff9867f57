# SPDX-License-Identifier: Apache-2.0
"""TLS versions, forward secrecy, and the order of ciphers."""
import re
import subprocess

from support.fixture import scenario


def env(fixture, **listen):
    cert, key = fixture.certificate("listener")
    return fixture.proxy(fixture.closed_url(), conf={"listen": {"tls_cert_file": cert, "tls_key_file": key, **listen}})


def shake(proxy, *options):
    """(version, cipher) of a handshake with OpenSSL, or None if it failed."""
    host, port = proxy.address
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", *options], input="", text=True,
                          capture_output=True, timeout=180, check=False)
    found = re.search(r"New, (TLSv[\d.]+), Cipher is (\S+)", done.stdout)
    return found and found.groups()


@scenario
def old_tls_versions_are_refused(fixture):
    proxy = env(fixture)
    weak = ("-cipher", "ALL:@SECLEVEL=0")
    assert shake(proxy, "-tls1", *weak) is shake(proxy, "-tls1_1", *weak) is None
    assert shake(proxy, "-tls1_2")[0] == "TLSv1.2" and shake(proxy)[0] == "TLSv1.3"
    proxy.stop()
    proxy = env(fixture, tls_min_version="1.3")
    assert shake(proxy, "-tls1_2") is None and shake(proxy)[0] == "TLSv1.3"


@scenario
def only_forward_secret_ciphers_in_the_proxys_order(fixture):
    proxy = env(fixture)
    for cipher in ("AES128-GCM-SHA256", "AES256-SHA", "kRSA@SECLEVEL=0", "eNULL@SECLEVEL=0", "aNULL@SECLEVEL=0",
                   "3DES@SECLEVEL=0"):
        assert shake(proxy, "-tls1_2", "-cipher", cipher) is None, cipher
    both = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
    assert "-GCM-" in shake(proxy, "-tls1_2", "-cipher", both)[1]
    three = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
    assert "_GCM_" in shake(proxy, "-tls1_3", "-ciphersuites", three)[1]
    assert shake(proxy, "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305")[1] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    assert shake(proxy, "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")


def checked(proxy):
    done = subprocess.run([*proxy.command, "--check", "--config-file", proxy.conf_file], capture_output=True,
                          text=True, timeout=180, check=False)
    return done.returncode, done.stdout + done.stderr


@scenario
def check_validates_certificate_and_key(fixture):
    """An expired certificate, one that is not valid yet, and a file without a key."""
    cert, key = fixture.certificate("listener")
    proxy = fixture.proxy(fixture.glance(), start=False, conf={"listen": {"tls_cert_file": cert, "tls_key_file": key}})
    assert checked(proxy)[0] == 0, checked(proxy)
    request = fixture.folder / "request"
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-out", request], check=True,
                   capture_output=True)
    for from_, until, said in (("20200101000000Z", "20210101000000Z", "has expired on 2021-01-01 00:00:00 UTC"),
                               ("20990101000000Z", "21000101000000Z", "is not valid before 2099-01-01")):
        index = fixture.folder / "index"
        for name, text in (("index", ""), ("serial", "01\n"), ("ca.cnf", f"""[ca]
default_ca = it
[it]
database = {index}
serial = {fixture.folder}/serial
new_certs_dir = {fixture.folder}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
""")):
            (fixture.folder / name).write_text(text)
        subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config", fixture.folder / "ca.cnf", "-keyfile", key,
                        "-in", request, "-out", cert, "-startdate", from_, "-enddate", until, "-notext"], check=True,
                       capture_output=True)
        status, told = checked(proxy)
        assert status == 1 and said in told and str(cert) in told, told
    for content in (cert.read_text(), "not a key\n", ""):
        key.write_text(content)
        status, told = checked(proxy)
        assert status == 1 and "tls_key_file: no private key could be read" in told and "none in it" in told, told
