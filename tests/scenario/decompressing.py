# SPDX-License-Identifier: Apache-2.0
"""compressed = decompress: compressed images are decompressed on their way to Glance."""
import base64
import hashlib

from support import packing
from support.fixture import scenario
from support.form import declared, file, form
from support.packing import packed
from support.resuming import MIB, Resuming
from support.stack import OCTETS, RIGHT, TOKEN, Stack, data, fixes
from support.tus import Tus

BODY = data(700_000) + bytes(300_000)

BY_RULE = """\
rules:
  - { name: packed, when: { name: "packed-*" }, store: test, checks: { compressed: decompress } }
  - { name: strict, when: { name: strict }, store: test, checks: { compressed: reject } }
  - { name: large, when: { name: sized, larger_than: 900KiB }, store: file, mode: force, checks: { compressed: decompress } }
  - { name: small, when: { name: sized }, store: test, max_size: 900KiB, checks: { compressed: decompress } }
  - { name: watched, when: { name: watched }, store: test, mode: audit, checks: { compressed: decompress } }
default: { store: test, mode: force }
"""


def tool(*command, body=BODY):
    return packed(*command, body=body)


def announced(body=BODY):
    """It says how large it becomes."""
    return packed("zstd", "-q", "--stream-size", str(len(body)), body=body)


def tar(*names):
    return packing.tar(*names, body=BODY)


def packings():
    return {"gzip": tool("gzip", "-1"), "xz": tool("xz", "-0"), "bzip2": tool("bzip2", "-1"),
            "zstd": announced(), "zstd, streamed": tool("zstd", "-q"),
            "tar.gz": tool("gzip", "-1", body=tar("disk.raw")), "tar.xz": tool("xz", "-0", body=tar("disk.raw"))}


def becomes(stack, image, told):
    stack.stored(told, image, BODY)
    assert "compressed" in fixes(told), told.fields
    assert told.get("X-Intake-Bytes") == str(len(BODY)), told.fields
    return told


@scenario(threaded=True, representative=True)
def compressed_images_are_stored_decompressed(fixture):
    stack = Stack(fixture, compressed="decompress")
    for name, body in packings().items():
        for put in (stack.put, stack.put_chunked):
            told = becomes(stack, image := stack.image(), put(image, body))
            digest = base64.b64encode(hashlib.sha512(BODY).digest()).decode()
            assert told.get("Repr-Digest") == f"sha-512=:{digest}:", (name, told.fields)
        sent = form(file(body))
        for kind in (declared(), OCTETS):
            becomes(stack, image := stack.image(), stack.put(image, sent, TOKEN, kind))
    stack.set(compressed="decompress", unknown_length="stream")
    body = tool("xz", "-0")
    told = stack.put(image := stack.image(), body)
    assert told.status == 204 and fixes(told) == ["compressed"], told.fields
    assert stack.show(image)["os_hash_value"] == hashlib.sha512(BODY).hexdigest()
    stack.set(compressed="decompress", unknown_length="reject")
    stack.refused(stack.put(image := stack.image(), body), image, 411, "length_required")
    becomes(stack, image := stack.image(), stack.put(image, announced()))
    becomes(stack, image := stack.image(), stack.put(image, body, *RIGHT, f"X-Openstack-Image-Size: {len(BODY)}"))


@scenario
def promises_cover_what_was_sent(fixture):
    stack = Stack(fixture, compressed="decompress")
    body = tool("xz", "-0")
    right = base64.b64encode(hashlib.sha256(body).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    becomes(stack, image := stack.image(), stack.put(image, body, *RIGHT, f"Repr-Digest: sha-256=:{right}:"))
    stack.refused(stack.put(image := stack.image(), body, *RIGHT, f"Repr-Digest: sha-256=:{wrong}:"), image, 400,
                  "digest_mismatch")
    for size in (len(BODY), len(body)):
        becomes(stack, image := stack.image(), stack.put(image, body, *RIGHT, f"X-Openstack-Image-Size: {size}"))
    for sent in (body, BODY):
        stack.refused(stack.put(image := stack.image(), sent, *RIGHT, "X-Openstack-Image-Size: 12345"), image, 400,
                      "size_mismatch")


@scenario
def what_is_wrong_never_becomes_an_image(fixture):
    stack = Stack(fixture, compressed="decompress")
    for body in packings().values():
        stack.refused(stack.put(image := stack.image(), body[:-30]), image, 400, "truncated", reached=True)
        stack.refused(stack.put(image := stack.image(), body + b"more"), image, 400, "damaged_body",
                      reached=True)
    body = tool("gzip", "-1")
    damaged = body[:-6] + bytes([body[-6] ^ 1]) + body[-5:]
    stack.refused(stack.put(image := stack.image(), damaged), image, 400, "damaged_body")
    two = tool("gzip", "-1", body=tar("a", "b"))
    stack.refused(stack.put(image := stack.image(), two), image, 400, "compressed", reached=True)
    stack.refused(stack.put(image := stack.image(disk_format="qcow2"), body), image, 400, "format_mismatch")
    twice = tool("xz", "-0", body=tool("bzip2", "-1"))
    stack.refused(stack.put(image := stack.image(), twice), image, 400, "compressed")
    stack.refused(stack.put(image := stack.image(), b"7z\xbc\xaf\x27\x1c" + BODY), image, 400, "compressed")
    stack.set(compressed="decompress", max_size="1MiB")
    zeros = bytes(8 << 20)
    for body, *command in ((zeros, "gzip"), (zeros, "xz", "-0"), (zeros, "zstd", "-q"), (zeros, "bzip2"),
                           (packing.tar("disk.raw", body=zeros), "gzip")):
        bomb = tool(*command, body=body)
        stack.refused(stack.put(image := stack.image(), bomb), image, 413, "too_large")


@scenario
def rules_decide_what_is_decompressed(fixture):
    stack = Stack(fixture, policy=BY_RULE, compressed="decompress")
    body = tool("xz", "-0")
    stack.refused(stack.put(image := stack.image(name="strict"), body), image, 400, "compressed")
    for sent in (body, announced()):  # the limit of `small` is not that of the image
        told = becomes(stack, image := stack.image(name="sized"), stack.put(image, sent))
        assert told.get("X-Intake-Rule") == "large" and told.get("X-Intake-Store") == "file", told.fields
    told = stack.put(image := stack.image(name="watched"), body)
    assert told.status == 204 and "compressed" in told.get("X-Intake-Audit"), told.fields
    for kind, container in (("ari", "ari"), ("raw", "docker")):
        told = stack.put(image := stack.image(disk_format=kind, container_format=container), body)
        stack.stored(told, image, body)
    stack.set()
    becomes(stack, image := stack.image(name="packed-a"), stack.put(image, body))
    stack.refused(stack.put(image := stack.image(), body), image, 400, "compressed")


@scenario
def compressed_upload_is_resumed(fixture):
    """The offsets are those of the file that the client sends. A plain upload is held once Glance gets it."""
    stack = Resuming(fixture, compressed="decompress")
    large = data(6 * MIB)
    body = announced(large)
    at = stack.held(image := stack.image(), body=body)
    told = stack.ask_offset(image)
    assert told.get("Upload-Length") == str(len(body)), told.fields
    stack.stored(stack.resume(image, at, body), image, large)
    stack.clean()


STORE_BY_SIZE = """\
rules:
  - { name: large, when: { larger_than: 4MiB }, store: file, mode: force }
default: { store: test, mode: force }
"""


@scenario
def rule_for_the_image_counts_when_it_is_resumed(fixture):
    """The store was chosen by the size of the image, which is larger than what the client sends."""
    stack = Resuming(fixture, policy=STORE_BY_SIZE, compressed="decompress")
    large = data(3 * MIB) + bytes(3 * MIB)
    body = announced(large)
    at = stack.held(image := stack.image(), sent=2 * MIB, body=body)
    told = stack.resume(image, at, body, until=at + 100_000)
    assert (told.status, told.get("Upload-Offset")) == (204, str(at + 100_000)), (told.start, told.body)
    told = stack.resume(image, at + 100_000, body)
    stack.stored(told, image, large)
    assert stack.show(image)["stores"] == "file"
    stack.clean()


@scenario
def compressed_upload_is_sent_in_parts(fixture):
    """By tus, also while it is spooled."""
    stack = Tus(fixture, compressed="decompress")
    for body in (tool("xz", "-0"), announced()):
        image = stack.image()
        stack.created(image, len(body))
        at = stack.patched(image, 0, 100, body)
        at = stack.patched(image, at, 300_000, body)
        told = stack.patch(image, at, body[at:])
        assert told.status == 204 and "compressed" in fixes(told), (told.start, told.fields, told.body)
        assert stack.show(image)["os_hash_value"] == hashlib.sha512(BODY).hexdigest()
    stack.clean()


CHECKS_BY_SIZE = """\
rules:
  - { name: large, when: { larger_than: 900KiB }, store: test, mode: force,
      checks: { compressed: decompress, format: reject } }
default: { store: test, mode: force,
           checks: { compressed: decompress, format: off, unsafe_format: off, damaged: off, truncated: off } }
"""


@scenario
def checks_are_those_of_the_rule_for_the_image(fixture):
    """Not of the rule for what was sent, even if the size is announced."""
    stack = Stack(fixture, policy=CHECKS_BY_SIZE, compressed="decompress")
    for sent in (BODY, tool("xz", "-0"), announced()):  # 1 MB, and compressed less than 900 KiB
        told = stack.put(stack.image(disk_format="qcow2"), sent)
        assert (told.status, b"format_mismatch" in told.body) == (400, True), told.body
