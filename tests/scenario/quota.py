# SPDX-License-Identifier: Apache-2.0
"""What a project may have (Glance's unified limits) is looked at with the upload counted in; Glance alone
counts only what is there already, and lets one upload overshoot."""
import concurrent.futures
import threading

from support.stack import DOORS, PAUSE, RIGHT, TOKEN, Desk, data
from support.form import declared, file, form
from support.glance import UPLOAD, accept_upload, answer, json_answer, new_upload
from support.fixture import scenario
from support.raw_http import chunks, head

MIB = 1 << 20
CHUNKED = "Transfer-Encoding: chunked"


def length(size):
    return f"Content-Length: {size}"


def refused(desk, told, image, *words, door="file", reached=False):
    said = desk.refused(told, image, 413, "quota_exceeded", door, reached)
    for each in words:
        assert each in said["message"], said
    return said


@scenario(threaded=True, representative=True)
def quota_includes_the_upload(scene):
    """Limit, use and need are told, and the client has not sent a byte."""
    desk = Desk(scene)
    desk.glance.set_limits(image_size_total=5)
    body = data(3 * MIB)
    image = desk.image()
    desk.stored(desk.put(image, body), image, body)
    for size, need in ((2 * MIB + 1, 6), (3 * MIB, 6), (1 << 40, (1 << 20) + 3)):
        image = desk.image()
        told = desk.put_head(image, *RIGHT, length(size))
        refused(desk, told, image, "may keep 5 MiB in all", "has 3 ", f"need {need} ", "image_size_total")
    refused(desk, desk.put(image, body), image)  # who does not wait hears it as well
    body = data(2 * MIB)
    desk.stored(desk.put(image, body), image, body)
    image = desk.image()
    refused(desk, desk.put_head(image, *RIGHT, length(1)), image, "has 5 ", "need 6 ")
    assert desk.proxy.metric("refusals_total", reason="quota_exceeded") == 5


@scenario
def glance_alone_would_exceed_the_quota(scene):
    desk = Desk(scene)
    desk.glance.set_limits(image_size_total=1)
    body = data(2 * MIB)
    image = desk.image()
    refused(desk, desk.put(image, body), image)
    desk.glance.upload(image, body)
    assert desk.show(image)["status"] == "active"


@scenario
def quota_is_the_callers_project(scene):
    desk = Desk(scene)
    body = data(3 * MIB)
    for image in (desk.image(), desk.image(visibility="shared")):
        desk.stored(desk.put(image, body), image, body)
    desk.glance.set_limits(image_size_total=6)
    refused(desk, desk.put(image := desk.image(), body), image, "has 6 ")
    other = "X-Auth-Token: other-token"
    with desk.client() as client:
        created = client.ask("POST", "/v2/images", other, "Content-Type: application/json",
                             body=b'{"disk_format": "raw", "container_format": "bare"}')
        theirs = created.get("Location").split("/")[-1]
    assert desk.put(theirs, body, other, *RIGHT[1:]).status == 204


@scenario
def concurrent_upload_limit_is_enforced(scene):
    desk = Desk(scene)
    desk.glance.set_limits(image_count_uploading=1)
    staged = desk.image()
    body = data(1000)
    desk.stored(desk.put(staged, body, door="stage"), staged, body, "stage")  # counts until it is imported
    for door in DOORS:
        image = desk.image()
        told = desk.put_head(image, *RIGHT, length(5), door=door)
        refused(desk, told, image, "1 images at a time", "has 1 ", "image_count_uploading", door=door)
    desk.glance.set_limits(image_count_uploading=2)
    desk.stored(desk.put(image, body), image, body)


@scenario
def staging_area_has_its_own_limit(scene):
    """It has a limit of its own, which is not the other's."""
    desk = Desk(scene)
    body = data(2 * MIB)
    desk.glance.set_limits(image_stage_total=1, image_size_total=100)
    image = desk.image()
    told = desk.put_head(image, *RIGHT, length(len(body)), door="stage")
    refused(desk, told, image, "1 MiB in the staging area", "has 0 ", "need 2 ", "image_stage_total", door="stage")
    desk.stored(desk.put(image, body), image, body)
    desk.glance.set_limits(image_stage_total=100, image_size_total=1)
    image = desk.image()
    desk.stored(desk.put(image, body, door="stage"), image, body, "stage")


# --- others on their way ---------------------------------------------------------------------

SIX = data(6 * MIB)
OTHERS = "may keep 9 MiB in all, has 0, with 6 on their way, and would need 12 (image_size_total)"


def tight(scene, **conf):
    """9 MiB may be kept, and uploads have 6."""
    desk = Desk(scene, conf={"DEFAULT": {"workers": 4}, **conf})
    desk.glance.set_limits(image_size_total=9)
    return desk


def is_over(desk):
    """What the others had reserved is there again."""
    image = desk.image()
    desk.stored(desk.put(image, SIX), image, SIX)
    desk.glance.delete(image)


@scenario(threaded=True, representative=True)
def quota_includes_uploads_in_flight(scene):
    """Over all workers; and whoever comes while one is under way has not sent a byte."""
    desk = tight(scene)
    image = desk.image()

    def meanwhile():
        for _ in range(8):
            late = desk.image()
            refused(desk, desk.put_head(late, *RIGHT, length(len(SIX))), late, OTHERS)
        small = data(3 * MIB)
        late = desk.image()
        desk.stored(desk.put(late, small), late, small)
        desk.glance.delete(late)
        late = desk.image()
        refused(desk, desk.put_chunked(late, SIX), late, OTHERS)  # when its size is known
        desk.stored(desk.put(late, SIX, door="stage"), late, SIX, "stage")  # which has a limit of its own

    desk.stored(desk.put_with_pause(image, SIX, meanwhile), image, SIX)
    late = desk.image()
    refused(desk, desk.put(late, SIX), late, "has 6 and would need 12")
    desk.glance.delete(image)
    is_over(desk)


@scenario(threaded=True, alone=True)
def one_of_three_concurrent_uploads_fits(scene):
    """Together they are too much, though each of them fits: one is stored, and two are refused."""
    desk = tight(scene)
    for door, limits in (("file", {}), ("stage", {"image_size_total": 100, "image_stage_total": 9})) * 2:
        if limits:
            desk.glance.set_limits(**limits)
        images = [desk.image() for _ in range(3)]
        together = threading.Barrier(len(images))

        def upload(image, door=door, together=together):
            together.wait()
            return desk.put(image, SIX, door=door)

        with concurrent.futures.ThreadPoolExecutor(len(images)) as pool:
            answers = list(pool.map(upload, images))
        assert sorted(told.status for told in answers) == [204, 413, 413], [told.start for told in answers]
        for told, image in zip(answers, images):
            if told.status == 413:
                refused(desk, told, image, "would need 12", door=door)
        for image in images:
            desk.glance.delete(image)
        desk.glance.set_limits(image_size_total=9)


@scenario(threaded=True)
def reservation_is_released_after_every_end(scene):
    desk = tight(scene)
    wrong = [*RIGHT, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="]
    for fault, fields, status in (({}, wrong, 400), ({"at": PAUSE, "answer": 500}, RIGHT, 500),
                                  ({"at": "head", "answer": 403}, RIGHT, 403),
                                  ({"at": PAUSE, "cut": "reset"}, RIGHT, 502)):
        image = desk.image()
        if fault:
            desk.glance.fault(image=image, times=1, **fault)
        assert desk.put(image, SIX, *fields).status == status
        is_over(desk)
    for leave in ("close", "reset"):
        for sent in (1000, 3 * MIB):
            image = desk.image()
            with desk.client() as client:
                desk.begin(client, image, *RIGHT, length(len(SIX))).send(SIX[:sent])
                desk.proxy.wait_metric(1, "uploads_in_flight")
                getattr(client, leave)()
            desk.proxy.wait_log(f" upload .*image={image} .*verdict=aborted")
            is_over(desk)


@scenario
def usage_is_queried_again_after_other_uploads(scene):
    """The usage that Glance told at first does not have the one that was stored meanwhile."""
    desk = tight(scene)
    image, other = desk.image(), desk.image()
    with desk.client() as client:
        desk.begin(client, image, *RIGHT, length(len(SIX)), "Expect: 100-continue")
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        desk.stored(desk.put(other, SIX), other, SIX)
        client.send_until_refused(SIX)
        refused(desk, client.answer(), image, "has 6 and would need 12")


@scenario
def audit_reports_an_exceeded_quota(scene):
    """It goes to Glance all the same, and others are told of it."""
    desk = tight(scene)
    desk.policy = ("rules: [{ name: watched, when: { name: watched }, store: test, mode: audit }]\n"
                   "default: { store: test, mode: force }\n")
    desk.set()
    image = desk.image(name="watched")

    def meanwhile():
        late = desk.image(name="watched")
        told = desk.put(late, SIX)
        assert (told.status, told.get("X-Intake-Audit")) == (204, "quota_exceeded"), told.fields

    desk.stored(desk.put_with_pause(image, SIX, meanwhile), image, SIX)


@scenario
def foreign_uploads_reserve_nothing(scene):
    """Whoever may see an image may announce any length for it: nobody of its project is refused for that, also
    while Glance lets his upload wait."""
    def upload(asked):
        if asked.get("X-Auth-Token") == "other-token":
            asked.hold().send(answer("403 Forbidden"))
        else:
            accept_upload(asked)

    glance = scene.glance(upload=upload, usage={"usage": {"image_size_total": {"usage": 0, "limit": 9}}})
    proxy = scene.proxy(glance, conf={"DEFAULT": {"workers": 4}})
    with proxy.client() as dribbles, proxy.client() as stranger:
        for client, sent in ((dribbles, 1000), (stranger, PAUSE)):
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "X-Auth-Token: other-token", length(len(SIX))),
                        SIX[:sent])
        glance.the_upload()
        told = proxy.ask("PUT", new_upload(), TOKEN, body=SIX)
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), told.body
        glance.uploads()[0].go()
        assert stranger.answer().status == 403


# --- a length that is not known at first ----------------------------------------------------


@scenario(threaded=True)
def quota_is_checked_when_the_spool_is_complete(scene):
    desk = Desk(scene)
    desk.glance.set_limits(image_size_total=2)
    for body in (data(2 * MIB + 1), data(5 * MIB)):
        for send, sent, fields in ((desk.put_chunked, body, RIGHT),
                                   (desk.put, form(file(body)), [TOKEN, declared()]),
                                   (desk.put_chunked, form(file(body)), [TOKEN, declared()]),
                                   (desk.put_chunked, body, [*RIGHT, f"X-Openstack-Image-Size: {len(body)}"])):
            image = desk.image()
            refused(desk, send(image, sent, *fields), image, "may keep 2 MiB", f"need {-(-len(body) // MIB)} ")
    body = data(2 * MIB)
    image = desk.image()
    desk.stored(desk.put_chunked(image, body), image, body)
    desk.proxy.wait_no_spools()


@scenario
def streamed_upload_is_refused_only_over_the_limit(scene):
    """Streamed: only who is over the limit already is refused, as by Glance."""
    desk = Desk(scene, unknown_length="stream")
    body = data(3 * MIB)
    image = desk.image()
    desk.glance.set_limits(image_size_total=2)
    assert desk.put_chunked(image, body).status == 204
    image = desk.image()
    refused(desk, desk.put_head(image, *RIGHT, CHUNKED), image, "has 3 ", "need 3 ")


# --- nothing to check -----------------------------------------------------------------------


@scenario
def missing_limit_is_no_limit(scene):
    desk = Desk(scene)
    body = data(3 * MIB)
    for limits in ({}, {"image_size_total": -1, "image_count_uploading": -1}, {"image_count_total": 0}):
        desk.glance.set_limits(**limits)
        image = desk.image()
        desk.stored(desk.put(image, body), image, body)
    desk.glance.fault(on="usage", answer=404)  # Glance before Xena
    image = desk.image()
    desk.stored(desk.put(image, body), image, body)
    assert "WARNING req-" not in desk.proxy.log()


@scenario
def quota_off_checks_nothing(scene):
    desk = Desk(scene, quota="off")
    desk.glance.set_limits(image_size_total=0, image_count_uploading=0)
    body = data(3 * MIB)
    image = desk.image()
    desk.stored(desk.put(image, body), image, body)
    assert not any(asked["target"].endswith("/usage") for asked in desk.glance.requests())


@scenario(threaded=True)
def unknown_usage_is_not_checked(scene):
    """A check that cannot be made stops nobody; the log says that it was not made."""
    glance = scene.glance()
    for usage, words in ((answer("500 Internal Server Error"), "it answers 500: not checked"),
                         (answer("403 Forbidden"), "it answers 403: not checked"),
                         (lambda asked: asked.close(), "not checked"),
                         (answer("200 OK", body=b"<html>"), "cannot be read"),
                         (json_answer("200 OK", {"usage": {"image_size_total": {"usage": "much", "limit": 0}}}),
                          "cannot be read"),
                         (json_answer("200 OK", {"usage": {"image_size_total": 5}}), "cannot be read")):
        glance.usage = usage
        proxy = scene.proxy(glance)
        told = proxy.ask("PUT", UPLOAD, TOKEN, body=data(1000))
        assert (told.status, told.get("X-Intake-Verified")) == (204, "sha512"), (words, told.body)
        proxy.wait_log(f"WARNING req-.*{words}")
        proxy.stop()


@scenario
def promised_size_is_checked_before_the_body(scene):
    desk = Desk(scene)
    desk.glance.set_limits(image_size_total=1)
    image = desk.image()
    told = desk.put_head(image, *RIGHT, CHUNKED, f"X-Openstack-Image-Size: {MIB + 1}")
    refused(desk, told, image, "need 2 ")
    with desk.client() as client:  # and what is spooled is asked for
        client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: h", *RIGHT, CHUNKED, "Expect: 100-continue"))
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        told = client.send(chunks(data(MIB))).answer()
    desk.stored(told, image, data(MIB))
