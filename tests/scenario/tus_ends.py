# SPDX-License-Identifier: Apache-2.0
"""tus 1.0: who may go on with an upload, what it meets on its way, and how it ends."""
import signal
import threading

from support.fixture import scenario
from support.proxy import POLICY, wait_until
from support.raw_http import head, reason
from support.resuming import BODY, MIB, STRANGER, eventually
from support.stack import OCTETS, TOKEN, data
from support.tus import PART, TUS, Tus, stored


@scenario(threaded=True)
def stranger_can_do_nothing(fixture):
    """Also while the image is queued, which a stranger may see."""
    stack = Tus(fixture)
    for visibility, status in (("private", 404), ("community", 403)):
        image = stack.image(visibility=visibility)
        assert stack.create(image, token=STRANGER).status == status
        stack.created(image)
        for at in (0, 100_000):
            if at:
                stack.patched(image, 0, at)
            for told in (stack.ask_offset(image, STRANGER), stack.patch(image, at, BODY[at:], STRANGER),
                         stack.drop(image, STRANGER), stack.create(image, token=STRANGER),
                         stack.put(image, BODY, STRANGER, OCTETS)):
                assert told.status == status, (visibility, at, told.start)
                assert told.get("Upload-Offset") is None, told.fields
            assert stack.offset(image) == at
        stored(stack, stack.patch(image, at, BODY[at:]), image)
    stack.clean()


@scenario
def policy_is_asked_at_the_creation_and_again(fixture):
    stack = Tus(fixture)
    image = stack.image()
    stack.created(image)
    stack.proxy.policy_file.write_text(POLICY.replace("store: test", "store: file"))
    stack.proxy.read_again()
    told = eventually("the new policy", lambda: stack.patch(image, 0, BODY[:5]),
                      lambda told: told.status == 409)
    assert told.get("Upload-Offset") == "0", told.fields
    eventually("it is dropped", lambda: stack.ask_offset(image), lambda told: told.status == 404)
    stack.proxy.policy_file.write_text("rules:\n  - {name: no, when: {larger_than: 1MiB}, deny: too much}\n" + POLICY)
    stack.proxy.read_again()
    told = stack.create(image)
    assert reason(told) == (403, "denied_by_policy"), told.body
    stack.clean()


@scenario
def other_upload_starts_again(fixture):
    """A whole upload, or another creation. The held upload is dropped, and no data is mixed."""
    stack = Tus(fixture)
    for at in (0, 1000, 2 * MIB):
        image = stack.image()
        stack.created(image)
        stack.patched(image, 0, at)
        other = data(len(BODY), b"another file")
        stack.created(image, len(other))
        told = stack.ask_offset(image)
        assert (told.status, told.get("Upload-Offset")) == (200, "0"), (told.start, told.fields)
        stack.patched(image, 0, at)
        stack.stored(stack.put(image, other), image, other)
    stack.clean()


@scenario(threaded=True)
def upload_that_moves_is_not_taken_over(fixture):
    """Before Glance is asked, too."""
    stack = Tus(fixture)
    image = stack.image()
    stack.created(image)
    going, sent = threading.Event(), 1000
    with stack.client() as client:
        client.send(head(f"PATCH /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, TUS, PART, "Upload-Offset: 0",
                         f"Content-Length: {len(BODY)}"), BODY[:sent])
        stack.wait_offset(image, sent)

        def trickle():
            nonlocal sent
            while not going.wait(0.2):
                client.send(BODY[sent:sent + 10])
                sent += 10
        thread = threading.Thread(target=trickle)
        thread.start()
        told = stack.patch(image, stack.offset(image), BODY[:1])
        assert reason(told) == (423, "upload_moving"), told.body
        assert reason(stack.create(image)) == (423, "upload_moving")
        going.set()
        thread.join()
        client.send(BODY[sent:])
        stored(stack, client.answer(), image)
    stack.clean()


@scenario
def silent_creation_gives_way(fixture):
    """It announces a first part, and sends nothing of it."""
    stack = Tus(fixture, listen={"stall_timeout": "10m"})
    image = stack.image()
    with stack.client() as client:
        client.send(head(f"POST /v2/images/{image}/file HTTP/1.1", "Host: h", TOKEN, TUS, PART,
                         f"Upload-Length: {len(BODY)}", "Content-Length: 5000"))
        eventually("it is created", lambda: stack.ask_offset(image), lambda told: told.status == 200)
        told = eventually("it gives way", lambda: stack.patch(image, 0, BODY), lambda told: told.status != 423)
        stored(stack, told, image)
    stack.clean()


@scenario
def terminated_upload_leaves_the_image_queued(fixture):
    stack = Tus(fixture)
    for at in (0, 1000, 2 * MIB):
        image = stack.image()
        stack.created(image)
        stack.patched(image, 0, at)
        told = stack.drop(image)
        assert (told.status, told.get("Tus-Resumable")) == (204, "1.0.0"), (told.start, told.fields)
        assert stack.ask_offset(image).status == 404
        assert stack.show(image)["status"] == "queued"
        stack.created(image)
        assert stack.drop(image).status == 204
        assert stack.proxy.ask("DELETE", f"/v2/images/{image}", TOKEN).status == 204
    stack.clean()


@scenario
def refused_data_ends_it(fixture):
    """The client learns why, and the image waits for other data."""
    stack = Tus(fixture)
    image = stack.image(disk_format="qcow2")
    stack.created(image)
    told = stack.patch(image, 0, BODY)
    assert reason(told) == (400, "format_mismatch"), told.body
    assert told.get("Tus-Resumable") == "1.0.0", told.fields
    assert stack.ask_offset(image).status == 404
    stack.clean()


@scenario(long=True)
def window_and_limits_are_those_of_all(fixture):
    stack = Tus(fixture, resume={"window": "8s", "max_held": "2"})
    images = [stack.image() for _ in range(3)]
    for image in images:
        stack.created(image)
    stack.proxy.wait_log(r"was dropped: .*\(max_held")
    stack.proxy.wait_log("was dropped: its client did not come back")
    for image in images:
        eventually("it is dropped", lambda image=image: stack.ask_offset(image), lambda told: told.status == 404)
    stack.clean()


@scenario
def drain_drops_a_creation(fixture):
    stack = Tus(fixture)
    stack.created(stack.image())
    stack.proxy.signal(signal.SIGTERM)
    stack.proxy.wait_log("was dropped: the proxy is stopping")
    assert stack.proxy.wait_exit() == 0


@scenario
def nothing_is_held_without_a_window_or_in_audit_mode(fixture):
    stack = Tus(fixture, resume={"window": "0"})
    image = stack.image()
    assert stack.create(image).status in (404, 405)
    assert reason(stack.patch(image, 0, b"12345")) == (405, "wrong_method")
    stack.proxy.policy_file.write_text("mode: audit\n" + POLICY)
    stack.conf["resume"]["window"] = "10m"
    stack.policy = "mode: audit\n" + POLICY
    stack.set()
    assert reason(stack.create(image)) == (405, "wrong_method")
    wait_until("nothing is held", lambda: stack.proxy.metric("uploads_held") == 0)


@scenario
def creation_over_tls(fixture):
    stack = Tus(fixture)
    stack.speak_tls(fixture)
    stack.set()
    image = stack.image()
    told = stack.create(image, body=BODY[:100_000])
    assert (told.status, told.get("Upload-Offset")) == (201, "100000"), (told.start, told.body)
    assert told.get("Location").startswith("https://"), told.fields
    stored(stack, stack.patch(image, 100_000, BODY[100_000:]), image)
    stack.clean()
