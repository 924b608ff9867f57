# SPDX-License-Identifier: Apache-2.0
"""Who runs where. A proxy that is compared with others, one worker of each, has the last core to
itself; what sends to it and receives from it has the rest. Left to the kernel, what a transfer costs
depends on who happens to share a core with whom, and that makes up to twice the difference, which
is more than there is between two proxies that do the same. One that has helpers beside its worker
is not compared with others, and may run anywhere."""
import os

ALL = frozenset(os.sched_getaffinity(0))
OF_A_PROXY = frozenset({max(ALL)})
OF_OTHERS = ALL - OF_A_PROXY or ALL


def keep_apart(apart):
    """This process, and what it starts, from the proxies."""
    os.sched_setaffinity(0, OF_OTHERS if apart else ALL)
