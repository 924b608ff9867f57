# SPDX-License-Identifier: Apache-2.0
"""The cloud as the tests see it: users and their tokens, images, stores, and files to upload.

The tests ask Glance about images directly, past the proxy. They read the store `test` directly from the
bucket.
"""
import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time

import boto3
import botocore.client
import botocore.exceptions
import requests
import yaml

from processes import Memory, cpu_of, is_gone

HERE = os.path.dirname(os.path.abspath(__file__))
KIB = 1 << 10
MIB = 1 << 20

PATIENCE = 180  # seconds: what takes longer than this does not happen


class Skip(Exception):
    """A test cannot run here; the text says why."""


def check(condition, why):
    """Like assert."""
    if not condition:
        raise AssertionError(why)


def same(what, got, wanted):
    check(got == wanted, f"{what} is {got!r}, not {wanted!r}")


def wait_until(what, condition):
    """Polls until condition() is true, and returns its value. A busy machine may need long for anything,
    so the limit is the same for all tests."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, f"not within {PATIENCE} s: {what}")
        time.sleep(0.1)


def happens(condition):
    """Waits for what may never happen. Returns what the condition said last."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


def locked(directory):
    """Held until the file is closed: the catalog leads to one port, which one proxy can have."""
    os.makedirs(directory, exist_ok=True)
    lock = open(os.path.join(directory, "tests.lock"), "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for the run that uses the cloud", file=sys.stderr, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


class DataFile:
    """A file to upload, and its size and digest."""

    def __init__(self, path):
        self.path = path
        self.size = os.path.getsize(path)
        with open(path, "rb") as file:
            self.sha512 = hashlib.file_digest(file, "sha512").hexdigest()


def read_env(path):
    """Reads the `export NAME=VALUE` lines that `up` writes."""
    with open(path, encoding="ascii") as file:
        return dict(line.split(None, 1)[1].rstrip("\n").split("=", 1) for line in file)


class Cloud:
    def __init__(self, directory):
        self.directory = directory
        self.envs = {
            user: read_env(os.path.join(directory, name))
            for user, name in (("demo", "env"), ("other", "env-other"), ("admin", "env-admin"))
        }
        env = self.envs["demo"]
        self.glance_url = env["CLOUD_GLANCE_URL"]
        self.proxy_port = int(env["CLOUD_PROXY_PORT"])
        self.admin_port = int(env["CLOUD_ADMIN_PORT"])
        self.bucket = env["CLOUD_S3_BUCKET"]
        self.s3 = boto3.client(
            "s3",
            endpoint_url=env["CLOUD_S3_URL"],
            region_name="default",
            aws_access_key_id=env["CLOUD_S3_ACCESS_KEY"],
            aws_secret_access_key=env["CLOUD_S3_SECRET_KEY"],
            config=botocore.client.Config(s3={"addressing_style": "path"}),
        )
        self.proxy = None  # set by `run`: the proxy that the catalog points to
        self._tokens = {}
        self._files = {}
        self._kept = {}
        self._until_then = None  # see kept()

    @contextlib.contextmanager
    def tests_of_a_file(self):
        with contextlib.ExitStack() as self._until_then:
            yield
        self._kept.clear()

    def kept(self, name, make):
        """The value of the context make(). It is entered once, and left after the tests of a file."""
        if name not in self._kept:
            self._kept[name] = self._until_then.enter_context(make())
        return self._kept[name]

    def token(self, user="demo"):
        if user not in self._tokens:
            self._tokens[user] = self.new_token(user)
        return self._tokens[user]

    def new_token(self, user="demo", keystone_url=None):
        """A token that no other test uses."""
        env = self.envs[user]
        domain = {"id": "default"}
        body = {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {
                            "name": env["OS_USERNAME"],
                            "password": env["OS_PASSWORD"],
                            "domain": domain,
                        }
                    },
                },
                "scope": {"project": {"name": env["OS_PROJECT_NAME"], "domain": domain}},
            }
        }
        url = (keystone_url or env["OS_AUTH_URL"]) + "/auth/tokens"
        answer = requests.post(url, json=body, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"]

    def glance(self, method, path, user="demo", **options):
        """A request to Glance itself."""
        headers = {"X-Auth-Token": self.token(user), **options.pop("headers", {})}
        url = self.glance_url + path
        return requests.request(method, url, headers=headers, timeout=PATIENCE, **options)

    def image(self, image_id):
        answer = self.glance("GET", f"/v2/images/{image_id}", user="admin")
        same("Glance's status for the image", answer.status_code, 200)
        return answer.json()

    @contextlib.contextmanager
    def new_image(self, name="cloud-test", user="demo", url=None, **fields):
        """The id of a queued image, which is deleted afterwards. `url`: where it is created, if not at Glance."""
        fields = {"disk_format": "qcow2", "container_format": "bare", **fields}
        fields = {key: value for key, value in fields.items() if value is not None}
        headers = {"X-Auth-Token": self.token(user)}
        answer = requests.post((url or self.glance_url) + "/v2/images", json={"name": name, **fields},
                               headers=headers, timeout=PATIENCE)
        same("the status of the image's creation", answer.status_code, 201)
        image_id = answer.json()["id"]
        try:
            yield image_id
        finally:
            self.delete(image_id)

    def delete(self, image_id):
        """Tries again while the image is in use, or sqlite is."""
        path = f"/v2/images/{image_id}"
        happens(lambda: self.glance("DELETE", path, user="admin").status_code in (204, 403, 404))

    def all_images(self):
        """Of all users."""
        return self.glance("GET", "/v2/images?visibility=all&limit=1000", user="admin").json()["images"]

    def in_bucket(self, image_id):
        """Size and sha512 of the image's object, read as a stream; None if there is none."""
        try:
            body = self.s3.get_object(Bucket=self.bucket, Key=image_id)["Body"]
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        digest, size = hashlib.sha512(), 0
        for piece in body.iter_chunks(MIB):
            digest.update(piece)
            size += len(piece)
        return size, digest.hexdigest()

    def file(self, name, make):
        """The file that make(path) creates, in this run or an earlier one."""
        if name not in self._files:
            path = os.path.join(self.directory, "files", name)
            if not os.path.exists(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                made = f"{path}.{os.getpid()}"
                make(made)
                with contextlib.suppress(FileExistsError):  # the tests of the other region have made it meanwhile
                    os.link(made, path)
                os.unlink(made)
            self._files[name] = DataFile(path)
        return self._files[name]

    def data_file(self, name, size, cluster="64k"):
        """A qcow2 of `size` random bytes in clusters, made by qemu-img."""

        def make(path):
            with open(path + ".raw", "wb") as raw:
                for at in range(0, size, MIB):
                    raw.write(os.urandom(min(MIB, size - at)))
            convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", f"cluster_size={cluster}"]
            subprocess.run([*convert, path + ".raw", path], check=True)
            os.unlink(path + ".raw")

        return self.file(name, make)

    def big(self):
        """Larger than the 100 MiB from which Glance writes to S3 in parts."""
        return self.data_file("large.qcow2", 120 * MIB)

    def medium(self):
        """Larger than the buffers of all sockets on its way."""
        return self.data_file("medium.qcow2", 16 * MIB)

    def tiny(self):
        """Its upload does not close the connection."""
        return self.data_file("tiny.qcow2", 64 * KIB, cluster="4k")

    def small(self):
        return self.data_file("small.qcow2", 2 * MIB)

    def bucket_use(self):
        """The bytes in the bucket, as the gateway counts them."""
        answer = self.s3.head_bucket(Bucket=self.bucket)["ResponseMetadata"]
        return int(answer["HTTPHeaders"]["x-rgw-bytes-used"])

    def key_file(self, name, key):
        """A file with one of the keys to the bucket, readable by its owner only."""
        path = os.path.join(self.directory, "etc", name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(key + "\n")
        return path

    def bucket_facts(self):
        """The policy's facts about the bucket."""
        env = self.envs["demo"]
        return {
            "endpoint": env["CLOUD_S3_URL"],
            "bucket": self.bucket,
            "access_key_file": self.key_file("s3-access-key", env["CLOUD_S3_ACCESS_KEY"]),
            "secret_key_file": self.key_file("s3-secret-key", env["CLOUD_S3_SECRET_KEY"]),
        }

    def policy(self, **facts):
        """The policy of conf/, with the bucket. `facts` are added to the store `test`."""
        with open(os.path.join(HERE, "conf", "policy.yaml"), encoding="utf-8") as file:
            policy = yaml.safe_load(file)
        return {**policy, "stores": {"test": {"s3": self.bucket_facts(), **facts}}}

    def glance_log(self, text):
        """The lines of Glance's log that contain `text`. Access lines are among them."""
        path = os.path.join(self.directory, "log", "glance.log")
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line for line in file if text in line]

    def puts(self, image_id):
        """The uploads to the image that Glance has seen, complete or not."""
        return self.glance_log(f'"PUT /v2/images/{image_id}/')

    def glance_pid(self):
        """The pid of the master process."""
        with open(os.path.join(self.directory, "run", "glance.pid"), encoding="ascii") as file:
            return int(file.read().split()[0])

    def glance_cpu(self):
        """Seconds of CPU of the region's Glance, under both servers. A session is that of a service (see lib.sh)."""
        sessions = set()
        for name in ("glance", "glance-uwsgi"):
            with open(os.path.join(self.directory, "run", f"{name}.pid"), encoding="ascii") as file:
                sessions.update(file.read().split()[:1])
        return sum(cpu_of(pid, sessions) for pid in os.listdir("/proc") if pid.isdigit())

    def glance_memory(self):
        """The memory of the only worker."""
        master = self.glance_pid()
        with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as file:
            (worker,) = file.read().split()
        return Memory(int(worker))

    def kill_glance(self):
        """kill -9, master and worker: they are one process group (see lib.sh)."""
        pid = self.glance_pid()
        os.killpg(pid, signal.SIGKILL)
        wait_until("Glance is gone", lambda: is_gone(pid))

    def up(self):
        """Starts the services that do not run. It may meet a service that the test of the other region ends."""
        env = {**os.environ, "CLOUD_INSTALL": "false"}
        for _ in range(3):
            if subprocess.run([os.path.join(HERE, "up")], env=env, check=False, stdout=sys.stderr).returncode == 0:
                return
        raise AssertionError("the cloud does not come up")
