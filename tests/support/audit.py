# SPDX-License-Identifier: Apache-2.0
"""A stack in audit mode, and checks that Glance gets what the client has sent."""
import hashlib

from .proxy import wait_until
from .stack import Stack, data

AUDIT = """\
mode: audit
rules:
  - { name: denied, when: { name: denied }, deny: "not here" }
  - { name: choice, when: { name: choice }, store: test, mode: default, allow: [test] }
  - { name: small, when: { name: small }, store: test, max_size: 1KiB, max_virtual_size: 4KiB }
  - { name: elsewhere, when: { name: elsewhere }, store: third, mode: force }
default: { store: test, mode: force }
"""

BODY = data(70_000)
OTHER_STORE = "X-Image-Meta-Store: file"  # and the policy says `test`
LENGTH = f"Content-Length: {len(BODY)}"
MIB = 1 << 20

# Fields that the proxy writes into every request.
OF_THE_WAY = {"expect", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-openstack-request-id"}


def put(stack, image, fields, sent=b"", action="file"):
    """Sends exactly these fields and these bytes."""
    with stack.client() as client:
        stack.begin(client, image, *fields, action=action)
        client.send_until_refused(sent)
        return client.answer()


def pairs(fields):
    return sorted(tuple(field.split(": ", 1)) for field in fields)


class AuditStack:
    """A stack in audit mode, and how often each finding was reported."""

    def __init__(self, fixture, policy=AUDIT, conf=None, **upload):
        self.stack = Stack(fixture, policy=policy, conf=conf, **upload)
        self.proxy = self.stack.proxy
        self.glance = self.stack.glance
        self.told = {}

    def image(self, **properties):
        return self.stack.image(**properties)

    def passed(self, image, fields, sent, *what, action="file", status=204):
        """Uploads. Checks that Glance got what the client sent, and that `what` is in the answer, the log and
        the metrics."""
        answered = put(self.stack, image, fields, sent, action)
        assert answered.status == status, (answered.start, answered.body)
        assert answered.all("X-Intake-Audit") == ([", ".join(what)] if what else []), answered.fields
        assert answered.all("X-Intake-Fixed") == [], answered.fields
        self.as_it_came(image, fields, answered)
        line = self.stack.log_line(answered, action)
        logged = ", ".join(what) if len(what) == 1 else f'"{", ".join(what)}"'
        assert f" audit={logged} " in line if what else " audit=" not in line, line
        assert f" verdict={'stored' if status == 204 else 'rejected'}" in line, line
        for each in what:
            self.told[each] = self.told.get(each, 0) + 1
        assert self.counted() == self.told
        assert self.proxy.metric("refusals_total") == 0
        return answered

    def stored(self, image, fields, sent, body, *what, action="file", store="file"):
        """Like passed(), and checks that `body` is in that store."""
        answered = self.passed(image, fields, sent, *what, action=action)
        shown = self.stack.show(image)
        assert (shown["size"], shown["os_hash_value"]) == (len(body), hashlib.sha512(body).hexdigest())
        assert answered.get("X-Intake-Bytes") == str(len(body))
        if action == "file":
            assert shown["stores"] == store
            assert answered.all("X-Intake-Store") == [store]
            assert f" store={store} " in self.stack.log_line(answered)
            assert answered.get("X-Intake-Verified") == "sha512"
        return answered

    def as_it_came(self, image, fields, answered):
        """Finds the upload by its request id, because other uploads to the image may have gone past the proxy.
        The small Glance records a request when it ends, which may be after its answer."""
        own = ["x-openstack-request-id", answered.get("X-Openstack-Request-Id")]

        def asked():
            return [each for each in self.stack.puts(image)
                    if own in [[name.lower(), value] for name, value in each["headers"]]]

        wait_until("Glance has noticed its end", asked)
        (asked,) = asked()
        there = sorted((name, value) for name, value in asked["headers"] if name.lower() not in OF_THE_WAY)
        sent = pairs(["Host: glance.example", *(each for each in fields if not each.startswith("Expect:"))])
        assert there == sent, (there, sent)

    def counted(self):
        return {labels["what"]: count for labels, count in self.proxy.samples("audited_total") if count}
