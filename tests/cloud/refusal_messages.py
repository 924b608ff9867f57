# SPDX-License-Identifier: Apache-2.0
"""Each client shows its user the sentence with which the proxy refuses.

One table has the refused requests, and each client has a function that sends them. The image does not change,
and Glance sees no upload.
"""
import concurrent.futures
import contextlib
import functools
import json
import time
from dataclasses import dataclass, field

import openstack as openstack_sdk

import browser
import clients
from cloud import check, same
from refusals import active_image, unchanged
from fixes import SHOWS_AFTER, openstack_creates, stripped, with_backing_file

# --- refused requests ------------------------------------------------------------------------


@dataclass
class Upload:
    """A PUT .../file of the file that make(cloud) returns, to an image with these fields."""

    says: str
    make: object
    image: dict = field(default_factory=dict)
    active: bool = False  # the image has its data already
    store: str = ""  # that the client asks for
    created: bool = False  # also with clients that create the image themselves


@dataclass
class Ask:
    """A request that is no upload. {id} is the image's id."""

    says: str
    operation: str
    method: str
    path: str
    body: object
    media_type: str = "application/json"
    image: dict = field(default_factory=dict)
    active: bool = False
    store: str = ""


def small(cloud):
    return cloud.small()


def nothing(cloud):
    return cloud.file("nothing", lambda path: open(path, "wb").close())


PATCH = "application/openstack-images-v2.1-json-patch"
PASSWORDS = "file:///etc/passwd"
LOCATION = [{"op": "add", "path": "/locations/-", "value": {"url": PASSWORDS, "metadata": {}}}]
DOWNLOAD = {"name": "web-download", "uri": "http://127.0.0.1/image"}
TASK_INPUT = {"import_from": PASSWORDS, "import_from_format": "qcow2", "image_properties": {}}

REFUSED = [
    Upload("was changed on its way here", stripped, created=True),
    Upload("not in the format that the image declares", small, {"disk_format": "raw"}, created=True),
    Upload("could make the host that opens it read files", with_backing_file, created=True),
    Upload("ISO images are not accepted here", small, {"disk_format": "iso"}, created=True),
    Upload("the limit is 1048576", small, {"name": "small-one"}, created=True),
    Upload("The upload has no data", nothing, created=True),
    Upload("The image is not waiting for data", small, active=True),
    Upload("accepts no data before its disk format", small, {"disk_format": None}),
    Upload("Name no store", small, {"name": "choosy-one"}, store="file"),
    Ask("data that did not come through here", "locations", "PATCH", "/v2/images/{id}",
        LOCATION, PATCH),
    Ask("imports by web-download are closed", "import", "POST", "/v2/images/{id}/import",
        {"method": DOWNLOAD}),
    Ask("a task can import data", "tasks", "POST", "/v2/tasks",
        {"type": "import", "input": TASK_INPUT}),
]  # fmt: skip


def policy(cloud):
    """The policy of all tests, with a rule that allows a choice, and one import method."""
    usual = cloud.policy()
    choosy = {"when": {"name": ["choosy-*"]}, "mode": "default", "allow": ["test"], "store": "test"}
    rules = [{"name": "choosy", **choosy}, *usual["rules"]]
    return {**usual, "rules": rules, "doors": {"import_methods": ["copy-image"]}}


# --- what the client shows -------------------------------------------------------------------


def is_shown(cloud, send, case):
    """False: the client has no way to send this."""
    new = active_image(cloud) if case.active else cloud.new_image(**case.image)
    with new as image_id:
        before = cloud.puts(image_id)
        with unchanged(cloud, image_id):
            printed = send(cloud, case, image_id)
            time.sleep(SHOWS_AFTER)
        same("what Glance's log has of uploads", cloud.puts(image_id), before)
    check(printed is None or case.says in printed, f"of {case.says!r} it prints {printed!r:.1500}")
    return printed is not None


def all_are_shown(cloud, send):
    """send(cloud, case, image id) returns what the client printed, or None if it cannot send this."""
    usual = cloud.proxy.policy
    cloud.proxy.reload(policy(cloud))
    with contextlib.ExitStack() as afterwards:
        afterwards.callback(cloud.proxy.reload, usual)
        pool = afterwards.enter_context(concurrent.futures.ThreadPoolExecutor(4))
        shown = list(pool.map(lambda case: is_shown(cloud, send, case), REFUSED))
    return f"{sum(shown)} of {len(shown)}"


def printed_by(result):
    """Empty if the client reports a success."""
    return result.printed if result.exit_status else ""


# --- openstack and glance --------------------------------------------------------------------


def openstack(cloud, case, image_id):
    """It creates its images itself, has no command for stores and tasks, and ignores the answer to an import."""
    if isinstance(case, Ask) and case.operation == "locations":
        command = ["image", "set", "--property", f"locations={PASSWORDS}", image_id]
        return printed_by(clients.openstack(cloud, *command))
    if isinstance(case, Ask) or not case.created:
        return None
    fields = {"disk_format": "qcow2", **case.image}
    with openstack_creates(cloud, case.make(cloud), **fields) as (result, own_image_id):
        same("what Glance's log has of uploads", cloud.puts(own_image_id), [])
        return printed_by(result)


def test_openstack(cloud):
    return all_are_shown(cloud, openstack)


def glance_command(cloud, case, image_id):
    if isinstance(case, Upload):
        store = ["--store", case.store] if case.store else []
        return ["image-upload", "--file", case.make(cloud).path, *store, image_id]
    if case.operation == "locations":
        return ["location-add", "--url", PASSWORDS, image_id]
    if case.operation == "import":
        how = ["--import-method", "web-download", "--uri", DOWNLOAD["uri"]]
        return ["image-import", *how, image_id]
    return ["task-create", "--type", "import", "--input", json.dumps(TASK_INPUT)]


def glance(cloud, case, image_id):
    return printed_by(clients.glance(cloud, *glance_command(cloud, case, image_id)))


def test_glance(cloud):
    return all_are_shown(cloud, glance)


# --- openstacksdk ----------------------------------------------------------------------------


def sdk_does(connection, cloud, case, image_id):
    glance_api = connection.image
    image = glance_api.get_image(image_id)
    if isinstance(case, Upload):
        with open(case.make(cloud).path, "rb") as image.data:
            openstack_sdk.exceptions.raise_from_response(image.upload(glance_api))
    elif case.operation == "locations":
        glance_api.update_image(image, locations=[{"url": PASSWORDS, "metadata": {}}])
    else:
        glance_api.create_task(type="import", input=TASK_INPUT)


def sdk(cloud, case, image_id):
    """It has no parameter for the store of an upload, and ignores the answer to an import."""
    if case.store or (isinstance(case, Ask) and case.operation == "import"):
        return None
    try:
        sdk_does(clients.sdk(cloud), cloud, case, image_id)
    except openstack_sdk.exceptions.HttpException as error:
        return str(error)
    return ""


def test_sdk(cloud):
    return all_are_shown(cloud, sdk)


# --- clients for any request: Postman's runner, curl, a web page ---------------------------------


def newman_sends(cloud, case, image_id, body):
    """No request of the collection names a store."""
    if case.store:
        return None
    if isinstance(case, Ask):
        request = {"path": case.path.format(id=image_id), "body": json.dumps(case.body)}
        request.update(url=cloud.proxy.url, media_type=case.media_type)
        result = clients.newman_runs(cloud, case.method, **request)
    else:
        result = clients.newman(cloud, image_id, case.make(cloud).path, body)
    return printed_by(result)


def newman(cloud, case, image_id):
    return newman_sends(cloud, case, image_id, "binary")


def newman_form(cloud, case, image_id):
    return newman_sends(cloud, case, image_id, "form-data") if isinstance(case, Upload) else None


def test_newman(cloud):
    return all_are_shown(cloud, newman)


def test_newman_form(cloud):
    return all_are_shown(cloud, newman_form)


def curl_options(cloud, case):
    if isinstance(case, Ask):
        media_type = ["-H", f"Content-Type: {case.media_type}"]
        return ["-X", case.method, *media_type, "--data-binary", json.dumps(case.body)]
    store = ["-H", f"X-Image-Meta-Store: {case.store}"] if case.store else []
    return ["-T", case.make(cloud).path, *store]


def curl(cloud, case, image_id):
    path = case.path if isinstance(case, Ask) else "/v2/images/{id}/file"
    url = cloud.proxy.url + path.format(id=image_id)
    return clients.curl(cloud, image_id, *curl_options(cloud, case), url=url).printed


def curl_form(cloud, case, image_id):
    if isinstance(case, Ask) or case.store:
        return None
    form = ["-X", "PUT", "-F", f"file=@{case.make(cloud).path}"]
    return clients.curl(cloud, image_id, *form).printed


def test_curl(cloud):
    return all_are_shown(cloud, curl)


def test_curl_form(cloud):
    return all_are_shown(cloud, curl_form)


def page(cloud, case, image_id):
    """Glance's CORS configuration does not allow the store header."""
    if case.store:
        return None
    if isinstance(case, Ask):
        body = {"as": "text", "text": json.dumps(case.body), "media_type": case.media_type}
        send = functools.partial(browser.page, cloud, case.method, case.path.format(id=image_id), **body)
    else:
        send = functools.partial(browser.page_uploads, cloud, image_id, case.make(cloud).path, "blob")
    result = browser.until_readable(send)
    return result.printed if result.status >= 400 else ""


def test_page(cloud):
    return all_are_shown(cloud, page)
