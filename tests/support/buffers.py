# SPDX-License-Identifier: Apache-2.0
"""What the kernel may keep of a body that nobody takes."""
import pathlib


def most_of(name):
    """Bytes that a socket's buffer may grow to (tcp(7)); a little more than there is data in it."""
    return int(pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text("ascii").split()[2])


# In the sockets of two connections, one after the other, and a pipe between them.
MOST = 2 * (most_of("tcp_rmem") + most_of("tcp_wmem")) + (2 << 20)
