# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the proxy while it holds an upload that Glance has (backing = hold): the upload ends with the process. The
image is queued again, never active, and takes the whole file. With backing = spool it goes on: see kept.py."""
import hashlib
import signal

from support.fixture import scenario
from support.resuming import BODY, MIB, Resuming


@scenario
def killed_proxy_loses_what_glance_has(fixture):
    stack = Resuming(fixture)
    held, moving = stack.image(), stack.image()
    stack.held(held)
    with stack.started(moving, 2 * MIB):
        stack.proxy.signal(signal.SIGKILL)
        stack.proxy.process.wait()
    stack.proxy.error_file.unlink()
    stack.proxy.start()
    stack.proxy.wait_ready()
    for image in (held, moving):
        stack.wait_queued(image)
        assert stack.offset(image) == 0
        assert stack.resume(image, MIB).status == 409
        assert stack.put(image, BODY).status == 204
        shown = stack.show(image)
        assert (shown["status"], shown["os_hash_value"]) == ("active", hashlib.sha512(BODY).hexdigest()), shown
    stack.clean()
