# SPDX-License-Identifier: Apache-2.0
"""`curl -C A` with A below the offset: what comes again is compared with what came before, and dropped. Another file
of the same length is refused, and harms nothing."""
import base64
import functools
import hashlib
import json
import signal

from support.fixture import scenario
from support.proxy import wait_until
from support.resuming import BODY, MIB, Resuming, eventually
from support.stack import OCTETS, TOKEN, data

AT = 3 * MIB + 5
SPOOL = {"backing": "spool"}


@functools.cache
def other():
    return data(len(BODY), b"another file")


def changed(place):
    """The file with another byte at this place."""
    body = bytearray(BODY)
    body[place] ^= 0x10
    return bytes(body)


def is_part(told, offset):
    assert (told.status, told.get("Upload-Offset"), told.get("Upload-Complete")) == (204, str(offset), "?0"), \
        (told.start, told.fields, told.body)


def is_refused(stack, image, told, offset):
    assert (told.status, json.loads(told.body)["reason"]) == (409, "offset_mismatch"), (told.start, told.body)
    assert told.get("Upload-Offset") == str(offset), told.fields
    assert stack.offset(image) == offset


def is_stored(stack, told, image):
    assert told.get("X-Intake-Verified") == "sha512", (told.start, told.fields, told.body)
    stack.stored(told, image, BODY)
    stack.clean()


def goes_on_before_the_offset(stack, image, at):
    """In parts that begin anywhere before the offset. Returns the new offset."""
    is_part(stack.resume(image, MIB, until=2 * MIB), at)
    for back in (1, 5000, 70_000, MIB, at - 1):
        is_part(stack.resume(image, at - back, until=at + 1000), at + 1000)
        at += 1000
    return at


def another_file_is_refused(stack, image, at, places):
    for body, first in [(other(), 1), (other(), at - 1), (other(), at - 70_000), *((changed(at), 1) for at in places)]:
        is_refused(stack, image, stack.resume(image, first, body), at)


def cut_again(stack, image, at):
    """A client that is lost in the middle of what comes again."""
    for way in ("reset", "close"):
        with stack.client() as client:
            stack.begin_rest(client, image, 1)
            client.send(BODY[1:MIB])
            getattr(client, way)()
        assert stack.offset(image) == at
    with stack.client() as client:  # silent
        stack.begin_rest(client, image, 1)
        client.send(BODY[1:MIB])
        eventually("another connection may go on", lambda: stack.resume(image, at - MIB, until=at + 1),
                   lambda told: told.status == 204)
    return at + 1


@scenario(threaded=True)
def what_comes_again_is_compared_and_dropped(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    at = goes_on_before_the_offset(stack, image, stack.held(image, AT))
    another_file_is_refused(stack, image, at, [64 << 10, 2 * MIB, at - 1])
    at = cut_again(stack, image, at)
    is_stored(stack, stack.resume(image, at // 2), image)


@scenario(threaded=True)
def kept_upload_is_compared_with_its_file(fixture):
    """Every byte is, also after a kill of the proxy."""
    stack = Resuming(fixture, resume=SPOOL)
    image = stack.image()
    at = stack.held(image, AT)
    file = stack.proxy.spool_dir / "resumable" / f"{image}.data"
    for killed in (False, True):
        at = goes_on_before_the_offset(stack, image, at)
        another_file_is_refused(stack, image, at, [1, MIB + 1, at - 1])
        at = cut_again(stack, image, at)
        if not killed:
            wait_until("all is on disk", lambda at=at: file.stat().st_size == at)
            stack.proxy.signal(signal.SIGKILL)
            stack.proxy.process.wait()
            stack.proxy.error_file.unlink()
            stack.proxy.start()
            stack.proxy.wait_ready()
    is_stored(stack, stack.resume(image, 1), image)


@scenario
def without_digests_the_offset_must_be_exact(fixture):
    """A promised digest is computed in any case."""
    stack = Resuming(fixture, verify="size")
    image, promised = stack.image(), stack.image()
    at = stack.held(image, AT)
    for first in (1, at - MIB, at - 1, at + 1):
        is_refused(stack, image, stack.resume(image, first), at)
    told = stack.resume(image, at)
    assert (told.status, told.get("X-Intake-Verified")) == (204, "size"), (told.start, told.body)
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    with stack.started(promised, AT, fields=(TOKEN, OCTETS, f"Repr-Digest: sha-256=:{digest}:")) as client:
        client.reset()
    stack.wait_held()
    is_refused(stack, promised, stack.resume(promised, 1, other()), AT)
    told = stack.resume(promised, 1)
    assert (told.status, told.get("X-Intake-Verified")) == (204, "size"), (told.start, told.body)
    for one in (image, promised):
        assert stack.show(one)["os_hash_value"] == hashlib.sha512(BODY).hexdigest()
    stack.clean()
