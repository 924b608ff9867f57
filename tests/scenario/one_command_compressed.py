# SPDX-License-Identifier: Apache-2.0
"""PUT /upload/NAME of a compressed file: its format is found in what it becomes, and that is judged like a plain one."""
import functools
import hashlib
import json

from support import form
from support.fixture import scenario
from support.one_command import DISK, POLICY, TOKEN, OneCommand, repr_digest, specimen_data
from support.packing import packed, tar
from support.raw_http import head

DECOMPRESS = {"upload": {"compressed": "decompress"}}
TINY = hashlib.shake_128(b"tiny").digest(510) + b"\x55\xaa"

BY_RULE = """\
rules:
  - { name: isos, when: { disk_format: [iso] }, store: file, mode: force }
  - { name: disks, when: { disk_format: [raw] }, store: test, mode: force, checks: { compressed: decompress } }
default: { store: test, mode: force }
"""


@functools.cache
def xz(body):
    return packed("xz", "-0", body=body)


@functools.cache
def gz(body):
    return packed("gzip", "-1", body=body)


@functools.cache
def bz2(body):
    return packed("bzip2", "-1", body=body)


@functools.cache
def zst(body):
    return packed("zstd", "-q", "--stream-size", str(len(body)), body=body)


@functools.cache
def streamed_zst(body):
    return packed("zstd", "-q", body=body)


def became(stack, told, body, **facts):
    fixed = told.get("X-Intake-Fixed") or ""
    stack.made(told, body, **facts)
    assert "compressed" in fixed, fixed
    return told


@scenario
def compressed_files_become_images(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    qcow2 = specimen_data(fixture, "filled.qcow2")
    for name, sent, body, disk_format in (
            ("disk.raw.xz", xz(DISK), DISK, "raw"), ("disk.img.gz", gz(DISK), DISK, "raw"),
            ("disk.bz2", bz2(DISK), DISK, "raw"), ("disk.raw.zst", zst(DISK), DISK, "raw"),
            ("disk.qcow2.xz", xz(qcow2), qcow2, "qcow2"), ("disk.zst", streamed_zst(qcow2), qcow2, "qcow2"),
            ("disk.tar.gz", gz(tar("disk.raw", body=DISK)), DISK, "raw"),
            ("disk.raw.tar.xz", xz(tar("a.qcow2", body=qcow2)), qcow2, "qcow2")):
        became(stack, stack.put(name, sent), body, name="disk", disk_format=disk_format, container_format="bare")
    sent = xz(DISK)
    told = stack.proxy.ask("POST", "/upload/", TOKEN, form.declared(),
                           body=form.form(form.field("tag", "x"), form.file(sent, "form.raw.xz")))
    assert told.get("X-Intake-Fixed") == "store, multipart, compressed", told.fields
    became(stack, told, DISK, name="form", tags=["x"], disk_format="raw")
    became(stack, stack.put("a", sent, repr_digest(sent)), DISK)
    stack.refused(stack.put("a", sent, repr_digest(DISK)), 400, "digest_mismatch")
    became(stack, stack.put("a?disk_format=raw", sent), DISK)


@scenario
def every_format_is_found(fixture):
    stack = OneCommand(fixture, policy="default: { store: test, mode: force }\n", conf=DECOMPRESS)
    for name, pack, disk_format, container_format in (
            ("filled.vmdk", bz2, "vmdk", "bare"), ("new.vhd", gz, "vhd", "bare"), ("new.vhdx", xz, "vhdx", "bare"),
            ("new.vdi", zst, "vdi", "bare"), ("data.iso", gz, "iso", "bare"), ("gpt.raw", xz, "raw", "bare"),
            ("luks1.raw", bz2, "raw", "bare"), ("machine.ova", xz, "vmdk", "ova"), ("new.hds", gz, "ploop", "bare")):
        body = specimen_data(fixture, name)
        became(stack, stack.put(f"{name}.x", pack(body)), body, disk_format=disk_format,
               container_format=container_format)


@scenario
def its_opening_may_come_in_any_pieces(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    for pack in (xz, zst, lambda body: gz(tar("disk", body=body))):
        sent = pack(TINY)
        fields = head("PUT /upload/a HTTP/1.1", "Host: h", TOKEN, f"Content-Length: {len(sent)}")
        for at in (*range(1, 20), *range(20, len(sent), 101), len(sent) - 1, "each"):
            with stack.proxy.client() as client:
                client.send(fields)
                step = 1 if at == "each" else at
                for begin in range(0, len(sent) if at == "each" else step + 1, step):
                    client.send(sent[begin:begin + step] if at == "each" or not begin else sent[begin:])
                became(stack, client.answer(), TINY, disk_format="raw")


@scenario
def it_can_be_repeated(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    for number, (path, sent) in enumerate((("a.raw.xz?disk_format=raw", xz(DISK)), ("a.raw.zst", zst(DISK)))):
        key = f"Idempotency-Key: {number}"
        first = stack.put(path, sent, key)
        assert first.status == 201, first.body
        again = stack.put(path, sent, key)
        assert (again.status, json.loads(again.body)) == (200, json.loads(first.body)), again.body
        told = json.loads(stack.put(path, sent + b"\0" * 4, key).body)
        assert told["reason"] == "bad_request" and "another image" in told["message"], told
        stack.glance.delete(json.loads(first.body)["id"])


@scenario
def min_disk_is_that_of_the_disk_in_it(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    path = fixture.folder / "big.qcow2"
    packed("qemu-img", "create", "-q", "-f", "qcow2", path, "5G", body=b"")
    big = path.read_bytes()
    for path, sent, body, gib in (("a?min_disk=auto", xz(big), big, 5),
                                  ("a?min_disk=auto&disk_format=qcow2", gz(big), big, 5),
                                  ("a?min_disk=auto", zst(DISK), DISK, 1),
                                  ("a?min_disk=auto", gz(tar("disk.raw", body=DISK)), DISK, 1)):
        became(stack, stack.put(path, sent), body, min_disk=gib)
    sent = xz(DISK)
    became(stack, stack.put("a?min_disk=auto", sent, f"X-Openstack-Image-Size: {len(DISK)}"), DISK, min_disk=1)
    for path in ("a?min_disk=auto", "a?min_disk=auto&disk_format=raw"):
        stack.refused(stack.put(path, sent), 400, "bad_request", "once it is decompressed")


@scenario
def what_stays_compressed_is_left_alone(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    sent = gz(DISK)
    for query in ("disk_format=ari", "disk_format=aki", "disk_format=raw&container_format=docker",
                  "disk_format=raw&container_format=compressed"):
        told = stack.put(f"initrd.gz?{query}", sent)
        assert told.get("X-Intake-Fixed") == "store", told.fields
        stack.made(told, sent, name="initrd")


@scenario
def bad_data_leaves_no_image(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    unknown = b"nothing that is known\0" * 9000
    stack.refused(stack.put("a", xz(unknown)), 400, "format_unknown", "decompressed, looked for were qcow2, vmdk")
    stack.refused(stack.put("a", xz(gz(DISK))), 400, "compressed", "decompressed, it looks like gzip")
    stack.refused(stack.put("a", gz(tar("a", "b", body=DISK))), 400, "compressed", "more than one disk")
    stack.refused(stack.put("a", b"7z\xbc\xaf\x27\x1c" + DISK), 400, "compressed", "a 7z archive")
    for sent in (xz(DISK), gz(tar("disk", body=DISK))):
        stack.refused(stack.put("a", sent[:-30]), 400, "truncated")
        stack.refused(stack.put("a", sent[:100]), 400, "truncated")
        stack.refused(stack.put("a", sent + b"more"), 400, "damaged_body")
    skipped = b"\x50\x2a\x4d\x18" + (3 << 20).to_bytes(4, "little") + bytes(3 << 20)  # a frame without data
    stack.refused(stack.put("a", skipped + zst(DISK)), 400, "compressed", "do not have the beginning")
    posts = [one for one in stack.glance.requests() if one["method"] == "POST"]
    assert len(posts) == 5, "of those whose end is wrong"


@scenario
def the_policy_counts_as_for_any_upload(fixture):
    stack = OneCommand(fixture, conf=DECOMPRESS)
    iso = xz(specimen_data(fixture, "data.iso"))
    stack.refused(stack.put("a", iso), 403, "denied_by_policy", "ISO images")
    stack.proxy.reload({**stack.conf, "upload": {"compressed": "decompress", "max_size": "1MiB"}}, POLICY)
    bomb = DISK[:512] + bytes(8 << 20)
    for pack in (xz, gz, bz2, zst, streamed_zst, lambda body: gz(tar("disk", body=body))):
        stack.refused(stack.put("a", pack(bomb)), 413, "too_large")
    stack.proxy.reload({"keystone": {"auth_url": stack.keystone.url}}, POLICY)
    told = stack.refused(stack.put("a", xz(DISK)), 400, "compressed", "it looks like xz: decompress it first")
    assert told["hint"].startswith("xz -dc FILE >COPY && curl -T COPY"), told
    stack.refused(stack.put("a?disk_format=raw", xz(DISK)), 400, "compressed", "declared raw, but this is xz")
    stack.proxy.reload({**stack.conf, "upload": {"compressed": "warn"}}, POLICY)
    told = stack.refused(stack.put("a", xz(DISK)), 400, "format_unknown", "it looks like xz")
    assert told["hint"].endswith("/upload/a?disk_format=raw'"), told


@scenario
def rules_decide_what_is_decompressed(fixture):
    stack = OneCommand(fixture, policy=BY_RULE)
    became(stack, stack.put("a.raw.xz", xz(DISK)), DISK, disk_format="raw", stores="test")
    stack.refused(stack.put("a.xz", xz(specimen_data(fixture, "data.iso"))), 400, "compressed",
                  "the rule isos does not have it decompressed")
    stack.proxy.reload({**stack.conf, **DECOMPRESS}, "mode: audit\n" + POLICY)
    stack.refused(stack.put("a.raw.xz", xz(DISK)), 400, "compressed", "audit mode")
    assert len([one for one in stack.glance.requests() if one["method"] == "POST"]) == 1


@scenario
def the_quota_is_for_what_is_stored(fixture):
    """Whether the data announces its length or is spooled first."""
    stack = OneCommand(fixture, conf=DECOMPRESS)
    stack.glance.set_limits(image_size_total=2)
    large = DISK[:512] + bytes(4 << 20)
    for pack in (zst, xz, lambda body: gz(tar("disk", body=body))):
        stack.refused(stack.put("a", pack(large)), 413, "quota_exceeded", "may keep 2 MiB in all")
        became(stack, stack.put("a", pack(DISK)), DISK)
