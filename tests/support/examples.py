# SPDX-License-Identifier: Apache-2.0
"""The files of config/examples/, and the programs that check them."""
import os
import pathlib
import shutil
import subprocess

from .fixture import Skip
from .proxy import PATIENCE, SANITIZERS

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "config" / "examples"


def program(name):
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if not found:
        raise Skip(f"{name} is not installed")
    return found


def checked(*words):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env={**os.environ, **SANITIZERS})
    assert done.returncode == 0, done.stderr
    return done.stdout
