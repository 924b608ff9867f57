# SPDX-License-Identifier: Apache-2.0
"""Preparation: packages, the build, limits, a certificate, a folder."""
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile

import machine
from bench import Bench
from servers import BUILD, INTAKE, ROOT, Failure

IN_MEMORY = 6 << 30  # more than the largest upload
FILES = 65536  # open at once: two for each connection through a proxy


def install(*sections):
    subprocess.run([os.path.join(ROOT, "tests", "install"), *sections], check=True, stdout=sys.stderr)


def build(*targets):
    """As it is packaged, without sanitizers."""
    install("build")
    for command in (["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc"],
                    ["ninja", "-C", BUILD, "-j2", *targets]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failure(done.stdout)


def open_many_files():
    """As many as the work needs, or as allowed: the servers inherit the limit."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, FILES), max(most, FILES)))
    except ValueError:
        pass  # that takes a privilege


def new_certificate(folder):
    """One certificate for all servers, with its key in the same file."""
    path, key = os.path.join(folder, "bench.pem"), os.path.join(folder, "bench.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", path],
                   check=True, capture_output=True)
    with open(key, encoding="ascii") as file:
        text = file.read()
    with open(path, "a", encoding="ascii") as file:
        file.write(text)
    return path


def scratch():
    """In memory where there is space: nginx, by default, keeps uploads in files. The disk is not to be
    measured, nor is it to write the last row's data during the next."""
    room = min(shutil.disk_usage("/dev/shm").free, machine.memory_available())
    return tempfile.TemporaryDirectory(prefix="glance-intake-bench-",
                                       dir="/dev/shm" if room > IN_MEMORY else "/var/tmp")


@contextlib.contextmanager
def ready_bench():
    install("bench")
    build(INTAKE.name, "bench-load", "bench-sink")
    open_many_files()
    with scratch() as folder:
        yield Bench(folder, new_certificate(folder))
