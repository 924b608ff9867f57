# SPDX-License-Identifier: Apache-2.0
"""curl -d @image drops every NUL, CR and LF; Glance would store the ruin and say 204."""
from support.stack import DOORS, RIGHT, TOKEN, Desk, data, stripped
from support.form import declared, file, form
from support.glance import UPLOAD
from support.fixture import scenario
from support.raw_http import LAST_CHUNK, chunk, head

WHOLE = data(400_000)
RUIN = stripped(WHOLE)


def check_words(said):
    """A person learns what happened, and what to do."""
    for words in ("curl -d", "curl -T"):
        assert words in said["message"], said
    assert "curl -T" in said["hint"]


@scenario(threaded=True, representative=True)
def damaged_body_is_refused_before_glance_is_asked(scene):
    desk = Desk(scene)
    for door in DOORS:
        for ruin in (RUIN, RUIN[:65536], RUIN[:65535], RUIN[:4096]):
            image = desk.image()
            check_words(desk.refused(desk.put(image, ruin, door=door), image, 400, "damaged_body", door))
            check_words(desk.refused(desk.put_chunked(image, ruin, door=door), image, 400, "damaged_body", door))
            told = desk.put_chunked(image, ruin, *RIGHT, f"X-Openstack-Image-Size: {len(ruin)}", door=door)
            desk.refused(told, image, 400, "damaged_body", door)
            told = desk.put(image, form(file(ruin)), TOKEN, declared(), door=door)
            desk.refused(told, image, 400, "damaged_body", door)
        desk.stored(desk.put(image, WHOLE, door=door), image, WHOLE, door)
    assert desk.proxy.metric("refusals_total", reason="damaged_body") == 4 * 4 * len(DOORS)


@scenario
def damaged_body_is_refused_for_every_format(scene):
    desk = Desk(scene)
    for disk_format in ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "raw", "ami", "ploop"):
        image = desk.image(disk_format=disk_format)
        desk.refused(desk.put(image, RUIN), image, 400, "damaged_body")


@scenario
def hint_names_this_upload(scene):
    desk = Desk(scene)
    for door in DOORS:
        image = desk.image()
        said = desk.refused(desk.put(image, RUIN, door=door), image, 400, "damaged_body", door)
        assert f"http://glance.example/v2/images/{image}/{door}" in said["hint"], said["hint"]


@scenario
def first_64_kib_decide(scene):
    """One of the three bytes among them, wherever it stands, and the body is whole."""
    desk = Desk(scene)
    for byte in (b"\0", b"\r", b"\n"):
        for at in (0, 4095, 4096, 30_000, 65535):
            body = RUIN[:at] + byte + RUIN[at:]
            image = desk.image()
            desk.stored(desk.put(image, body), image, body)
    for at in (65536, 100_000):
        image = desk.image()
        told = desk.put(image, RUIN[:at] + b"\0\r\n" + RUIN[at:])
        desk.refused(told, image, 400, "damaged_body")


@scenario
def refusal_comes_after_64_kib(scene):
    """The client has sent 64 KiB of 1 GiB, and waits."""
    glance = scene.glance()
    proxy = scene.proxy(glance)
    for framing, sent in ((f"Content-Length: {1 << 30}", RUIN[:65536]),
                          ("Transfer-Encoding: chunked", chunk(RUIN[:65536]))):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", framing), sent)
            assert b'"damaged_body"' in client.answer().body, framing
    assert glance.uploads() == []


@scenario
def tiny_pieces_are_checked(scene):
    glance = scene.glance()
    proxy = scene.proxy(glance)
    ruin = RUIN[:4096]
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(ruin)}"))
        client.send(*(ruin[at:at + 7] for at in range(0, len(ruin), 7)))
        assert b'"damaged_body"' in client.answer().body
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
        client.send(b"".join(chunk(ruin[at:at + 1]) for at in range(len(ruin))) + LAST_CHUNK)
        assert b'"damaged_body"' in client.answer().body
    assert glance.uploads() == []


@scenario
def damaged_warn_stores_and_warns(scene):
    desk = Desk(scene, damaged="warn")
    for count, door in enumerate(DOORS, 1):
        image = desk.image()
        told = desk.put(image, RUIN, door=door)
        desk.stored(told, image, RUIN, door)
        desk.warned(told, "damaged_body", door)
        assert desk.proxy.metric("warnings_total", reason="damaged_body") == count
        told = desk.put(image := desk.image(), WHOLE, door=door)
        desk.stored(told, image, WHOLE, door)
        assert told.get("X-Intake-Warning") is None
    assert desk.proxy.metric("refusals_total", reason="damaged_body") == 0


@scenario
def damaged_off_stores_silently(scene):
    desk = Desk(scene, damaged="off")
    for door in DOORS:
        image = desk.image()
        told = desk.put(image, RUIN, door=door)
        desk.stored(told, image, RUIN, door)
        assert told.get("X-Intake-Warning") is None
    assert desk.proxy.metric("warnings_total") == 0
