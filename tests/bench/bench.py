# SPDX-License-Identifier: Apache-2.0
"""The parts of every row: the sink, a server for each contender, and the generator's figures."""
import contextlib
import dataclasses
import json
import os
import subprocess

import check
import cores
from servers import BUILD, Failure, start, start_sink

LOAD = os.path.join(BUILD, "tests", "bench", "bench-load")
PATIENCE = 120  # seconds for one run of the generator


@dataclasses.dataclass(frozen=True)
class Contender:
    """One line of the table. `kind` None: no proxy; the clients use the sink directly. `apart`: the proxy has a
    core to itself, see cores.py."""

    label: str
    work: object
    kind: object = None
    verify: str = "size"
    tls: bool = False
    apart: bool = False


class Bench:
    def __init__(self, folder, pem):
        self.folder = folder
        self.pem = pem
        self._serial = 0

    @contextlib.contextmanager
    def sink(self, digest=False):
        with start_sink(self.folder, digest) as sink:
            yield sink

    def start(self, contender, sink):
        """A server for it, or in its place the sink, or one with TLS."""
        pem = self.pem if contender.tls else None
        if contender.kind is None:
            return start_sink(self.folder, pem=pem) if pem else contextlib.nullcontext(sink)
        on = cores.OF_A_PROXY if contender.apart else cores.ALL
        return start(contender.kind, self.folder, sink.port, on, pem, contender.verify)

    def _command(self, action, port, **options):
        """An option that is True has no value; one that is false is left out."""
        self._serial += 1
        command = [LOAD, action, "--port", str(port), "--serial", str(self._serial)]
        for name, value in options.items():
            if value:
                command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return command

    def load(self, action, port, **options):
        """Runs the generator to its end; returns its output."""
        command = self._command(action, port, **options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def background(self, action, port, **options):
        """Runs the generator until the block ends: see Background."""
        command = self._command(action, port, **options)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                yield Background(process)
            finally:
                process.kill()

    def check(self):
        with self.sink() as sink:
            data = check.check_uploads(sink.port)

        def download(port):
            try:
                self.load("download", port, size=check.SIZE)
            except Failure:
                return False
            return True

        check.check_downloads(data, download)


class Background:
    def __init__(self, process):
        self._process = process

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise Failure(self._process.stderr.read().strip())
        return json.loads(line)

    def wait_until_held(self):
        return self._line()["held"]

    def end(self):
        """Ends it; returns its output."""
        self._process.stdin.close()
        return self._line()
