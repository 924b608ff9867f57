# SPDX-License-Identifier: Apache-2.0
"""The rows of the table and their goals. A row is some work for some contenders, done in turns."""
import dataclasses

from bench import Contender
from servers import INTAKE, PEERS
from work import GIB, MIB, Hashing, Held, Requests, Transfer

NO_PROXY = "no proxy"
OURS = INTAKE.name
PLAIN, AS_FORM = "plain", "as a form"
DIGEST, SIZE_ONLY, OPENSSL = "verify = digest", "verify = size", "openssl speed -evp sha512"


# Of the time there is, by row: about the seconds that a round takes on two cores.
SHARES = {
    "a1": 34, "a2": 23, "b1": 7, "b2": 3, "c1": 5, "c2": 6, "d1": 18, "d2": 18,
    "e1": 7, "e2": 7, "e3": 7, "f1": 15, "f2": 9, "g1": 4, "g2": 4, "h1": 2, "h2": 4,
}


@dataclasses.dataclass(frozen=True)
class Goal:
    """`value` computes one figure from the medians by label and the labels of the peers."""

    text: str
    value: object
    limit: float
    at_least: bool = False

    def is_met(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


@dataclasses.dataclass(frozen=True)
class Row:
    """`name` is a letter for the kind of work and a number."""

    name: str
    title: str
    contenders: tuple
    goals: tuple

    def share(self):
        return SHARES[self.name]

    def apart(self):
        return any(one.apart for one in self.contenders)

    def peers(self):
        return [one.label for one in self.contenders if one.kind and one.kind is not INTAKE]


def least(medians, peers, figure):
    return min(medians[peer][figure] for peer in peers)


def most(medians, peers, figure):
    return max(medians[peer][figure] for peer in peers)


def cpu_at_most(limit):
    return Goal("CPU to the best peer's",
                lambda medians, peers: medians[OURS]["cpu"] / least(medians, peers, "cpu"), limit)


def rate_at_least(limit):
    return Goal("rate to the best peer's",
                lambda medians, peers: medians[OURS]["rate"] / most(medians, peers, "rate"),
                limit, at_least=True)


def nginx_best(medians, peers, figure, best):
    return best(medians, [peer for peer in peers if peer.startswith("nginx")], figure)


REQUESTS_GOALS = (
    Goal("requests to nginx's",
         lambda medians, peers:
         medians[OURS]["requests"] / nginx_best(medians, peers, "requests", most),
         0.8, at_least=True),
    Goal("p99 to nginx's",
         lambda medians, peers: medians[OURS]["p99"] / nginx_best(medians, peers, "p99", least), 1),
)


def each_at_most(limit):
    return Goal("KiB per connection", lambda medians, peers: medians[OURS]["each"], limit)


PROOF_GOALS = (
    Goal("rate to openssl's",
         lambda medians, peers: medians[DIGEST]["rate"] / medians[OPENSSL]["rate"],
         0.85, at_least=True),
    Goal("longest wait of another request, seconds that hashing adds:",
         lambda medians, peers: medians[DIGEST]["longest"] - medians[SIZE_ONLY]["longest"], 0.005),
)

FORM_GOALS = (
    Goal("CPU to plain's",
         lambda medians, peers: medians[AS_FORM]["cpu"] / medians[PLAIN]["cpu"], 1.25),
)


def against_peers(work, no_proxy=True, tls=False):
    """This proxy, the other proxies, and no proxy."""
    proxies = [Contender(kind.name, work, kind, tls=tls, apart=True) for kind in (INTAKE, *PEERS)]
    return (*proxies, *([Contender(NO_PROXY, work, tls=tls)] if no_proxy else []))


def proof(work):
    return (
        Contender(DIGEST, work, INTAKE, verify="digest"),
        Contender(SIZE_ONLY, work, INTAKE),
        Contender(OPENSSL, Hashing(1)),
    )


def size_text(size):
    return f"{size // GIB} GiB" if size % GIB == 0 else f"{size // MIB} MiB"


def transfers(letter, action, total, goals, how="", tls=False, **options):
    """One transfer of the whole size, then eight at once that share it."""
    for number, count, what in ((1, 1, f"one {action}"), (2, 8, f"eight {action}s at once")):
        size = total // count
        work = Transfer(action, count, size, **options)
        title = f"{what} of {size_text(size)}{how}"
        yield Row(f"{letter}{number}", title, against_peers(work, tls=tls), goals)


def small_requests():
    for number, count in enumerate((1, 64, 512), 1):
        title = f"small requests on {count} connection{'s' if count > 1 else ''}"
        goals = REQUESTS_GOALS if count == 64 else ()
        yield Row(f"e{number}", title, against_peers(Requests(count, 1)), goals)


def held(idle, stalled):
    for number, title, work, limit in (
            (1, f"{idle} idle connections", Held("idle", idle), 20),
            (2, f"{stalled} stalled uploads", Held("stall", stalled, 512 * MIB), 128)):
        contenders = against_peers(work, no_proxy=False)
        yield Row(f"f{number}", title, contenders, (each_at_most(limit),))


def proofs(total):
    title = f"one upload of {size_text(total)}, a request every 2 ms beside it"
    yield Row("g1", title, proof(Transfer("upload", 1, total, pings=True)), PROOF_GOALS)
    size = total // 8
    title = f"eight uploads at once of {size_text(size)}, a request every 2 ms beside them"
    yield Row("g2", title, proof(Transfer("upload", 8, size, pings=True)), ())


def forms(size):
    for number, verify, how in ((1, "size", ""), (2, "digest", ", verify = digest as it ships")):
        contenders = [Contender(label, Transfer("upload", 1, size, form=label is AS_FORM), INTAKE,
                                verify=verify) for label in (AS_FORM, PLAIN)]
        title = f"one upload of {size_text(size)}{how}"
        yield Row(f"h{number}", title, tuple(contenders), FORM_GOALS)


def all_rows(quick):
    """A quick run has a sixteenth of the data, and a tenth of the connections."""
    def some(whole):
        return whole // 16 if quick else whole

    yield from transfers("a", "upload", some(4 * GIB), (cpu_at_most(0.95), rate_at_least(1)))
    yield from transfers("b", "upload", some(192 * MIB), (cpu_at_most(0.65),),
                         ", at 250 MiB/s per client", rate=250 * MIB)
    yield from transfers("c", "upload", some(384 * MIB), (cpu_at_most(0.9),), ", over TLS", tls=True)
    yield from transfers("d", "download", some(4 * GIB), (cpu_at_most(1),))
    yield from small_requests()
    yield from held(*((1000, 100) if quick else (10000, 1000)))
    yield from proofs(some(GIB))
    yield from forms(some(GIB))
