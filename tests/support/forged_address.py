# SPDX-License-Identifier: Apache-2.0
"""Fields by which a client may try to pass for another one, in either forwarding header."""
import itertools

EXEMPT = "10.9.9.9"  # the policy exempts this address, and the client claims to have it


def forms(exempt=EXEMPT):
    """Lists of fields. None of them may give the client the exempt address behind a proxy that adds to
    X-Forwarded-For or to Forwarded."""
    nodes = (exempt, f'"{exempt}"', f"{exempt}:4711", f'"{exempt}:4711"', f"[::ffff:{exempt}]",
             f'"[::ffff:{exempt}]:1"', f"::ffff:{exempt}", f" {exempt}\t")
    lists = (*nodes, f"{exempt},", f",{exempt}", f",, {exempt} ,,", f"{exempt}, {exempt}", f'"{exempt}',
             f'{exempt}"', f'"{exempt}, ', f"{exempt}, unknown", f"unknown, {exempt}", f"{exempt}, _hidden",
             f"{exempt};", f"{exempt} 127.0.0.1", f"{exempt}, 127.0.0.1", f"{exempt}, nonsense",
             f"for={exempt}", f'{exempt}, "', f'{exempt}\\', '"', "unknown", "")
    elements = (*(f"for={node.strip()}" for node in nodes), f"For={exempt}", f"FOR={exempt}",
                f"for={exempt};", f";for={exempt}", f"for={exempt};for={exempt}", f"for={exempt};proto=https",
                f"proto=https;for={exempt}", f"for={exempt};by=127.0.0.1;host=evil.example",
                f"for={exempt}, for={exempt}", f"for={exempt}, for=127.0.0.1", f"for={exempt}, for=unknown",
                f"for=unknown, for={exempt}", f"for={exempt}, for=_x", f"for={exempt}, ", f", for={exempt}",
                f'for={exempt};x="', f'for={exempt}, x="', f'for="{exempt}', f'for={exempt};x="\\',
                f"for = {exempt}", f"for={exempt} ;proto=http", exempt, "")
    names = ("X-Forwarded-For", "X_Forwarded_For", "x-forwarded_for")
    others = ("Forwarded", "forwarded", "FORWARDED")
    yield []
    for name, value in itertools.chain(itertools.product(names, lists), itertools.product(others, elements)):
        yield [f"{name}: {value}"]
    for name, value in (("X-Forwarded-For", exempt), ("Forwarded", f"for={exempt}")):
        yield [f"{name}: {value}"] * 2
        yield [f"{name}: {value}", f"Connection: {name}"]
        yield [f"{name}: {value}", f"{name}:"]
    yield [f"X-Forwarded-For: {exempt}", f"Forwarded: for={exempt}"]
    for name in ("X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Originating-IP", "X-Forwarded",
                 "X-Cluster-Client-IP", "X-ProxyUser-IP", "Client-IP", "Via", "X-Forwarded-By"):
        yield [f"{name}: {exempt}"]
