# SPDX-License-Identifier: Apache-2.0
"""The stores that have an image's data, as Glance, the stores' directories and the bucket show."""
import concurrent.futures
import contextlib
import os

import requests

from cloud import PATIENCE, happens, same, wait_until

DATA = "No image, but raw.\r\n\0".ljust(2048, "\0")
OCTETS = {"Content-Type": "application/octet-stream"}
TRIES = 5  # of requests that may fail because sqlite's writers lock each other out


class Images:
    """Created at Glance as needed, and deleted at the end."""

    def __init__(self, cloud, url):
        self._cloud = cloud
        self._url = url
        self._made = []
        self._files = os.path.join(cloud.directory, "glance")

    def glance(self, method, path, user="demo", **options):
        """A request to Glance itself."""
        headers = {"X-Auth-Token": self._cloud.token(user), **options.pop("headers", {})}
        url = self._url + path
        return requests.request(method, url, headers=headers, timeout=PATIENCE, **options)

    def new(self, user="demo"):
        """Returns the id of a queued image."""
        fields = {"name": "landing", "disk_format": "raw", "container_format": "bare"}
        for _ in range(TRIES):
            answer = self.glance("POST", "/v2/images", user=user, json=fields)
            if answer.status_code != 500:
                break
        same("the status of the image's creation", answer.status_code, 201)
        self.adopt(answer.json()["id"])
        return answer.json()["id"]

    def adopt(self, image_id):
        """Registers an image to be deleted at the end."""
        self._made.append(image_id)

    def _new_with_data(self, call, **fields):
        for _ in range(TRIES):
            image_id = self.new()
            path = f"/v2/images/{image_id}/{call}"
            answer = self.glance("PUT", path, headers={**OCTETS, **fields}, data=DATA)
            if answer.status_code != 500:
                break
        same("the status of its data", answer.status_code, 204)
        return image_id

    def new_staged(self):
        """An image whose data is staged and waits for an import."""
        return self._new_with_data("stage")

    def new_active(self, store):
        """An image whose data is in the store."""
        return self._new_with_data("file", **{"X-Image-Meta-Store": store})

    def image(self, image_id):
        return self.glance("GET", f"/v2/images/{image_id}", user="admin").json()

    def status(self, image_id):
        return self.image(image_id)["status"]

    def at_rest(self, image_id):
        """Whether no upload or import of it is running."""
        image = self.image(image_id)
        busy = image["status"] in ("saving", "importing") or image.get("os_glance_import_task")
        return not busy

    def settled(self, image_id):
        """Waits until it is at rest. Returns its stores. A task that failed because of sqlite never ends."""
        with contextlib.suppress(AssertionError):
            wait_until(f"{image_id} is at rest", lambda: self.at_rest(image_id))
        return self.stores(image_id)

    def stores(self, image_id):
        """The stores that have its data, or None."""
        stores = self.image(image_id).get("stores")
        found = set(stores.split(",") if stores else ())
        for store, directory in (("file", "images"), ("os_glance_tasks_store", "tasks")):
            if os.path.exists(os.path.join(self._files, directory, image_id)):
                found.add(store)
        if self._cloud.in_bucket(image_id):
            found.add("test")
        return ",".join(sorted(found)) or None

    def close(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(self._delete, self._made))

    def _delete(self, image_id):
        path = f"/v2/images/{image_id}"
        happens(lambda: self.glance("DELETE", path, user="admin").status_code in (204, 403, 404))


@contextlib.contextmanager
def images_at(cloud, url):
    images = Images(cloud, url)
    try:
        yield images
    finally:
        images.close()
