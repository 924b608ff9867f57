# SPDX-License-Identifier: Apache-2.0
"""What a scenario gets: its own address and folder, and the proxies, Glances and clients that it starts.

All of 127.0.0.0/8 is this machine. Each scenario is a process, and its address is made from the process id.
So all scenarios use the same ports without a conflict.
"""
import contextlib
import fcntl
import os
import pathlib
import pickle
import shutil
import socket
import ssl
import subprocess
import tempfile

from .glance import ScriptedGlance
from .proxy import POLICY, Proxy
from .small_glance import SmallGlance

SHORT_MEMORY = pathlib.Path(__file__).resolve().parent / "short_memory.c"
GLANCE_PORT = 29393
CLOSED_PORT = 29999  # no process listens here

SCENARIOS = {}
SKIPPED = 77  # a scenario's exit status


class Skip(Exception):
    """The scenario cannot run on this machine. The text says what is missing."""


def scenario(function=None, *, threaded=False, alone=False, representative=False,
             plain=False, short=False, long=False):
    """Registers a scenario as FILE/FUNCTION.

    threaded: also run under ThreadSanitizer. alone: measures memory or time, so it runs alone. representative:
    also run under valgrind. plain: only run in a build without sanitizers, when this tag is asked for. short:
    like plain, and allocations fail. long: waits for long, and so starts first.
    """
    def register(wanted):
        wanted.tags = {tag for tag, set_ in (("threaded", threaded), ("alone", alone),
                                             ("representative", representative),
                                             ("plain", plain), ("short", short), ("long", long)) if set_}
        SCENARIOS[f"{wanted.__module__}/{wanted.__name__}"] = wanted
        return wanted
    return register(function) if function else register


class Fixture(contextlib.ExitStack):
    """`shared` is a folder for what is made once for all scenarios of a run."""

    def __init__(self, proxy_command, small_glance, shared):
        super().__init__()
        self.proxy_command = proxy_command
        self.small_glance_binary = small_glance
        self.shared = shared
        pid = os.getpid()  # at most 22 bits
        self.host = f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"
        self.ipv6_port = 20000 + pid % 12000  # on ::1; the kernel gives clients no port below 32768
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="glance-intake-scenario-"))
        self.proxies = []
        self.glances = []
        self.clients = []
        self.callback(shutil.rmtree, self.folder)

    def glance(self, port=GLANCE_PORT, **script):
        glance = ScriptedGlance((self.host, port), **script)
        self.callback(glance.stop)
        self.glances.append(glance)
        return glance

    def small_glance(self):
        glance = SmallGlance(self.small_glance_binary, self.host, self.folder)
        self.callback(glance.stop)
        return glance

    def proxy(self, *glances, conf=None, policy=POLICY, start=True):
        """`glances` are Glances or URLs."""
        folder = self.folder / f"proxy-{len(self.proxies)}"
        folder.mkdir()
        endpoints = [getattr(glance, "url", glance) for glance in glances]
        proxy = Proxy(self.proxy_command, self.host, folder, endpoints, conf, policy, start=False)
        self.proxies.append(proxy)
        if start:
            proxy.start()
            proxy.wait_ready()
        return proxy

    def client(self, proxy, source=None):
        """A connection that stays open until the scenario ends."""
        self.clients.append(proxy.client(source))
        return self.clients[-1]

    def short_memory(self, one_of, at_least=0):
        """While the returned file exists, one of so many allocations of at least `at_least` bytes fails, in
        each proxy() that is started after this. Not for a build with sanitizers."""
        library, short = self.folder / "short_memory.so", self.folder / "short"
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SHORT_MEMORY],
                       check=True, timeout=60)
        self.proxy_command = ["env", f"LD_PRELOAD={library}", f"SHORT_MEMORY={one_of}",
                              f"SHORT_MEMORY_WHILE={short}", f"SHORT_MEMORY_FROM={at_least}", *self.proxy_command]
        return short

    def once(self, name, make):
        """The value of make(). Only the first scenario that asks for this name makes it; the others get a copy."""
        made = self.shared / f"{name}.pickle"
        with open(self.shared / f"{name}.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                unfinished = self.shared / f"{name}.new"
                unfinished.write_bytes(pickle.dumps(make()))
                unfinished.rename(made)
        return pickle.loads(made.read_bytes())

    def closed_url(self):
        return f"http://{self.host}:{CLOSED_PORT}"

    def silent_url(self):
        """An address to which connecting neither succeeds nor fails: a listener with a full queue, for which
        the kernel drops further SYNs."""
        listener = self.enter_context(socket.create_server((self.host, CLOSED_PORT + 1), backlog=0))
        for _ in range(2):
            waiting = self.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return f"http://{self.host}:{CLOSED_PORT + 1}"

    def certificate(self, name):
        """Creates a self-signed certificate for this scenario's address. Returns the paths (certificate, key)."""
        cert, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
             f"subjectAltName=IP:{self.host}", "-keyout", key, "-out", cert],
            check=True, capture_output=True)
        return cert, key

    def end(self):
        """Stops the proxies. Returns the faults of the proxies and of the scripts of Glances, as sentences."""
        for client in self.clients:
            client.close()
        ends = [fault for fault in (proxy.stop() for proxy in self.proxies) if fault]
        return ends + [fault for glance in self.glances for fault in glance.faults]


def trusting(cert):
    """A TLS context of a client that trusts only this certificate."""
    return ssl.create_default_context(cafile=cert)


def serving(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
