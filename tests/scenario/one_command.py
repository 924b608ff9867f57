# SPDX-License-Identifier: Apache-2.0
"""PUT /upload/NAME: one request makes the image, uploads its data, and proves it. What fails leaves no image."""
import hashlib
import json
import signal

from support import corpus, form
from support.fixture import scenario
from support.one_command import DISK, POLICY, TOKEN, OneCommand, repr_digest, specimen_data
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, chunk, head

# Of each format at least one that is found in its opening.
KNOWN = ("new.qcow2", "filled.vmdk", "new-stream.vmdk", "new.vhd", "new.vhdx", "new.vdi", "data.iso", "hybrid.iso",
         "mbr.raw", "gpt.raw", "luks1.raw", "machine.ova", "new.hds")


@scenario(threaded=True, representative=True)
def a_file_becomes_an_image(fixture):
    stack = OneCommand(fixture)
    query = ("visibility=private&tag=a&tag=b%20c&property.os_distro=cirros&property.hw_disk_bus=scsi"
             "&min_disk=3&min_ram=64")
    told = stack.put(f"cirros.img?{query}", DISK, "X-Image-Meta-Property-OS-Version: 0.6")
    stack.made(told, DISK, name="cirros", disk_format="raw", container_format="bare", visibility="private",
               tags=["a", "b c"], os_distro="cirros", hw_disk_bus="scsi", os_version="0.6", min_disk=3, min_ram=64,
               stores="test")
    assert told.get("X-Intake-Store") == "test" and told.get("X-Intake-Rule") == "default"
    assert told.get("X-Intake-Fixed") == "store"
    line = stack.proxy.wait_log(" upload request_id=")
    assert "verdict=stored" in line and "image=" in line and "project=" in line, line
    assert stack.proxy.uploads()["finished"][0]["verdict"] == "stored"
    assert stack.proxy.metric("uploads_total", result="stored") == 1


@scenario
def the_format_is_found_in_the_data(fixture):
    stack = OneCommand(fixture, policy="default: { store: test, mode: force }\n")
    found = set()
    for specimen in corpus.SPECIMENS:
        if specimen.name not in KNOWN:
            continue
        data = specimen_data(fixture, specimen.name)
        told = stack.put(specimen.name, data)
        stack.made(told, data, disk_format=specimen.disk_format, container_format=specimen.container_format)
        found.add(specimen.disk_format)
    assert found == {"qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "raw", "ploop"}, found


@scenario
def min_disk_can_be_that_of_the_disk(fixture):
    stack = OneCommand(fixture)
    qcow2 = specimen_data(fixture, "new.qcow2")
    stack.made(stack.put("a?min_disk=auto", qcow2), qcow2, min_disk=1)
    stack.made(stack.put("a?min_disk=auto", DISK), DISK, min_disk=1)
    with stack.proxy.client() as client:
        client.send(head("PUT /upload/a?min_disk=auto HTTP/1.1", "Host: h", TOKEN, "Transfer-Encoding: chunked"),
                    chunk(DISK), LAST_CHUNK)
        stack.refused(client.answer(), 400, "bad_request", "min_disk=auto needs")


@scenario
def a_body_without_a_length_is_spooled(fixture):
    stack = OneCommand(fixture)
    with stack.proxy.client() as client:
        client.send(head("PUT /upload/cirros.raw HTTP/1.1", "Host: h", TOKEN, "Transfer-Encoding: chunked"),
                    chunk(DISK[:700_000]), chunk(DISK[700_000:]), LAST_CHUNK)
        told = client.answer()
    stack.made(told, DISK, name="cirros")
    assert told.get("X-Intake-Fixed") == "store, length"


@scenario
def what_cannot_be_used_is_refused_first(fixture):
    stack = OneCommand(fixture)
    for path, words in (("", "no name"), ("?visibility=public", "no name"), ("a/b", "slash"),
                        ("a?disk_fromat=raw", "did you mean disk_format?"), ("a?visibility=all", "visibility"),
                        ("a?property.owner=x", "owner"), ("a?property.protected=true", "protected"),
                        ("a?name=b", "twice"), ("a?tag=%0a", "printable"), ("a?tag=%zz", "percent"),
                        ("a?min_disk=x", "min_disk"), ("a?x=1", "property.NAME"), ("a?disk_format=a%22b", "letters"),
                        ("a?property.=1", "1 to 255"), (f"a?tag={'x' * 256}", "255")):
        told = stack.proxy.ask("PUT", f"/upload/{path}", TOKEN, "Expect: 100-continue", body=b"")
        document = stack.refused(told, 400, "bad_request", words)
        assert document["hint"].startswith("curl -T FILE"), document
    assert not [one for one in stack.glance.requests() if one["method"] == "POST"]


@scenario
def the_policy_counts_as_for_any_upload(fixture):
    stack = OneCommand(fixture)
    iso = specimen_data(fixture, "data.iso")
    stack.refused(stack.put("secret-1", DISK), 403, "denied_by_policy", "no secrets")
    stack.refused(stack.put("a?disk_format=iso", iso), 403, "denied_by_policy", "ISO images")
    assert not [one for one in stack.glance.requests() if one["method"] == "POST"], "it was refused before"
    stack.refused(stack.put("a", iso), 403, "denied_by_policy", "ISO images")  # known only from the data
    told = stack.put("a?visibility=public", DISK)
    stack.made(told, DISK, stores="file", visibility="public")
    told = stack.put("a", DISK, "X-Image-Meta-Store: file")
    stack.made(told, DISK, stores="test")


@scenario
def bad_data_leaves_no_image(fixture):
    stack = OneCommand(fixture)
    told = stack.refused(stack.put("a", b"nothing that is known" * 9000), 400, "format_unknown", "qcow2, vmdk")
    assert told["hint"].endswith("/upload/a?disk_format=raw'"), told
    stack.refused(stack.put("a", specimen_data(fixture, "filled.xz")), 400, "compressed", "looks like xz")
    stack.refused(stack.put("a", b""), 400, "empty_body")
    stack.refused(stack.put("a?disk_format=raw", specimen_data(fixture, "new.qcow2")), 400, "format_mismatch",
                  "No image was left behind")
    stack.refused(stack.put("a", specimen_data(fixture, "filled.qcow2")[:150_000]), 400, "truncated")
    stack.refused(stack.put("a", DISK, "Repr-Digest: sha-256=:" + "A" * 43 + "=:"), 400, "digest_mismatch")
    stack.refused(stack.put("a", DISK, "Content-Range: bytes 0-9/20"), 400, "content_range")


@scenario
def what_glance_refuses_is_passed_on(fixture):
    stack = OneCommand(fixture)
    for on, status in (("create", 403), ("create", 500), ("upload", 403), ("upload", 500), ("list", 401)):
        stack.glance.fault(image="*", on=on, at="end", answer=status, times=1)
        told = stack.put("a", DISK)
        assert told.status == status, (on, status, told.start)
        stack.wait_no_image(on)
    stack.glance.fault(image="*", on="create", at="end", cut="close", times=1)
    stack.refused(stack.put("a", DISK), 502, "glance_failed", "No image was left behind")
    stack.glance.fault(image="*", on="upload", at=100_000, cut="reset", times=1)
    stack.refused(stack.put("a", DISK), 502, "glance_failed", "No image was left behind")
    stack.glance.fault(image="*", on="upload", wrong_checksum=True, times=1)
    stack.refused(stack.put("a", DISK), 502, "verify_failed")


@scenario
def a_deletion_is_tried_again(fixture):
    stack = OneCommand(fixture)
    stack.glance.fault(image="*", on="delete", at="end", answer=503, times=2)
    told = stack.put("a?disk_format=vmdk", DISK)
    assert told.status == 400
    stack.wait_no_image()

    def deletions():
        return sum(one["method"] == "DELETE" for one in stack.glance.requests())
    wait_until("the last deletion is in the journal", lambda: deletions() >= 3)
    assert deletions() == 3
    stack.glance.fault(image="*", on="delete", at="end", answer=403, times=1)
    stack.put("a?disk_format=vmdk", DISK)
    stack.proxy.wait_log(r"its image \S+ could not be deleted: Glance answers 403")
    assert len(stack.images()) == 1


def cut(stack, sent, then):
    with stack.proxy.client() as client:
        client.send(head("PUT /upload/a HTTP/1.1", "Host: h", TOKEN, f"Content-Length: {len(DISK)}"), DISK[:sent])
        then()
        client.reset()


@scenario(threaded=True)
def a_client_that_leaves_takes_its_image_along(fixture):
    stack = OneCommand(fixture)
    cut(stack, 0, lambda: None)
    cut(stack, 10_000, lambda: None)
    cut(stack, 100_000, lambda: wait_until("the image is made", stack.images))
    stack.wait_no_image("after a cut in the body")
    for on in ("list", "create", "upload", "show"):
        stack.glance.fault(image="*", on=on, at="end", stall=5, times=1)
        cut(stack, len(DISK), lambda: None)
        wait_until(f"the upload has ended: {on}", lambda: not stack.proxy.uploads()["in_flight"])
        stack.glance.no_faults()
        stack.wait_no_image(on)


@scenario(threaded=True)
def a_repetition_answers_with_the_image(fixture):
    stack = OneCommand(fixture)
    other = hashlib.shake_128(b"other").digest(510) + b"\x55\xaa"
    for fields in ((repr_digest(DISK),), ("Idempotency-Key: 1",), (repr_digest(DISK), "Idempotency-Key: 2")):
        first = stack.put("a.img", DISK, *fields)
        assert first.status == 201, first.body
        again = stack.put("a.img", DISK, *fields)
        assert (again.status, json.loads(again.body)) == (200, json.loads(first.body)), again.body
        assert again.get("Location") == first.get("Location")
        assert len(stack.images()) == 1
        if "Idempotency-Key: 1" in fields:
            for name, body in (("b.img", DISK), ("a.img", other)):
                told = json.loads(stack.put(name, body, *fields).body)
                assert told["reason"] == "bad_request" and "another image" in told["message"], told
        else:
            another = stack.put("b.img", DISK, repr_digest(DISK))
            assert another.status == 201, "another name"
            stack.glance.delete(json.loads(another.body)["id"])
        stack.glance.delete(json.loads(first.body)["id"])
        new = stack.put("a.img", DISK, *fields)
        assert new.status == 201, "the image is gone"
        stack.glance.delete(json.loads(new.body)["id"])
    told = stack.put("a", DISK, "Idempotency-Key: " + "x" * 256)
    stack.refused(told, 400, "bad_request", "1 to 255")


@scenario(threaded=True)
def a_repetition_waits_for_the_first(fixture):
    stack = OneCommand(fixture)
    for field in (repr_digest(DISK), "Idempotency-Key: x"):
        sent = head("PUT /upload/a HTTP/1.1", "Host: h", TOKEN, field, f"Content-Length: {len(DISK)}")
        with stack.proxy.client() as first, stack.proxy.client() as second:
            first.send(sent, DISK[:300_000])
            wait_until("the image is made", stack.images)
            second.send(sent)
            wait_until("both are there", lambda: stack.proxy.metric("requests_in_flight") == 2)
            first.send(DISK[300_000:])
            made = json.loads(first.answer().body)
            first.close()
            assert (answer := second.answer()).status == 200, answer.start
            assert json.loads(answer.body) == made
        assert len(stack.images()) == 1
        stack.glance.delete(made["id"])
    with stack.proxy.client() as first, stack.proxy.client() as second:  # the first one fails
        first.send(sent.replace(b"x", b"y"), DISK[:300_000])
        wait_until("the image is made", stack.images)
        second.send(sent.replace(b"x", b"y"), DISK)
        wait_until("both are there", lambda: stack.proxy.metric("requests_in_flight") == 2)
        first.reset()
        assert second.answer().status == 201
    wait_until("one is left", lambda: len(stack.images()) == 1)
    stack.glance.delete(stack.images()[0]["id"])
    stack.glance.fault(image="*", on="show", at="end", stall=5, times=1)  # the first one's client does not wait
    with stack.proxy.client() as first, stack.proxy.client() as second:
        first.send(sent.replace(b"x", b"z"), DISK)
        wait_until("the image is active", lambda: [one for one in stack.images() if one["status"] == "active"])
        second.send(sent.replace(b"x", b"z"), DISK)
        first.reset()
        assert (made := second.answer()).status == 201, made.start
    assert [one["id"] for one in stack.images()] == [json.loads(made.body)["id"]], "the first one's is gone"


@scenario
def a_form_is_taken(fixture):
    stack = OneCommand(fixture)
    fields = (form.field("tag", "x"), form.field("visibility", "private"), form.field("property.os_distro", "cirros"))
    body = form.form(*fields, form.file(DISK, "caf\u00e9.img"))
    for method, path, name in (("POST", "/upload/", "caf\u00e9"), ("PUT", "/upload/other.qcow2", "other")):
        told = stack.proxy.ask(method, path, TOKEN, form.declared(), body=body)
        stack.made(told, DISK, name=name, tags=["x"], visibility="private", os_distro="cirros", disk_format="raw")
        assert told.get("X-Intake-Fixed") == "store, multipart"
    audited = "mode: audit\n" + POLICY
    stack.proxy.reload(stack.conf, audited)
    told = stack.proxy.ask("POST", "/upload/", TOKEN, form.declared(), body=body)
    stack.made(told, DISK, stores="file")  # Glance's default: nothing is changed


@scenario
def forms_that_cannot_be_used_are_refused(fixture):
    stack = OneCommand(fixture)
    stack.refused(stack.proxy.ask("POST", "/upload/a", TOKEN, body=DISK), 400, "bad_request", "by PUT")
    for parts, words in (((form.field("x", "1"), form.file(DISK)), "unknown key x"),
                         ((form.field("project", "p"), form.file(DISK)), "belong in the address"),
                         ((form.file(DISK, ""),), "has a name"),
                         ((form.field("name", "a"), form.field("name", "b"), form.file(DISK)), "twice")):
        told = stack.proxy.ask("POST", "/upload/", TOKEN, form.declared(), body=form.form(*parts))
        stack.refused(told, 400, "bad_request", words)
    told = stack.proxy.ask("POST", "/upload/", TOKEN, form.declared(),
                           body=form.form(form.field("tag", "x" * 300_000), form.file(DISK)))
    stack.refused(told, 400, "multipart_malformed", "too much before its file")
    told = stack.proxy.ask("POST", "/upload/", TOKEN, form.declared(),
                           body=form.form(form.field("name", "secret-1"), form.file(DISK)))
    stack.refused(told, 403, "denied_by_policy", "no secrets")


@scenario
def nothing_is_held(fixture):
    stack = OneCommand(fixture)
    body = DISK + bytes(8 << 20)
    with stack.proxy.client() as client:
        client.send(head("PUT /upload/a HTTP/1.1", "Host: h", TOKEN, f"Content-Length: {len(body) + 1}"), body)
        wait_until("some of it is at Glance", lambda: [
            one for one in stack.proxy.uploads()["in_flight"] if one["bytes"] > 2 << 20])
        client.reset()
    stack.wait_no_image()
    assert stack.proxy.metric("uploads_total", result="aborted") == 1


@scenario(threaded=True)
def a_stopped_proxy_leaves_no_image(fixture):
    stack = OneCommand(fixture)
    with stack.proxy.client() as client:
        client.send(head("PUT /upload/a HTTP/1.1", "Host: h", TOKEN, f"Content-Length: {2 * len(DISK)}"), DISK)
        wait_until("the image is made", stack.images)
        stack.proxy.signal(signal.SIGTERM)
        stack.proxy.wait_log("draining")
        assert stack.images(), "an upload in flight may finish"
        stack.proxy.signal(signal.SIGTERM)
        assert stack.proxy.wait_exit() == 0
    assert not stack.images()


@scenario
def it_is_off_without_keystone(fixture):
    glance = fixture.small_glance()
    proxy = fixture.proxy(glance)
    told = proxy.ask("PUT", "/upload/a", TOKEN, body=DISK[:100])
    assert told.status == 300, told.start  # Glance's list of its versions
    assert not glance.ask("GET", "/v2/images")["images"]
