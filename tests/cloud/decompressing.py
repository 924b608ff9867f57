# SPDX-License-Identifier: Apache-2.0
"""Compressed images by one command over TLS, with a password, before a real Keystone, Glance and S3: with each of the
usual programs. What is stored is downloaded again, and boots."""
import hashlib
import json
import lzma
import os
import subprocess
import uuid

import booting
import clients
from cloud import PATIENCE, check, same, wait_until
from proxy import scratch
from tls_proxy import tls_proxy

POLICY = {"rules": [{"name": "disks", "when": {"disk_format": ["raw", "qcow2"]}, "store": "test", "mode": "force"}],
          "default": {"store": "file", "mode": "force"}}
DECOMPRESS = "[upload]\ncompressed = decompress\n"
SIZE = 4 << 20  # bytes of the disk


class Disk:
    """A disk that boots, in a format and compressed."""

    def __init__(self, directory, disk_format):
        self.word, self.disk_format = f"booted-{uuid.uuid4().hex}", disk_format
        self.name = self.word
        raw = os.path.join(directory, self.word)
        self.path = f"{raw}.{disk_format}"
        with open(raw, "wb") as file:
            file.write(booting.bootable(self.word, SIZE))
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", disk_format, raw, self.path], check=True)
        subprocess.run(["xz", "-0", "-k", self.path], check=True)
        self.packed = self.path + ".xz"
        with open(self.path, "rb") as file:
            self.content = file.read()


def command_of(program, proxy, login, packed):
    """The command line that a user types. The user may have several projects."""
    user, password, project = login
    url = f"{proxy.https}/upload/{os.path.basename(packed)}?project={project}"
    return {
        "curl": ["curl", "-sS", "--cacert", proxy.cert, "-T", packed, "-u", f"{user}:{password}", url],
        "wget": ["wget", "-qO-", f"--ca-certificate={proxy.cert}", "--method=PUT", f"--body-file={packed}",
                 f"--user={user}", f"--password={password}", "--auth-no-challenge", url],
        "http": ["http", "--ignore-stdin", "--body", f"--verify={proxy.cert}", "-a", f"{user}:{password}", "PUT", url,
                 f"@{packed}"],
    }[program]


def boots(cloud, image_id, disk, directory):
    """The image as Glance gives it out."""
    again = os.path.join(directory, "again")
    answer = cloud.glance("GET", f"/v2/images/{image_id}/file")
    same("the image that is downloaded", hashlib.sha512(answer.content).hexdigest(),
         hashlib.sha512(disk.content).hexdigest())
    with open(again, "wb") as file:
        file.write(answer.content)
    same("what the image says when it boots", booting.said_by(again, disk.disk_format), disk.word)


def is_proven(cloud, image, disk, directory):
    digest = hashlib.sha512(disk.content).hexdigest()
    wanted = {"name": disk.name, "disk_format": disk.disk_format, "status": "active", "stores": "test",
              "os_hash_value": digest, "size": len(disk.content)}
    try:
        same("the image", {name: image.get(name) for name in wanted}, wanted)
        same("the object in the bucket", cloud.in_bucket(image["id"]), (len(disk.content), digest))
        verdict = cloud.proxy.ended_upload(image["id"])
        same("the proof", (verdict["verdict"], verdict["verified"]), ("stored", "sha512"))
        boots(cloud, image["id"], disk, directory)
    finally:
        cloud.delete(image["id"])


def images_named(cloud, name):
    return cloud.glance("GET", f"/v2/images?name={name}", user="admin").json()["images"]


def newman_uploads(cloud, proxy, login, disk):
    """newman prints no more of the answer than its test needs."""
    result = clients.newman_runs(cloud, "one command", env={"NODE_EXTRA_CA_CERTS": proxy.cert}, url=proxy.https,
                                 user=login[0], password=login[1], project=login[2], file=disk.packed,
                                 name=os.path.basename(disk.packed))
    check(result.exit_status == 0, f"newman: {result.printed[-2000:]}")
    (image,) = images_named(cloud, disk.name)
    return image


def printed_image(command):
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    check(done.returncode == 0, f"{command[0]}: {done.returncode} {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def test_compressed_images_boot(cloud):
    env = cloud.envs["demo"]
    login = env["OS_USERNAME"], env["OS_PASSWORD"], env["OS_PROJECT_NAME"]
    with tls_proxy(cloud, POLICY, more=DECOMPRESS) as proxy, scratch() as directory:
        for program, disk_format in (("curl", "raw"), ("curl", "qcow2"), ("wget", "raw"), ("http", "qcow2")):
            disk = Disk(directory, disk_format)
            image = printed_image(command_of(program, proxy, login, disk.packed))
            check("id" in image, f"{program}: {image}")
            is_proven(cloud, image, disk, directory)
        disk = Disk(directory, "raw")
        is_proven(cloud, newman_uploads(cloud, proxy, login, disk), disk, directory)


def test_what_is_refused_leaves_no_image(cloud):
    with tls_proxy(cloud, POLICY, more=DECOMPRESS + "max_size = 8MiB\n") as proxy, scratch() as directory:
        disk = Disk(directory, "raw")
        with open(disk.packed, "rb") as file:
            packed = file.read()
        bomb = lzma.compress(booting.bootable("bomb", 4 * SIZE), preset=0)
        for name, body, reason in (("bomb", bomb, "too_large"), ("cut", packed[:-30], "truncated"),
                                   ("more", packed + b"more", "damaged_body")):
            path = os.path.join(directory, name)
            with open(path, "wb") as file:
                file.write(body)
            url = f"{proxy.https}/upload/{disk.name}"
            refused = printed_image(["curl", "-sS", "--cacert", proxy.cert, "-T", path, "-H",
                                     f"X-Auth-Token: {cloud.token()}", url])
            same(f"the reason for {name}", refused["reason"], reason)
        wait_until("no image is left", lambda: not images_named(cloud, disk.name))
