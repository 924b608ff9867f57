# SPDX-License-Identifier: Apache-2.0
"""The proxy before the small Glance and a Keystone, for uploads to /upload/."""
import base64
import hashlib
import json

from . import corpus
from .keystone import keystone
from .proxy import wait_until

TOKEN = "X-Auth-Token: demo-token"
DISK = b"\0" * 510 + b"\x55\xaa" + hashlib.shake_128(b"disk").digest((1 << 20) - 512)  # with a boot sector

POLICY = """\
rules:
  - name: no-isos
    when: { disk_format: [iso] }
    deny: "ISO images are not accepted here"
  - name: secret
    when: { name: ["secret-*"] }
    deny: "no secrets"
  - name: public
    when: { visibility: [public] }
    store: file
    mode: force
  - name: others
    when: { project: [another-project] }
    deny: "not for this project"
default:
  store: test
  mode: force
"""


def specimen_data(fixture, name):
    return next(path for path in corpus.made_once(fixture.shared) if path.name == name).read_bytes()


def repr_digest(body):
    return f"Repr-Digest: sha-512=:{base64.b64encode(hashlib.sha512(body).digest()).decode()}:"


class OneCommand:
    def __init__(self, fixture, policy=POLICY, conf=None):
        self.glance = fixture.small_glance()
        self.keystone = keystone(fixture)
        self.conf = {"keystone": {"auth_url": self.keystone.url}, **(conf or {})}
        self.proxy = fixture.proxy(self.glance, conf=self.conf, policy=policy)

    def put(self, path, body, *fields):
        return self.proxy.ask("PUT", f"/upload/{path}", TOKEN, *fields, body=body)

    def images(self):
        return self.glance.ask("GET", "/v2/images?limit=1000")["images"]

    def wait_no_image(self, case=""):
        wait_until(f"no image is left {case}", lambda: not self.images())

    def refused(self, told, status, reason, words=""):
        document = json.loads(told.body)
        assert (told.status, document["reason"]) == (status, reason), told.body
        assert words in document["message"], document["message"]
        assert "image_id" not in document, "it is not there any more"
        self.wait_no_image(reason)
        return document

    def made(self, told, body, **facts):
        """The image that the answer has. It is deleted afterwards."""
        assert told.status == 201, (told.start, told.body)
        image = json.loads(told.body)
        shown = self.glance.ask("GET", f"/v2/images/{image['id']}")
        assert shown == image
        assert image["status"] == "active" and image["os_hash_value"] == hashlib.sha512(body).hexdigest()
        assert {name: image.get(name) for name in facts} == facts
        assert told.get("Location").endswith(f"/v2/images/{image['id']}")
        assert told.get("X-Intake-Next") == f"openstack server create --image {image['id']} --flavor FLAVOR NAME"
        assert told.get("X-Intake-Verified") == "sha512"
        self.glance.delete(image["id"])
        return image
