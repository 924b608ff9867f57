# SPDX-License-Identifier: Apache-2.0
"""The process runs out of descriptors and gets some back: the workers accept connections again."""
import os
import socket

from support.fixture import scenario
from support.proxy import ADMIN_PORT, wait_until
from support.raw_http import Client, request

TARGET = request("GET", "/v2/images")
MOST = 256


def limited(fixture, workers):
    fixture.proxy_command = ["prlimit", f"--nofile={MOST}:{MOST}", *fixture.proxy_command]
    return fixture.proxy(fixture.glance(), conf={"DEFAULT": {"workers": workers}})


def use_all(proxy):
    clients = [Client(proxy.address) for _ in range(300)]
    folder = f"/proc/{proxy.process.pid}/fd"
    wait_until("no descriptor is left", lambda: len(os.listdir(folder)) >= MOST)
    return clients


@scenario(threaded=True)
def workers_recover_twice_from_no_descriptors(fixture):
    proxy = limited(fixture, workers=2)
    for _ in range(2):
        clients = use_all(proxy)
        with socket.create_connection((proxy.host, ADMIN_PORT)):
            for client in clients:
                client.close()
        proxy.wait_metric(0, "connections")
    for _ in range(40):  # enough for each worker to get some
        assert proxy.ask("GET", "/v2/images").status == 200
    proxy.wait_log("cannot be accepted just now: Too many open files")


@scenario
def waiting_client_is_served_when_descriptors_return(fixture):
    proxy = limited(fixture, workers=1)
    clients = use_all(proxy)
    waiting = Client(proxy.address).send(TARGET)
    for client in clients:
        client.close()
    assert waiting.answer().status == 200
