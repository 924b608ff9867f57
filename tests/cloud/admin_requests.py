# SPDX-License-Identifier: Apache-2.0
"""Requests of the Image API that are mostly an administrator's: tasks, metadata definitions, the cache."""
from question import NOBODY, SNOWMAN, Question, get, send


def tasks():
    yield get("/v2/tasks")
    yield get("/v2/tasks", user="admin")
    yield get("/v2/tasks?limit=1&sort_dir=asc", user="admin")
    yield get("/v2/tasks?type=import&status=success", user="admin")
    yield get("/v2/tasks?limit=x", user="admin")
    yield get(f"/v2/tasks/{NOBODY}", user="admin")
    yield Question("DELETE", f"/v2/tasks/{NOBODY}", user="admin")
    yield send("POST", "/v2/tasks", {"type": "nothing", "input": {}}, user="admin")
    yield send("POST", "/v2/tasks", {"type": "import", "input": {}})


def metadefs():
    """A namespace of each side, with one object of each kind."""
    own = "/v2/metadefs/namespaces/{own_namespace}"

    def kind(name, document, changed):
        yield send("POST", f"{own}/{name}", document, user="admin")
        yield send("POST", f"{own}/{name}", document, user="admin")
        yield get(f"{own}/{name}")
        yield get(f"{own}/{name}/{document['name']}")
        yield send("PUT", f"{own}/{name}/{document['name']}", changed, user="admin")
        yield get(f"{own}/{name}/{changed['name']}")
        yield Question("DELETE", f"{own}/{name}/{changed['name']}", user="admin")
        yield get(f"{own}/{name}/{changed['name']}")

    yield get("/v2/metadefs/namespaces?limit=2&sort_key=namespace&sort_dir=asc")
    yield get("/v2/metadefs/namespaces?resource_types=OS::Nova::Flavor&visibility=public&limit=3")
    yield get("/v2/metadefs/namespaces?marker=nothing")
    yield get("/v2/metadefs/resource_types")
    yield get("/v2/metadefs/namespaces/OS::Compute::Libvirt")
    yield get("/v2/metadefs/namespaces/OS%3A%3ACompute%3A%3ALibvirt")
    yield get("/v2/metadefs/namespaces/nothing")
    yield send("POST", "/v2/metadefs/namespaces", {"namespace": "nothing"})
    namespace = {"namespace": "{own_namespace}", "visibility": "public"}
    described = {**namespace, "description": SNOWMAN}
    yield send("POST", "/v2/metadefs/namespaces", described, user="admin")
    yield send("POST", "/v2/metadefs/namespaces", namespace, user="admin")
    yield get(own)
    yield send("PUT", own, {**namespace, "display_name": "changed"}, user="admin")
    yield from kind("objects", {"name": "one", "properties": {}}, {"name": "changed"})
    title = {"name": "property", "title": "t", "type": "string"}
    yield from kind("properties", title, {**title, "title": "changed"})
    yield send("POST", own + "/tags", {"tags": [{"name": "one"}, {"name": "two"}]}, user="admin")
    yield Question("POST", own + "/tags/a%20third", user="admin")
    yield get(own + "/tags?limit=2&sort_key=name&sort_dir=asc")
    yield get(own + "/tags/one")
    yield send("PUT", own + "/tags/one", {"name": "first"}, user="admin")
    yield Question("DELETE", own + "/tags/first", user="admin")
    yield Question("DELETE", own + "/tags", user="admin")
    resource_type = {"name": "OS::Glance::Image", "prefix": "hw_"}
    yield send("POST", own + "/resource_types", resource_type, user="admin")
    yield get(own + "/resource_types")
    yield Question("DELETE", own + "/resource_types/OS::Glance::Image", user="admin")
    yield Question("DELETE", own + "/objects", user="admin")
    yield Question("DELETE", own + "/properties", user="admin")
    yield Question("DELETE", own)
    yield Question("DELETE", own, user="admin")
    yield get(own)


def cache():
    yield get("/v2/cache", user="admin")
    yield get("/v2/cache")
    yield Question("PUT", "/v2/cache/{active}", user="admin")
    yield get("/v2/cache", user="admin")
    yield Question("DELETE", "/v2/cache/{active}", user="admin")
    yield Question("DELETE", "/v2/cache", ("x-image-cache-clear-target: queue",), user="admin")
    yield Question("DELETE", "/v2/cache", user="admin")
    yield get("/v2/cached_images", user="admin")
