# SPDX-License-Identifier: Apache-2.0
"""Several proxies before one Glance, which know each other ([cluster])."""
import hashlib
import hmac
import http.server
import ipaddress
import json
import secrets
import threading
import time
import urllib.error
import urllib.request

from .proxy import ADMIN_PORT, Proxy
from .raw_http import PATIENCE

KEY = "a-key-of-the-cluster-that-no-log-may-show"


def signed(key, path, now=None, nonce=None):
    """The value of X-Intake-Peer for a question."""
    now, nonce = now or int(time.time()), nonce or secrets.token_hex(16)
    text = f"question\nGET\n{path}\n{now}\n{nonce}\n"
    return f"{now} {nonce} {hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}"


class FalsePeer:
    """Has the key, and answers each question for uploads with `uploads`."""

    def __init__(self, fixture):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                self._answer(handler)

            def log_message(handler, *_):
                pass

        self.uploads, self.asked = b"", 0  # how often it was asked for them
        server = http.server.ThreadingHTTPServer((fixture.host, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fixture.callback(server.shutdown)
        self.name = f"{fixture.host}:{server.server_port}"

    def _answer(self, handler):
        counts = {"process": "0" * 32, "ended": 0, "stored": 0, "stores": {}, "quotas": {}}
        body = json.dumps(counts).encode()
        if handler.path == "/cluster/uploads":
            body, self.asked = self.uploads, self.asked + 1
        nonce = handler.headers["X-Intake-Peer"].split()[1]
        code = hmac.new(KEY.encode(), f"answer\n{nonce}\n".encode() + body, hashlib.sha256).hexdigest()
        handler.send_response(200)
        handler.send_header("X-Intake-Peer", code)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except OSError:
            pass  # it was too long, and nobody reads it any more


class Cluster:
    """Each proxy has an address of its own, as on a machine of its own. `more_peers` are other members."""

    def __init__(self, fixture, *glances, count=2, conf=None, policy=None, more_peers=()):
        first = ipaddress.ip_address(fixture.host)
        hosts = [str(first + (number << 22)) for number in range(count)]  # 127.64.0.0 to 127.127.255.255 are taken
        self.key_file = fixture.folder / "cluster.key"
        self.key_file.write_text(KEY)
        self.key_file.chmod(0o600)
        self.names = [f"{host}:{ADMIN_PORT}" for host in hosts]
        self.conf = {**(conf or {}), "cluster": {"peers": ", ".join((*self.names, *more_peers)), "key_file": self.key_file}}
        self.proxies = [self._proxy(fixture, host, glances, policy) for host in hosts]

    def _proxy(self, fixture, host, glances, policy):
        folder = fixture.folder / f"proxy-{len(fixture.proxies)}"
        folder.mkdir()
        more = {"policy": policy} if policy else {}
        proxy = Proxy(fixture.proxy_command, host, folder, [glance.url for glance in glances], self.conf, start=False,
                      **more)
        fixture.proxies.append(proxy)
        proxy.start()
        proxy.wait_ready()
        return proxy

    def wait_known(self):
        """Waits until each proxy has heard each other one."""
        for number, proxy in enumerate(self.proxies):
            for name in self.names[:number] + self.names[number + 1:]:
                proxy.wait_metric(1, "peer_up", peer=name)

    def counts(self, number, signature):
        """The status, and what a proxy tells its peers."""
        return self.asked(number, "/cluster/counts", signature)

    def asked(self, number, path, signature=None):
        question = urllib.request.Request(f"http://{self.names[number]}{path}",
                                          headers={"X-Intake-Peer": signature} if signature else {})
        try:
            with urllib.request.urlopen(question, timeout=PATIENCE) as told:
                return told.status, json.loads(told.read())
        except urllib.error.HTTPError as refused:
            return refused.code, None
