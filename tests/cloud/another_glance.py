# SPDX-License-Identifier: Apache-2.0
"""A second Glance for one test, with the same stores, database and Keystone, and with features that the
cloud's Glance does not use."""
import contextlib
import os
import subprocess

from cloud import PATIENCE, wait_until
from proxy import another_proxy, scratch
from glance_servers import free_port, is_healthy

# In front of Debian's pipeline, so that the filter compresses the answers of all others.
PASTE = """
[filter-app:glance-api-everything]
paste.filter_factory = glance.api.middleware.gzip:GzipMiddleware.factory
next = cors

[filter-app:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = glance
oslo_config_file = {conf}
next = config:/usr/share/glance-common/glance-api-paste.ini#glance-api-keystone+cachemanagement
"""
SETTINGS = """
[DEFAULT]
bind_port = {port}
log_file = {directory}/glance.log
use_keystone_limits = true
image_cache_dir = {directory}/cache
api_limit_max = 2
limit_param_default = 2
worker_self_reference_url = http://127.0.0.1:{port}

[paste_deploy]
flavor = everything
config_file = {directory}/paste.ini

[oslo_middleware]
enable_proxy_headers_parsing = true
"""


# Each upload and each new image makes a dozen requests to Keystone then.
LIMITS = """
[DEFAULT]
bind_port = {port}
use_keystone_limits = true
worker_self_reference_url = http://127.0.0.1:{port}
"""


@contextlib.contextmanager
def another_glance(cloud, settings, paste=""):
    """The URL of a Glance with the cloud's configuration and these settings."""
    port = free_port()
    conf = os.path.join(cloud.directory, "etc", "glance-api.conf")
    with scratch() as directory, open(os.path.join(directory, "out"), "wb") as out:
        for name, text in (("paste.ini", paste), ("more.conf", settings)):
            with open(os.path.join(directory, name), "w", encoding="ascii") as file:
                file.write(text.format(port=port, directory=directory, conf=conf))
        more = os.path.join(directory, "more.conf")
        command = ["glance-api", "--config-file", conf, "--config-file", more]
        glance = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until("another Glance answers", lambda: is_healthy(url))
            yield url
        finally:
            glance.terminate()
            glance.wait(PATIENCE)


def everything(cloud):
    """Its URL. It has a managed cache, compresses answers, limits pages of lists, trusts X-Forwarded-*, and takes
    the limits of projects from Keystone."""
    return another_glance(cloud, SETTINGS, PASTE)


@contextlib.contextmanager
def keystone_limits(cloud):
    """In the `with` block the cloud's Glance takes the limits of projects from Keystone, and cloud.proxy is before
    it."""
    first = cloud.glance_url
    url = cloud.kept("a Glance with limits", lambda: another_glance(cloud, LIMITS))
    with another_proxy(cloud, cloud.policy(), url):
        cloud.glance_url = url
        try:
            yield
        finally:
            cloud.glance_url = first
