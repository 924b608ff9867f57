# SPDX-License-Identifier: Apache-2.0
"""The bytes that the kernel may buffer of a body that nobody reads."""
import pathlib


def most_of(name):
    """The maximum size of a socket's buffer (tcp(7)). It holds a little less data."""
    return int(pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text("ascii").split()[2])


# The sockets of two connections in a row, and a pipe between them.
MOST = 2 * (most_of("tcp_rmem") + most_of("tcp_wmem")) + (2 << 20)
