# SPDX-License-Identifier: Apache-2.0
"""The work of client_workflows.py by programs: openstacksdk and Postman's runner."""
import json
import re
import uuid

import openstack as openstack_sdk

import clients
from cloud import DataFile, check, same
from client_workflows import is_imported, on_both_sides

def told_of(resource):
    """Without the location that the client adds."""
    fields = resource.to_dict()
    fields.pop("location")
    return json.dumps(fields, indent=1, sort_keys=True, default=str)


def sdk_day(side):
    """As a program that does not run other programs."""
    words, told = side.words, []
    settings = {"image_endpoint_override": side.image_url} if side.image_url else {}
    owner = clients.sdk(side.cloud, **settings)
    other = clients.sdk(side.cloud, user="other", **settings)

    def tell(step, resource):
        told.append((step, told_of(resource)))
        return resource

    def tell_image(step, image_id):
        return tell(step, owner.image.get_image(image_id))

    formats = {"disk_format": "qcow2", "container_format": "bare"}
    file, image_id = words["file"], words["image"]
    image = owner.create_image(
        words["mark"], filename=file, id=image_id, wait=True, tags=[words["mark"]], **formats
    )
    told.append(("create_image", json.dumps(image, indent=1, sort_keys=True, default=str)))
    tell("get_image by name", owner.get_image(words["mark"]))
    for found in owner.image.images(tag=words["mark"], limit=1):
        tell("images", found)
    with open(side.saved, "wb") as saved:
        owner.download_image(image_id, output_file=saved)
    tell("update_image", owner.image.update_image(image_id, name="renamed", os_distro="debian"))
    owner.image.remove_tag(image_id, words["mark"])
    owner.image.add_tag(image_id, "more")
    tell_image("add_tag", image_id)
    tell("add_member", owner.image.add_member(image_id, member_id=words["project"]))
    update = {"member": words["project"], "image": image_id, "status": "accepted"}
    tell("update_member", other.image.update_member(**update))
    for member in owner.image.members(image_id):
        tell("members", member)
    owner.image.remove_member(words["project"], image_id)
    for store in owner.image.stores():
        tell("stores", store)
    tell("get_image_schema", owner.image.get_image_schema())

    staged = owner.image.create_image("staged", id=words["staged"], **formats)
    tell("stage_image", owner.image.stage_image(staged, filename=file))
    owner.image.import_image(staged)
    is_imported(side.cloud, staged.id)
    tell_image("import_image", staged.id)
    owner.delete_image(image_id)
    try:
        owner.image.get_image(image_id)
    except openstack_sdk.exceptions.ResourceNotFound as error:
        told.append(("what is gone", str(error)))
    same("what was saved", DataFile(side.saved).sha512, side.cloud.small().sha512)
    return told


def test_sdk(cloud):
    return on_both_sides(cloud, sdk_day)


# --- Postman's runner ------------------------------------------------------------------------

# Times, byte counts and header counts differ.
TRANSFER = re.compile(r" ★ [^★]* time ★ .*")
TIMES = re.compile(r"^  prepare .*\n.*\n", re.MULTILINE)


def newman_day(side):
    image, file = side.words["image"], side.words["file"]
    result = clients.newman_runs(side.cloud, "day", url=side.address(), image=image, file=file)
    check(result.exit_status == 0, f"newman: {result.printed[-2000:]}")
    said, _, _ = TIMES.sub("", TRANSFER.sub("", result.printed)).partition("┌──")  # the summary
    return [request.split("\n", 1) for request in said.split("↳ ")[1:]]


def test_newman(cloud):
    return on_both_sides(cloud, newman_day)


def test_newman_sends_a_form_and_is_refused(cloud):
    """Glance alone answers 415 to the form, and a message without help to the second upload."""
    file, image_id = cloud.small(), str(uuid.uuid4())
    how = {"url": cloud.proxy.url, "image": image_id, "file": file.path}
    try:
        result = clients.newman_runs(cloud, "helped", **how)
        check(result.exit_status == 0, f"newman: {result.printed[-2000:]}")
        check("is not waiting for data" in result.printed, f"it prints: {result.printed[-2000:]}")
    finally:
        cloud.delete(image_id)
