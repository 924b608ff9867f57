# SPDX-License-Identifier: Apache-2.0
"""backing = spool: an upload is on disk until its data is whole, and survives the proxy. Glance then gets it in one
go."""
import base64
import hashlib
import json
import os
import signal
import stat

from support.draft import Draft
from support.fixture import scenario
from support.kept import AT, Kept
from support.proxy import POLICY, wait_until
from support.restarts import begin, restart
from support.raw_http import reason
from support.resuming import BODY, MIB, STRANGER, TO_FILE, eventually
from support.stack import OCTETS, TOKEN, data
from support.tus import Tus


# --- in one process -------------------------------------------------------------------------------


@scenario(threaded=True, representative=True)
def glance_gets_nothing_before_the_end(fixture):
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image()
    with stack.started(image, AT) as client:
        upload, = kept.proxy.uploads()["in_flight"]
        assert (upload["state"], upload["bytes"]) == ("spooling", 0), upload
        assert kept.files() == [f"{image}.data", f"{image}.state"]
        for name in kept.files():
            assert stat.S_IMODE(os.stat(kept.folder / name).st_mode) == 0o600
        assert "demo-token" not in (kept.folder / f"{image}.state").read_text()
        client.reset()
    stack.wait_held()
    wait_until("what has come is on disk", lambda: kept.size(image) == AT)
    wait_until("it is shown as held", lambda: [("held", AT)] == [
        (one["state"], one["spooled"]) for one in kept.proxy.uploads()["in_flight"]])
    assert stack.puts(image) == [] and stack.show(image)["status"] == "queued"
    told = stack.resume(image, AT)
    kept.stored(told, image)
    assert len(stack.puts(image)) == 1
    assert " resumed=1 " in stack.log_line(told)
    kept.clean()


@scenario(threaded=True)
def whole_upload_replaces_what_is_kept(fixture):
    """And a client that drops it. A stranger can do nothing."""
    kept = Kept(fixture)
    stack = kept.stack
    for visibility, status in (("private", 404), ("community", 403)):
        image = stack.image(visibility=visibility)
        kept.held(image, AT)
        for told in (stack.ask_offset(image, STRANGER), stack.resume(image, AT, token=STRANGER),
                     stack.drop(image, STRANGER), stack.put(image, BODY, STRANGER, OCTETS)):
            assert told.status == status, (visibility, told.start)
        assert stack.offset(image) == AT
        other = data(len(BODY), b"another file")
        kept.stored(stack.put(image, other), image, other)
    image = stack.image()
    kept.held(image, AT)
    assert stack.drop(image).status == 204
    kept.clean()
    kept.stored(stack.put(image, BODY), image)
    small = stack.image()
    kept.stored(stack.put(small, BODY[:1000]), small, BODY[:1000])
    kept.clean()


@scenario(threaded=True)
def bad_data_is_removed(fixture):
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image(disk_format="qcow2")
    assert reason(stack.put(image, BODY)) == (400, "format_mismatch")
    kept.wait_no_files()
    with stack.client() as client:  # before the rest has come
        stack.begin(client, image, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
        client.send(BODY[:100_000])
        assert reason(client.answer()) == (400, "format_mismatch")
    kept.wait_no_files()
    image = stack.image()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert reason(stack.put(image, BODY, TOKEN, OCTETS, f"Repr-Digest: sha-256=:{wrong}:")) == (400, "digest_mismatch")
    kept.clean()


# --- over the end of the process ------------------------------------------------------------------


@scenario(threaded=True)
def killed_proxy_goes_on(fixture):
    """Killed while data comes; while it is held; and once more. Who may go on, and what, is judged again."""
    kept = Kept(fixture)
    stack, image, held = kept.stack, kept.stack.image(), kept.stack.image()
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    promise = f"Repr-Digest: sha-256=:{digest}:"
    kept.held(held, AT)
    with stack.started(image, AT, fields=(TOKEN, OCTETS, promise)):
        kept.killed()
    at = stack.offset(image)
    assert MIB < at <= AT and at == kept.size(image), at
    assert stack.offset(held) == AT
    told = stack.ask_offset(held)
    assert told.get("Upload-Expires") and told.get("Upload-Length") == str(len(BODY)), told.fields
    shown = {upload["image"]: upload for upload in kept.proxy.uploads()["in_flight"]}
    assert [(shown[one]["state"], shown[one]["spooled"]) for one in (image, held)] == [("held", at), ("held", AT)]
    kept.proxy.wait_metric(2, "uploads_held")
    kept.proxy.wait_metric(at + AT, "spool_bytes")
    assert "(held)" in kept.proxy.admin("/")
    for told in (stack.ask_offset(image, STRANGER), stack.resume(image, at, token=STRANGER),
                 stack.resume(image, at, total=len(BODY) + 1, token=STRANGER)):
        assert (told.status, told.get("Upload-Offset")) == (404, None), (told.start, told.fields)
    for told in (stack.resume(image, at + 1),
                 stack.resume(image, at, total=len(BODY) + 1)):
        assert reason(told) == (409, "offset_mismatch"), (told.start, told.body)
        assert told.get("Upload-Offset") == str(at), told.fields
    told = stack.resume(image, at, until=at + MIB)
    assert (told.status, told.get("Upload-Offset"), told.get("Upload-Complete")) == (204, str(at + MIB), "?0"), \
        (told.start, told.fields)
    kept.killed()
    assert stack.offset(image) == at + MIB
    kept.stored(stack.resume(image, at + MIB), image)
    kept.stored(stack.resume(held, AT), held)
    kept.clean()


@scenario(threaded=True)
def promise_and_wrong_rest_after_a_kill(fixture):
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image()
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    with stack.started(image, AT, fields=(TOKEN, OCTETS, f"Repr-Digest: sha-256=:{digest}:")):
        kept.killed()
    at = stack.offset(image)
    told = stack.resume(image, at, BODY[:at] + data(len(BODY) - at, b"another file"))
    assert reason(told) == (400, "digest_mismatch"), told.body
    stack.wait_queued(image)
    kept.clean()


@scenario(threaded=True)
def stopped_proxy_keeps_it(fixture):
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image()
    kept.held(image, AT)
    kept.end(signal.SIGTERM)
    assert "stays on disk" in kept.proxy.log()
    kept.again()
    assert stack.offset(image) == AT
    assert kept.proxy.ask("DELETE", f"/v2/images/{image}", TOKEN).status == 204
    kept.clean()


@scenario(threaded=True)
def tus_and_draft_go_on_after_a_kill(fixture):
    kept = Kept(fixture, Tus)
    tus, image = kept.stack, kept.stack.image()
    tus.created(image)
    tus.patched(image, 0, 100)
    kept.killed()
    told = tus.ask_offset(image)
    assert (told.get("Upload-Offset"), told.get("Upload-Length")) == ("100", str(len(BODY))), told.fields
    refused = tus.patch(image, 50, BODY[50:])
    assert (refused.status, refused.get("Upload-Offset"), refused.get("Tus-Resumable")) == (409, "100", "1.0.0"), \
        (refused.start, refused.fields)
    assert tus.patch(image, 100, BODY[100:] + b"x").status == 400
    assert tus.patch(image, 100, b"").status == 204
    at = tus.patched(image, 100, 2 * MIB)
    kept.killed()
    told = tus.patch(image, at, BODY[at:])
    assert (told.status, told.get("Upload-Offset")) == (204, str(len(BODY))), (told.start, told.fields, told.body)
    kept.stored(told, image)
    kept.clean()

    draft = Draft.__new__(Draft)
    draft.__dict__.update(tus.__dict__)
    image = draft.image()
    with draft.client() as client:
        draft.begin_draft(client, image)
        client.send(BODY[:AT])
        draft.wait_offset(image, AT)
        kept.killed()
    at = int(draft.ask_offset(image).get("Upload-Offset"))
    assert 0 < at <= AT
    told = draft.patch(image, at + 1, BODY[at + 1:], "?1")
    problem = json.loads(told.body)
    assert (told.status, problem["expected-offset"], told.get("Upload-Complete")) == (409, at, "?0"), \
        (told.fields, problem)
    told = draft.patch(image, at, BODY[at:at + 9])
    assert (told.status, told.get("Upload-Complete"), told.get("Upload-Offset")) == (204, "?0", str(at + 9))
    told = draft.patch(image, at + 9, BODY[at + 9:], "?1")
    assert told.get("Upload-Complete") == "?1"
    kept.stored(told, image)
    kept.clean()


@scenario(threaded=True)
def policy_and_limits_are_judged_again(fixture):
    kept = Kept(fixture)
    stack, image, gone = kept.stack, kept.stack.image(), kept.stack.image()
    for one in (image, gone):
        kept.held(one, AT)
    kept.end(signal.SIGKILL)
    kept.proxy.policy_file.write_text(TO_FILE)
    kept.again()
    told = stack.resume(image, AT)
    assert reason(told) == (409, "offset_mismatch") and told.get("Upload-Offset") == "0", (told.fields, told.body)
    wait_until("its files are removed", lambda: kept.files() == [f"{gone}.data", f"{gone}.state"])
    assert stack.offset(image) == 0
    kept.proxy.policy_file.write_text(POLICY.replace("default:", "default:\n  max_size: 1MiB"))
    kept.proxy.read_again()
    assert reason(stack.resume(gone, AT)) == (413, "too_large")
    assert stack.offset(gone) == AT
    kept.proxy.policy_file.write_text(POLICY)
    kept.proxy.read_again()
    kept.stored(stack.resume(gone, AT), gone)
    kept.clean()


@scenario(threaded=True)
def restarted_proxy_goes_on(fixture):
    """SIGUSR2: what is held is left to the new process, and what is sent stays with the old one."""
    kept = Kept(fixture)
    kept.proxy.stop()
    begin(fixture, kept.proxy)
    stack, held, going = kept.stack, kept.stack.image(), kept.stack.image()
    kept.held(held, AT)
    client = stack.started(going, 2 * MIB)
    old = restart(kept.proxy)
    told = eventually("the new process has found it", lambda: stack.resume(held, AT),
                      lambda told: told.status not in (409, 423))
    kept.stored(told, held)
    told = stack.put(going, BODY)
    assert told.status in (409, 423), (told.start, told.body)
    client.send(BODY[2 * MIB:])
    kept.stored(client.answer(), going)
    client.close()
    old.wait()
    kept.wait_no_files()


@scenario
def upload_outlives_its_token(fixture):
    """Glance gets the data at the end, and says that the token has expired. The client goes on with a new one."""
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image()
    stack.glance.fault(image="*", on="upload", at="head", answer=401, times=1)
    assert stack.put(image, BODY).status == 401
    told = eventually("it can be resumed", lambda: stack.ask_offset(image), lambda told: told.status == 200)
    at = int(told.get("Upload-Offset"))
    assert at == len(BODY) - 1
    kept.stored(stack.resume(image, at), image)
    kept.clean()


@scenario
def upload_outlives_a_time_of_audit(fixture):
    """Audit mode holds nothing, and drops nothing: not even if the policy names another store then."""
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image()
    kept.dormant(image, AT)
    for policy in (POLICY, TO_FILE):
        kept.proxy.policy_file.write_text("mode: audit\n" + policy)
        kept.proxy.read_again()
        told = stack.resume(image, AT)
        assert reason(told) == (405, "wrong_method"), (told.start, told.body)
        assert told.get("Upload-Offset") == str(AT), told.fields
        assert stack.offset(image) == AT
    kept.proxy.policy_file.write_text(POLICY)
    kept.proxy.read_again()
    kept.stored(stack.resume(image, AT), image)
    kept.clean()


@scenario
def upload_outlives_a_time_without_its_directory(fixture):
    kept = Kept(fixture)
    stack, image = kept.stack, kept.stack.image()
    kept.dormant(image, AT)
    kept.proxy.reload({**stack.conf, "resume": {"window": "10m"},
                       "upload": {"spool_dir": "", "unknown_length": "stream"}}, stack.policy)
    told = stack.resume(image, AT)
    assert reason(told) == (507, "spool_full"), (told.start, told.body)
    kept.proxy.reload({**stack.conf, "upload": {}}, stack.policy)
    kept.stored(stack.resume(image, AT), image)
    kept.clean()
