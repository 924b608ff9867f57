# SPDX-License-Identifier: Apache-2.0
"""A refusal in the middle of a large body: every client reads it, and soon, in whatever way it sends."""
import json
import shutil
import subprocess
import time

from support.fixture import Skip, scenario
from support.form import declared, file, form
from support.raw_http import PATIENCE, chunk
from support.stack import ACTIONS, RIGHT, TOKEN, Stack, data, stripped

SIZE = 24 << 20  # more than the limits below and all socket buffers can hold
DAMAGED = stripped(data(1 << 20))
SOON = PATIENCE  # draining without a limit would take longer
LENGTH, CHUNKED = False, True

# Some are refused with the first 64 KiB, some later in the body.
CASES = [  # keys of [upload], fields of the head, framings, status, reason
    ({}, [], (LENGTH, CHUNKED), 400, "damaged_body"),
    ({"damaged": "off", "unknown_length": "stream", "max_size": "9MiB"}, [], (CHUNKED,), 413, "too_large"),
    ({"damaged": "off", "spool_limit": "8MiB"}, [], (CHUNKED,), 507, "spool_full"),
    ({"damaged": "off"}, ["X-Openstack-Image-Size: 9000000"], (CHUNKED,), 400, "size_mismatch"),
]
BEFORE_GLANCE = ("damaged_body", "spool_full")  # reasons that need no request to Glance


def large_file(fixture):
    path = fixture.folder / "large.img"
    path.write_bytes((DAMAGED * (SIZE // len(DAMAGED) + 1))[:SIZE])
    return path


def plain_and_tls(fixture, stack):
    """The cases to try: all of them without TLS, and the first with it."""
    yield CASES
    stack.speak_tls(fixture)
    yield CASES[:1]


def judge(stack, image, status, body, took, expected, action="file"):
    where = (stack.tls is not None, *expected)
    said = json.loads(body)
    assert (status, said["reason"]) == expected, (where, status, said)
    assert said["image_id"] == image and said["message"] and said["hint"], (where, said)
    assert took < SOON, (where, took)
    line = stack.proxy.wait_log(f" {ACTIONS[action]} .*request_id={said['request_id']} ")
    assert " verdict=refused " in line and f" reason={expected[1]}" in line, line
    stack.wait_queued(image)
    assert not any(asked["complete"] for asked in stack.puts(image)), where
    if expected[1] in BEFORE_GLANCE:
        assert stack.puts(image) == [], where


def every_case(fixture, send):
    """`send` returns the status and the body that its client shows."""
    path = large_file(fixture)
    stack = Stack(fixture)
    for cases in plain_and_tls(fixture, stack):
        for upload, fields, framings, status, reason in cases:
            stack.set(**upload)
            for chunked in framings:
                image = stack.image()
                began = time.monotonic()
                told = send(stack, path, image, [*RIGHT, *fields], chunked)
                judge(stack, image, *told, time.monotonic() - began, (status, reason))


# --- bare sockets ---------------------------------------------------------------------------


@scenario
def client_that_sends_everything_reads_the_refusal(fixture):
    def send(stack, path, image, fields, chunked):
        told = (stack.put_chunked if chunked else stack.put)(image, path.read_bytes(), *fields)
        return told.status, told.body

    every_case(fixture, send)


@scenario(threaded=True)
def client_that_waits_gets_the_refusal_at_once(fixture):
    """It has sent just enough to be refused, of an upload of 1 GiB."""
    stack = Stack(fixture)
    for _ in plain_and_tls(fixture, stack):
        stack.set()
        for action in ACTIONS:
            for framing, sent in ((f"Content-Length: {1 << 30}", DAMAGED[:70_000]),
                                  ("Transfer-Encoding: chunked", chunk(DAMAGED[:70_000]))):
                image = stack.image()
                began = time.monotonic()
                with stack.client() as client:
                    stack.begin(client, image, *RIGHT, framing, action=action).send(sent)
                    told = client.answer()
                    took = time.monotonic() - began
                    assert told.get("Connection") == "close"
                judge(stack, image, told.status, told.body, took, (400, "damaged_body"), action)


@scenario
def client_that_never_stops_is_disconnected(fixture):
    """Draining has limits, for a client that sends for ever and for one that stays silent."""
    stack = Stack(fixture)
    image = stack.image()
    with stack.client() as endless, stack.client() as silent:
        for client in (endless, silent):
            stack.begin(client, image, *RIGHT, f"Content-Length: {1 << 40}").send(DAMAGED[:70_000])
        began = time.monotonic()
        piece = DAMAGED * 8
        while endless.send_until_refused(piece):
            assert time.monotonic() - began < PATIENCE, "it is still read"
    stack.proxy.wait_metric(0, "connections")


# --- real clients ---------------------------------------------------------------------------


def as_dict(fields):
    return dict(field.split(": ", 1) for field in fields)


def put_by_requests(stack, url, fields, **body):
    import requests  # here, or all scenarios would bear its memory
    told = requests.put(url, headers=as_dict(fields), verify=str(stack.cert) if stack.tls else None, timeout=180,
                        **body)
    return told.status_code, told.content


@scenario
def python_requests_reads_the_refusal(fixture):
    def send(stack, path, image, fields, chunked):
        with open(path, "rb") as content:
            body = iter(lambda: content.read(1 << 20), b"") if chunked else content
            return put_by_requests(stack, stack.url(image), fields, data=body)

    every_case(fixture, send)


def curl(stack, url, *words, stdin=None):
    trust = ["--cacert", stack.cert] if stack.tls else []
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", *trust, *words, url], stdin=stdin,
                          capture_output=True, timeout=180, check=False)
    body, _, status = done.stdout.rpartition(b"\n")
    assert done.returncode == 0, (done.returncode, done.stderr, body, status)
    return int(status), body


def curl_sending(*more):
    def send(stack, path, image, fields, chunked):
        words = [word for field in [*fields, *more] for word in ("-H", field)]
        with open(path, "rb") as content:
            return curl(stack, stack.url(image), *words, "-T", "-" if chunked else path, stdin=content)
    return send


@scenario
def curl_with_expect_reads_the_refusal(fixture):
    every_case(fixture, curl_sending("Expect: 100-continue"))


@scenario
def curl_without_expect_reads_the_refusal(fixture):
    every_case(fixture, curl_sending("Expect:"))


NODE_HTTP = """\
const [url, path, fields] = process.argv.slice(1);
const headers = JSON.parse(fields);
const show = (status, body) => { process.stdout.write(status + "\\n" + body); process.exit(0); };
const asked = require(url.split(":")[0]).request(url, {method: "PUT", headers}, answer => {
    let body = "";
    answer.on("data", piece => { body += piece; }).on("end", () => show(answer.statusCode, body));
    answer.on("error", fault => { console.error(fault); process.exit(1); });
    asked.removeAllListeners("error").on("error", () => {});  // of what need not be sent any more
});
asked.on("error", fault => { console.error(fault); process.exit(1); });
require("fs").createReadStream(path).pipe(asked);
"""

NODE_FETCH = """\
const [url, path, fields, chunked] = process.argv.slice(1);
const fs = require("fs");
const body = chunked ? require("stream").Readable.toWeb(fs.createReadStream(path)) : fs.readFileSync(path);
fetch(url, {method: "PUT", headers: JSON.parse(fields), body, duplex: "half"}).then(async answer => {
    process.stdout.write(answer.status + "\\n" + await answer.text());
    process.exit(0);
}, fault => { console.error(fault); process.exit(1); });
"""


def node(script):
    if not shutil.which("node"):
        raise Skip("node is not installed")

    def send(stack, path, image, fields, chunked):
        fields = as_dict(fields)
        if script is NODE_HTTP and not chunked:
            fields["Content-Length"] = str(SIZE)
        trust = {"NODE_EXTRA_CA_CERTS": str(stack.cert)} if stack.tls else {}
        done = subprocess.run(["node", "-e", script, stack.url(image), path, json.dumps(fields),
                               "chunked" if chunked else ""], env={"PATH": "/usr/bin:/bin", **trust},
                              capture_output=True, timeout=180, check=False)
        assert done.returncode == 0, (chunked, fields, done.stderr)
        status, _, body = done.stdout.partition(b"\n")
        return int(status), body
    return send


@scenario
def node_http_reads_the_refusal(fixture):
    every_case(fixture, node(NODE_HTTP))


@scenario
def node_fetch_reads_the_refusal(fixture):
    every_case(fixture, node(NODE_FETCH))


# --- forms ----------------------------------------------------------------------------------


@scenario
def form_with_two_files_gets_the_refusal(fixture):
    """The second file shows only when the first has passed, and is still being sent."""
    stack = Stack(fixture, damaged="off")
    path, first = large_file(fixture), fixture.folder / "first.img"
    first.write_bytes(DAMAGED)
    body = form(file(DAMAGED), file(path.read_bytes()))

    def bare(url, image):
        told = stack.put(image, body, TOKEN, declared())
        return told.status, told.body

    def by_curl(url, image):
        return curl(stack, url, "-X", "PUT", "-H", TOKEN, "-F", f"file=@{first}", "-F", f"more=@{path}")

    def by_requests(url, image):
        with open(first, "rb") as one, open(path, "rb") as other:
            return put_by_requests(stack, url, [TOKEN], files={"file": one, "more": other})

    for _ in plain_and_tls(fixture, stack):
        stack.set(damaged="off")
        for send in (bare, by_curl, by_requests):
            image = stack.image()
            began = time.monotonic()
            told = send(stack.url(image), image)
            judge(stack, image, *told, time.monotonic() - began, (400, "multipart_malformed"))
