# SPDX-License-Identifier: Apache-2.0
"""The program under test: its files, its process, and what it reports."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

from .raw_http import PATIENCE, Client

PORT = 29292
ADMIN_PORT = 29294
LONGEST_PAUSE = 0.1  # seconds between two looks at what takes long

POLICY = """\
default:
  store: test
  mode: force
"""

# Uploads without a length are streamed to Glance, and not spooled.
STREAM = {"upload": {"unknown_length": "stream"}}

# A report of a sanitizer or of valgrind gives an exit status of its own. REPORT finds reports that do not end
# the process.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=16:exitcode=99:detect_stack_use_after_return=1:"
                    "handle_sigill=2",  # undefined behaviour
    "TSAN_OPTIONS": "exitcode=99:halt_on_error=0",
}
REPORT = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|ERROR SUMMARY: [1-9]).*")


def wait_until(what, condition, patience=PATIENCE):
    """Polls, less often as it takes longer. A scenario never sleeps for an estimated time."""
    end, pause = time.monotonic() + patience, 0.01
    while not (value := condition()):
        assert time.monotonic() < end, f"did not happen in {patience} s: {what}"
        time.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE)
    return value


def open_files(pid):
    """The names of what the process has open."""
    folder, names = f"/proc/{pid}/fd", []
    for number in os.listdir(folder):
        try:
            names.append(os.readlink(f"{folder}/{number}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return names


class Proxy:
    """`conf` is {section: {key: value}}, added to the settings that each scenario needs."""

    def __init__(self, command, address, folder, endpoints, conf=None, policy=POLICY, start=True):
        self.command = command
        self.host = address
        self.address = (address, PORT)
        self.conf_file = folder / "glance-intake.conf"
        self.policy_file = folder / "policy.yaml"
        self.error_file = folder / "proxy.err"
        self.endpoints = endpoints
        self.spool_dir = None  # of the configuration last written
        self.process = None
        self.inherited = ()  # descriptors that the program gets besides the usual ones
        self.manager = None  # stands in for systemd: receives what the program says of its state
        self.write(conf or {}, policy)
        if start:
            self.start()
            self.wait_ready()

    def write(self, conf, policy=POLICY):
        # A timeout that a scenario does not set must not pass on a slow machine.
        settings = {"DEFAULT": {"workers": 2, "drain_timeout": "10m"},
                    "listen": {"bind": f"{self.host}:{PORT}", "header_timeout": "2m", "stall_timeout": "10m"},
                    # no health checks, so that scenarios can count the requests to Glance
                    "glance": {"endpoint": ", ".join(self.endpoints), "health_interval": "0",
                               "connect_timeout": "30s", "stall_timeout": "10m"},
                    "resume": {"window": "0"},  # so that a lost client ends its upload
                    "upload": {"spool_dir": self.conf_file.parent / "spool"},
                    "policy": {"file": self.policy_file},
                    "admin": {"bind": f"{self.host}:{ADMIN_PORT}"}}
        for section, keys in conf.items():
            settings.setdefault(section, {}).update(keys)
        self.spool_dir = settings["upload"]["spool_dir"]
        self.conf_file.write_text("".join(
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
            for section, keys in settings.items()))
        self.policy_file.write_text(policy)

    def start(self):
        with open(self.error_file, "ab") as errors:
            self.said_before = errors.tell()
            self.spawn(errors)

    def reload(self, conf=None, policy=POLICY):
        """Puts another configuration into force. The proxy keeps what it has learned of Glance, and its counts."""
        self.write(conf or {}, policy)
        self.read_again()

    def read_again(self):
        """Waits until the proxy has read its files again."""
        def count():
            return self.log().count("the configuration was read again")

        before = count()
        self.signal(signal.SIGHUP)
        wait_until("the configuration is read again", lambda: count() > before)

    def spawn(self, errors):
        """Starts the program with this standard error. NOTIFY_SOCKET is as in sd_notify(3); the address is unique,
        since those of the scenarios are."""
        address = f"{self.host}/{self.conf_file.parent.name}"
        if self.manager:
            self.manager.close()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(f"\0{address}")
        self.process = subprocess.Popen(
            [*self.command, "--config-file", self.conf_file], stderr=errors, stdin=subprocess.DEVNULL,
            pass_fds=self.inherited, env={**os.environ, **SANITIZERS, "NOTIFY_SOCKET": f"@{address}"})

    def hears(self, pattern):
        """The next matching state that the program tells its service manager."""
        self.manager.settimeout(0.2)

        def told():
            assert self.process.poll() is None, f"exit {self.process.returncode}"
            try:
                state = self.manager.recv(8192).decode()
            except TimeoutError:
                return None
            return state if re.search(pattern, state) else None
        return wait_until(f"the state {pattern!r}", told)

    def wait_ready(self):
        """Waits until the program serves. Later states go nowhere: they would fill a socket that nobody reads."""
        self.hears("READY=1")
        self.manager.close()

    # --- what a client does ----------------------------------------------------------------

    def client(self, source=None, tls=None):
        return Client(self.address, source, tls)

    def ask(self, method, target, *fields, body=b""):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(method, target, *fields, body=body)

    # --- what it reports ---------------------------------------------------------------------

    def admin(self, path):
        with urllib.request.urlopen(f"http://{self.host}:{ADMIN_PORT}{path}", timeout=PATIENCE) as it:
            return it.read().decode()

    def uploads(self):
        return json.loads(self.admin("/uploads"))

    def samples(self, name):
        """Those of glance_intake_NAME: (labels, value)."""
        for line in self.admin("/metrics").splitlines():
            if line.startswith((f"glance_intake_{name}{{", f"glance_intake_{name} ")):
                described, value = line.rsplit(" ", 1)
                yield dict(re.findall(r'(\w+)="([^"]*)"', described)), float(value)

    def metric(self, name, **labels):
        """The sum of all samples of glance_intake_NAME that have these labels."""
        return sum((value for found, value in self.samples(name) if labels.items() <= found.items()), 0.0)

    def wait_metric(self, value, name, **labels):
        wait_until(f"{name}{labels} is {value}", lambda: self.metric(name, **labels) == value)

    def log(self):
        """The complete lines so far. The line of a request may come a little after its answer: see wait_log()."""
        text = self.error_file.read_text(errors="replace")
        return text if self.process.poll() is not None else text[:text.rfind("\n") + 1]

    def wait_log(self, pattern):
        """Waits for a matching log line since the last start. Returns the line. A line that is still being
        written does not count."""
        def said():
            with open(self.error_file, "rb") as errors:
                errors.seek(self.said_before)
                *lines, _ = errors.read().decode(errors="replace").split("\n")
            return next(filter(line.search, lines), None)

        line = re.compile(pattern)
        return wait_until(f"a log line like {pattern!r}", said)

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) / 1024

    def open_spools(self):
        """The spool files, which have no name, only a descriptor."""
        return [name for name in open_files(self.process.pid)
                if name.startswith(f"{self.spool_dir}/") and name.endswith("(deleted)")]

    def wait_no_spools(self):
        """Waits until all spools are closed and their space is free."""
        self.wait_metric(0, "spool_bytes")
        wait_until("every spool is closed", lambda: not self.open_spools())

    # --- its process -------------------------------------------------------------------------

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self):
        return self.process.wait(PATIENCE)

    def stop(self):
        """Ends it as systemd does. Returns what was wrong, or None."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                if self.wait_exit() != 0:
                    return f"exit {self.process.returncode} after SIGTERM"
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return "did not end on SIGTERM"
        report = REPORT.search(self.log())
        return report and report[0]
