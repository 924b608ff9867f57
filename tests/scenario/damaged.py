# SPDX-License-Identifier: Apache-2.0
"""curl -d @image removes every NUL, CR and LF. Glance would store the damaged image and answer 204."""
from support.fixture import scenario
from support.form import declared, file, form
from support.glance import UPLOAD
from support.raw_http import LAST_CHUNK, chunk, head
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data, stripped

WHOLE = data(400_000)
DAMAGED = stripped(WHOLE)


def check_words(said):
    """The message names the cause and the command that works."""
    for words in ("curl -d", "curl -T"):
        assert words in said["message"], said
    assert "curl -T" in said["hint"]


@scenario
def damaged_body_is_refused_before_glance_is_asked(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        for damaged in (DAMAGED, DAMAGED[:65536], DAMAGED[:65535], DAMAGED[:4096]):
            image = stack.image()
            check_words(stack.refused(stack.put(image, damaged, action=action), image, 400, "damaged_body", action))
            told = stack.put_chunked(image, damaged, action=action)
            check_words(stack.refused(told, image, 400, "damaged_body", action))
            told = stack.put_chunked(image, damaged, *RIGHT, f"X-Openstack-Image-Size: {len(damaged)}", action=action)
            stack.refused(told, image, 400, "damaged_body", action)
            told = stack.put(image, form(file(damaged)), TOKEN, declared(), action=action)
            stack.refused(told, image, 400, "damaged_body", action)
        stack.stored(stack.put(image, WHOLE, action=action), image, WHOLE, action)
    assert stack.proxy.metric("refusals_total", reason="damaged_body") == 4 * 4 * len(ACTIONS)


@scenario
def damaged_body_is_refused_for_every_format(fixture):
    stack = Stack(fixture)
    for disk_format in ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "raw", "ami", "ploop"):
        image = stack.image(disk_format=disk_format)
        stack.refused(stack.put(image, DAMAGED), image, 400, "damaged_body")


@scenario
def hint_names_this_upload(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        image = stack.image()
        said = stack.refused(stack.put(image, DAMAGED, action=action), image, 400, "damaged_body", action)
        assert f"http://glance.example/v2/images/{image}/{action}" in said["hint"], said["hint"]


@scenario
def first_64_kib_decide(fixture):
    """One NUL, CR or LF anywhere among them, and the body is taken for intact."""
    stack = Stack(fixture)
    for byte in (b"\0", b"\r", b"\n"):
        for at in (0, 4095, 4096, 30_000, 65535):
            body = DAMAGED[:at] + byte + DAMAGED[at:]
            image = stack.image()
            stack.stored(stack.put(image, body), image, body)
    for at in (65536, 100_000):
        image = stack.image()
        told = stack.put(image, DAMAGED[:at] + b"\0\r\n" + DAMAGED[at:])
        stack.refused(told, image, 400, "damaged_body")


@scenario
def refusal_comes_after_64_kib(fixture):
    """The client has sent 64 KiB of 1 GiB and waits."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for framing, sent in ((f"Content-Length: {1 << 30}", DAMAGED[:65536]),
                          ("Transfer-Encoding: chunked", chunk(DAMAGED[:65536]))):
        with proxy.client() as client:
            client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", framing), sent)
            assert b'"damaged_body"' in client.answer().body, framing
    assert glance.uploads() == []


@scenario
def tiny_pieces_are_checked(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    damaged = DAMAGED[:4096]
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {len(damaged)}"))
        client.send(*(damaged[at:at + 7] for at in range(0, len(damaged), 7)))
        assert b'"damaged_body"' in client.answer().body
    with proxy.client() as client:
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"))
        client.send(b"".join(chunk(damaged[at:at + 1]) for at in range(len(damaged))) + LAST_CHUNK)
        assert b'"damaged_body"' in client.answer().body
    assert glance.uploads() == []


@scenario
def damaged_warn_stores_and_warns(fixture):
    stack = Stack(fixture, damaged="warn")
    for count, action in enumerate(ACTIONS, 1):
        image = stack.image()
        told = stack.put(image, DAMAGED, action=action)
        stack.stored(told, image, DAMAGED, action)
        stack.warned(told, "damaged_body", action)
        assert stack.proxy.metric("warnings_total", reason="damaged_body") == count
        told = stack.put(image := stack.image(), WHOLE, action=action)
        stack.stored(told, image, WHOLE, action)
        assert told.get("X-Intake-Warning") is None
    assert stack.proxy.metric("refusals_total", reason="damaged_body") == 0


@scenario
def damaged_off_stores_silently(fixture):
    stack = Stack(fixture, damaged="off")
    for action in ACTIONS:
        image = stack.image()
        told = stack.put(image, DAMAGED, action=action)
        stack.stored(told, image, DAMAGED, action)
        assert told.get("X-Intake-Warning") is None
    assert stack.proxy.metric("warnings_total") == 0
