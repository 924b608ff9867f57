# SPDX-License-Identifier: Apache-2.0
"""What fidelity.py does not compare: URLs in answers point to the proxy, answers come in time, and memory is
bounded."""
import hashlib
import time

import requests

from cloud import MIB, PATIENCE, check, same


def ask(cloud, method, path, user="demo", **options):
    """A request through the proxy."""
    headers = {"X-Auth-Token": cloud.token(user), **options.pop("headers", {})}
    url = cloud.proxy.url + path
    answer = requests.request(
        method, url, headers=headers, timeout=PATIENCE, allow_redirects=False, **options
    )
    leads_nowhere_else(cloud, answer, streamed=options.get("stream", False))
    return answer


def fastest(url):
    return min((requests.get(url, timeout=PATIENCE) for _ in range(5)), key=lambda answer: answer.elapsed)


def leads_nowhere_else(cloud, answer, streamed):
    for name, value in answer.headers.items():
        check(cloud.glance_url not in value, f"{name} leads past the proxy: {value}")
    if not streamed:
        what = f"the body of {answer.request.method} {answer.request.path_url}"
        check(cloud.glance_url not in answer.text, f"{what} leads past the proxy")


def test_versions_point_to_the_proxy(cloud):
    """Version documents have absolute URLs, which are rewritten. The proxy must answer as quickly as Glance.
    The fastest of three counts, because the machine may be busy."""
    for path, status in (("/", 300), ("/versions", 200), ("/v9/images", 300)):
        answer, direct = ask(cloud, "GET", path), fastest(cloud.glance_url + path)
        more = (fastest(cloud.proxy.url + path).elapsed - direct.elapsed).total_seconds()
        check(more < 0.5, f"{path} takes {more} s longer than without the proxy")
        same(f"the status of {path}", answer.status_code, status)
        links = {link["href"] for version in answer.json()["versions"] for link in version["links"]}
        same(f"the links of {path}", links, {cloud.proxy.url + "/v2/"})


def test_location_points_to_the_proxy(cloud):
    answer = ask(cloud, "POST", "/v2/images", json={"name": "cloud-test"})
    same("the status of the creation", answer.status_code, 201)
    cloud.delete(answer.json()["id"])
    self_link = cloud.proxy.url + answer.json()["self"]
    same("Location", answer.headers["Location"], self_link)


def project_of(cloud, user):
    """The project's id. Glance calls it the owner."""
    with cloud.new_image(user=user) as image_id:
        return cloud.image(image_id)["owner"]


def stored(cloud, image_id, file):
    with open(file.path, "rb") as data:
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/v2/images/{image_id}/file"
        same("stored", cloud.glance("PUT", path, headers=headers, data=data).status_code, 204)
    return path


def test_big_download_in_bounded_memory(cloud):
    """A client that pauses makes Glance wait. The proxy does not buffer the rest."""
    file = cloud.big()
    digest = hashlib.sha512()
    with cloud.new_image() as image_id:
        path = stored(cloud, image_id, file)
        memory = cloud.proxy.memory()
        before = memory.now()
        memory.forget_peak()
        with ask(cloud, "GET", path, stream=True) as answer:
            same("the status", answer.status_code, 200)
            same("Content-Length", answer.headers.get("Content-Length"), str(file.size))
            pieces = answer.iter_content(MIB)
            digest.update(next(pieces))
            time.sleep(2)  # long enough to buffer all of it
            for piece in pieces:
                digest.update(piece)
        same("the sha512", digest.hexdigest(), file.sha512)
        grown = memory.peak() - before
        check(grown < 32, f"the proxy grew by {grown} MiB")
    return f"grew by {grown} MiB"
