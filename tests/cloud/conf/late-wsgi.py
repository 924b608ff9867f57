# SPDX-License-Identifier: Apache-2.0
"""What Glance does under uWSGI, without its dependencies: one image each time it is asked for, which
it saves for so many seconds after it has the data; and one of another project, which it refuses
before it reads.

    LATE=SECONDS uwsgi --wsgi-file late-wsgi.py ...
"""
import hashlib
import json
import os
import re
import time

LATE = float(os.environ["LATE"])
STRANGERS = "00000000-0000-4000-8000-000000000403"
images = {}


def application(environ, start_response):
    found = re.fullmatch(r"/v2/images/([-0-9a-f]{36})(/file)?", environ["PATH_INFO"])
    if environ["PATH_INFO"] == "/healthcheck":
        return said(start_response, "200 OK", b"OK")
    if not found:
        return said(start_response, "404 Not Found", b"")
    image = images.setdefault(found[1], {
        "id": found[1], "status": "queued", "size": None, "disk_format": "raw", "container_format": "bare",
        "owner": "demo", "visibility": "community"})
    if environ["REQUEST_METHOD"] == "PUT":
        return take(environ, start_response, image)
    return said(start_response, "200 OK", json.dumps(image).encode())


def said(start_response, status, body):
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def take(environ, start_response, image):
    if image["id"] == STRANGERS:
        time.sleep(0.5)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Not allowed to upload image data"]
    image["status"] = "saving"
    digest, size, left = hashlib.sha512(), 0, int(environ["CONTENT_LENGTH"])
    while size < left:
        piece = environ["wsgi.input"].read(min(65536, left - size))
        digest.update(piece)
        size += len(piece)
    time.sleep(LATE)
    image.update(status="active", size=size, os_hash_algo="sha512", os_hash_value=digest.hexdigest(), stores="test")
    start_response("204 No Content", [])
    return []
