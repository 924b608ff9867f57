# SPDX-License-Identifier: Apache-2.0
"""One request of the Image API, as fidelity.py sends it to two sides."""
import json
from dataclasses import dataclass

NOBODY = "00000000-0000-4000-8000-000000000000"
ALLOWED_ORIGIN = "https://horizon.example.org"  # as in conf/glance-api.conf.in
SNOWMAN = "\N{SNOWMAN}"
PATCH_TYPE = "Content-Type: application/openstack-images-v2.1-json-patch"
JSON_TYPE = "Content-Type: application/json"


@dataclass(frozen=True)
class Question:
    method: str
    target: str
    fields: tuple = ()  # whole lines
    body: bytes | None = None
    user: str | None = "demo"  # None: no token
    keep: str | None = None  # the name for the id of what it creates
    version: str = "HTTP/1.1"

    def is_safe(self):
        return self.method in ("GET", "HEAD", "OPTIONS")

    def names(self, name):
        return f"{{{name}}}" in self.target or f"{{{name}}}".encode() in (self.body or b"")

    def __str__(self):
        return " ".join([self.method, self.target[:100], *(field[:60] for field in self.fields)])


def get(target, *fields, **more):
    return Question("GET", target, fields, **more)


def send(method, target, document, *fields, **more):
    return Question(method, target, (JSON_TYPE, *fields), json.dumps(document).encode(), **more)


def patch(target, *changes, media_type=PATCH_TYPE, **more):
    return Question("PATCH", target, (media_type,), json.dumps(changes).encode(), **more)
