# SPDX-License-Identifier: Apache-2.0
"""A proxy for one-command uploads: with TLS, and with Keystone for passwords."""
import contextlib
import os
import subprocess

from proxy import another_proxy, scratch

SETTINGS = """\
[listen]
tls_cert_file = {cert}
tls_key_file = {key}
[keystone]
auth_url = {keystone}
"""


def new_certificate(directory):
    """Self-signed, for 127.0.0.1."""
    cert, key = os.path.join(directory, "crt"), os.path.join(directory, "key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=login", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def tls_proxy(cloud, policy, more="", keystone=None):
    """It has `cert`, the path of its certificate, and `https`, its URL. `keystone`: another one than the cloud's."""
    with scratch() as directory:
        cert, key = new_certificate(directory)
        keystone = keystone or cloud.envs["demo"]["OS_AUTH_URL"]
        settings = SETTINGS.format(cert=cert, key=key, keystone=keystone)
        with another_proxy(cloud, policy, more=settings + more) as proxy:
            proxy.cert, proxy.https = cert, f"https://127.0.0.1:{proxy.port}"
            yield proxy
