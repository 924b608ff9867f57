# SPDX-License-Identifier: Apache-2.0
"""backing = spool, with data that the proxy unpacks: it is compressed, or in a form that does not say so. The disk has
the data as it was sent. The policy and the checks judge the image in it."""
import hashlib
import time

from support.fixture import scenario
from support.form import field, file, form
from support.kept import Kept
from support.packing import packed
from support.proxy import wait_until
from support.resuming import BODY, MIB
from support.stack import OCTETS, TOKEN, data

BY_SIZE = """\
rules:
  - { name: large, when: { larger_than: 3MiB }, store: file, mode: force, checks: { format: reject } }
default: { store: test, mode: force, max_size: 3MiB, checks: { compressed: decompress, format: off } }
"""


@scenario
def rule_is_that_for_the_image(fixture):
    """Not that for what was sent: compressed data is less, and a form is more. Also if it is sent again."""
    kept = Kept(fixture, policy=BY_SIZE)
    stack = kept.stack
    large = data(2 * MIB) + bytes(2 * MIB)
    small = data(3 * MIB)  # the form around it is larger
    sent = {"announced": packed("zstd", "-q", "--stream-size", str(len(large)), body=large),
            "streamed": packed("zstd", "-q", body=large), "form": form(file(small))}
    for name, body in sent.items():
        for breaks in (False, True):
            if breaks:
                stack.glance.fault(image="*", on="upload", at=100_000, cut="reset", times=1)
            kind, stored, store = ("qcow2", small, "test") if name == "form" else ("raw", large, "file")
            told = stack.put(image := stack.image(disk_format=kind), body, TOKEN, OCTETS)
            kept.stored(told, image, stored)
            assert stack.show(image)["stores"] == store, (name, breaks)
            assert len(stack.puts(image)) == 1 + breaks, (name, breaks)
    kept.clean()


@scenario
def form_whose_client_leaves_goes_on_alone(fixture):
    """All of it is on disk, and it waits for a place. Its file is less than what was sent."""
    kept = Kept(fixture)
    stack = kept.stack
    stack.conf["glance"] = {"max_uploads": "1"}
    stack.set()
    first, second = stack.image(), stack.image()
    small, body = BODY[:500_000], data(2 * MIB)
    sent = form(field("a", "b"), file(body))
    with stack.client() as client:
        stack.begin(client, first, TOKEN, OCTETS, f"Content-Length: {len(small)}")
        client.send(small[:200_000])
        wait_until("it is sent", lambda: stack.show(first)["status"] != "queued")
        with stack.client() as other:
            stack.begin(other, second, TOKEN, OCTETS, f"Content-Length: {len(sent)}")
            other.send(sent)
            wait_until("it waits",
                       lambda: "queued" in [one["state"] for one in kept.proxy.uploads()["in_flight"]])
            other.reset()
        time.sleep(1)  # the proxy hears of it
        client.send(small[200_000:])
        assert client.answer().status == 204
    kept.proxy.wait_metric(0, "uploads_in_flight")
    shown = stack.show(second)
    assert (shown["status"], shown.get("os_hash_value")) == ("active", hashlib.sha512(body).hexdigest()), shown
    kept.clean()
