# SPDX-License-Identifier: Apache-2.0
"""Runs the programs `openstack` and `glance` in forks of a process that has imported them already. A program
needs six times as long to import its modules as to do its work."""
import contextlib
import io
import multiprocessing
import multiprocessing.connection
import os
import subprocess
import sys
import threading
from multiprocessing.reduction import DupFd

from cloud import HERE

PROGRAMS = ("openstack", "glance")
# Gives sets and dicts the same order in all Python programs.
SAME_ORDER = {"PYTHONHASHSEED": "0"}
# Each start() also looks which other processes have ended. An exit status can be read once, so of two threads that
# read it at the same time, one would get 255.
EXIT_STATUS = threading.Lock()


def main_of(program):
    """The same functions as those that Debian's /usr/bin/openstack and /usr/bin/glance call."""
    # pylint: disable=import-outside-toplevel; only the process that is forked shall import them
    if program == "openstack":
        from openstackclient.shell import main
    else:
        from glanceclient.shell import main
    return main


def warm_up():
    """Many modules are imported only when a command needs them."""
    for program, arguments in (("openstack", ["image", "create", "--help"]), ("glance", ["help", "image-create"])):
        sys.argv = [program, *arguments]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            main_of(program)()


def play(command, env, streams):
    os.environ.clear()
    os.environ.update(env)
    for number, stream in enumerate(streams):
        os.dup2(stream.detach(), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
    sys.argv = command
    sys.exit(main_of(command[0])())


def server():
    """The context of the process whose forks are warm. It gets this process's environment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm_python_clients"])
    os.environ["PYTHONPATH"] = HERE
    os.environ.update(SAME_ORDER)
    return context


def run(command, env, stdin, output, deadline):
    """As subprocess.run() does it: `stdin` is a file, a descriptor, or DEVNULL, and both outputs go to the file
    `output`. Returns the exit status; raises subprocess.TimeoutExpired after `deadline` seconds."""
    with open(os.devnull, "rb") as nothing:
        files = nothing if stdin == subprocess.DEVNULL else stdin, output, output
        streams = [DupFd(file if isinstance(file, int) else file.fileno()) for file in files]
    process = server().Process(target=play, args=(command, env, streams))
    with EXIT_STATUS:
        process.start()
    multiprocessing.connection.wait([process.sentinel], deadline)
    with EXIT_STATUS:
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, deadline)
        return process.exitcode
