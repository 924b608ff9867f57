# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.0, HTTP/2 and reused connections."""
import contextlib
import http.client
import json
import socket
import urllib.parse
import uuid

import clients
from cloud import PATIENCE, check, same
from uploads import OCTETS, landed_in_test, told_in_headers


def curl_works(cloud, *options):
    """An upload and a download. The answer is HTTP/1.1, as Glance's is."""
    file = cloud.small()
    with cloud.new_image() as image_id:
        result = clients.curl(cloud, image_id, *options, "-T", file.path, *OCTETS)
        told_in_headers(result, file, "store")
        landed_in_test(cloud, image_id, file)
        url, tell = clients.upload_url(cloud, image_id), "%{http_version} %{size_download}"
        command = clients.curl_command(cloud, url, *options, "-o", "/dev/null", "-w", tell)
        same("version and bytes", clients.run(command).printed, f"1.1 {file.size}")


def test_curl_with_http_1_0(cloud):
    curl_works(cloud, "--http1.0")


def test_curl_that_offers_http_2(cloud):
    """It sends Upgrade: h2c, which a server may ignore."""
    curl_works(cloud, "--http2")


def test_curl_reuses_its_connection(cloud):
    """The answer to a larger upload closes the connection, and curl connects again."""
    tell = "%{response_code} %{num_connects}\n"
    chunked = ("-H", "Transfer-Encoding: chunked")
    ways = [
        (cloud.tiny(), chunked, "204 1"),
        (cloud.tiny(), (), "204 0"),
        (cloud.small(), chunked, "204 0"),
        (cloud.small(), (), "204 1"),
        (cloud.tiny(), (), "204 1"),
    ]
    with contextlib.ExitStack() as afterwards:
        images = [afterwards.enter_context(cloud.new_image()) for _ in ways]
        command = []
        for image_id, (file, options, _) in zip(images, ways):
            how = ("-T", file.path, "-w", tell, *options)
            command += clients.curl_command(cloud, clients.upload_url(cloud, image_id), *how)[1:]
            command += ["--next"]
        result = clients.run(["curl", *command[:-1]])
        wanted = [told for _, _, told in ways]
        same("statuses and new connections", result.printed.splitlines(), wanted)
        for image_id, (file, _, _) in zip(images, ways):
            landed_in_test(cloud, image_id, file)


# --- pipelined --------------------------------------------------------------------------------


CHUNKED = "Transfer-Encoding: chunked"


def request(cloud, line, body=b"", *fields):
    head = [f"{line} HTTP/1.1", "Host: glance", f"X-Auth-Token: {cloud.token()}", *fields]
    if body and CHUNKED not in fields:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


def life_of(cloud, image_id, data):
    """The requests of an image's life."""
    image, octets = f"/v2/images/{image_id}", "Content-Type: application/octet-stream"
    fields = {"id": image_id, "disk_format": "qcow2", "container_format": "bare"}
    create = json.dumps(fields).encode()
    yield request(cloud, "POST /v2/images", create, "Content-Type: application/json")
    yield request(cloud, f"GET {image}")
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
    yield request(cloud, f"PUT {image}/file", chunks, octets, CHUNKED)
    yield request(cloud, f"GET {image}")
    yield request(cloud, f"DELETE {image}")
    yield request(cloud, f"GET {image}", b"", "Accept: application/json", "Connection: close")


def answers_at_once(url, requests):
    """(status, body) of each request. All requests are sent before an answer is read."""
    where = urllib.parse.urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE) as connection:
        connection.sendall(b"".join(requests))
        with connection.makefile("rb") as stream:
            for _ in requests:
                status = int(stream.readline().split()[1])
                fields = http.client.parse_headers(stream)
                yield status, stream.read(int(fields.get("Content-Length", 0)))
            same("what follows the last answer", stream.read(), b"")


def lived(cloud, url):
    """What must be the same at Glance and through the proxy."""
    image_id = str(uuid.uuid4())
    with open(cloud.tiny().path, "rb") as file, contextlib.ExitStack() as afterwards:
        afterwards.callback(cloud.delete, image_id)
        life = list(life_of(cloud, image_id, file.read()))
        answers = list(answers_at_once(url, life))
    shown = json.loads(answers[3][1])
    same("the digest", shown["os_hash_value"], cloud.tiny().sha512)
    check(image_id in answers[-1][1].decode(), f"not Glance's last answer: {answers[-1]}")
    return [status for status, _ in answers], shown["stores"]


def test_pipelined_requests(cloud):
    """Six requests, among them a small upload, are sent before the first answer."""
    statuses = [201, 200, 204, 200, 204, 404]
    same("what Glance answers", lived(cloud, cloud.glance_url), (statuses, "file"))
    same("what is answered", lived(cloud, cloud.proxy.url), (statuses, "test"))
