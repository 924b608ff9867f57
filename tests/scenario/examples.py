# SPDX-License-Identifier: Apache-2.0
"""HAProxy and nginx before three proxies, as config/examples/ has them."""
import contextlib
import functools
import json
import subprocess
import uuid

from support.examples import EXAMPLES, checked, program
from support.fixture import scenario, trusting
from support.proxy import ADMIN_PORT, PATIENCE, PORT, wait_until
from support.raw_http import Client, head
from support.stack import OCTETS, TOKEN, data

FRONT_PORT = PORT + 10
MEMBERS = ("192.0.2.11:9292", "192.0.2.12:9292", "192.0.2.13:9292")  # in the examples
LARGE = 3 << 20  # more than the proxies in front keep in memory
IMAGES = 6
MANY = 64  # so many that each proxy has some
NGINX = """
daemon off;
worker_processes 1;
pid {0}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {0}/body;
    proxy_temp_path {0}/proxy;
    fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi;
    scgi_temp_path {0}/scgi;
    include {0}/site.conf;
}}
"""


def replaced(text, values):
    """Each value must be in the example."""
    for old, new in values.items():
        assert old in text, f"the example has no {old}"
        text = text.replace(old, str(new))
    return text


# --- HAProxy and nginx -----------------------------------------------------------------------


def three_proxies(fixture, glance):
    """Proxies on three ports, which trust what is in front of them."""
    proxies = []
    for number in range(len(MEMBERS)):
        address = fixture.host, PORT + number
        conf = {"DEFAULT": {"access_log": "all"},
                "listen": {"bind": "{}:{}".format(*address), "trusted_proxies": fixture.host},
                "admin": {"bind": f"{fixture.host}:{ADMIN_PORT + 100 + number}"}}
        proxy = fixture.proxy(glance, conf=conf, start=False)
        proxy.address = address
        proxy.start()
        proxies.append(proxy)
    for proxy in proxies:
        wait_until("the proxy starts", functools.partial(answers, proxy.address))
    return proxies


def answers(address):
    with contextlib.suppress(OSError), Client(address):
        return True
    return False


def haproxy(fixture, members):
    cert, key = fixture.certificate("front")
    both = fixture.folder / "glance.pem"
    both.write_text(cert.read_text() + key.read_text())
    file = fixture.folder / "haproxy.cfg"
    file.write_text(replaced((EXAMPLES / "haproxy.cfg").read_text(), {
        "bind :9292 ssl": f"bind {fixture.host}:{FRONT_PORT} ssl", "/etc/haproxy/glance.pem": both,
        "log /dev/log local0": "log stderr local0", "maxconn 20000": "maxconn 200",
        "check inter 2s": f"source {fixture.host} check inter 200ms",
        # or a check that takes longer than the interval fails
        "timeout connect 5s": "timeout connect 5s\n    timeout check 10s", **members}))
    checked(program("haproxy"), "-c", "-f", file)
    return [program("haproxy"), "-db", "-f", file], cert


def nginx(fixture, members):
    cert, key = fixture.certificate("front")
    (fixture.folder / "site.conf").write_text(replaced((EXAMPLES / "nginx.conf").read_text(), {
        "listen 9292 ssl": f"listen {fixture.host}:{FRONT_PORT} ssl", "/etc/nginx/glance.crt": cert,
        "/etc/nginx/glance.key": key, "proxy_http_version": f"proxy_bind {fixture.host};\n        proxy_http_version",
        **members}))
    file = fixture.folder / "nginx.conf"
    file.write_text(NGINX.format(fixture.folder))
    checked(program("nginx"), "-t", "-q", "-p", fixture.folder, "-c", file)
    return [program("nginx"), "-p", fixture.folder, "-c", file], cert


class Front:
    """A proxy in front, as its example has it, on an address of the scenario."""

    def __init__(self, fixture, make):
        self.glance = fixture.small_glance()
        self.proxies = three_proxies(fixture, self.glance)
        members = {member: "{}:{}".format(*proxy.address) for member, proxy in zip(MEMBERS, self.proxies)}
        command, cert = make(fixture, members)
        self.address, self.tls = (fixture.host, FRONT_PORT), trusting(cert)
        self.log = fixture.folder / "front.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stderr=log)
        fixture.callback(self.process.wait, PATIENCE)
        fixture.callback(self.process.terminate)
        wait_until("it passes requests on", self.is_up)

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError), self.client() as client:
            return client.ask("GET", "/").status < 500
        return False

    def client(self, source=None):
        return Client(self.address, source, self.tls)

    def put(self, image, body, *fields, source=None):
        with self.client(source) as client:
            client.send(head(f"PUT /v2/images/{image}/file HTTP/1.1", "Host: glance.example.org", TOKEN, OCTETS,
                             f"Content-Length: {len(body)}", *fields))
            client.send_until_refused(body)
            return client.answer()

    def upload(self, source=None):
        """Uploads to a new image. Returns the image and the id of the request."""
        image, body = self.glance.create(), data(LARGE)
        told = self.put(image, body, source=source)
        assert told.status == 204, (told.start, told.body)
        shown = self.glance.ask("GET", f"/v2/images/{image}")
        assert (shown["status"], shown["size"], shown["stores"]) == ("active", LARGE, "test"), shown
        return image, told.get("X-Openstack-Request-Id")

    def proxy_of(self, request_id):
        """Which one has logged it."""
        def found():
            return [number for number, proxy in enumerate(self.proxies) if f"request_id={request_id} " in proxy.log()]
        return wait_until("a proxy has logged it", found)


def uploads_pass(fixture, front):
    """By TLS, with the client's address, and each link leads to the host that the client used."""
    source = f"{fixture.host.rpartition('.')[0]}.251"
    _, request_id = front.upload(source)
    number, = front.proxy_of(request_id)
    assert f" client={source} " in front.proxies[number].wait_log(f"request_id={request_id}")
    with front.client() as client:
        versions = client.ask("GET", "/versions", TOKEN, "X-Forwarded-Host: wrong.example")
    links = {link["href"] for version in json.loads(versions.body)["versions"] for link in version["links"]}
    assert links and all(link.startswith("https://") and "wrong" not in link for link in links), links


def one_proxy_has_all_of_an_image(front):
    for _ in range(IMAGES):
        image, first = front.upload()
        again = front.put(image, data(1000))
        assert again.status == 409, again.start
        numbers = {*front.proxy_of(first), *front.proxy_of(again.get("X-Openstack-Request-Id"))}
        assert len(numbers) == 1, f"{image} was sent to several proxies: {numbers}"


def every_proxy_has_images(front):
    with front.client() as client:
        told = [client.ask("GET", f"/v2/images/{uuid.uuid4()}", TOKEN) for _ in range(MANY)]
    used = {number for answer in told for number in front.proxy_of(answer.get("X-Openstack-Request-Id"))}
    assert used == set(range(len(MEMBERS))), used


def uploads_go_on_without_a_proxy(front):
    """Those for which it was responsible, too."""
    fault = front.proxies[0].stop()
    assert not fault, fault

    def passes():
        return front.put(front.glance.create(), data(1000)).status == 204
    wait_until("the others take its place", lambda: all(passes() for _ in range(IMAGES)))


def works_in_front(fixture, make):
    front = Front(fixture, make)
    uploads_pass(fixture, front)
    one_proxy_has_all_of_an_image(front)
    every_proxy_has_images(front)
    uploads_go_on_without_a_proxy(front)


@scenario
def haproxy_in_front(fixture):
    works_in_front(fixture, haproxy)


@scenario
def nginx_in_front(fixture):
    works_in_front(fixture, nginx)
