# SPDX-License-Identifier: Apache-2.0
"""Unix sockets, to clients and to Glance."""
import functools
import hashlib
import os
import signal

from support.fixture import scenario
from support.glance import TOKEN, ScriptedGlance, UPLOAD
from support.proxy import PORT, wait_until

FIELDS = ("Content-Type: application/octet-stream", f"X-Auth-Token: {TOKEN}")
CLIENT = "X-Forwarded-For: 198.51.100.7"


@functools.cache
def body():
    return os.urandom(3 << 20)


def listening(fixture, glance, **listen):
    """A proxy at a TCP port and at the unix socket to which its clients go."""
    path = fixture.folder / "clients.sock"
    listen = {"bind": f"{fixture.host}:{PORT}, unix:{path}", **listen}
    proxy = fixture.proxy(glance, conf={"listen": listen})
    proxy.address = path
    return proxy


def glance_at(fixture, name="glance.sock"):
    glance = ScriptedGlance(fixture.folder / name)
    fixture.callback(glance.stop)
    fixture.glances.append(glance)
    return glance


@scenario(threaded=True)
def upload_from_socket_to_socket(fixture):
    glance = glance_at(fixture)
    proxy = listening(fixture, glance)
    told = proxy.ask("PUT", UPLOAD, *FIELDS, body=body())
    assert told.status == 204 and told.get("X-Intake-Verified") == "sha512", told.fields
    upload = glance.the_upload(len(body()))
    assert upload.sha512 == hashlib.sha512(body()).hexdigest()
    assert upload.get("Host") == "glance.example"
    assert "client=" not in proxy.wait_log("verdict=stored")


@scenario
def many_requests_on_one_connection(fixture):
    """Also when connections to Glance would be kept."""
    glance = glance_at(fixture)
    proxy = listening(fixture, glance)
    clients = [fixture.client(proxy) for _ in range(4)]
    for _ in range(5):
        for client in clients:
            assert client.ask("GET", "/v2/images").status == 200
    assert len(glance.requests) == 20


@scenario
def clients_of_a_socket_have_no_address(fixture):
    glance = fixture.glance()
    proxy = listening(fixture, glance)
    assert proxy.ask("GET", "/v2/images", CLIENT).status == 200
    assert glance.requests[0].get("X-Forwarded-For") is None


@scenario
def trusted_clients_of_a_socket_name_the_client(fixture):
    glance = fixture.glance()
    proxy = listening(fixture, glance, trusted_proxies="unix:")
    assert proxy.ask("PUT", UPLOAD, CLIENT, *FIELDS, body=body()).status == 204
    assert glance.the_upload().get("X-Forwarded-For") == "198.51.100.7"
    proxy.wait_log("client=198.51.100.7 ")
    proxy.address = (fixture.host, PORT)
    assert proxy.ask("GET", "/v2/images", CLIENT).status == 200
    assert "198.51.100.7" not in glance.requests[-1].get("X-Forwarded-For")


@scenario
def early_answer_arrives_whole(fixture):
    """The client sends more than the proxy has read."""
    proxy = listening(fixture, fixture.glance(image={"status": "active", "disk_format": "raw",
                                                     "container_format": "bare"}))
    with proxy.client() as client:
        client.send(f"PUT {UPLOAD} HTTP/1.1\r\nHost: a\r\nContent-Length: {1 << 30}\r\n\r\n".encode())
        client.send_until_refused(body())
        assert client.answer("PUT").status == 409


@scenario
def tls_on_a_socket(fixture):
    cert, key = fixture.certificate("listener")
    proxy = listening(fixture, fixture.glance(), tls_cert_file=cert, tls_key_file=key)
    assert proxy.ask("GET", "/v2/images").status == 400  # plain HTTP, and the answer says so


@scenario
def socket_ends_with_the_program(fixture):
    proxy = listening(fixture, fixture.glance())
    path = proxy.address
    assert path.is_socket() and path.stat().st_mode & 0o777 == 0o666
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0
    assert not path.exists()


@scenario
def socket_of_a_killed_program_is_replaced(fixture):
    proxy = listening(fixture, fixture.glance())
    proxy.process.kill()
    proxy.process.wait()
    assert proxy.address.is_socket()
    proxy.start()
    proxy.wait_ready()
    assert proxy.ask("GET", "/v2/images").status == 200


@scenario
def socket_in_use_fails_the_start(fixture):
    glance = fixture.glance()
    first = listening(fixture, glance)
    second = fixture.proxy(glance, conf={"listen": {"bind": f"unix:{first.address}"},
                                         "admin": {"bind": ""}}, start=False)
    second.start()
    assert second.wait_exit() == 1 and "Address already in use" in second.log()
    assert first.ask("GET", "/v2/images").status == 200


@scenario
def endpoint_on_a_socket_is_watched(fixture):
    """A health check goes there, and metrics name the endpoint as it is configured."""
    glance = glance_at(fixture)
    other = fixture.glance()
    proxy = fixture.proxy(glance, other, conf={"glance": {"health_interval": "2s"}})
    proxy.wait_metric(1, "endpoint_state", endpoint=glance.url, state="up")
    check = next(asked for asked in glance.requests if asked.target == "/healthcheck")
    assert check.get("Host") == "localhost"
    glance.stop()
    proxy.wait_metric(0, "endpoint_up", endpoint=glance.url)
    assert [proxy.ask("GET", "/v2/images").status for _ in range(4)] == [200] * 4
    assert glance.url in proxy.admin("/readyz")


@scenario
def next_endpoint_after_a_socket_that_is_gone(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(f"unix:{fixture.folder}/absent.sock", glance)
    assert [proxy.ask("GET", "/v2/images").status for _ in range(4)] == [200] * 4
    assert proxy.ask("PUT", UPLOAD, *FIELDS, body=body()).status == 204
    wait_until("the proxy logs it", lambda: "verdict=stored" in proxy.log())
