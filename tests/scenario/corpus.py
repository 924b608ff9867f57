# SPDX-License-Identifier: Apache-2.0
"""Files of every kind, sent with curl. Intact files are stored without a warning. Files that went through
`curl -d`, or that are declared as another format, are refused."""
import contextlib
import functools
import hashlib
import json
import subprocess

from support import corpus
from support.fixture import scenario
from support.proxy import wait_until
from support.raw_http import PATIENCE, head

DISK_FORMATS = ("qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "raw", "ploop")
DAMAGE_SEEN = 4096  # bytes; a shorter rest is refused for its format, not as damaged

# What curl prints after the answer's body.
TELL = '\n{"status": %{response_code}, "sent": %{size_upload}, "headers": %{header_json}}'


class Told:
    """An answer as curl got it, and how many bytes curl has sent."""

    def __init__(self, printed):
        self.body, mark, facts = printed.partition('\n{"status": ')
        facts = json.loads(mark + facts)
        self.status, self.sent = facts["status"], facts["sent"]
        self.headers = {name.lower(): values for name, values in facts["headers"].items()}

    def get(self, name):
        return self.headers.get(name.lower(), [None])[0]


def curl(proxy, image, *how):
    address = f"http://{proxy.host}:{proxy.address[1]}/v2/images/{image}/file"
    done = subprocess.run(["curl", "-sS", "-H", "X-Auth-Token: demo-token", "-w", TELL, *how, address],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, (how, done.stderr)
    return Told(done.stdout)


def curl_upload(proxy, image, path):
    return curl(proxy, image, "-T", path)


def curl_data(proxy, image, path):
    return curl(proxy, image, "-X", "PUT", "-H", "Content-Type: application/octet-stream", "-d", f"@{path}")


@functools.lru_cache(1)
def contents(path):
    return path.read_bytes()


@functools.lru_cache(1)
def sha512(path):
    return hashlib.sha512(contents(path)).hexdigest()


def plain_upload(proxy, image, path):
    """As curl -T sends it, without the start of a program for each."""
    body = contents(path)
    with proxy.client() as client:
        client.send_until_refused(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: glance.example",
                                       "X-Auth-Token: demo-token", f"Content-Length: {len(body)}"), body)
        told = client.answer()
    told.sent = len(body)
    return told


def all_files(fixture):
    glance = fixture.small_glance()
    return glance, fixture.proxy(glance), corpus.made_once(fixture.shared)


class Faults(list):
    """Collects what is wrong with each file, so that one failure does not hide the others."""

    @contextlib.contextmanager
    def of(self, *what):
        try:
            yield
        except AssertionError as why:
            self.append(f"{' '.join(what)}: {why}")

    def end(self):
        assert not self, "\n".join(self)


def create(glance, disk_format, container_format):
    return glance.create(disk_format=disk_format, container_format=container_format)


def stored_as_it_is(glance, image, told, path, warned=False):
    assert told.status == 204, (told.status, told.body)
    assert (told.get("X-Intake-Warning") is not None) == warned, told.get("X-Intake-Warning")
    shown = glance.ask("GET", f"/v2/images/{image}")
    assert (shown["status"], shown["size"]) == ("active", path.stat().st_size), shown
    assert shown["os_hash_value"] == sha512(path), shown


def refused(glance, image, told, reason):
    assert told.status == 400, (told.status, told.body)
    said = json.loads(told.body)
    assert said["reason"] == reason, said
    assert said["message"] and said["hint"], said
    wait_until("the image is queued", lambda: glance.ask("GET", f"/v2/images/{image}")["status"] == "queued")


def uploads_begun(glance):
    """The images for which Glance got at least the head of an upload."""
    return {asked["target"].split("/")[3] for asked in glance.requests() if asked["method"] == "PUT"}


@scenario
def intact_files_are_stored(fixture):
    glance, proxy, files = all_files(fixture)
    faults = Faults()
    for path, specimen in files.items():
        image = create(glance, specimen.disk_format, specimen.container_format)
        with faults.of(specimen.name):
            stored_as_it_is(glance, image, curl_upload(proxy, image, path), path)
    faults.end()


def each_is_refused(fixture, send):
    """`send` sends the damaged file. Declaring it raw does not help. The reason depends on how much of the file
    is left."""
    glance, proxy, files = all_files(fixture)
    faults = Faults()
    for path, specimen in files.items():
        for claim in {(specimen.disk_format, specimen.container_format), ("raw", "bare")}:
            image = create(glance, *claim)
            told = send(proxy, image, path)
            with faults.of(specimen.name, "as", *claim, f"with {told.sent} bytes"):
                refused(glance, image, told, "empty_body" if told.sent == 0 else
                        "format_mismatch" if told.sent < DAMAGE_SEEN else "damaged_body")
    faults.end()
    assert uploads_begun(glance) == set()


@scenario
def files_sent_with_curl_d_are_refused(fixture):
    each_is_refused(fixture, curl_data)


@scenario
def files_without_nul_cr_lf_are_refused(fixture):
    """Other versions of curl remove only these bytes."""
    each_is_refused(fixture, lambda proxy, image, path: plain_upload(
        proxy, image, corpus.stripped(path, fixture.folder)))


def other_claims(specimen):
    """Every other (disk_format, container_format), and what happens to the file under that name."""
    for claim in DISK_FORMATS:
        if specimen.any_inside:
            yield claim, specimen.container_format, "stored"
        if specimen.any_inside or claim != specimen.disk_format:
            yield claim, "bare", in_a_bare(claim, specimen)


def in_a_bare(claim, specimen):
    """A format that some hypervisor takes under that name gives a warning."""
    suffix = specimen.name.rpartition(".")[2]
    if claim == "raw" and suffix in ("xz", "zst", "bz2"):
        return "compressed"
    if (claim == "raw" and suffix == "gz") or (claim, suffix) == ("vhd", "vhdx") or \
            (claim, specimen.name) == ("raw", "hybrid.iso"):
        return "warned"
    return "stored" if claim == "raw" and specimen.raw_too else "format_mismatch"


@scenario(long=True)
def files_declared_as_another_format_are_refused(fixture):
    """A fixed VHD is known by its last bytes. Glance may have seen the rest of such a file before it is refused."""
    glance, proxy, files = all_files(fixture)
    faults, good, known_late = Faults(), set(), set()
    for path, specimen in files.items():
        for disk_format, container_format, verdict in other_claims(specimen):
            image = create(glance, disk_format, container_format)
            told = plain_upload(proxy, image, path)
            with faults.of(specimen.name, "as", disk_format, "in", container_format):
                if verdict in ("stored", "warned"):
                    good.add(image)
                    stored_as_it_is(glance, image, told, path, verdict == "warned")
                else:
                    if disk_format == "vhd" and specimen.raw_too:
                        known_late.add(image)
                    refused(glance, image, told, verdict)
    faults.end()
    assert good <= uploads_begun(glance) <= good | known_late
