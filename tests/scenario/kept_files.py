# SPDX-License-Identifier: Apache-2.0
"""backing = spool: what is on disk, whatever has become of it, and the limits of the disk; and a Glance that fails."""
import json
import os
import signal
import subprocess
import time

from support.fixture import Skip, scenario
from support.glance import IMAGE, UPLOAD, accept_upload, facts, json_answer
from support.glance import stored as stored_image
from support.kept import AT, Kept, SPOOL
from support.proxy import wait_until
from support.raw_http import head, reason
from support.resuming import BODY, MIB, Resuming, eventually
from support.stack import OCTETS, TOKEN


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
    for image in images.values():
        kept.proxy.wait_log(image)
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
