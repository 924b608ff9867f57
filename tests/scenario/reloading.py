# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the new files if they are good, else the old ones and the reason."""
import re
import signal
import ssl

from support.glance import UPLOAD, new_upload
from support.proxy import wait_until
from support.scene import scenario, trusting
from support.wire import head

TO_FILE = "default:\n  store: file\n  mode: force\n"
HALF = bytes(2 << 20)


def store(proxy):
    return proxy.ask("PUT", new_upload(), body=b"image").get("X-Intake-Store")


def reload(proxy, conf=None, **policy):
    proxy.write(conf or {}, **policy)
    proxy.signal(signal.SIGHUP)


@scenario(threaded=True)
def a_new_policy(scene):
    glance = scene.glance()
    proxy = scene.proxy(glance)
    assert store(proxy) == "test"
    with proxy.client() as client:  # begun under the old policy, ends under it
        client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {2 * len(HALF)}"), HALF)
        glance.wait("half of it", lambda _: glance.uploads()[-1].length == len(HALF))
        reload(proxy, policy=TO_FILE)
        wait_until("the new policy is in force", lambda: store(proxy) == "file")
        assert client.send(HALF).answer().get("X-Intake-Store") == "test"


@scenario(threaded=True)
def many_reloads_under_load(scene):
    proxy = scene.proxy(scene.glance())
    for number in range(20):
        reload(proxy, policy=TO_FILE)
        assert store(proxy) in ("file", "test"), number
    wait_until("the new policy is in force", lambda: store(proxy) == "file")


@scenario
def a_connection_stays(scene):
    proxy = scene.proxy(scene.glance())
    with proxy.client() as client:
        assert client.ask("GET", "/v2/images").status == 200
        reload(proxy, policy=TO_FILE)
        wait_until("the new policy is in force", lambda: store(proxy) == "file")
        assert client.ask("PUT", UPLOAD, body=b"image").get("X-Intake-Store") == "file"


@scenario
def bad_files_change_nothing(scene):
    proxy = scene.proxy(scene.glance())
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
def all_that_is_wrong_is_said(scene):
    proxy = scene.proxy(scene.glance())
    reload(proxy, {"listen": {"stall_timeout": "soon"}, "upload": {"max_size": "big"}},
           policy="default:\n  mode: sometimes\n")
    for said in ("soon", "big", "sometimes"):
        proxy.wait_log(said)


@scenario
def a_new_endpoint_and_limit(scene):
    first, second = scene.glance(), scene.glance(port=0)
    proxy = scene.proxy(first)
    assert proxy.ask("PUT", UPLOAD, body=bytes(5000)).status == 204
    reload(proxy, {"glance": {"endpoint": second.url}, "upload": {"max_size": "4KiB"}})
    wait_until("the new limit", lambda: proxy.ask("PUT", UPLOAD, body=bytes(5000)).status == 413)
    assert proxy.ask("PUT", UPLOAD, body=bytes(4000)).status == 204
    assert len(second.uploads()) == 1


@scenario
def debug_is_switched_on(scene):
    proxy = scene.proxy(scene.glance())
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
def new_certificates(scene):
    cert, key = scene.certificate("listener")
    tls = {"listen": {"tls_cert_file": cert, "tls_key_file": key}}
    proxy = scene.proxy(scene.glance(), conf=tls)
    anyone = ssl._create_unverified_context()
    old = presented(proxy, anyone)
    with proxy.client(tls=trusting(cert)) as client:
        scene.certificate("listener")  # the same files, a new pair
        proxy.signal(signal.SIGHUP)
        wait_until("the new certificate", lambda: presented(proxy, anyone) != old)
        assert client.ask("GET", "/v2/images").status == 200  # a connection that stood stays
    assert proxy.client(tls=trusting(cert)).ask("GET", "/v2/images").status == 200

    new = presented(proxy, anyone)
    key.write_text("not a key\n")
    proxy.signal(signal.SIGHUP)
    proxy.wait_log("listener.key")
    assert presented(proxy, anyone) == new
