# SPDX-License-Identifier: Apache-2.0
"""The project's quota includes uploads in flight: each reserves its bytes before it is sent to Glance."""
import concurrent.futures
import functools
import threading

from quota import MIB, length, refused
from support.fixture import scenario
from support.glance import UPLOAD, accept_upload, answer, new_upload
from support.raw_http import head
from support.stack import PAUSE, RIGHT, TOKEN, Stack, data


# --- uploads in flight -----------------------------------------------------------------------

OTHERS = "may keep 9 MiB in all, has 0, with 6 on their way, and would need 12 (image_size_total)"


@functools.cache
def six_mib():
    return data(6 * MIB)


def tight(fixture, **conf):
    """A limit of 9 MiB, for uploads of 6 MiB."""
    stack = Stack(fixture, conf={"DEFAULT": {"workers": 4}, **conf})
    stack.glance.set_limits(image_size_total=9)
    return stack


def is_over(stack):
    """Checks that the reservations of other uploads are released."""
    image = stack.image()
    stack.stored(stack.put(image, six_mib()), image, six_mib())
    stack.glance.delete(image)


@scenario(threaded=True)
def quota_includes_uploads_in_flight(fixture):
    """Over all workers. An upload that is refused for that has sent no byte."""
    stack = tight(fixture)
    image = stack.image()

    def meanwhile():
        for _ in range(8):
            late = stack.image()
            refused(stack, stack.put_head_again(late, *RIGHT, length(len(six_mib()))), late, OTHERS)
        small = data(3 * MIB)
        late = stack.image()
        stack.stored(stack.put(late, small), late, small)
        stack.glance.delete(late)
        late = stack.image()
        before = OTHERS.split(" and would")[0]
        refused(stack, stack.put_chunked(late, six_mib()), late, before)  # while it is spooled, or at its end
        # stages have their own limit
        stack.stored(stack.put(late, six_mib(), action="stage"), late, six_mib(), "stage")

    stack.stored(stack.put_with_pause(image, six_mib(), meanwhile), image, six_mib())
    late = stack.image()
    refused(stack, stack.put(late, six_mib()), late, "has 6 and would need 12")
    stack.glance.delete(image)
    is_over(stack)


@scenario(threaded=True)
def one_of_three_concurrent_uploads_fits(fixture):
    """Each would fit alone. One is stored, two are refused."""
    stack = tight(fixture)
    for action, limits in (("file", {}), ("stage", {"image_size_total": 100, "image_stage_total": 9})) * 2:
        if limits:
            stack.set_limits(**limits)
        images = [stack.image() for _ in range(3)]
        together = threading.Barrier(len(images))

        def upload(image, action=action, together=together):
            together.wait()
            return stack.put(image, six_mib(), action=action)

        with concurrent.futures.ThreadPoolExecutor(len(images)) as pool:
            answers = list(pool.map(upload, images))
        assert sorted(told.status for told in answers) == [204, 413, 413], [told.start for told in answers]
        for told, image in zip(answers, images):
            if told.status == 413:
                # 12, or 18 while Glance has the stored one already and it is still reserved
                refused(stack, told, image, "would need 1", action=action)
        for image in images:
            stack.glance.delete(image)
        stack.set_limits(image_size_total=9)


@scenario(threaded=True)
def reservation_is_released_after_every_end(fixture):
    stack = tight(fixture)
    wrong = [*RIGHT, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="]
    for fault, fields, status in (({}, wrong, 400), ({"at": PAUSE, "answer": 500}, RIGHT, 500),
                                  ({"at": "head", "answer": 403}, RIGHT, 403),
                                  ({"at": PAUSE, "cut": "reset"}, RIGHT, 502)):
        image = stack.image()
        if fault:
            stack.glance.fault(image=image, times=1, **fault)
        assert stack.put(image, six_mib(), *fields).status == status
        is_over(stack)
    for leave in ("close", "reset"):
        for sent in (1000, 3 * MIB):
            image = stack.image()
            with stack.client() as client:
                stack.begin(client, image, *RIGHT, length(len(six_mib()))).send(six_mib()[:sent])
                stack.proxy.wait_metric(1, "uploads_in_flight")
                getattr(client, leave)()
            stack.proxy.wait_log(f" upload .*image={image} .*verdict=aborted")
            is_over(stack)


@scenario
def usage_is_queried_again_after_other_uploads(fixture):
    """The first answer of Glance does not include the upload that was stored meanwhile."""
    stack = tight(fixture)
    image, other = stack.image(), stack.image()
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, length(len(six_mib())), "Expect: 100-continue")
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        stack.stored(stack.put(other, six_mib()), other, six_mib())
        client.send_until_refused(six_mib())
        refused(stack, client.answer(), image, "has 6 and would need 12")


@scenario
def audit_reports_an_exceeded_quota(fixture):
    """The upload is still sent to Glance, and the finding is reported."""
    stack = tight(fixture)
    stack.policy = ("rules: [{ name: watched, when: { name: watched }, store: test, mode: audit }]\n"
                    "default: { store: test, mode: force }\n")
    stack.set()
    image = stack.image(name="watched")

    def meanwhile():
        late = stack.image(name="watched")
        told = stack.put(late, six_mib())
        assert (told.status, told.get("X-Intake-Audit")) == (204, "quota_exceeded"), told.fields

    stack.stored(stack.put_with_pause(image, six_mib(), meanwhile), image, six_mib())


@scenario
def foreign_uploads_reserve_nothing(fixture):
    """Another user who can see an image may announce any length for it. No upload of the owner is refused for
    that, even while Glance delays the foreign upload."""
    def upload(asked):
        if asked.get("X-Auth-Token") == "other-token":
            asked.hold().send(answer("403 Forbidden"))
        else:
            accept_upload(asked)

    glance = fixture.glance(upload=upload, usage={"usage": {"image_size_total": {"usage": 0, "limit": 9}}})
    proxy = fixture.proxy(glance, conf={"DEFAULT": {"workers": 4}})
    with proxy.client() as slow, proxy.client() as other:
        for client, sent in ((slow, 1000), (other, PAUSE)):
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "X-Auth-Token: other-token", length(len(six_mib()))),
                        six_mib()[:sent])
        glance.the_upload()
        told = proxy.ask("PUT", new_upload(), TOKEN, body=six_mib())
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.body
        glance.uploads()[0].go()
        assert other.answer().status == 403
