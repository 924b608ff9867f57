# SPDX-License-Identifier: Apache-2.0
"""An S3 gateway that is asked for the use of a bucket. It answers as Ceph does, and checks the signature as
Ceph does (AWS signature version 4)."""
import hashlib
import hmac
import re

from .glance import ScriptedGlance, answer

PORT = 29480
BUCKET = "images"
REGION = "default"
ACCESS_KEY = "AN-ACCESS-KEY-THAT-NO-LOG-MAY-SHOW"
SECRET_KEY = "a/secret+key/that+no/log+may/show"
NOTHING = hashlib.sha256(b"").hexdigest()


def keyed(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(asked, day, signed):
    """The right signature, computed from the request."""
    fields = "".join(f"{name}:{asked.get(name)}\n" for name in signed)
    canonical = "\n".join([asked.method, asked.target, "", fields, ";".join(signed), NOTHING])
    scope = f"{day}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", asked.get("x-amz-date"), scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = keyed(key, part)
    return keyed(key, text).hex()


def fault_of(asked):
    """Why the request is not authorized, or None."""
    given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/(\w+)/s3/aws4_request, ?"
                         r"SignedHeaders=([-a-z0-9;]+), ?Signature=([0-9a-f]{64})", asked.get("Authorization") or "")
    if not given:
        return "it is not signed"
    access, day, region, signed, proof = given.groups()
    if (access, region) != (ACCESS_KEY, REGION):
        return "another key"
    if asked.get("x-amz-content-sha256") != NOTHING or not {"host", "x-amz-date"} <= set(signed.split(";")):
        return "it does not say what is signed"
    return None if hmac.compare_digest(proof, signature(asked, day, signed.split(";"))) else "the signature is wrong"


class Gateway(ScriptedGlance):
    """Sizes are in bytes. A quota of -1 is no quota, as in Ceph."""

    def __init__(self, host):
        super().__init__((host, PORT), other=self.tell)
        self.used = 0
        self.bucket_quota = -1
        self.user_quota = -1
        self.faults = []  # of unauthorized requests

    def told(self):
        return answer("200 OK", f"X-RGW-Bytes-Used: {self.used}", "X-RGW-Object-Count: 3",
                      f"X-RGW-Quota-Bucket-Size: {self.bucket_quota}", f"X-RGW-Quota-User-Size: {self.user_quota}")

    def tell(self, asked):
        asked.read()
        fault = fault_of(asked)
        if fault or (asked.method, asked.target) != ("HEAD", f"/{BUCKET}"):
            self.faults.append(fault or asked.start)
            return asked.send(answer("403 Forbidden"))
        return asked.send(self.told())
