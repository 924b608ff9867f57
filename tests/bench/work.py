# SPDX-License-Identifier: Apache-2.0
"""The kinds of work that are measured. Each gives figures by name:

    rate          MiB per second               requests      per second
    cpu           CPU seconds per GiB          request_cpu   CPU seconds per request
    peak          KiB resident at most         p50, p99, longest   seconds
    each          KiB resident per connection
"""
import contextlib
import dataclasses
import re
import subprocess
import time

from check import ask, image_id
from servers import INTAKE, Failure

MIB = 1 << 20
GIB = 1 << 30
LITTLE = 8 * MIB  # enough to warm up with


@contextlib.contextmanager
def watched(server, contender, figures, cpu, per):
    """Adds the peak, and as `cpu` the proxy's time in the block divided by the result of per()."""
    if contender.kind is None:
        yield
        return
    server.forget_peak()
    before = server.cpu()
    yield
    figures[cpu] = (server.cpu() - before) / per()
    figures["peak"] = server.peak()


@dataclasses.dataclass(frozen=True)
class Transfer:
    """`count` uploads or downloads at once, of `size` bytes each, at most `rate` bytes per second each. With
    `pings`, small requests run at the same time."""

    action: str
    count: int
    size: int
    rate: int = 0
    form: bool = False
    pings: bool = False

    def _load(self, bench, server, contender, size):
        options = {"count": self.count, "size": size, "rate": self.rate, "form": self.form}
        if contender.kind is INTAKE and self.action == "upload":
            options["verified"] = "sha512" if contender.verify == "digest" else "size"
        return bench.load(self.action, server.port, tls=contender.tls, **options)

    def _hash_at(self, sink, size):
        """Otherwise the sink would compute it during the proxy's request, and the proxy would wait."""
        for seed in range(1, self.count + 1):
            ask(sink.port, "GET", f"/v2/images/{image_id(0, seed, size)}")

    def prepare(self, bench, server, contender, sink):
        little = min(self.size, LITTLE)
        if contender.verify == "digest":
            self._hash_at(sink, little)
            self._hash_at(sink, self.size)
        self._load(bench, server, contender, little)

    def measure(self, bench, server, contender):
        figures = {}
        with watched(server, contender, figures, "cpu", lambda: self.count * self.size / GIB):
            with self._pinged(bench, server, figures):
                done = self._load(bench, server, contender, self.size)
        figures["rate"] = done["bytes"] / MIB / done["seconds"]
        return figures

    @contextlib.contextmanager
    def _pinged(self, bench, server, figures):
        if not self.pings:
            yield
            return
        with bench.background("ping", server.port) as pings:
            yield
            waits = pings.end()
        figures.update({name: waits[name] for name in ("p50", "p99", "longest")})


@dataclasses.dataclass(frozen=True)
class Requests:
    """Small requests, as fast as they are answered, on `count` connections (wrk)."""

    count: int
    seconds: int

    def _wrk(self, server):
        url = f"http://127.0.0.1:{server.port}/v2/images/{image_id(0, 0, 0)}"
        command = ["wrk", "-t1", f"-c{self.count}", f"-d{self.seconds}s", "--timeout", "10s",
                   "--latency"]
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=60)
        trouble = re.search(r"^ +(Socket errors|Non-2xx).*", done.stdout, re.MULTILINE)
        if done.returncode != 0 or trouble:
            raise Failure(f"wrk: {trouble[0].strip() if trouble else done.stderr.strip()}")
        return done.stdout

    def prepare(self, bench, server, contender, sink):
        ask(server.port, "GET", f"/v2/images/{image_id(0, 0, 0)}")

    def measure(self, bench, server, contender):
        figures, said = {}, ""

        def answered():
            return int(re.search(r"(\d+) requests in", said)[1])

        with watched(server, contender, figures, "request_cpu", answered):
            said = self._wrk(server)
        figures["requests"] = float(re.search(r"Requests/sec: +(\S+)", said)[1])
        figures["p50"] = latency(said, 50)
        figures["p99"] = latency(said, 99)
        return figures


def latency(said, percent):
    """Of wrk's distribution, in seconds."""
    number, unit = re.search(rf"^ +{percent}% +([\d.]+)(us|ms|s|m)$", said, re.MULTILINE).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


@dataclasses.dataclass(frozen=True)
class Held:
    """`count` idle connections (`idle`), or with an upload that has stopped (`stall`): the memory that each of
    them takes."""

    action: str
    count: int
    size: int = 0

    def prepare(self, bench, server, contender, sink):
        """The one-time cost of the first connections is not measured."""
        with bench.background(self.action, server.port, count=1, size=self.size) as load:
            load.wait_until_held()
            load.end()

    def measure(self, bench, server, contender):
        before = settled(server)
        options = {"count": self.count, "size": self.size}
        with bench.background(self.action, server.port, **options) as load:
            held = load.wait_until_held()
            after = settled(server)
            kept = load.end()["kept"]
        if kept != held:
            raise Failure(f"{contender.label} has closed {held - kept} of {held} connections")
        return {"each": (after - before) / held}


def settled(server):
    """KiB, once they do not change for a while."""
    memory = server.memory()
    for _ in range(50):
        time.sleep(0.2)
        last, memory = memory, server.memory()
        if memory == last:
            break
    return memory


@dataclasses.dataclass(frozen=True)
class Hashing:
    """SHA-512 alone, by openssl, in blocks of 256 KiB."""

    seconds: int

    def prepare(self, bench, server, contender, sink):
        pass

    def measure(self, bench, server, contender):
        command = ["openssl", "speed", "-mr", "-elapsed", "-evp", "sha512", "-bytes", "262144",
                   "-seconds", str(self.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        rate = re.search(r"^\+F:\d+:sha512:([\d.]+)$", done.stdout, re.MULTILINE)[1]
        return {"rate": float(rate) / MIB}
