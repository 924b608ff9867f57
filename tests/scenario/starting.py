# SPDX-License-Identifier: Apache-2.0
"""Errors that prevent the start are reported, and the exit status is 1."""
import socket
import subprocess

from support.fixture import scenario
from support.glance import TOKEN
from support.proxy import PORT


def fails(proxy, *said):
    proxy.start()
    assert proxy.wait_exit() == 1
    for words in said:
        assert words in proxy.log(), (words, proxy.log())


@scenario
def taken_port_fails_the_start(fixture):
    proxy = fixture.proxy(fixture.glance(), start=False)
    with socket.create_server((fixture.host, PORT)):
        fails(proxy, f"{fixture.host}:{PORT}", "already in use")


@scenario
def shared_port_fails_the_start(fixture):
    """With SO_REUSEPORT on both sides the kernel would distribute connections between the two programs."""
    proxy = fixture.proxy(fixture.glance(), start=False)
    with socket.create_server((fixture.host, PORT), reuse_port=True):
        fails(proxy, f"{fixture.host}:{PORT}", "already in use")


@scenario
def second_instance_fails_to_start(fixture):
    glance = fixture.glance()
    first = fixture.proxy(glance)
    second = fixture.proxy(glance, conf={"admin": {"bind": ""}}, start=False)
    fails(second, f"{fixture.host}:{PORT}", "already in use")
    assert first.ask("GET", "/v2/images").status == 200


@scenario
def taken_admin_port_fails_the_start(fixture):
    glance = fixture.glance()
    first = fixture.proxy(glance)
    second = fixture.proxy(glance, conf={"listen": {"bind": f"{fixture.host}:{PORT + 10}"}}, start=False)
    fails(second, "already in use")
    assert first.ask("GET", "/v2/images").status == 200


@scenario
def bad_files_fail_the_start(fixture):
    proxy = fixture.proxy(fixture.glance(), start=False, policy="rules: {}\n",
                          conf={"upload": {"max_size": "big"}, "listen": {"colour": "red"}})
    fails(proxy, "big", "colour", "policy.yaml")


@scenario
def missing_policy_fails_the_start(fixture):
    proxy = fixture.proxy(fixture.glance(), start=False)
    proxy.policy_file.unlink()
    fails(proxy, "policy.yaml")


@scenario
def certificate_without_key_fails_the_start(fixture):
    cert, key = fixture.certificate("listener")
    proxy = fixture.proxy(fixture.glance(), conf={"listen": {"tls_cert_file": cert}}, start=False)
    fails(proxy, "tls_key_file")
    _, other = fixture.certificate("other")
    proxy.write({"listen": {"tls_cert_file": cert, "tls_key_file": other}})
    fails(proxy, "other.key")
    key.unlink()
    proxy.write({"listen": {"tls_cert_file": cert, "tls_key_file": key}})
    fails(proxy, "listener.key")


@scenario
def check_creates_no_spool_dir(fixture):
    """--check may be run by another user than the service, who could then not write there."""
    folder = fixture.folder / "its-spool"
    proxy = fixture.proxy(fixture.glance(), conf={"upload": {"spool_dir": folder}}, start=False)
    assert run(proxy, "--check").returncode == 0
    assert not folder.exists()
    folder.mkdir(0o700)
    assert run(proxy, "--check").returncode == 0
    assert list(folder.iterdir()) == []


def run(proxy, *words):
    return subprocess.run([*proxy.command, *words, "--config-file", proxy.conf_file], text=True,
                          capture_output=True, timeout=180, check=False)


@scenario
def check_and_print_config_report_errors(fixture):
    proxy = fixture.proxy(fixture.glance(), start=False)
    assert run(proxy, "--check").returncode == 0
    shown = run(proxy, "--print-config")
    assert shown.returncode == 0 and f"{fixture.host}:{PORT}" in shown.stdout
    proxy.write({"upload": {"max_size": "big"}, "listen": {"colour": "red"}}, policy="rules: {}\n")
    checked = run(proxy, "--check")
    assert checked.returncode == 1
    for said in ("glance-intake.conf:", "big", "colour", "policy.yaml"):
        assert said in checked.stdout + checked.stderr, said


@scenario
def every_bind_is_served(fixture):
    binds = f"{fixture.host}:{PORT}, {fixture.host}:{PORT + 1}"
    proxy = fixture.proxy(fixture.glance(), conf={"listen": {"bind": binds}})
    for port in (PORT, PORT + 1):
        proxy.address = (fixture.host, port)
        assert proxy.ask("GET", "/v2/images", f"X-Auth-Token: {TOKEN}").status == 200


@scenario
def ipv6_is_served(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf={"listen": {"bind": f"[::1]:{fixture.ipv6_port}"}})
    proxy.address = ("::1", fixture.ipv6_port)
    assert proxy.ask("GET", "/v2/images").status == 200
    assert glance.requests[0].get("X-Forwarded-For") == "::1"
