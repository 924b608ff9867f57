# SPDX-License-Identifier: Apache-2.0
"""Uploads that are kept on disk (backing = spool)."""
import json
import os
import signal

from .proxy import wait_until
from .resuming import BODY, MIB, Resuming


SPOOL = {"backing": "spool"}
AT = 3 * MIB + 5


class Kept:
    """What the scenarios need besides a client that resumes: the files, and the end of the proxy."""

    def __init__(self, fixture, kind=Resuming, resume=None, **more):
        self.stack = kind(fixture, resume={**SPOOL, **(resume or {})}, **more)
        self.proxy = self.stack.proxy
        self.folder = self.proxy.spool_dir / "resumable"

    def files(self):
        return sorted(os.listdir(self.folder)) if self.folder.exists() else []

    def wait_no_files(self):
        wait_until("all files are removed", lambda: not self.files())
        self.proxy.wait_metric(0, "spool_bytes")

    def size(self, image):
        return os.stat(self.folder / f"{image}.data").st_size

    def end(self, number):
        """Kills or stops the proxy."""
        self.proxy.signal(number)
        self.proxy.process.wait()

    def again(self):
        """Starts the proxy again."""
        self.proxy.error_file.unlink()
        self.proxy.start()
        self.proxy.wait_ready()

    def held(self, image, sent):
        """An upload that has lost its client after so many bytes, which are on disk."""
        self.stack.held(image, sent)
        wait_until("it is on disk", lambda: self.size(image) == sent)
        return sent

    def dormant(self, image, sent):
        """The same, and the proxy was started again since."""
        self.held(image, sent)
        self.end(signal.SIGTERM)
        self.again()

    def wait_saved(self, image, size):
        state = self.folder / f"{image}.state"
        wait_until("the state is written", lambda: json.loads(state.read_text())["synced"] == size)
        return json.loads(state.read_text())

    def killed(self):
        self.end(signal.SIGKILL)
        self.again()

    def stored(self, told, image, body=BODY):
        assert told.get("X-Intake-Verified") == "sha512", (told.start, told.fields, told.body)
        self.stack.stored(told, image, body)

    def clean(self):
        self.stack.clean()
        self.wait_no_files()
