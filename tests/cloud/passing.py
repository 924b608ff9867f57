# SPDX-License-Identifier: Apache-2.0
"""All that is not an upload passes through as it is, and nothing in it leads past the proxy."""
import hashlib
import time

import requests

from cloud import MIB, check, same

# What is asked once of Glance and once through the proxy; both must say the same.
QUESTIONS = [
    ("GET", "/v2/images"),
    ("GET", "/v2/images?limit=1&sort=created_at:asc"),
    ("GET", "/v2/images/{id}"),
    ("GET", "/v2/images/{id}/file"),
    ("GET", "/v2/images/{id}/members"),
    ("GET", "/v2/images/00000000-0000-4000-8000-000000000000"),
    ("GET", "/v2/schemas/image"),
    ("GET", "/v2/schemas/images"),
    ("GET", "/v2/schemas/members"),
    ("GET", "/v2/info/stores"),
    ("GET", "/v2/info/import"),
    ("GET", "/v2/info/usage"),
    ("GET", "/v2/metadefs/namespaces"),
    ("GET", "/v2/nothing/here?a=%2F&b=%20"),
    ("GET", "/healthcheck"),
    ("HEAD", "/healthcheck"),
    ("HEAD", "/v2/images"),
    ("HEAD", "/v2/images/{id}"),
    ("HEAD", "/v2/images/{id}/file"),
    ("OPTIONS", "/"),
    ("OPTIONS", "/v2/images"),
    ("POST", "/v2/images/{id}/file"),
    ("DELETE", "/v2/images/{id}/file"),
    ("PUT", "/v2/images/{id}"),
]
COMPARED = ("Content-Type", "Content-MD5", "Allow", "Accept-Ranges", "Content-Range", "Location")


def ask(cloud, method, path, user="demo", **options):
    """A request through the proxy."""
    headers = {"X-Auth-Token": cloud.token(user), **options.pop("headers", {})}
    url = cloud.proxy.url + path
    answer = requests.request(
        method, url, headers=headers, timeout=60, allow_redirects=False, **options
    )
    leads_nowhere_else(cloud, answer, streamed=options.get("stream", False))
    return answer


def leads_nowhere_else(cloud, answer, streamed):
    for name, value in answer.headers.items():
        check(cloud.glance_url not in value, f"{name} leads past the proxy: {value}")
    if not streamed:
        what = f"the body of {answer.request.method} {answer.request.path_url}"
        check(cloud.glance_url not in answer.text, f"{what} leads past the proxy")


def is_same(what, through, direct):
    same(f"the status of {what}", through.status_code, direct.status_code)
    same(f"the body of {what}", through.content, direct.content)
    for name in COMPARED:
        same(f"{name} of {what}", through.headers.get(name), direct.headers.get(name))


def test_same_answers(cloud):
    with cloud.new_image() as image_id:
        for method, path in QUESTIONS:
            path = path.format(id=image_id)
            direct = cloud.glance(method, path, allow_redirects=False)
            is_same(f"{method} {path}", ask(cloud, method, path), direct)


def test_versions_lead_back(cloud):
    """The documents that clients discover the service by hold absolute URLs, which are rewritten;
    Glance answers at once, and so must the proxy (the fastest of three: the machine may be busy)."""
    for path, status in (("/", 300), ("/versions", 200), ("/v9/images", 300)):
        answer = min((ask(cloud, "GET", path) for _ in range(3)), key=lambda a: a.elapsed)
        seconds = answer.elapsed.total_seconds()
        check(seconds < 0.5, f"{path} takes {seconds} s")
        same(f"the status of {path}", answer.status_code, status)
        links = {link["href"] for version in answer.json()["versions"] for link in version["links"]}
        same(f"the links of {path}", links, {cloud.proxy.url + "/v2/"})


def test_life_of_an_image(cloud):
    """Create, patch, tag, share, accept, unshare, delete: each through the proxy."""
    fields = {"name": "cloud-test", "visibility": "shared"}
    created = ask(cloud, "POST", "/v2/images", json=fields)
    same("the status of the creation", created.status_code, 201)
    path = created.json()["file"].removesuffix("/file")
    try:
        same("Location", created.headers["Location"], cloud.proxy.url + path)
        same("Glance's name", ask(cloud, "GET", path).json()["name"], "cloud-test")
        is_patched(cloud, path)
        is_tagged(cloud, path)
        is_shared(cloud, path)
    finally:
        same("the status of the deletion", ask(cloud, "DELETE", path).status_code, 204)
    same("the status afterwards", ask(cloud, "GET", path).status_code, 404)


def is_patched(cloud, path):
    media_type = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    change = [{"op": "replace", "path": "/name", "value": "renamed \N{SNOWMAN}"}]
    answer = ask(cloud, "PATCH", path, headers=media_type, json=change)
    same("the status of the patch", answer.status_code, 200)
    same("the new name", cloud.glance("GET", path).json()["name"], "renamed \N{SNOWMAN}")


def is_tagged(cloud, path):
    same("the status of the tag", ask(cloud, "PUT", path + "/tags/a%20tag").status_code, 204)
    same("the tags", cloud.glance("GET", path).json()["tags"], ["a tag"])
    same("the status of its end", ask(cloud, "DELETE", path + "/tags/a%20tag").status_code, 204)


def is_shared(cloud, path):
    project = project_of(cloud, "other")
    answer = ask(cloud, "POST", path + "/members", json={"member": project})
    same("the status of the sharing", answer.status_code, 200)
    member = f"{path}/members/{project}"
    answer = ask(cloud, "PUT", member, user="other", json={"status": "accepted"})
    same("the status of the acceptance", answer.status_code, 200)
    same("what the other may see", ask(cloud, "GET", path, user="other").status_code, 200)
    same("the status of its end", ask(cloud, "DELETE", member).status_code, 204)


def project_of(cloud, user):
    """Glance calls it the owner."""
    with cloud.new_image(user=user) as image_id:
        return cloud.image(image_id)["owner"]


def stored(cloud, image_id, file):
    with open(file.path, "rb") as data:
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/v2/images/{image_id}/file"
        same("stored", cloud.glance("PUT", path, headers=headers, data=data).status_code, 204)
    return path


def test_ranges(cloud):
    file = cloud.small()
    with open(file.path, "rb") as data, cloud.new_image() as image_id:
        path = stored(cloud, image_id, file)
        for first, last in ((0, 0), (10, 19), (65536, 1 << 20), (file.size - 5, file.size - 1)):
            answer = ask(cloud, "GET", path, headers={"Range": f"bytes={first}-{last}"})
            data.seek(first)
            same("the status", answer.status_code, 206)
            same("the bytes", answer.content, data.read(last - first + 1))
            same("Content-Range", answer.headers["Content-Range"], f"bytes {first}-{last}/{file.size}")
        beyond = {"Range": f"bytes={file.size}-"}
        direct = cloud.glance("GET", path, headers=beyond)
        same("beyond the end", ask(cloud, "GET", path, headers=beyond).status_code, direct.status_code)


def test_big_download_in_bounded_memory(cloud):
    """A reader that pauses makes Glance wait; the proxy does not take what it cannot give away."""
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
            time.sleep(2)  # long enough to take all of it, for a proxy that would
            for piece in pieces:
                digest.update(piece)
        same("the sha512", digest.hexdigest(), file.sha512)
        grown = memory.peak() - before
        check(grown < 32, f"the proxy grew by {grown} MiB")
    return f"grew by {grown} MiB"
