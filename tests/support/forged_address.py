# SPDX-License-Identifier: Apache-2.0
"""What a client may write of itself to pass for somebody else, in either forwarding header."""
import itertools

FRIEND = "10.9.9.9"  # whom the policy trusts, and whom the client wants to be taken for


def forms(friend=FRIEND):
    """Lists of fields. None of them may make the client the friend behind a proxy that adds to
    X-Forwarded-For, or to Forwarded."""
    nodes = (friend, f'"{friend}"', f"{friend}:4711", f'"{friend}:4711"', f"[::ffff:{friend}]",
             f'"[::ffff:{friend}]:1"', f"::ffff:{friend}", f" {friend}\t")
    lists = (*nodes, f"{friend},", f",{friend}", f",, {friend} ,,", f"{friend}, {friend}", f'"{friend}',
             f'{friend}"', f'"{friend}, ', f"{friend}, unknown", f"unknown, {friend}", f"{friend}, _hidden",
             f"{friend};", f"{friend} 127.0.0.1", f"{friend}, 127.0.0.1", f"{friend}, nonsense",
             f"for={friend}", f'{friend}, "', f'{friend}\\', '"', "unknown", "")
    elements = (*(f"for={node.strip()}" for node in nodes), f"For={friend}", f"FOR={friend}",
                f"for={friend};", f";for={friend}", f"for={friend};for={friend}", f"for={friend};proto=https",
                f"proto=https;for={friend}", f"for={friend};by=127.0.0.1;host=evil.example",
                f"for={friend}, for={friend}", f"for={friend}, for=127.0.0.1", f"for={friend}, for=unknown",
                f"for=unknown, for={friend}", f"for={friend}, for=_x", f"for={friend}, ", f", for={friend}",
                f'for={friend};x="', f'for={friend}, x="', f'for="{friend}', f'for={friend};x="\\',
                f"for = {friend}", f"for={friend} ;proto=http", friend, "")
    names = ("X-Forwarded-For", "X_Forwarded_For", "x-forwarded_for")
    others = ("Forwarded", "forwarded", "FORWARDED")
    yield []
    for name, value in itertools.chain(itertools.product(names, lists), itertools.product(others, elements)):
        yield [f"{name}: {value}"]
    for name, value in (("X-Forwarded-For", friend), ("Forwarded", f"for={friend}")):
        yield [f"{name}: {value}"] * 2
        yield [f"{name}: {value}", f"Connection: {name}"]
        yield [f"{name}: {value}", f"{name}:"]
    yield [f"X-Forwarded-For: {friend}", f"Forwarded: for={friend}"]
    for name in ("X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Originating-IP", "X-Forwarded",
                 "X-Cluster-Client-IP", "X-ProxyUser-IP", "Client-IP", "Via", "X-Forwarded-By"):
        yield [f"{name}: {friend}"]
