# SPDX-License-Identifier: Apache-2.0
"""Other ways to get data into a store, before a real Glance: imports, copies, locations and tasks.

Each import is requested with each way to name stores, under each mode of the policy. Then the test looks
where the data is. A closed operation does succeed if the client is exempt.
"""
import contextlib
import functools
import http.server
import json
import threading

import requests

from cloud import PATIENCE, check, same, wait_until
from placement import DATA, images_at
from proxy import another_proxy
from glance_servers import EVENTLET, UWSGI, url_of

DEFAULT = {"store": "test", "mode": "force"}
FORCE = {"default": DEFAULT}
ONLY_TEST = {"default": {**DEFAULT, "mode": "default", "allow": ["test"]}}
EITHER = {"default": {**DEFAULT, "mode": "default", "allow": ["test", "file"]}}
AUDIT = {**FORCE, "mode": "audit"}

ASKED_STORE = {"X-Image-Meta-Store": "file"}
CHOICES = {  # ways to ask for `file`: (fields, body)
    "nothing": ({}, {}),
    "the header": (ASKED_STORE, {}),
    "stores": ({}, {"stores": ["file"]}),
    "all_stores": ({}, {"all_stores": True}),
    "header and stores": (ASKED_STORE, {"stores": ["file"]}),
}

# (status, store, X-Intake-Audit) for each of CHOICES. Glance answers 400 to the last of them.
IMPORTS = (
    (FORCE, [(202, "test", None)] * 5),
    (ONLY_TEST, [(202, "test", None)] + [(403, None, None)] * 4),
    (
        EITHER,
        [
            (202, "test", None),
            (202, "file", None),
            (202, "file", None),
            (202, "file,test", None),
            (400, None, None),
        ],
    ),
    (
        AUDIT,
        [
            (202, "file", "store"),
            (202, "file", "store"),
            (202, "file", "store"),
            (202, "file,test", "store"),
            (400, None, "store"),
        ],
    ),
)

# The same for a copy of an image that is in `test`. Glance answers 400 to a copy into the same store.
COPIES = (
    (FORCE, [(400, "test", None)] + [(403, "test", None)] * 4),
    (ONLY_TEST, [(400, "test", None)] + [(403, "test", None)] * 4),
    (EITHER, [(400, "test", None)] + [(202, "file,test", None)] * 3 + [(400, "test", None)]),
    (
        AUDIT,
        [(202, "file,test", "store")]
        + [(202, "file,test", "store_not_allowed")] * 3
        + [(400, "test", "store_not_allowed")],
    ),
)


@contextlib.contextmanager
def environment(cloud, server=EVENTLET, policy=FORCE):
    """(images, proxy): images at a Glance, and a proxy before it."""
    url = url_of(cloud, server)
    with another_proxy(cloud, policy, url) as proxy, images_at(cloud, url) as images:
        yield images, proxy


def asks(cloud, proxy, method, path, user="demo", **options):
    """A request to the proxy."""
    headers = {"X-Auth-Token": cloud.token(user), **options.pop("headers", {})}
    return requests.request(method, proxy.url + path, headers=headers, timeout=PATIENCE, **options)


def asks_until_whole(cloud, proxy, method, path, **options):
    """A request whose body Glance does not read. uWSGI then often resets the connection while its answer, which
    has no length, is on the way. The reset cuts the answer, with or without the proxy. Before its first byte, the
    proxy says 502."""

    def whole_answer():
        with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
            answer = asks(cloud, proxy, method, path, **options)
            return [answer] if answer.status_code != 502 else None  # in a list: an answer with an error is false
        return None

    return wait_until("the answer is whole", whole_answer)[0]


def imports(cloud, proxy, image_id, method, choice="nothing", user="demo"):
    fields, more = CHOICES[choice]
    path = f"/v2/images/{image_id}/import"
    return asks(cloud, proxy, "POST", path, user, headers=fields, json={"method": method, **more})


def is_denied(answer):
    same("the status", answer.status_code, 403)
    same("the reason", answer.json()["reason"], "denied_by_policy")


def lands_as_told(cloud, table, new, method, user="demo"):
    """Runs the table on images that `new` makes."""
    with environment(cloud) as (images, proxy):
        for policy, expected in table:
            proxy.reload(policy)
            for choice, (status, stores, audited) in zip(CHOICES, expected):
                what = f"{method['name']} by {choice} under {json.dumps(policy)}"
                for _ in range(3):  # sqlite's writers lock each other out, and fail an import
                    image_id = new(images)
                    answer = imports(cloud, proxy, image_id, method, choice, user)
                    same(f"the status of {what}", answer.status_code, status)
                    same(f"X-Intake-Audit of {what}", answer.headers.get("X-Intake-Audit"), audited)
                    found = images.settled(image_id)
                    if found == stores:
                        break
                same(f"the stores after {what}", found, stores)


def test_import_of_staged_data(cloud):
    lands_as_told(cloud, IMPORTS, lambda images: images.new_staged(), {"name": "glance-direct"})


@contextlib.contextmanager
def web(cloud):
    """The URI of an image's data, from which Glance downloads it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA.encode())

        def log_message(self, *arguments):
            """Silences the server."""

    port = int(cloud.envs["demo"]["CLOUD_WEB_PORT"])
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{port}/image"
        server.shutdown()


def test_import_of_a_download(cloud):
    with web(cloud) as uri:
        method = {"name": "web-download", "uri": uri}
        lands_as_told(cloud, IMPORTS, lambda images: images.new(), method)


def test_copy_between_stores(cloud):
    def new(images):
        return images.new_active("test")

    lands_as_told(cloud, COPIES, new, {"name": "copy-image"}, user="admin")


def test_copy_to_the_policys_store(cloud):
    with environment(cloud) as (images, proxy):
        image_id = images.new_active("file")
        answer = imports(cloud, proxy, image_id, {"name": "copy-image"}, user="admin")
        same("the status", answer.status_code, 202)
        same("the stores", images.settled(image_id), "file,test")


def test_import_methods(cloud):
    """A closed method, and a client that is exempt. The policy still decides about the store."""
    closed = {**FORCE, "doors": {"import_methods": ["copy-image"]}}
    exempt = {**FORCE, "doors": {"import_methods": ["copy-image"], "exempt": ["127.0.0.1"]}}
    with environment(cloud, policy=closed) as (images, proxy):
        image_id = images.new_staged()
        is_denied(imports(cloud, proxy, image_id, {"name": "glance-direct"}, "stores"))
        same("the image's status", images.status(image_id), "uploading")
        proxy.reload(exempt)
        answer = imports(cloud, proxy, image_id, {"name": "glance-direct"}, "stores")
        same("the status for the exempt", answer.status_code, 202)
        same("the stores", images.settled(image_id), "test")


# --- locations -----------------------------------------------------------------------------------


def location(cloud, image_id):
    """The location of the image's data in the bucket, with the keys."""
    env = cloud.envs["demo"]
    keys = f"{env['CLOUD_S3_ACCESS_KEY']}:{env['CLOUD_S3_SECRET_KEY']}"
    where = env["CLOUD_S3_URL"].removeprefix("http://")
    url = f"s3+http://{keys}@{where}/{cloud.bucket}/{image_id}"
    return {"url": url, "metadata": {"store": "test"}}


def updates(there):
    """Each way to set an image's locations to `there`: (type, body)."""
    newer = "application/openstack-images-v2.1-json-patch"
    older = "application/openstack-images-v2.0-json-patch"
    yield newer, [{"op": "add", "path": "/locations/-", "value": there}]
    yield newer, [{"op": "add", "path": "/locations/0", "value": there}]
    yield newer, [{"op": "replace", "path": "/locations", "value": [there]}]
    yield newer, [{"op": "replace", "path": "/name", "value": "x"},
                  {"value": there, "path": "/locations/-", "op": "add"}]
    yield older, [{"add": "/locations/-", "value": there}]
    yield older, [{"replace": "/locations", "value": [there]}]


def update(cloud, proxy, image_id, kind, body):
    path = f"/v2/images/{image_id}"
    return asks(cloud, proxy, "PATCH", path, headers={"Content-Type": kind}, data=json.dumps(body))


def policy_with(**settings):
    return {**FORCE, "doors": settings}


def audits(answer, what):
    same("X-Intake-Audit", answer.headers.get("X-Intake-Audit"), what)


def test_locations(cloud):
    with environment(cloud, UWSGI) as (images, proxy):
        there = location(cloud, images.new_active("test"))
        opened = {
            None: policy_with(locations="open"),
            "no": policy_with(locations="closed", exempt=["127.0.0.0/8"]),
            "denied_by_policy": AUDIT,
        }
        for (kind, body), policy in zip(updates(there), [*opened.values()] * 2):
            image_id = images.new()
            proxy.reload(FORCE)
            is_denied(update(cloud, proxy, image_id, kind, body))
            same("the status when closed", images.status(image_id), "queued")
            proxy.reload(policy)
            answer = update(cloud, proxy, image_id, kind, body)
            check(answer.status_code == 200, f"{body}: {answer.status_code} {answer.text}")
            audits(answer, "denied_by_policy" if policy is AUDIT else None)
            same("the status when open", images.status(image_id), "active")


def test_other_updates_are_relayed(cloud):
    with environment(cloud, UWSGI) as (images, proxy):
        image_id = images.new()
        for kind, body in (
            ("application/openstack-images-v2.1-json-patch",
             [{"op": "add", "path": "/locations_of_mine", "value": "here"}]),
            ("application/openstack-images-v2.0-json-patch", [{"replace": "/name", "value": "y"}]),
        ):
            same("the status", update(cloud, proxy, image_id, kind, body).status_code, 200)
        image = images.image(image_id)
        same("the properties", (image["name"], image["locations_of_mine"]), ("y", "here"))


def test_locations_call(cloud):
    """This Glance does not have the call. A newer one gets it only if the policy allows it."""
    with environment(cloud, UWSGI) as (images, proxy):
        there = location(cloud, images.new_active("test"))
        path = f"/v2/images/{images.new()}/locations"
        is_denied(asks(cloud, proxy, "POST", path, json=there))
        proxy.reload(policy_with(locations="open"))
        answer = asks_until_whole(cloud, proxy, "POST", path, json=there)
        same("Glance's answer", answer.status_code, 404)


def test_locations_in_image_creation(cloud):
    """Glance does not accept them in POST /v2/images, so the proxy need not check that."""
    with environment(cloud, UWSGI) as (images, proxy):
        there = location(cloud, images.new_active("test"))
        fields = {"disk_format": "raw", "container_format": "bare", "locations": [there]}
        answer = asks(cloud, proxy, "POST", "/v2/images", json=fields)
        check(answer.status_code in (400, 403), f"{answer.status_code} {answer.text}")


# --- tasks ---------------------------------------------------------------------------------------


def image_of(images, task_id):
    task = images.glance("GET", f"/v2/tasks/{task_id}", user="admin").json()
    check(task["status"] != "failure", f"{task}")
    return (task["result"] or {}).get("image_id")


def test_tasks(cloud):
    with environment(cloud) as (images, proxy), web(cloud) as uri:
        properties = {"name": "task", "disk_format": "raw", "container_format": "bare"}
        task = {
            "type": "import",
            "input": {
                "import_from": uri,
                "import_from_format": "raw",
                "image_properties": properties,
            },
        }
        send = functools.partial(asks, cloud, proxy, "POST", "/v2/tasks", json=task)
        is_denied(send("admin"))
        proxy.reload(policy_with(tasks="open"))
        same("Glance's answer to a member", send().status_code, 403)
        answer = send("admin")
        check(answer.status_code == 201, f"{answer.status_code} {answer.text}")
        made = wait_until("the task is done", lambda: image_of(images, answer.json()["id"]))
        images.adopt(made)
        same("the store of an import task", images.settled(made), "file")
