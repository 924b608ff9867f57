# SPDX-License-Identifier: Apache-2.0
"""Held uploads: who may go on with one, what does not fit, two clients at the same time, and the limits."""
import threading
import time

from support.fixture import scenario
from support.proxy import wait_until
from support.raw_http import reason
from support.resuming import BODY, MIB, Resuming, STRANGER, TO_FILE, eventually, stored
from support.stack import OCTETS, TOKEN, data


# --- who may, and what does not fit -------------------------------------------------------------------


def refused_at(told, status, why, offset):
    assert reason(told) == (status, why), (told.start, told.body)
    assert told.get("Upload-Offset") == offset, told.fields


@scenario(threaded=True)
def stranger_can_neither_resume_nor_drop_nor_ask(fixture):
    """A private image does not exist for a stranger. A community image does, and only its owner may upload."""
    stack = Resuming(fixture)
    for visibility, status in (("private", 404), ("community", 403)):
        image = stack.image(visibility=visibility)
        at = stack.held(image)
        for told in (stack.ask_offset(image, STRANGER), stack.resume(image, at, token=STRANGER),
                     stack.drop(image, STRANGER), stack.put(image, BODY, STRANGER, OCTETS)):
            assert told.status == status, (visibility, told.start)
            assert told.get("Upload-Offset") is None, told.fields
        assert stack.offset(image) == at
        stored(stack, stack.resume(image, at), image)
    stack.clean()


@scenario
def what_does_not_fit_harms_nothing(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    at = stack.held(image)
    for told in (stack.resume(image, at + 1), stack.resume(image, at, total=len(BODY) + 1),
                 stack.resume(image, at, BODY + b"x")):
        refused_at(told, 409, "offset_mismatch", str(at))
    for field in ("bytes 5-4/9", "bytes */9", f"bytes {at}-{len(BODY) - 1}/*", f"bytes {at}-", "items 0-1/2",
                  f"bytes {at}-{len(BODY) - 1}/{len(BODY) - 1}", f"bytes -1-{len(BODY)}/9", "bytes 0-4/99",
                  f"bytes {at}-{at + 2}/{len(BODY)}", f"bytes 99999999999999999999-{len(BODY)}/{len(BODY)}"):
        told = stack.proxy.ask("PUT", f"/v2/images/{image}/file", TOKEN, f"Content-Range: {field}", body=b"12345")
        assert reason(told) == (400, "content_range"), (field, told.start, told.body)
    stored(stack, stack.resume(image, at), image)
    stack.clean()


@scenario
def without_a_held_upload(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    told = stack.ask_offset(image)
    assert (told.get("Upload-Offset"), told.get("Upload-Complete"), told.get("Upload-Length")) == ("0", "?0", None)
    refused_at(stack.resume(image, MIB), 409, "offset_mismatch", "0")
    assert stack.drop(image).status == 204
    stack.put(image, BODY)
    told = stack.drop(image)
    assert reason(told) == (409, "image_not_queued"), told.body
    assert stack.ask_offset("0b7c1d52-6a43-4f6e-9a0d-3f1c2e4b5a69").status == 404


@scenario
def policy_that_names_another_store_drops_it(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    at = stack.held(image)
    stack.proxy.policy_file.write_text(TO_FILE)
    stack.proxy.read_again()
    told = eventually("the new policy", lambda: stack.resume(image, at),
                      lambda told: told.get("Upload-Offset") == "0")
    refused_at(told, 409, "offset_mismatch", "0")
    stack.wait_queued(image)
    stack.put(image, BODY)
    assert stack.show(image)["stores"] == "file"
    stack.clean()


# --- two clients ----------------------------------------------------------------------------------------


@scenario(threaded=True)
def upload_that_moves_is_not_taken_over(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    going, sent = threading.Event(), 2 * MIB
    with stack.started(image, sent) as client:
        def trickle():
            nonlocal sent
            while not going.wait(0.2):
                client.send(BODY[sent:sent + 1000])
                sent += 1000
        thread = threading.Thread(target=trickle)
        thread.start()
        told = stack.resume(image, stack.offset(image))
        assert reason(told) == (423, "upload_moving"), (told.start, told.body)
        assert int(told.get("Upload-Offset")) >= 2 * MIB
        going.set()
        thread.join()
        client.send(BODY[sent:])
        stored(stack, client.answer(), image)
    stack.clean()


@scenario(threaded=True, long=True)
def silent_connection_gives_way(fixture):
    """Its client, or the one that went on with the upload."""
    stack = Resuming(fixture)
    image = stack.image()
    with stack.started(image, 2 * MIB), stack.client() as second:
        told = eventually("the first gives way", lambda: stack.resume(image, 2 * MIB, until=3 * MIB),
                          lambda told: told.status == 204)
        assert told.get("Upload-Offset") == str(3 * MIB)
        stack.begin_rest(second, image, 3 * MIB)
        second.send(BODY[3 * MIB:4 * MIB])
        stack.wait_offset(image, 4 * MIB)
        told = eventually("the second gives way", lambda: stack.resume(image, 4 * MIB),
                          lambda told: told.status != 423)
        stored(stack, told, image)
    stack.clean()


@scenario(threaded=True)
def whole_upload_starts_again(fixture):
    """As clients do that cannot resume. What was held is dropped, and nothing is mixed."""
    stack = Resuming(fixture)
    image = stack.image()
    stack.held(image)
    other = data(len(BODY), b"another file")
    stored(stack, stack.put(image, other), image, other)
    stack.proxy.wait_log("was dropped: its client has started again")
    stack.clean()


@scenario
def owner_drops_it(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    stack.held(image)
    assert stack.drop(image).status == 204
    assert stack.show(image)["status"] == "queued"
    stored(stack, stack.put(image, BODY), image)
    stack.clean()


@scenario
def deleted_image_ends_it(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    stack.held(image)
    assert "(held)" in stack.proxy.admin("/")
    assert stack.proxy.ask("DELETE", f"/v2/images/{image}", TOKEN).status == 204
    stack.proxy.wait_log("was dropped: the image was deleted")
    stack.clean()


# --- limits ---------------------------------------------------------------------------------------------


@scenario
def window_ends(fixture):
    stack = Resuming(fixture, resume={"window": "1s"})
    image = stack.image()
    with stack.started(image, 3 * MIB) as client:
        client.reset()
    stack.wait_queued(image)
    stack.proxy.wait_log("was dropped: its client did not come back")
    stack.proxy.wait_metric(1, "held_dropped_total")
    stack.clean()
    stored(stack, stack.put(image, BODY), image)


@scenario
def small_resumptions_do_not_renew_the_window(fixture):
    stack = Resuming(fixture, resume={"window": "6s"})
    image = stack.image()
    at = stack.held(image)
    while stack.show(image)["status"] == "saving":
        told = stack.resume(image, at, until=at + 1)
        at += told.status == 204
        time.sleep(0.1)
    stack.proxy.wait_log("was dropped: its client did not come back")
    stack.clean()


@scenario
def longest_held_is_dropped_at_the_limits(fixture):
    for limit, said in (("max_held", "max_held"), ("max_held_per_project", "max_held_per_project")):
        stack = Resuming(fixture, resume={"max_held_per_project": "9", limit: "2"})
        images = [stack.image() for _ in range(3)]
        for image in images[:2]:
            stack.held(image)
        with stack.started(images[2], 3 * MIB) as client:
            client.reset()
        stack.wait_queued(images[0])
        stack.proxy.wait_log(rf"was dropped: .*\({said}\)")
        stack.wait_held(2)
        for image in images[1:]:
            at = stack.offset(image)
            stored(stack, stack.resume(image, at), image)
        stack.clean()
        stack.proxy.stop()
        stack.glance.stop()
        (fixture.folder / "images").rename(fixture.folder / f"images-{limit}")


@scenario
def less_than_a_mebibyte_is_not_held(fixture):
    stack = Resuming(fixture)
    image = stack.image()
    with stack.started(image, MIB - 1) as client:
        client.reset()
    stack.wait_queued(image)
    stack.clean()
    assert stack.proxy.metric("held_dropped_total") == 0


@scenario
def drain_drops_what_has_no_client(fixture):
    stack = Resuming(fixture)
    lost, going = stack.image(), stack.image()
    stack.held(lost)
    with stack.started(going, 2 * MIB) as client:
        stack.proxy.signal(15)
        stack.proxy.wait_log("was dropped: the proxy is stopping")
        stack.wait_queued(lost)
        client.send(BODY[2 * MIB:])
        assert client.answer().status == 204
    assert stack.proxy.wait_exit() == 0


@scenario
def stalled_client_is_told_how_to_go_on(fixture):
    stack = Resuming(fixture, listen={"stall_timeout": "2s"})
    image = stack.image()
    with stack.started(image, 2 * MIB) as client:
        told = client.answer()
    assert reason(told) == (408, "client_stalled"), told.body
    assert b"curl -sI" in told.body and b"curl -C OFFSET -T FILE" in told.body, told.body
    stack.wait_held()
    stored(stack, stack.resume(image, 2 * MIB), image)
    form = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n" + BODY
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, TOKEN, "Content-Type: multipart/form-data; boundary=b",
                    f"Content-Length: {len(form) + 9}")
        client.send(form[:2 * MIB])
        told = client.answer()
    assert told.status == 408 and b"an upload in a form cannot be resumed" in told.body, told.body
    stack.wait_queued(image)
    stack.clean()


@scenario
def window_of_0_is_as_without_it(fixture):
    stack = Resuming(fixture, resume={"window": "0"})
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, TOKEN, OCTETS, f"Content-Length: {len(BODY)}")
        client.send(BODY[:2 * MIB])
        wait_until("Glance takes it", lambda: stack.show(image)["status"] == "saving")
    stack.wait_queued(image)
    assert stack.ask_offset(image).status == 405 or stack.ask_offset(image).status == 404
    told = stack.resume(image, MIB)
    assert reason(told) == (400, "content_range"), told.body
