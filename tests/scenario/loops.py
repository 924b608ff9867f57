# SPDX-License-Identifier: Apache-2.0
"""A request that comes back to the proxy is refused, so that it does not use up all connections."""
import json
import subprocess

from support.fixture import scenario
from support.glance import UPLOAD, answer

def refused(told):
    said = json.loads(told.body)
    assert (told.status, said["reason"]) == (508, "loop_detected"), (told.start, said)


@scenario
def via_is_appended(fixture):
    """After the client's own entries. A process has one name, and answers have no Via."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    for given in ([], ["Via: 1.0 edge, 1.1 second (a, comment)"], ["via: 1.1 a", "Via: 1.1 b"]):
        told = proxy.ask("GET", "/v2/images", *given)
        assert told.status == 200 and told.get("Via") is None
        *before, own = glance.requests[-1].all("Via")
        assert before == [field.split(": ")[1] for field in given]
        assert own.startswith("1.1 glance-intake-") and own == glance.requests[0].all("Via")[-1]
    proxy.ask("PUT", UPLOAD, "X-Auth-Token: t", body=bytes(4096))
    assert all(asked.all("Via") == [own] for asked in glance.requests[3:])


@scenario
def loop_gets_508(fixture):
    """--check cannot see this loop: Glance's port leads back to the proxy."""
    glance = fixture.glance()
    proxy = fixture.proxy(glance)

    def pass_on(asked):
        asked.read()
        with proxy.client() as client:
            told = client.ask(asked.method, asked.target, *(f"{name}: {value}" for name, value in asked.fields
                                                            if name.lower() not in ("host", "content-length")),
                              body=asked.body)
        asked.send(answer("508 Loop Detected", *(f"{name}: {value}" for name, value in told.fields
                                                 if name.lower() in ("content-type",)), body=told.body))

    glance.other = glance.image = glance.upload = pass_on
    for number, origin in enumerate(([], ["Origin: http://horizon.example"])):
        for method, target, body in (("GET", "/v2/images", b""), ("POST", "/v2/images", b"{}"),
                                     ("PUT", UPLOAD, bytes(4096))):
            own = f"req-{number}-{method}"
            refused(proxy.ask(method, target, "X-Auth-Token: t", f"X-Openstack-Request-Id: {own}", *origin, body=body))
            asked = [each.start for each in glance.requests if each.get("X-Openstack-Request-Id") == own]
            assert len(asked) <= 3, (method, asked)
    assert proxy.metric("refusals_total", reason="loop_detected") >= 6


@scenario
def another_proxys_name_is_no_loop(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    own = None
    for given in ("1.1 glance-intake-0123456789abcdef", "1.1 glance-intake"):
        assert proxy.ask("GET", "/v2/images", f"Via: {given}").status == 200
        own = glance.requests[-1].all("Via")[-1]
    refused(proxy.ask("GET", "/v2/images", f"Via: {own}"))
    proxy.stop()
    proxy = fixture.proxy(glance)  # another process has another name
    assert proxy.ask("GET", "/v2/images", f"Via: {own}").status == 200


@scenario
def check_finds_a_loop(fixture):
    """The message names the line. The start fails in the same way."""
    proxy = fixture.proxy(f"http://{fixture.host}:29292", start=False)
    done = subprocess.run([*proxy.command, "--check", "--config-file", proxy.conf_file], capture_output=True,
                          text=True, timeout=180, check=False)
    assert done.returncode == 1 and "is this proxy itself" in done.stdout + done.stderr, done
