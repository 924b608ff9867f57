# SPDX-License-Identifier: Apache-2.0
"""Clients whose connections are cut at random places go on until their image is stored. The connections lead
through a relay that cuts them by RST, by FIN, or by silence.

RESUMING_CUTS is the number of cuts; RESUMING_SEED makes the same ones again."""
import concurrent.futures
import os
import random
import socket
import struct
import threading
import time

import clients
from cloud import HERE, KIB, MIB, PATIENCE, check, same, wait_until
from proxy import another_proxy, scratch
from uploads import OCTETS, landed_in_test

CUTS = int(os.environ.get("RESUMING_CUTS", "6"))
SEED = int(os.environ.get("RESUMING_SEED", "0")) or random.randrange(1 << 32)
EACH = 2  # cuts of one upload
AT_ONCE = 16
SILENCE = 6  # seconds, after which the connection is reset, too: more than the proxy gives a silent one
POLICY = {"default": {"store": "test", "mode": "force"}}
HOLDS = "[DEFAULT]\nworkers = 4\n[resume]\nwindow = 5m\nmax_held_per_project = 64\n"
DRAFT = ("-H", "Upload-Draft-Interop-Version: 8", "-H", "Upload-Complete: ?1")
WAYS = ("reset", "close", "silence")


class Relay:
    """Passes connections on to the proxy. Cuts some when they have brought so many bytes."""

    def __init__(self, port, cuts):
        self.port = port
        self.cuts = cuts  # (bytes of one connection, way); the next one last
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self._pass_back, args=(server, client), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _due(self, passed):
        with self.lock:
            return self.cuts.pop()[1] if self.cuts and passed >= self.cuts[-1][0] else None

    @staticmethod
    def _end(way, *sockets):
        if way == "silence":
            time.sleep(SILENCE)
        for each in sockets:
            if way != "close":
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                each.shutdown(socket.SHUT_RDWR if way == "close" else socket.SHUT_RD)
            except OSError:
                pass
            each.close()

    def _pass_on(self, client, server):
        passed = 0
        try:
            while block := client.recv(64 * KIB):
                server.sendall(block)
                passed += len(block)
                if way := self._due(passed):
                    self._end(way, client, server)
                    return
            server.shutdown(socket.SHUT_WR)
        except OSError:
            self._end("reset", client, server)

    @staticmethod
    def _pass_back(server, client):
        try:
            while block := server.recv(64 * KIB):
                client.sendall(block)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# --- clients ------------------------------------------------------------------------------------------


def by_tus(cloud, url, file):
    program = os.path.join(HERE, "tus.mjs")
    result = clients.run(["node", program, os.path.join(cloud.directory, "newman"), url, file.path, cloud.token()])
    same("tus-js-client: " + result.printed[-500:], result.exit_status, 0)


def where(cloud, url):
    """(bytes that are there, whether they are all), once the proxy tells it."""

    def ask():
        told = clients.curl(cloud, None, "-I", url=url)
        fields = told.headers
        return "upload-offset" in fields and (int(fields["upload-offset"]), fields["upload-complete"] == "?1")

    return wait_until("the offset is told", ask)


def goes_on(cloud, url, file, send):
    """Sends the rest until all of it is there."""
    end = time.monotonic() + 3 * PATIENCE
    at, complete = 0, False
    while not complete:
        check(time.monotonic() < end, f"only {at} of {file.size} bytes came")
        status = send(at)
        if status == 204:
            return
        time.sleep(1)
        at, complete = where(cloud, url)


def curl_status(cloud, url, *options):
    try:
        return clients.curl(cloud, None, *options, url=url).status
    except ValueError:  # it was cut, and printed no headers
        return 0


def by_curl(cloud, url, file):
    def send(at):
        return curl_status(cloud, url, *(("-C", str(at)) if at else ()), "-T", file.path, *OCTETS)

    goes_on(cloud, url, file, send)


def by_draft(cloud, url, file):
    with scratch() as directory:
        rest = os.path.join(directory, "rest")

        def send(at):
            if not at:
                return curl_status(cloud, url, "-T", file.path, *DRAFT)
            with open(file.path, "rb") as whole, open(rest, "wb") as out:
                whole.seek(at)
                out.write(whole.read())
            part = ("-X", "PATCH", "-H", f"Upload-Offset: {at}", "-H", "Content-Type: application/partial-upload")
            return curl_status(cloud, url, *DRAFT, *part, "-T", rest)

        goes_on(cloud, url, file, send)


CLIENTS = by_tus, by_curl, by_draft

# --- the tests ------------------------------------------------------------------------------------------


class Resources:
    """What the proxy has: memory in MiB, and descriptors. An upload that has ended leaves nothing."""

    ROOM = 24  # MiB that its threads keep for the next uploads
    KEPT = AT_ONCE  # pipes, and connections to Glance

    def __init__(self, proxy):
        self.memory = proxy.memory()
        self.began = self._now()

    def _now(self):
        return self.memory.now(), len(os.listdir(f"/proc/{self.memory.pid}/fd"))

    def returned(self):
        """Waits until both are back. Returns them for the report."""
        (memory, descriptors), now = self.began, (0, 0)

        def are_back():
            nonlocal now
            now = self._now()
            return now[0] <= memory + self.ROOM and now[1] <= descriptors + self.KEPT

        wait_until("memory and descriptors are back", are_back)
        return f"{memory} MiB and {descriptors} descriptors before, {now[0]} and {now[1]} after"


def upload(cloud, file, number):
    """Returns how many of its cuts were made."""
    chance = random.Random(SEED + number)
    cuts = [(chance.randrange(64 * KIB, 3 * MIB), chance.choice(WAYS)) for _ in range(EACH)]
    relay = Relay(cloud.proxy.port, cuts)
    try:
        with cloud.new_image() as image_id:
            url = f"{relay.url}/v2/images/{image_id}/file"
            CLIENTS[number % len(CLIENTS)](cloud, url, file)
            landed_in_test(cloud, image_id, file)
    finally:
        relay.close()
    return EACH - len(cuts)


def all_are_right(cloud, count, more=""):
    """So many uploads, the first of each client alone: they open what the proxy keeps."""
    file = cloud.data_file("cut.qcow2", 8 * MIB)
    with another_proxy(cloud, POLICY, more=HOLDS + more), concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        made = sum(upload(cloud, file, number) for number in range(len(CLIENTS)))
        resources = Resources(cloud.proxy)
        made += sum(pool.map(lambda number: upload(cloud, file, number), range(len(CLIENTS), count)))
        for metric in ("uploads_held", "uploads_in_flight", "spool_bytes"):
            wait_until(metric, lambda metric=metric: cloud.proxy.metric("glance_intake_" + metric) == 0)
        return f"{count} uploads, {made} cuts, seed {SEED}; {resources.returned()}"


def test_random_cuts(cloud):
    return all_are_right(cloud, max(len(CLIENTS), CUTS // EACH))


def test_random_cuts_of_kept_uploads(cloud):
    """One for four of those above."""
    return all_are_right(cloud, max(len(CLIENTS), CUTS // EACH // 4), "backing = spool\n")
