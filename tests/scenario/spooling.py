# SPDX-License-Identifier: Apache-2.0
"""An upload without a length (glance, Nova, Cinder, curl -T -) is kept on disk until it is complete. Then
Glance gets it with its length."""
import os
import re
import signal
import subprocess

from support.fixture import Skip, scenario
from support.glance import UPLOAD
from support.proxy import wait_until
from support.raw_http import LAST_CHUNK, chunk, chunks, head, reason
from support.stack import ACTIONS, OCTETS, RIGHT, Stack, data, fixes, stripped

CHUNKED = "Transfer-Encoding: chunked"
LARGE = data(1_500_000)
MUCH = chunk(data(60_000)) * 40  # 2.3 MiB without an end


def put(client, *fields):
    return client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", CHUNKED, *fields))


@scenario(threaded=True, representative=True)
def chunked_upload_gets_a_length(fixture):
    """Sizes around a spool's block and the first 64 KiB."""
    stack = Stack(fixture)
    for action in ACTIONS:
        for size in (1, 65535, 65536, 65537, 262143, 262144, 262145, 1_500_000):
            image = stack.image()
            told = stack.put_chunked(image, b"\0" + LARGE[1:size], action=action)
            stack.stored(told, image, b"\0" + LARGE[1:size], action)
            assert fixes(told) == ["length"], (size, fixes(told))
            assert " fixes=length " in stack.log_line(told, action)
    assert stack.proxy.metric("fixes_total", fix="length") == 8 * len(ACTIONS)
    stack.proxy.wait_no_spools()


@scenario(threaded=True)
def glance_gets_nothing_before_the_end(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        put(client).send(chunks(LARGE)[:-5])
        shown, = wait_until("it is spooled", lambda: [one for one in proxy.uploads()["in_flight"]
                                                     if one["spooled"] >= 1_000_000])
        assert shown["bytes"] == 0
        assert len(proxy.open_spools()) == 1 and proxy.metric("spool_bytes") >= 1_000_000
        assert glance.uploads() == []
        told = client.send(LAST_CHUNK).answer()
    assert told.status == 204
    asked = glance.the_upload()
    assert (asked.get("Content-Length"), asked.chunked) == (str(len(LARGE)), False)
    assert asked.body == LARGE
    proxy.wait_no_spools()


@scenario
def expect_gets_100(fixture):
    stack = Stack(fixture)
    image = stack.image()
    with stack.client() as client:
        stack.begin(client, image, *RIGHT, CHUNKED, "Expect: 100-continue")
        assert client.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        told = client.send(chunks(LARGE)).answer()
    stack.stored(told, image, LARGE)


@scenario(threaded=True)
def spool_limit_is_enforced_while_receiving(fixture):
    """While the client is still sending. The space is free again afterwards."""
    stack = Stack(fixture, spool_limit="1MiB")
    for action in ACTIONS:
        image = stack.image()
        with stack.client() as client:
            stack.begin(client, image, *RIGHT, CHUNKED, action=action).send_until_refused(MUCH)
            told = client.answer()
        said = stack.refused(told, image, 507, "spool_full", action)
        assert "curl -T" in said["hint"]
        stack.proxy.wait_no_spools()
        stack.stored(stack.put_chunked(image, LARGE[:700_000], action=action), image, LARGE[:700_000], action)
    stack.proxy.wait_no_spools()


@scenario
def body_of_exactly_spool_limit_is_stored(fixture):
    stack = Stack(fixture, spool_limit="1MiB")
    image = stack.image()
    stack.refused(stack.put_chunked(image, LARGE[:(1 << 20) + 1]), image, 507, "spool_full")
    stack.stored(stack.put_chunked(image, LARGE[:1 << 20]), image, LARGE[:1 << 20])


@scenario(threaded=True)
def spool_limit_is_shared(fixture):
    stack = Stack(fixture, spool_limit="2MiB")
    first, second, third = stack.image(), stack.image(), stack.image()
    with stack.client() as slow, stack.client() as late:
        stack.begin(slow, first, *RIGHT, CHUNKED).send(chunks(LARGE)[:-5])
        wait_until("the first is spooled", lambda: stack.proxy.metric("spool_bytes") >= 1_250_000)
        stack.begin(late, second, *RIGHT, CHUNKED).send_until_refused(MUCH)
        stack.refused(late.answer(), second, 507, "spool_full")
        stack.stored(slow.send(LAST_CHUNK).answer(), first, LARGE)
    stack.proxy.wait_no_spools()
    stack.stored(stack.put_chunked(third, LARGE), third, LARGE)


@scenario
def body_with_a_length_is_not_spooled(fixture):
    stack = Stack(fixture, spool_limit="64KiB")
    image = stack.image()
    told = stack.put(image, LARGE)
    stack.stored(told, image, LARGE)
    assert fixes(told) == []


@scenario(threaded=True)
def spool_is_removed_when_the_client_leaves(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    leaving = [lambda client: client.close(), lambda client: client.reset(), lambda client: client.half_close()]
    for count, leave in enumerate(leaving, 1):
        with proxy.client() as client:
            put(client).send(MUCH)
            wait_until("it is spooled", lambda: proxy.metric("spool_bytes") >= 2_000_000)
            leave(client)
            proxy.wait_metric(count, "uploads_total", result="aborted")
        proxy.wait_no_spools()
    assert glance.uploads() == []


@scenario
def spool_is_removed_when_the_client_stalls(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"stall_timeout": "700ms"}})
    for sent in (chunk(LARGE[:1000]), MUCH):
        with proxy.client() as client:
            put(client).send_until_refused(sent)
            assert reason(client.answer()) == (408, "client_stalled")
        proxy.wait_no_spools()
    assert glance.uploads() == []


@scenario
def spool_is_removed_when_glance_fails(fixture):
    glance = fixture.glance(upload=lambda asked: asked.read(100_000).reset())
    proxy = fixture.proxy(glance)
    with proxy.client() as client:
        assert reason(put(client).send(chunks(LARGE)).answer()) == (502, "glance_failed")
    proxy.wait_no_spools()
    glance.stop()
    with proxy.client() as client:
        assert put(client).send(chunks(LARGE)).answer().status == 502
    proxy.wait_no_spools()


@scenario
def spool_is_removed_when_the_proxy_ends(fixture):
    """A spool has no name, so nothing is left, in whatever way the process ends."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    folder = fixture.folder / "spool-of-this"
    proxy.stop()
    proxy.write({"upload": {"spool_dir": folder}})
    for number in (signal.SIGKILL, signal.SIGTERM):
        proxy.start()
        proxy.wait_ready()
        with proxy.client() as client:
            put(client).send(MUCH)
            wait_until("it is spooled", lambda: proxy.metric("spool_bytes") >= 2_000_000)
            assert os.listdir(folder) == []
            proxy.signal(number)
            if number == signal.SIGTERM:
                proxy.wait_log("draining")
                proxy.signal(number)  # at once
            proxy.wait_exit()
        assert os.listdir(folder) == []
    proxy.process = None  # the process has ended


@scenario
def bad_chunks_are_refused(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for count in (1, 10):
        with proxy.client() as client:
            put(client).send(chunk(LARGE[:100_000]) * count, b"xyz\r\n")
            while client.stream.fill():  # a 400, or only the end of the connection
                assert b" 204 " not in client.stream.ahead
        proxy.wait_no_spools()
    assert glance.uploads() == []


@scenario
def rule_is_selected_by_the_spooled_size(fixture):
    policy = """\
rules:
  - name: huge
    when: { larger_than: 1MiB }
    store: file
    mode: force
    max_size: 2MiB
default: { store: test, mode: force }
"""
    glance = fixture.glance()
    proxy = fixture.proxy(glance, policy=policy)
    for size, store, rule in ((1 << 20, "test", "default"), ((1 << 20) + 1, "file", "huge")):
        with proxy.client() as client:
            told = put(client).send(chunks(LARGE[:size])).answer()
        assert (told.status, told.get("X-Intake-Store"), told.get("X-Intake-Rule")) == (204, store, rule)
        assert glance.uploads()[-1].all("X-Image-Meta-Store") == [store]
    with proxy.client() as client:
        put(client).send_until_refused(chunks(LARGE + LARGE))
        assert reason(client.answer()) == (413, "too_large")
    assert len(glance.uploads()) == 2
    proxy.wait_no_spools()


# --- the disk -------------------------------------------------------------------------------


def fails_to_start(proxy, words):
    proxy.start()
    assert proxy.wait_exit() == 1
    for said in ("spool_dir", words, "unknown_length"):  # the cause, and what to change
        assert said in proxy.log(), (said, proxy.log())
    checked = subprocess.run([*proxy.command, "--check", "--config-file", proxy.conf_file], text=True,
                             capture_output=True, timeout=180, check=False)
    assert checked.returncode == 1 and "spool_dir" in checked.stdout + checked.stderr


@scenario
def unusable_spool_dir_fails_the_start(fixture):
    (fixture.folder / "a-file").write_bytes(b"")
    proxy = fixture.proxy(fixture.glance(), start=False)
    for folder, words in (("a-file", "a-file"), ("a-file/spool", "Not a directory"),
                          ("nowhere/spool", "No such file or directory")):
        proxy.write({"upload": {"spool_dir": fixture.folder / folder}})
        fails_to_start(proxy, words)
        proxy.error_file.unlink()
    for mode in ("stream", "reject"):  # these modes need no spool directory
        proxy.write({"upload": {"spool_dir": fixture.folder / "nowhere/spool", "unknown_length": mode}})
        proxy.start()
        proxy.wait_ready()
        proxy.stop()


@scenario
def spool_dir_is_created(fixture):
    glance = fixture.glance()
    folder = fixture.folder / "made"
    proxy = fixture.proxy(glance, conf={"upload": {"spool_dir": folder}})
    with proxy.client() as client:
        assert put(client).send(chunks(LARGE)).answer().status == 204
    assert os.listdir(folder) == [] and folder.stat().st_mode & 0o777 == 0o700


@scenario
def full_disk_is_507(fixture):
    """The spool is on a file system of one MiB, in a mount namespace of the proxy."""
    folder = fixture.folder / "small-disk"
    folder.mkdir()
    mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c",
               'mount -t tmpfs -o size=1m none "$0" && exec "$@"', str(folder)]
    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("this machine allows no mount namespaces")
    fixture.proxy_command = mounted + fixture.proxy_command
    stack = Stack(fixture, spool_dir=folder)
    for action in ACTIONS:
        image = stack.image()
        with stack.client() as client:
            stack.begin(client, image, *RIGHT, CHUNKED, action=action).send_until_refused(MUCH)
            told = client.answer()
        stack.refused(told, image, 507, "spool_full", action)
        stack.proxy.wait_no_spools()
        stack.stored(stack.put_chunked(image, LARGE[:700_000], action=action), image, LARGE[:700_000], action)


@scenario
def damaged_body_is_refused_while_receiving(fixture):
    stack = Stack(fixture)
    for action in ACTIONS:
        image = stack.image()
        with stack.client() as client:
            stack.begin(client, image, *RIGHT, CHUNKED, action=action).send(chunk(stripped(data(80_000))))
            stack.refused(client.answer(), image, 400, "damaged_body", action)
    stack.proxy.wait_no_spools()


@scenario
def curl_uploads_from_stdin_are_stored(fixture):
    stack = Stack(fixture)
    source = fixture.folder / "cirros.img"
    source.write_bytes(LARGE)
    for action in ACTIONS:
        for more in ([], ["-H", "Expect:"]):
            image = stack.image()
            with open(source, "rb") as content:
                said = subprocess.run(
                    ["curl", "-sS", "-H", RIGHT[0], "-H", OCTETS, "-D", "-", *more, "-T", "-",
                     stack.url(image, action)], stdin=content, capture_output=True, timeout=180, check=True).stdout
            assert b" 204 " in said, said
            assert re.search(rb"\r\nX-Intake-Fixed: [^\r]*length\r\n", said), said
            assert stack.show(image)["size"] == len(LARGE)
    stack.proxy.wait_no_spools()
