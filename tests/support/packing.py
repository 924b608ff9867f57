# SPDX-License-Identifier: Apache-2.0
"""Compressed files, and tars."""
import io
import subprocess
import tarfile


def packed(*command, body):
    """What the program makes of its input."""
    return subprocess.run(command, input=body, capture_output=True, check=True, timeout=180).stdout


def tar(*names, body):
    """A tar with this body under each name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return made.getvalue()
