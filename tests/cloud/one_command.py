# SPDX-License-Identifier: Apache-2.0
"""One-command uploads with a token, before a real Keystone, Glance and S3: with curl and wget, of each format, and with
clients that break off anywhere."""
import base64
import concurrent.futures
import hashlib
import json
import lzma
import os
import random
import socket
import ssl
import subprocess
import tarfile

import booting
from cloud import PATIENCE, DataFile, check, same, wait_until
from proxy import another_proxy, scratch
from tls_proxy import tls_proxy

POLICY = {"default": {"store": "test", "mode": "force"}}
CUTS = int(os.environ.get("ONE_COMMAND_CUTS", "100"))  # uploads that are broken off
AT_ONCE = 16
NAME = "one-command"


def keystone(cloud):
    return f"[keystone]\nauth_url = {cloud.envs['demo']['OS_AUTH_URL']}\n"


def images(cloud):
    answer = cloud.glance("GET", f"/v2/images?limit=100&name={NAME}", user="admin")
    return answer.json()["images"]


def no_image_is_left(cloud):
    wait_until("no image is left", lambda: not images(cloud))


def made(cloud, printed, file, **facts):
    """The image of the answer is active, has the file's bytes in the bucket, and goes away again."""
    image = json.loads(printed)
    with open(file.path, "rb") as data:
        content = data.read()
    digest = hashlib.sha512(content).hexdigest()
    same("what Glance says of it", {name: image.get(name) for name in facts}, facts)
    same("the image", (image["status"], image["os_hash_value"]), ("active", digest))
    same("the object in the bucket", cloud.in_bucket(image["id"]), (len(content), digest))
    cloud.delete(image["id"])


def printed_by(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    same(f"the exit status of {command[0]} ({done.stderr})", done.returncode, 0)
    return done.stdout


def repeated(cloud, file, url, token):
    """What curl --retry does: the second request answers with the image of the first one."""
    with open(file.path, "rb") as data:
        digest = base64.b64encode(hashlib.sha512(data.read()).digest()).decode()
    for field in (f"Repr-Digest: sha-512=:{digest}:", "Idempotency-Key: once"):
        first, again = (json.loads(printed_by("curl", "-sS", "-T", file.path, "-H", token, "-H", field, url))
                        for _ in range(2))
        same(f"the image with {field[:15]}", again["id"], first["id"])
        cloud.delete(first["id"])


def files_of_each_format(directory):
    """What qemu-img and genisoimage make, and an OVA. Raw data is found by its boot sector."""
    raw, vmdk = os.path.join(directory, "raw"), os.path.join(directory, "vmdk")
    with open(raw, "wb") as file:
        file.write(booting.bootable("one-command", 1 << 20))
    yield raw, "raw", "bare"
    for disk_format, name, *options in (("qcow2", "qcow2"), ("vmdk", "vmdk", "-o", "subformat=streamOptimized"),
                                        ("vhd", "vpc"), ("vhdx", "vhdx"), ("vdi", "vdi")):
        path = os.path.join(directory, disk_format)
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", name, *options, raw, path], check=True)
        yield path, disk_format, "bare"
    iso = os.path.join(directory, "iso")
    subprocess.run(["genisoimage", "-quiet", "-o", iso, raw], check=True)
    yield iso, "iso", "bare"
    ova, ovf = os.path.join(directory, "ova"), os.path.join(directory, "machine.ovf")
    with open(ovf, "w", encoding="ascii") as file:
        file.write("<Envelope/>\n")
    with tarfile.open(ova, "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(ovf, "machine.ovf")
        archive.add(vmdk, "machine-disk1.vmdk")
    yield ova, "vmdk", "ova"


def test_formats_are_found(cloud):
    with another_proxy(cloud, POLICY, more=keystone(cloud)) as proxy, scratch() as directory:
        for path, disk_format, container_format in files_of_each_format(directory):
            printed = printed_by("curl", "-sS", "-T", path, "-H", f"X-Auth-Token: {cloud.token()}",
                                 f"{proxy.url}/upload/{NAME}")
            made(cloud, printed, DataFile(path), name=NAME, disk_format=disk_format,
                 container_format=container_format)


def cut(cloud, context, data, at):
    """Sends up to `at` bytes of the body over TLS, and resets the connection."""
    head = (f"PUT /upload/{NAME} HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {cloud.token()}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", cloud.proxy.port), PATIENCE) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                client.sendall(head + data[:at])
        except OSError:
            pass


def test_one_command(cloud):
    with another_proxy(cloud, POLICY, more=keystone(cloud)) as proxy:
        token = f"X-Auth-Token: {cloud.token()}"
        file = cloud.small()
        url = f"{proxy.url}/upload/"
        printed = printed_by("curl", "-sS", "-T", file.path, "-H", token, f"{url}{NAME}.qcow2?tag=x&min_disk=auto")
        made(cloud, printed, file, name=NAME, disk_format="qcow2", container_format="bare", stores="test", tags=["x"])
        printed = printed_by("wget", "-qO-", "--method=PUT", f"--body-file={file.path}", f"--header={token}",
                             f"{url}{NAME}?property.os_distro=cirros")
        made(cloud, printed, file, name=NAME, disk_format="qcow2", os_distro="cirros")
        with open(file.path, "rb") as data:
            piped = subprocess.run(["curl", "-sS", "-T", "-", "-H", token, url + NAME], stdin=data, timeout=PATIENCE,
                                   capture_output=True, check=True)
        made(cloud, piped.stdout, file, name=NAME, disk_format="qcow2")
        printed = printed_by("curl", "-sS", "-F", "visibility=private", "-F", f"file=@{file.path};filename={NAME}.img",
                             "-H", token, url)
        made(cloud, printed, file, name=NAME, disk_format="qcow2", visibility="private")
        repeated(cloud, file, url + NAME, token)
        refused = json.loads(printed_by("curl", "-sS", "-T", __file__, "-H", token, url + NAME))
        same("the reason", refused["reason"], "format_unknown")
        refused = json.loads(printed_by("curl", "-sS", "-T", file.path, "-H", "X-Auth-Token: wrong", url + NAME))
        same("the reason", refused["reason"], "login_failed")
        no_image_is_left(cloud)


def test_cuts_leave_no_image(cloud):
    """A quarter of them has sent everything, and does not wait for the answer. Half of the data is compressed."""
    chance = random.Random(os.environ.get("ONE_COMMAND_SEED"))
    with tls_proxy(cloud, POLICY, more="[upload]\ncompressed = decompress\n") as proxy:
        context = ssl.create_default_context(cafile=proxy.cert)
        with open(cloud.small().path, "rb") as file:
            data = file.read()
        bodies = data, lzma.compress(data, preset=0)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            begun = []
            for number in range(CUTS):
                body = bodies[number % 2]
                at = len(body) if number % 8 < 2 else chance.randrange(len(body) + 1)
                begun.append(pool.submit(cut, cloud, context, body, at))
        for each in begun:
            each.result()
        wait_until("all have ended", lambda: not requests_in_flight(proxy))
        no_image_is_left(cloud)
        wait_until("one was broken off", lambda: "aborted" in proxy.log())
        left = [image for image in proxy.log().splitlines() if "could not be deleted" in image]
        check(not left, f"images that were not deleted: {left}")


def requests_in_flight(proxy):
    return proxy.metric("glance_intake_requests_in_flight")
