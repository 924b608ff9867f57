# SPDX-License-Identifier: Apache-2.0
"""SIGUSR2: a new process takes over the listening sockets, and the old one finishes what it has begun."""
import os
import pathlib
import signal
import socket
import threading

from support.fixture import scenario
from support.glance import BEHIND, UPLOAD
from support.proxy import ADMIN_PORT, PORT, STREAM, open_files, wait_until
from support.raw_http import Client, head
from support.restarts import activated, adopt_orphans, begin, restart

HALF = bytes(2 << 20)
IMAGES = ("GET", "/v2/images")


def started(fixture, glance, conf=None):
    proxy = fixture.proxy(glance, conf=conf, start=False)
    begin(fixture, proxy)
    return proxy


def half_an_upload(proxy, glance):
    client = proxy.client()
    client.send(head(f"PUT {UPLOAD} HTTP/1.1", "Host: h", f"Content-Length: {2 * len(HALF)}"), HALF)
    glance.wait("half of it", lambda _: glance.uploads() and glance.uploads()[-1].length >= len(HALF) - BEHIND)
    return client


class Load(threading.Thread):
    """Asks again and again: by turns on a new connection, and on one that is kept while the proxy keeps it."""

    def __init__(self, proxy):
        super().__init__()
        self.proxy = proxy
        self.count = 0
        self.fault = None
        self.over = threading.Event()

    def run(self):
        kept = self.proxy.client()
        try:
            while not self.over.is_set():
                assert self.proxy.ask(*IMAGES).status == 200
                told = kept.ask(*IMAGES)
                assert told.status == 200
                if told.get("Connection") == "close":
                    kept.close()
                    kept = self.proxy.client()
                self.count += 1
                self.over.wait(0.002)  # it need not take all of the CPU
        except Exception as error:  # pylint: disable=broad-except
            self.fault = error
        finally:
            kept.close()

    def __enter__(self):
        self.start()
        self.goes_on()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        assert self.fault is None, repr(self.fault)

    def goes_on(self):
        before = self.count
        wait_until("requests are answered", lambda: self.fault or self.count > before + 3)


def refused(address):
    try:
        Client(address).close()
        return False
    except (ConnectionError, FileNotFoundError):
        return True


@scenario(threaded=True)
def nothing_is_refused_and_settings_are_in_force(fixture):
    """The upload of the old process ends well, and so does its answer. Binds come and go."""
    glance = fixture.glance()
    removed, added = (fixture.host, PORT + 1), (fixture.host, PORT + 3)
    binds = f"{fixture.host}:{PORT}"
    proxy = started(fixture, glance, {**STREAM, "listen": {"bind": f"{binds}, {removed[0]}:{removed[1]}"}})
    first = proxy.process.pid
    with half_an_upload(proxy, glance) as client, proxy.client() as idle, Load(proxy) as load:
        assert idle.ask(*IMAGES).status == 200
        proxy.write({**STREAM, "DEFAULT": {"workers": 3},
                     "listen": {"bind": f"{binds}, {added[0]}:{added[1]}"}})
        old = restart(proxy)
        load.goes_on()
        told = idle.ask("PUT", UPLOAD, body=b"image")
        assert (told.status, told.get("Connection")) == (204, "close")
        idle.close()
        Client(added).close()
        wait_until("the removed address is closed", lambda: refused(removed))
        assert proxy.metric("uploads_in_flight") == 0  # of the new process
        client.send(HALF)
        assert client.answer().status == 204
        client.close()
        assert old.wait() == 0
        load.goes_on()
    assert glance.uploads()[0].length == 2 * len(HALF)
    assert proxy.process.pid != first
    proxy.wait_log(f"process {proxy.process.pid} serves from now on; process {first} lets")
    proxy.wait_log(f"no longer listening on {removed[0]}:{removed[1]}")
    proxy.wait_log("3 workers")
    proxy.wait_log(f"process {first} has stopped")
    proxy.wait_log(f"process {first}, which this one has replaced, has ended")


@scenario
def again_and_again_with_more_and_fewer_workers(fixture):
    """Fewer workers take over all sockets, and more share them."""
    proxy = started(fixture, fixture.glance(), {"DEFAULT": {"workers": 3}})
    with Load(proxy) as load:
        for workers in (1, 4, 2):
            proxy.write({"DEFAULT": {"workers": workers}})
            old = restart(proxy)
            load.goes_on()
            assert old.wait() == 0
    assert load.count > 0


@scenario
def unix_and_ipv6_sockets_are_taken_over(fixture):
    ipv6 = ("::1", fixture.ipv6_port)
    path = fixture.folder / "clients.sock"
    proxy = started(fixture, fixture.glance(), {"listen": {"bind": f"unix:{path}, [::1]:{ipv6[1]}"}})
    inode = path.stat().st_ino
    assert restart(proxy).wait() == 0
    assert path.stat().st_ino == inode
    for address in (path, ipv6):
        proxy.address = address
        assert proxy.ask(*IMAGES).status == 200
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0
    assert not path.exists()


@scenario
def what_fails_leaves_the_old_process_in_force(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, start=False)
    program = fixture.folder / "glance-intake"
    program.symlink_to(proxy.command[-1])
    proxy.command = [*proxy.command[:-1], program]
    begin(fixture, proxy)

    def fails(*said):
        proxy.said_before = proxy.error_file.stat().st_size
        proxy.signal(signal.SIGUSR2)
        line = proxy.wait_log("the restart failed")
        assert f" {proxy.process.pid}, goes on" in line and all(words in line for words in said), line
        assert proxy.ask(*IMAGES).status == 200
        proxy.hears("STATUS=Serving; a restart failed")

    proxy.write({"listen": {"colour": "red"}})
    fails("glance-intake.conf:", "colour")
    with socket.create_server((fixture.host, PORT + 1)):
        proxy.write({"listen": {"bind": f"{fixture.host}:{PORT}, {fixture.host}:{PORT + 1}"}})
        fails("ended before it was ready")
    proxy.wait_log("already in use")
    proxy.write({})
    program.unlink()
    fails("cannot be executed")
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    fails("ended before it was ready")

    # The new version of the program is found where the old one was.
    program.unlink()
    program.symlink_to(pathlib.Path(fixture.proxy_command[-1]).resolve())
    assert restart(proxy).wait() == 0
    assert proxy.ask(*IMAGES).status == 200


@scenario
def signals_during_a_restart(fixture):
    """A second SIGUSR2 does nothing. SIGTERM ends a process that is still starting."""
    proxy = fixture.proxy(fixture.glance(), start=False)
    program, sign = fixture.folder / "glance-intake", fixture.folder / "sign"
    program.symlink_to(proxy.command[-1])
    proxy.command = [*proxy.command[:-1], program]
    begin(fixture, proxy)
    program.unlink()
    program.write_text(f"#!/bin/sh\necho $$ >{sign}.new && mv {sign}.new {sign}\nexec sleep 1000\n")
    program.chmod(0o755)
    proxy.signal(signal.SIGUSR2)
    wait_until("it is starting", sign.exists)
    proxy.signal(signal.SIGUSR2)
    proxy.wait_log(f"SIGUSR2 is ignored: process {sign.read_text().strip()} is already starting")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0
    proxy.wait_log("the restart is abandoned")
    assert os.waitpid(int(sign.read_text()), 0)[1] == signal.SIGKILL


@scenario
def sigterm_to_all_lets_the_old_process_finish(fixture):
    """As systemctl stop does. The main process stays until the old one has ended."""
    glance = fixture.glance()
    proxy = started(fixture, glance, STREAM)
    with half_an_upload(proxy, glance) as client:
        old = restart(proxy)
        old.send_signal(signal.SIGUSR2)
        proxy.wait_log(f"SIGUSR2 is ignored: process {old.pid} accepts nothing")
        for process in (old, proxy.process):
            process.send_signal(signal.SIGTERM)
        wait_until("both drain", lambda: proxy.log().count("draining: nothing new") == 2)
        wait_until("nobody listens", lambda: refused((fixture.host, ADMIN_PORT)) or refused(proxy.address))
        assert proxy.process.poll() is None
        client.send(HALF)
        assert client.answer().status == 204
    assert old.wait() == 0
    assert proxy.wait_exit() == 0


@scenario
def second_sigterm_ends_the_old_process(fixture):
    glance = fixture.glance()
    proxy = started(fixture, glance, STREAM)
    with half_an_upload(proxy, glance):
        old = restart(proxy)
        old.send_signal(signal.SIGTERM)
        proxy.wait_log("draining: nothing new")
        old.send_signal(signal.SIGTERM)
        assert old.wait() == 0
        glance.wait("the cut", lambda _: glance.uploads()[0].cut)
    assert proxy.ask(*IMAGES).status == 200


@scenario
def log_of_all_processes_is_reopened(fixture):
    """logrotate sends SIGHUP to the main process. Each one passes it on to that which it has replaced."""
    glance = fixture.glance()
    file, rotated = fixture.folder / "intake.log", fixture.folder / "intake.log.1"
    proxy = started(fixture, glance, {**STREAM, "DEFAULT": {"log_file": file}})
    clients, processes = [], []
    for _ in range(2):
        clients.append(fixture.enter_context(half_an_upload(proxy, glance)))
        processes.append(restart(proxy))
    processes.append(proxy.process)
    file.rename(rotated)
    proxy.signal(signal.SIGHUP)
    for process in processes:
        wait_until("it writes to the new file only",
                   lambda pid=process.pid: {str(file), str(rotated)} & {*open_files(pid)} == {str(file)})
    for client, process in zip(clients, processes):
        client.send(HALF)
        assert client.answer().status == 204
        client.close()
        assert process.wait() == 0
    assert rotated.read_text().count("verdict=stored") == 0
    wait_until("the uploads are in the new file", lambda: file.read_text().count("verdict=stored") == 2)
    assert proxy.ask(*IMAGES).status == 200


@scenario
def held_uploads_end_with_the_old_process(fixture):
    glance = fixture.glance()
    proxy = started(fixture, glance, {"resume": {"window": "10m"}})
    half_an_upload(proxy, glance).close()
    proxy.wait_log("held: the client")
    assert restart(proxy).wait() == 0
    proxy.wait_log("this process has handed over to a new one")
    glance.wait("the cut", lambda _: glance.uploads()[0].cut)


@scenario
def sockets_of_the_service_manager_are_used(fixture):
    """What comes before the start waits. A restart passes them on, and leaves the file of a unix socket."""
    adopt_orphans()
    path = fixture.folder / "clients.sock"
    tcp = fixture.enter_context(socket.create_server((fixture.host, PORT)))
    admin = fixture.enter_context(socket.create_server((fixture.host, ADMIN_PORT)))
    unix = fixture.enter_context(socket.socket(socket.AF_UNIX))
    unix.bind(str(path))
    unix.listen()
    own = f"{fixture.host}:{PORT + 1}"
    proxy = fixture.proxy(fixture.glance(), start=False,
                          conf={"listen": {"bind": f"unix:{path}, {fixture.host}:{PORT}, {own}"}})
    activated(proxy, (tcp, unix, admin))
    with proxy.client() as early:
        begin(fixture, proxy)
        assert early.ask(*IMAGES).status == 200
    for old in (None, restart(proxy)):
        assert old is None or old.wait() == 0
        for address in (path, (fixture.host, PORT), (fixture.host, PORT + 1)):
            proxy.address = address
            assert proxy.ask(*IMAGES).status == 200
        assert proxy.admin("/healthz")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0
    assert path.exists()
    Client((fixture.host, PORT)).close()


@scenario
def a_passed_socket_without_a_bind_is_an_error(fixture):
    other = fixture.enter_context(socket.create_server((fixture.host, PORT + 5)))
    proxy = fixture.proxy(fixture.glance(), start=False)
    activated(proxy, (other,))
    proxy.start()
    assert proxy.wait_exit() == 1
    assert f"a socket for {fixture.host}:{PORT + 5} was passed" in proxy.log()
