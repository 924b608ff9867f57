# SPDX-License-Identifier: Apache-2.0
"""backing = spool: an upload is on disk until its data is whole, and survives the proxy. Glance then gets it in one
go."""
import base64
import hashlib
import json
import os
import signal
import stat
import subprocess
import time

from support.draft import Draft
from support.fixture import Skip, scenario
from support.glance import IMAGE, UPLOAD, accept_upload, facts, json_answer
from support.glance import stored as stored_image
from support.proxy import POLICY, wait_until
from support.raw_http import head
from support.restarts import begin, restart
from support.resuming import BODY, MIB, STRANGER, Resuming, eventually
from support.stack import OCTETS, TOKEN, data
from support.tus import Tus

SPOOL = {"backing": "spool"}
AT = 3 * MIB + 5
TO_FILE = POLICY.replace("store: test", "store: file")


def reason(told):
    return told.status, json.loads(told.body)["reason"]


class Kept:
    """What the scenarios need besides a client that resumes: the files, and the end of the proxy."""

    def __init__(self, fixture, kind=Resuming, resume=None, **more):
        self.stack = kind(fixture, resume={**SPOOL, **(resume or {})}, **more)
        self.proxy = self.stack.proxy
        self.folder = self.proxy.spool_dir / "resumable"

    def files(self):
        return sorted(os.listdir(self.folder)) if self.folder.exists() else []

    def wait_no_files(self):
        wait_until("all files are removed", lambda: not self.files())
        self.proxy.wait_metric(0, "spool_bytes")

    def size(self, image):
        return os.stat(self.folder / f"{image}.data").st_size

    def end(self, number):
        """Kills or stops the proxy."""
        self.proxy.signal(number)
        self.proxy.process.wait()

    def again(self):
        """Starts the proxy again."""
        self.proxy.error_file.unlink()
        self.proxy.start()
        self.proxy.wait_ready()

    def held(self, image, sent):
        """An upload that has lost its client after so many bytes, which are on disk."""
        self.stack.held(image, sent)
        wait_until("it is on disk", lambda: self.size(image) == sent)
        return sent

    def wait_saved(self, image, size):
        state = self.folder / f"{image}.state"
        wait_until("the state is written", lambda: json.loads(state.read_text())["synced"] == size)
        return json.loads(state.read_text())

    def killed(self):
        self.end(signal.SIGKILL)
        self.again()

    def stored(self, told, image, body=BODY):
        assert told.get("X-Intake-Verified") == "sha512", (told.start, told.fields, told.body)
        self.stack.stored(told, image, body)

    def clean(self):
        self.stack.clean()
        self.wait_no_files()


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
    upload, = kept.proxy.uploads()["in_flight"]
    assert (upload["state"], upload["spooled"]) == ("held", AT), upload
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


# --- what is on disk ------------------------------------------------------------------------------


class Files:
    """Files as no proxy has left them."""

    def __init__(self, kept, image):
        self.kept = kept
        self.image = image
        self.state = kept.folder / f"{image}.state"
        self.data = kept.folder / f"{image}.data"
        self.text = self.state.read_text()

    def no_state(self):
        self.state.unlink()

    def no_data(self):
        self.data.unlink()

    def garbage(self):
        self.state.write_bytes(b"\xff" * 999)

    def huge(self):
        self.state.write_text(self.text + " " * 99_999)

    def other_image(self):
        self.state.write_text(self.text.replace(self.image, self.image[::-1]))

    def negative(self):
        self.state.write_text(self.text.replace(f'"length": {len(BODY)}', '"length": -5'))

    def longer(self):
        with open(self.data, "ab") as file:
            file.truncate(len(BODY) + 1)

    def link(self):
        outside = self.kept.folder.parent / "outside"
        outside.write_bytes(BODY[:99])
        self.data.unlink()
        self.data.symlink_to(outside)

    def hard_link(self):
        os.link(self.data, self.kept.folder.parent / "hard")

    def readable(self):
        self.data.chmod(0o644)

    def fifo(self):
        self.data.unlink()
        os.mkfifo(self.data)

    def state_link(self):
        other = self.kept.folder.parent / "state"
        self.state.rename(other)
        self.state.symlink_to(other)


FAULTS = [name for name in vars(Files) if not name.startswith("_")]


@scenario(threaded=True)
def faulty_files_are_removed_and_never_trusted(fixture):
    kept = Kept(fixture, resume={"max_held_per_project": "64"})
    stack = kept.stack
    images = {fault: stack.image() for fault in FAULTS}
    good = stack.image()
    for image in (*images.values(), good):
        kept.held(image, MIB + 7)
    kept.end(signal.SIGKILL)
    for fault, image in images.items():
        getattr(Files(kept, image), fault)()
    (kept.folder / f"{good}.new").write_text("half a state")
    (kept.folder / "0123.new").write_text("half a state")
    kept.again()
    assert kept.files() == [f"{good}.data", f"{good}.state"], kept.files()
    log = kept.proxy.log()
    for fault, image in images.items():
        assert image in log, (fault, log)
    assert (kept.folder.parent / "outside").read_bytes() == BODY[:99]
    assert stack.offset(images["garbage"]) == 0
    kept.stored(stack.put(images["link"], BODY), images["link"])
    kept.stored(stack.resume(good, MIB + 7), good)
    kept.clean()


@scenario(threaded=True)
def only_what_was_synchronised_counts_after_a_crash_of_the_machine(fixture):
    kept = Kept(fixture)
    stack, image, whole = kept.stack, kept.stack.image(), kept.stack.image()
    for one in (image, whole):
        kept.held(one, AT)
        kept.wait_saved(one, AT)
    kept.end(signal.SIGKILL)
    soon = int(time.time() * 1000) + 120_000
    for one, size in ((image, AT + 1000), (whole, len(BODY))):
        state = kept.folder / f"{one}.state"
        if one == image:
            state.write_text(json.dumps({**json.loads(state.read_text()), "boot": "another", "expires": soon}))
        os.truncate(kept.folder / f"{one}.data", size)
    kept.again()
    assert (stack.offset(image), kept.size(image)) == (AT, AT)
    # All bytes were here, and Glance has not got them: a client has to come back.
    assert (stack.offset(whole), kept.size(whole)) == (len(BODY) - 1, len(BODY) - 1)
    assert stack.resume(image, AT, until=AT + MIB).status == 204
    assert kept.wait_saved(image, AT + MIB)["expires"] > soon + 60_000  # the part has renewed the window
    kept.stored(stack.resume(image, AT + MIB), image)


# --- limits ---------------------------------------------------------------------------------------


@scenario(threaded=True)
def window_and_limits_count_for_what_is_on_disk(fixture):
    kept = Kept(fixture, resume={"max_held": "2"})
    stack, images = kept.stack, [kept.stack.image() for _ in range(3)]
    for image in images[:2]:
        kept.held(image, AT)
        kept.wait_saved(image, AT)
    kept.end(signal.SIGTERM)  # and at the limit none is dropped
    kept.again()
    stack.wait_held(2)
    with stack.started(images[2], AT) as client:
        client.reset()
    kept.proxy.wait_log(r"was dropped: too many are held \(max_held\)")
    stack.wait_held(2)
    wait_until("its files are removed", lambda: len(kept.files()) == 4)
    left = [image for image in images if f"{image}.data" in kept.files()]
    assert images[2] in left
    for image in left:
        kept.wait_saved(image, AT)
    kept.end(signal.SIGKILL)
    for state in kept.folder.glob("*.state"):
        said = json.loads(state.read_text())
        wall = int(time.time() * 1000)
        assert said["expires"] > wall
        state.write_text(json.dumps({**said, "expires": wall + (500 if images[2] in state.name else 9_999_999)}))
    kept.again()
    stack.wait_held(1)
    kept.proxy.wait_log(f"image {images[2]}.*was dropped: its client did not come back")
    wait_until("its files are removed", lambda: len(kept.files()) == 2)


@scenario(threaded=True)
def full_disk_loses_nothing(fixture):
    """spool_limit: refused before a byte if the length alone is too much, and later goes on."""
    kept = Kept(fixture, spool_limit="8MiB")
    stack, first, second = kept.stack, kept.stack.image(), kept.stack.image()
    large = stack.image()
    told = stack.put_head(large, TOKEN, OCTETS, f"Content-Length: {9 * MIB}")
    assert reason(told) == (507, "spool_full")
    with stack.client() as one:
        stack.begin(one, first, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
        one.send(BODY[:MIB])
        stack.wait_offset(first, MIB)
        with stack.client() as two:
            stack.begin(two, second, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
            two.send(BODY[:5 * MIB])
            stack.wait_offset(second, 5 * MIB)
            one.send_until_refused(BODY[MIB:])
            told = one.answer()
            assert reason(told) == (507, "spool_full"), told.body
            assert b"curl -sI" in told.body, told.body
            at = stack.offset(first)
            assert MIB <= at < 4 * MIB and at == kept.size(first)
            two.reset()
    stack.wait_held(2)
    assert stack.drop(second).status == 204
    told = eventually("there is space again", lambda: stack.resume(first, at), lambda told: told.status != 507)
    kept.stored(told, first)
    kept.clean()


@scenario(threaded=True)
def full_file_system_loses_nothing(fixture):
    """The files are on a file system of eight MiB, in a mount namespace of the proxy."""
    folder = fixture.folder / "small-disk"
    folder.mkdir()
    mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c",
               'mount -t tmpfs -o size=8m none "$0" && exec "$@"', str(folder)]
    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("this machine allows no mount namespaces")
    fixture.proxy_command = mounted + fixture.proxy_command
    stack = Resuming(fixture, resume=SPOOL, spool_dir=folder)
    first, second = stack.image(), stack.image()
    stack.held(first, AT)
    assert reason(stack.put(second, BODY)) == (507, "spool_full")
    at = stack.offset(second)
    assert MIB < at < len(BODY)
    assert stack.drop(first).status == 204
    told = eventually("there is space again", lambda: stack.resume(second, stack.offset(second)),
                      lambda told: told.status == 204)
    stack.stored(told, second, BODY)
    stack.clean()


# --- Glance ---------------------------------------------------------------------------------------


class Breaking:
    """A Glance that breaks off in so many uploads, and takes the next one."""

    def __init__(self, fixture, count):
        self.left = count
        self.glance = fixture.glance(upload=self.take, image=self.tell)
        self.proxy = fixture.proxy(self.glance, conf={"resume": {"window": "10m", **SPOOL}})

    def take(self, asked):
        self.left -= 1
        if self.left >= 0:
            asked.read().reset()
        else:
            accept_upload(asked)

    def tell(self, asked):
        done = [one for one in self.glance.uploads() if one.answered == 204]
        known = stored_image(done[-1]) if done else {"status": "queued"}
        asked.read().send(json_answer("200 OK", {"id": IMAGE, **facts(), **known}))

    def put(self, first):
        with self.proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(BODY) - first}",
                             *((f"Content-Range: bytes {first}-{len(BODY) - 1}/{len(BODY)}",) if first else ())))
            client.send_until_refused(BODY[first:])
            return client.answer()


@scenario(threaded=True)
def failed_glance_is_tried_again_and_loses_nothing(fixture):
    broken = Breaking(fixture, 1)
    told = broken.put(0)
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (told.start, told.body)
    assert [len(asked.body) for asked in broken.glance.uploads()] == [len(BODY)] * 2
    broken.left = 2
    broken.glance.requests.clear()
    assert reason(broken.put(0)) == (502, "glance_failed")
    broken.proxy.wait_metric(1, "uploads_held")
    told = broken.put(len(BODY) - 1)
    assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (told.start, told.body)
    assert broken.glance.uploads()[-1].body == BODY
    broken.proxy.wait_metric(0, "spool_bytes")
