# SPDX-License-Identifier: Apache-2.0
"""A scenario's stage: an address and a folder of its own, and the parties that stand on it.

Everything on 127.0.0.0/8 is this machine, so each scenario (one process each) listens on an
address made from its process id: the ports are the same for all, and no two ever meet.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile

from .glance import ScriptedGlance, SmallGlance
from .proxy import POLICY, Proxy

SHORT_MEMORY = pathlib.Path(__file__).resolve().parent / "short_memory.c"
GLANCE_PORT = 29393
CLOSED_PORT = 29999  # nobody ever listens here

SCENARIOS = {}
SKIPPED = 77  # a scenario's exit status


class Skip(Exception):
    """This machine lacks what the scenario needs; says what."""


def scenario(function=None, *, threaded=False, alone=False, representative=False,
             plain=False, short=False, long=False):
    """Registers a scenario as FILE/FUNCTION.

    threaded: also worth a run under ThreadSanitizer. alone: measures memory or time, so nothing
    runs beside it. representative: also run under valgrind. plain: only for a build without
    sanitizers, and so only run when that tag is asked for. short: the same, while allocations fail. long: mostly
    waits, and so begins before the others."""
    def register(wanted):
        wanted.tags = {tag for tag, set_ in (("threaded", threaded), ("alone", alone),
                                             ("representative", representative),
                                             ("plain", plain), ("short", short), ("long", long)) if set_}
        SCENARIOS[f"{wanted.__module__}/{wanted.__name__}"] = wanted
        return wanted
    return register(function) if function else register


class Fixture(contextlib.ExitStack):
    def __init__(self, proxy_command, small_glance):
        super().__init__()
        self.proxy_command = proxy_command
        self.small_glance_binary = small_glance
        pid = os.getpid()  # at most 22 bits
        self.host = f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"
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
        """`glances` are Glances, or URLs. The first proxy's files are in the fixture's folder."""
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
        """A connection that stays open until the scenario is over."""
        self.clients.append(proxy.client(source))
        return self.clients[-1]

    def short_memory(self, one_of, at_least=0):
        """One of so many allocations (of at least so many bytes) of every proxy() from here on fails,
        while the file is there that is returned. Not for a build with sanitizers."""
        library, short = self.folder / "short_memory.so", self.folder / "short"
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SHORT_MEMORY],
                       check=True, timeout=60)
        self.proxy_command = ["env", f"LD_PRELOAD={library}", f"SHORT_MEMORY={one_of}",
                              f"SHORT_MEMORY_WHILE={short}", f"SHORT_MEMORY_FROM={at_least}", *self.proxy_command]
        return short

    def closed_url(self):
        return f"http://{self.host}:{CLOSED_PORT}"

    def silent_url(self):
        """An address where connecting neither works nor fails: a listener with a full queue,
        whose further SYNs the kernel drops."""
        listener = self.enter_context(socket.create_server((self.host, CLOSED_PORT + 1), backlog=0))
        for _ in range(2):
            waiting = self.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return f"http://{self.host}:{CLOSED_PORT + 1}"

    def certificate(self, name):
        """A new self-signed certificate for this fixture's address: (certificate, key) paths."""
        cert, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
             f"subjectAltName=IP:{self.host}", "-keyout", key, "-out", cert],
            check=True, capture_output=True)
        return cert, key

    def end(self):
        """What is wrong with how the proxies ended, or went wrong in a Glance's thread: sentences."""
        for client in self.clients:
            client.close()
        ends = [fault for fault in (proxy.stop() for proxy in self.proxies) if fault]
        return ends + [fault for glance in self.glances for fault in glance.faults]


def trusting(cert):
    """A TLS context of a client that trusts just this certificate."""
    return ssl.create_default_context(cafile=cert)


def serving(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
