# SPDX-License-Identifier: Apache-2.0
"""A stack whose store `test` has an S3 gateway, and the keys for it."""
import base64

from .gateway import ACCESS_KEY, BUCKET, SECRET_KEY, Gateway
from .stack import RIGHT, Stack, data

MIB = 1 << 20
BODY = data(2 * MIB)


class Keys:
    """The key files, and a policy for the store `test` that names them."""

    def __init__(self, fixture):
        self.access, self.secret = fixture.folder / "access", fixture.folder / "secret"
        self.access.write_text(ACCESS_KEY)
        self.secret.write_text(f"{SECRET_KEY}\n")

    def policy(self, url, capacity=None):
        return ("default: { store: test, mode: force }\n"
                "stores:\n"
                "  test:\n"
                f"    s3: {{ endpoint: \"{url}\", bucket: {BUCKET}, access_key_file: {self.access},\n"
                f"           secret_key_file: {self.secret} }}\n"
                + (f"    capacity: {capacity}\n" if capacity else ""))


class GatewayStack:
    """A stack whose store `test` has an S3 gateway."""

    def __init__(self, fixture, capacity=None, conf=None, **upload):
        self.keys = Keys(fixture)
        self.gateway = Gateway(fixture.host)
        fixture.callback(self.gateway.stop)
        self.stack = Stack(fixture, policy=self.keys.policy(self.gateway.url, capacity), conf=conf, **upload)
        self.proxy = self.stack.proxy

    def refused(self, told, image, *words):
        said = self.stack.refused(told, image, 413, "store_full")
        for each in words:
            assert each in said["message"], said

    def kept_secret(self, *answers):
        """Looks for the keys in the log, all admin pages and the answers."""
        seen = [self.proxy.log(), *(f"{told.start} {told.fields} {told.body}" for told in answers)]
        seen += [self.proxy.admin(page) for page in ("/", "/uploads", "/metrics", "/readyz")]
        marks = [ACCESS_KEY, SECRET_KEY, base64.b64encode(f"{ACCESS_KEY}:{SECRET_KEY}".encode()).decode(),
                 "AWS4-HMAC"]
        for text in seen:
            for mark in marks:
                assert mark not in text, mark


def head_of(size):
    return [*RIGHT, f"Content-Length: {size}"]
