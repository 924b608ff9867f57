# SPDX-License-Identifier: Apache-2.0
"""Typical work with each client, done twice at once: through the proxy, as the catalog says, and directly at
Glance. Both must work the same and print the same, except for the store.

The first side needs no setting: a user of the catalog does not notice the proxy.
"""
import concurrent.futures
import itertools
import json
import os
import re
import shlex
import uuid
from dataclasses import dataclass, field

import clients
from cloud import DataFile, check, same, wait_until
from relay import project_of
from proxy import scratch

# --- comparing -------------------------------------------------------------------------------

# What differs between two images.
FOLDED = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\.\d{6})", "TIME"),
]
STORE = re.compile(r"(\bstores\W+)(test|file)\b")

# openstacksdk joins the lines of an HTML error in the order of a set. The order depends on the words, and the
# image's id is one of them.
UNORDERED = " Error for url: "


def ordered(line):
    return " ".join(sorted(re.split(r"[:,] ", line))) if UNORDERED in line else line


def folded(printed, address):
    """The lines of the output, without what differs."""
    printed = printed.replace(address, "GLANCE")
    for pattern, word in FOLDED:
        printed = re.sub(pattern, word, printed)
    return [ordered(line) for line in STORE.sub(r"\1STORE", printed).splitlines()]


def stores_told(printed):
    return {match[2] for match in STORE.finditer(printed)}


# --- the two sides ---------------------------------------------------------------------------


@dataclass
class Side:
    """A way to Glance, with its own images and its own files."""

    cloud: object
    image_url: str  # None: the endpoint of the catalog
    directory: str
    words: dict = field(default_factory=dict)  # for the {} of the steps

    def __post_init__(self):
        self.images = [str(uuid.uuid4()) for _ in range(3)]
        self.saved = os.path.join(self.directory, "saved")
        names = ("image", "staged", "imported")
        self.words = {
            **dict(zip(names, self.images)),
            "mark": str(uuid.uuid4()),  # a unique name and tag
            "tag": str(uuid.uuid4()),
            "saved": self.saved,
            "create": "--disk-format qcow2 --container-format bare",
            "file": self.cloud.small().path,
            "project": project_of(self.cloud, "other"),
        }

    def address(self):
        return self.image_url or self.cloud.proxy.url

    def environment(self):
        """glanceclient has a variable for Glance's URL. openstack needs clouds.yaml for it."""
        if not self.image_url:
            return {}
        path = os.path.join(self.directory, "clouds.yaml")
        with open(path, "w", encoding="ascii") as file:
            json.dump({"clouds": {"direct": {"image_endpoint_override": self.image_url}}}, file)
        config = {"OS_CLIENT_CONFIG_FILE": path, "OS_CLOUD": "direct"}
        return {"OS_IMAGE_URL": self.image_url, **config}

    def delete_images(self):
        for image_id in self.images:
            self.cloud.delete(image_id)


def on_both_sides(cloud, work):
    """work(side) returns the output as a list of (step, text)."""
    with scratch() as first, scratch() as second, concurrent.futures.ThreadPoolExecutor(2) as pool:
        sides = Side(cloud, None, first), Side(cloud, cloud.glance_url, second)
        try:
            through, direct = pool.map(work, sides)
        finally:
            for side in sides:
                side.delete_images()
    for (step, got), (_, wanted) in zip(through, direct, strict=True):
        tell_alike(step, folded(got, sides[0].address()), folded(wanted, sides[1].address()))
    for told, store in ((through, "test"), (direct, "file")):
        same("the stores", set().union(*(stores_told(text) for _, text in told)), {store})
    return f"{len(through)} steps"


def tell_alike(step, got, wanted):
    pairs = itertools.zip_longest(got, wanted)
    others = [f"{line!r}, not {other!r}" for line, other in pairs if line != other]
    check(not others, f"{step!r} tells {'; '.join(others)}")


# --- openstack and glance --------------------------------------------------------------------


@dataclass
class Step:
    command: str
    user: str = "demo"
    fails: bool = False
    # The image that this step imports. The output depends on the progress of the import, so it is not compared.
    importing: str = ""


def command_line(client, steps):
    def work(side):
        told = []
        for step in steps:
            words = shlex.split(step.command.format(**side.words))
            how = {"user": step.user, "env": side.environment()}
            with clients.terminal() as stdin:
                result = client(side.cloud, *words, stdin=stdin, **how)
            failed = result.exit_status != 0
            check(failed == step.fails, f"{step.command}: {result.printed}")
            told.append((step.command, "" if step.importing else result.printed))
            if step.importing:
                is_imported(side.cloud, side.words[step.importing])
        same("what was saved", DataFile(side.saved).sha512, side.cloud.small().sha512)
        return told

    return work


def is_imported(cloud, image_id):
    """Waits for the end of the import. The task's own properties go a moment after the image is active."""

    def is_over():
        image = cloud.image(image_id)
        return image["status"] == "active" and "os_glance_import_task" not in image

    wait_until("the import has ended", is_over)


OPENSTACK_DAY = [
    Step("image create {create} --id {image} --file {file} --property os_distro=debian"
         " --min-disk 1 --tag {mark} {mark}"),
    Step("image show {image}"),
    Step("image show {mark} --human-readable -f json"),
    Step("image list --tag {mark} --long"),
    Step("image list --tag {mark} --property os_distro=debian --name {mark} --status active"
         " -f json"),
    Step("image list --tag {mark} --sort name:asc,size:desc --limit 1 -f csv"),
    Step("image unset --property os_distro --tag {mark} {image}"),
    Step("image set --name renamed --property hw_disk_bus=scsi --tag {tag} {image}"),
    Step("image show {image}"),
    Step("image save --file {saved} {image}"),
    Step("image add project {image} {project}"),
    Step("image set --accept {image}", user="other"),
    Step("image member list {image}"),
    Step("image list --shared --member-status accepted --tag {tag}", user="other"),
    Step("image remove project {image} {project}"),
    Step("image set --deactivate {image}", user="admin"),
    Step("image save --file /dev/null {image}", fails=True),
    Step("image set --activate {image}", user="admin"),
    Step("image show {image} -f json"),
    Step("image delete {image}"),
    Step("image show {image}", fails=True),
    Step("image create {create} --id {imported} --import --file {file} imported",
         importing="imported"),
    Step("image show {imported}"),
    Step("image delete {imported} {imported}", fails=True),
]  # fmt: skip

GLANCE_DAY = [
    Step("image-create {create} --id {image} --name everyday --property os_distro=debian"),
    Step("image-upload --file {file} {image}"),
    Step("image-tag-update {image} {mark}"),
    Step("image-show {image}"),
    Step("image-list --tag {mark} --page-size 1"),
    Step("image-list --property-filter os_distro=debian --tag {mark} --sort name:asc"),
    Step("image-tag-delete {image} {mark}"),
    Step("image-update --name renamed --property hw_disk_bus=scsi --remove-property os_distro"
         " {image}"),
    Step("image-download --file {saved} {image}"),
    Step("member-create {image} {project}"),
    Step("member-update {image} {project} accepted", user="other"),
    Step("member-list --image-id {image}"),
    Step("member-delete {image} {project}"),
    Step("image-deactivate {image}", user="admin"),
    Step("image-reactivate {image}", user="admin"),
    Step("image-create {create} --id {staged} --name staged"),
    Step("image-stage --file {file} {staged}"),
    Step("image-show {staged}"),
    Step("image-import --import-method glance-direct {staged}", importing="staged"),
    Step("image-show {staged}"),
    Step("image-create-via-import {create} --id {imported} --name imported --file {file}",
         importing="imported"),
    Step("image-show {imported}"),
    Step("image-tasks {imported}"),
    Step("stores-info"),
    Step("import-info"),
    Step("cache-list", user="admin", fails=True),
    Step("md-namespace-create {mark} --display-name everyday --visibility public", user="admin"),
    Step("md-object-create {mark} --name disk --schema"
         """ '{{"properties": {{"bus": {{"title": "Bus", "type": "string"}}}}}}'""", user="admin"),
    Step("md-tag-create {mark} --name fast", user="admin"),
    Step("md-namespace-show {mark}"),
    Step("md-namespace-delete {mark}", user="admin"),
    Step("image-delete {image} {staged} {imported}"),
    Step("image-show {image}", fails=True),
]  # fmt: skip


def test_openstack(cloud):
    return on_both_sides(cloud, command_line(clients.openstack, OPENSTACK_DAY))


def test_glance(cloud):
    return on_both_sides(cloud, command_line(clients.glance, GLANCE_DAY))
