# SPDX-License-Identifier: Apache-2.0
"""Which process runs on which core. A proxy that is compared with others, one worker of each, has the last
core to itself; senders and receivers have the rest. If the kernel places them, the cost of a transfer depends
on which processes share a core. That makes a difference of up to two times, more than between two similar
proxies. A proxy with threads beside its worker is not compared with others, and may run anywhere."""
import os

ALL = frozenset(os.sched_getaffinity(0))
OF_A_PROXY = frozenset({max(ALL)})
OF_OTHERS = ALL - OF_A_PROXY or ALL


def keep_apart(apart):
    """Keeps this process, and the processes it starts, away from the proxies' core."""
    os.sched_setaffinity(0, OF_OTHERS if apart else ALL)
