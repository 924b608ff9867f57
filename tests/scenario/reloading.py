# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: good new files are used. Bad files are not, and the log says why."""
import re
import signal
import ssl
import subprocess
import time

from support.fixture import scenario, trusting
from support.glance import BEHIND, UPLOAD, new_upload
from support.proxy import ADMIN_PORT, PORT, wait_until
from support.raw_http import head

TO_FILE = "default:\n  store: file\n  mode: force\n"
HALF = bytes(2 << 20)


def store(proxy):
    return proxy.ask("PUT", new_upload(), body=b"image").get("X-Intake-Store")


def reload(proxy, conf=None, **policy):
    proxy.write(conf or {}, **policy)
    proxy.signal(signal.SIGHUP)


@scenario(threaded=True)
def new_policy_applies_to_new_uploads(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance)
    assert store(proxy) == "test"
    with proxy.client() as client:  # begins under the old policy and ends under it
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {2 * len(HALF)}"), HALF)
        glance.wait("half of it", lambda _: glance.uploads()[-1].length >= len(HALF) - BEHIND)
        proxy.reload(policy=TO_FILE)
        assert store(proxy) == "file"
        assert client.send(HALF).answer().get("X-Intake-Store") == "test"


@scenario(threaded=True)
def many_reloads_under_load_take_effect(fixture):
    proxy = fixture.proxy(fixture.glance())
    for number in range(20):
        reload(proxy, policy=TO_FILE)
        assert store(proxy) in ("file", "test"), number
    wait_until("the new policy is in force", lambda: store(proxy) == "file")


@scenario
def connections_survive_a_reload(fixture):
    proxy = fixture.proxy(fixture.glance())
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images").status == 200
        proxy.reload(policy=TO_FILE)
        assert store(proxy) == "file"
        assert client.ask("PUT", UPLOAD, body=b"image").get("X-Intake-Store") == "file"


@scenario
def bad_files_change_nothing(fixture):
    proxy = fixture.proxy(fixture.glance())
    bad = [({}, "rules: []\n", r"policy\.yaml(:\d+)?: "),
           ({}, "default:\n  store: file\n  mode: sometimes\n", r"policy\.yaml:3: .*sometimes"),
           ({"listen": {"stall_timeout": "soon"}}, TO_FILE, r"glance-intake\.conf:\d+: .*soon"),
           ({"listen": {"colour": "red"}}, TO_FILE, r"glance-intake\.conf:\d+: .*colour"),
           ({"upload": {"spool_dir": "/none/spool"}}, TO_FILE, "/none/spool cannot be made: ")]
    for conf, policy, said in bad:
        reload(proxy, conf, policy=policy)
        proxy.wait_log(said)
        assert store(proxy) == "test"
    reload(proxy, policy=TO_FILE)
    wait_until("the good files are taken", lambda: store(proxy) == "file")


@scenario
def all_errors_are_logged(fixture):
    proxy = fixture.proxy(fixture.glance())
    reload(proxy, {"listen": {"stall_timeout": "soon"}, "upload": {"max_size": "big"}},
           policy="default:\n  mode: sometimes\n")
    for said in ("soon", "big", "sometimes"):
        proxy.wait_log(said)


@scenario
def new_endpoint_and_limit_apply(fixture):
    first, second = fixture.glance(), fixture.glance(port=0)
    proxy = fixture.proxy(first)
    assert proxy.ask("PUT", UPLOAD, body=bytes(5000)).status == 204
    proxy.reload({"glance": {"endpoint": second.url}, "upload": {"max_size": "4KiB"}})
    assert proxy.ask("PUT", UPLOAD, body=bytes(5000)).status == 413
    assert proxy.ask("PUT", UPLOAD, body=bytes(4000)).status == 204
    assert len(second.uploads()) == 1


@scenario
def debug_can_be_switched_on(fixture):
    proxy = fixture.proxy(fixture.glance())
    before = len(re.findall("debug", proxy.log(), re.IGNORECASE))
    reload(proxy, {"DEFAULT": {"debug": "true"}})

    def debugging():
        proxy.ask("GET", "/v2/images")
        return len(re.findall("debug", proxy.log(), re.IGNORECASE)) > before
    wait_until("debug lines", debugging)


def presented(proxy, context):
    with proxy.client(tls=context) as client:
        return client.sock.getpeercert(binary_form=True)


@scenario
def new_certificates_apply(fixture):
    cert, key = fixture.certificate("listener")
    tls = {"listen": {"tls_cert_file": cert, "tls_key_file": key}}
    proxy = fixture.proxy(fixture.glance(), conf=tls)
    anyone = ssl._create_unverified_context()
    old = presented(proxy, anyone)
    with proxy.client(tls=trusting(cert)) as client:
        fixture.certificate("listener")  # a new pair in the same files
        proxy.read_again()
        assert presented(proxy, anyone) != old
        assert client.ask("GET", "/v2/images").status == 200  # an open connection stays open
    assert proxy.client(tls=trusting(cert)).ask("GET", "/v2/images").status == 200

    new = presented(proxy, anyone)
    key.write_text("not a key\n")
    proxy.signal(signal.SIGHUP)
    proxy.wait_log("listener.key")
    assert presented(proxy, anyone) == new


# --- settings that need a restart, and reports of a reload -----------------------------------------


def ask_to_reload(proxy, conf=None, **policy):
    """Does what ExecReload= does. Returns the exit status and the output."""
    proxy.write(conf or {}, **policy)
    done = subprocess.run([proxy.command[-1], "--reload", str(proxy.process.pid)], text=True, timeout=180,
                          capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def facts_of(proxy):
    return (proxy.metric("config_last_reload_successful"),
            proxy.metric("config_last_reload_success_timestamp_seconds"))


@scenario(threaded=True)
def changed_bind_needs_a_restart_and_the_rest_applies(fixture):
    """Each reload names the settings that need a restart."""
    proxy = fixture.proxy(fixture.glance(), conf={"DEFAULT": {"workers": 2}}, start=False)
    proxy.start()
    proxy.hears("READY=1")
    before = facts_of(proxy)
    assert before[0] == 1 and abs(before[1] - time.time()) < 60, before
    changed = {"listen": {"bind": f"{fixture.host}:{PORT + 7}"}, "DEFAULT": {"workers": 3},
               "admin": {"bind": f"{fixture.host}:{ADMIN_PORT + 7}"}, "upload": {"max_size": "4KiB"}}
    for policy in (TO_FILE, TO_FILE.replace("file", "test")):
        at = len(proxy.log())
        status, said = ask_to_reload(proxy, changed, policy=policy)
        assert status == 0, said
        lines = proxy.conf_file.read_text().splitlines()
        for key, new, old in (("[listen] bind", f"{fixture.host}:{PORT + 7}", f"{fixture.host}:{PORT}"),
                              ("[DEFAULT] workers", "3", "2"),
                              ("[admin] bind", f"{fixture.host}:{ADMIN_PORT + 7}", f"{fixture.host}:{ADMIN_PORT}")):
            section, name = key[1:].split("] ")
            place = lines.index(f"{name} = {new}", lines.index(f"[{section}]")) + 1
            told = f"glance-intake.conf:{place}: {key} = {new} needs a restart; until then it is {old}"
            assert told in said, (told, said)
            wait_until("it is logged", lambda told=told, at=at: told in proxy.log()[at:])
        assert "READY=1\nSTATUS=Serving; not all of the new configuration is in force: " in \
            proxy.hears("not all"), "systemctl status must show it"
        wait_until("the rest is in force", lambda policy=policy: store(proxy) in policy)
        assert proxy.ask("PUT", new_upload(), body=bytes(5000)).status == 413
    assert facts_of(proxy)[0] == 1 and facts_of(proxy)[1] > before[1]
    status, said = ask_to_reload(proxy, {"DEFAULT": {"workers": 2}})
    assert (status, said) == (0, "the new configuration is in force\n")
    assert "STATUS=Serving; the new configuration is in force" in proxy.hears("STATUS=Serving")


@scenario
def failed_reload_is_reported(fixture):
    proxy = fixture.proxy(fixture.glance(), start=False)
    proxy.start()
    proxy.hears("READY=1")
    before = facts_of(proxy)
    status, said = ask_to_reload(proxy, {"listen": {"stall_timeout": "soon"}}, policy=TO_FILE)
    assert status == 1 and re.search(r"glance-intake\.conf:\d+: .*soon", said), said
    assert "the new configuration was not taken" in said
    assert "soon" in proxy.hears("STATUS=The new configuration was not taken")
    assert facts_of(proxy) == (0, before[1]) and store(proxy) == "test"
    assert ask_to_reload(proxy, policy=TO_FILE)[0] == 0
    assert facts_of(proxy)[0] == 1
    wait_until("the new policy is in force", lambda: store(proxy) == "file")


@scenario
def reload_without_a_process_fails(fixture):
    """It must not look like a success."""
    proxy = fixture.proxy(fixture.glance())
    assert proxy.stop() is None
    done = subprocess.run([proxy.command[-1], "--reload", str(proxy.process.pid)], text=True, timeout=180,
                          capture_output=True, check=False)
    assert done.returncode == 1 and "does not answer" in done.stderr, done


@scenario
def tls_cannot_be_switched_off(fixture):
    """A listener that was started with TLS keeps its certificate, also after several reloads without one."""
    cert, key = fixture.certificate("listener")
    tls = {"listen": {"tls_cert_file": cert, "tls_key_file": key}}
    proxy = fixture.proxy(fixture.glance(), conf=tls)
    for policy in (TO_FILE, TO_FILE.replace("file", "test"), TO_FILE):
        status, said = ask_to_reload(proxy, policy=policy)
        assert status == 0, said
        assert f"[listen] tls_cert_file = (empty) needs a restart; until then it is {cert}" in said, said

        def store_by_tls():
            with proxy.client(tls=trusting(cert)) as client:
                return client.ask("PUT", new_upload(), body=b"image").get("X-Intake-Store")
        wait_until("the new policy is in force", lambda policy=policy: store_by_tls() in policy)
    assert ask_to_reload(proxy, tls) == (0, "the new configuration is in force\n")
