# SPDX-License-Identifier: Apache-2.0
"""[cluster]: several proxies before one Glance tell each other what they have in flight."""
import time

from support.cluster import KEY, Cluster, FalsePeer, signed
from support.fixture import scenario
from support.gateway import Gateway
from support.gateway_stack import Keys
from support.glance import NO_CONTENT, new_upload
from support.proxy import wait_until
from support.raw_http import head
from support.stack import OCTETS, TOKEN, data

MIB = 1 << 20
BODY = data(MIB)


def held(asked):
    """Takes the whole body, and answers when the scenario says so."""
    asked.read().hold().send(NO_CONTENT)


class Scene:
    """Proxies whose store has a bucket."""

    def __init__(self, fixture, count=2, room=3 * MIB // 2):
        self.glance = fixture.glance(upload=held)
        self.gateway = Gateway(fixture.host)
        fixture.callback(self.gateway.stop)
        self.gateway.bucket_quota = room
        self.cluster = Cluster(fixture, self.glance, count=count, policy=Keys(fixture).policy(self.gateway.url))
        self.proxies = self.cluster.proxies
        self.cluster.wait_known()

    def put(self, fixture, number, body=BODY):
        client = fixture.client(self.proxies[number])
        return client.send(head(f"PUT {new_upload()} HTTP/1.1", "Host: h", TOKEN, OCTETS,
                                f"Content-Length: {len(body)}"), body)

    def wait_bytes(self, number, peer, count):
        self.proxies[number].wait_metric(count, "peer_bytes_in_flight", peer=self.cluster.names[peer])


@scenario(threaded=True)
def bytes_in_flight_count_at_the_other_proxy(fixture):
    scene = Scene(fixture)
    first = scene.put(fixture, 0)
    scene.glance.wait("the first", lambda it: len(it.uploads()) == 1)
    scene.wait_bytes(1, 0, MIB)
    told = scene.put(fixture, 1).answer()
    assert told.status == 413 and b"store_full" in told.body, told.body
    assert f"{MIB} on their way".encode() in told.body, told.body
    scene.glance.uploads()[0].go()
    assert first.answer().status == 204
    scene.wait_bytes(1, 0, 0)
    second = scene.put(fixture, 1)
    scene.glance.wait("the second", lambda it: len(it.uploads()) == 2)
    scene.glance.uploads()[1].go()
    assert second.answer().status == 204
    for proxy in scene.proxies:
        assert KEY not in proxy.log(), "the key is in the log"


@scenario(threaded=True)
def silent_peer_is_told_once_and_counts_no_more(fixture):
    scene = Scene(fixture)
    scene.put(fixture, 0)
    scene.glance.wait("the first", lambda it: len(it.uploads()) == 1)
    scene.wait_bytes(1, 0, MIB)
    scene.proxies[0].process.kill()
    scene.proxies[0].process.wait()
    name = scene.cluster.names[0]
    scene.proxies[1].wait_metric(0, "peer_up", peer=name)
    scene.wait_bytes(1, 0, 0)
    second = scene.put(fixture, 1)
    scene.glance.wait("the second", lambda it: len(it.uploads()) == 2)
    scene.glance.uploads()[1].go()
    assert second.answer().status == 204

    def told():
        return [line for line in scene.proxies[1].log().splitlines() if f"the proxy at {name} " in line]
    wait_until("it is told", lambda: told() and "does not answer" in told()[-1])  # a slow peer was silent before, too
    before = told()
    failed = scene.proxies[1].metric("peer_failures_total", peer=name)
    wait_until("it was asked again", lambda: scene.proxies[1].metric("peer_failures_total", peer=name) > failed + 1)
    assert told() == before
    shown = scene.cluster.asked(1, "/uploads?all")[1]
    (silent,) = (proxy for proxy in shown["proxies"] if proxy["proxy"] == name)
    assert not silent["answers"] and silent["problem"], silent
    fixture.proxies.remove(scene.proxies[0])


@scenario(threaded=True)
def uploads_of_all_are_shown(fixture):
    scene = Scene(fixture, count=3, room=10 * MIB)
    clients = [scene.put(fixture, number) for number in range(3)]
    scene.glance.wait("all of them", lambda it: len(it.uploads()) == 3)
    names = scene.cluster.names
    answering = [{"proxy": name, "answers": True, "problem": None} for name in ("this", *names[1:])]

    def told_by_all():  # a peer that is slow once counts as silent
        status, told = scene.cluster.asked(0, "/uploads?all")
        assert status == 200
        return told if told["proxies"] == answering else None
    shown = wait_until("all of them answer", told_by_all)
    assert sorted(one["proxy"] for one in shown["in_flight"]) == sorted(["this", *names[1:]]), shown
    peers = [{"peer": name, "state": "answers"} for name in names[1:]]
    wait_until("the peers answer", lambda: scene.cluster.asked(0, "/status")[1]["peers"] == peers)
    assert "proxy" not in scene.cluster.asked(0, "/uploads")[1]["in_flight"][0]
    for asked in scene.glance.uploads():
        asked.go()
    assert [client.answer().status for client in clients] == [204] * 3


ROW = '{"request_id": "req-1", "image": "i", "proxy": "this", "bytes": "many"}'
UNREADABLE = {
    b"\0\xff": "cannot be read",
    b'{"in_flight": [], "finished": 7}': "cannot be read",
    b"[" * (MIB >> 4): "cannot be read",
    b'{"in_flight": [], "finished": []}' + b" " * (4 * MIB): "too long",
}


@scenario(threaded=True)
def what_a_peer_shows_is_not_trusted(fixture):
    """Whatever it answers, the own uploads are shown, and its name is that of the configuration."""
    peer = FalsePeer(fixture)
    cluster = Cluster(fixture, fixture.glance(), count=1, more_peers=(peer.name,))
    cluster.proxies[0].wait_metric(1, "peer_up", peer=peer.name)

    def shown(uploads):
        """The document, once the peer has given this answer in time, and the peer's row in it. The proxy repeats an
        answer for a second. A slow proxy may not have noticed yet that one of its peers is itself."""
        def told():
            before = peer.asked
            status, document = cluster.asked(0, "/uploads?all")
            own, *others = document["proxies"]
            assert status == 200 and own == {"proxy": "this", "answers": True, "problem": None}, document
            other, = (one for one in others if one["proxy"] == peer.name)
            assert other["answers"] == (other["problem"] is None), document
            return peer.asked > before and "Timeout" not in (other["problem"] or "") and (document, other)
        peer.uploads = uploads
        return wait_until("it was asked", told)

    for uploads, problem in UNREADABLE.items():
        told, other = shown(uploads)
        assert problem in other["problem"], (uploads[:40], told)
        assert told["in_flight"] == told["finished"] == [], told
    told, other = shown(f'{{"in_flight": [7, null, [], {ROW}], "finished": [{ROW}]}}'.encode())
    assert other["answers"], told
    assert [row["proxy"] for row in told["in_flight"] + told["finished"]] == [peer.name] * 2, told


@scenario
def only_peers_are_answered(fixture):
    scene = Scene(fixture)
    path, now = "/cluster/counts", int(time.time())
    good = signed(KEY, path)
    for signature in (None, "", "x", signed("another-key-of-more-than-32-characters", path),
                      signed(KEY, "/cluster/uploads"), signed(KEY, path, now - 3600), signed(KEY, path, now + 3600),
                      good[:-1], f"{good}0", f"{now + 1}{good[len(str(now)):]}"):
        status, told = scene.cluster.counts(0, signature)
        assert (status, told) == (403, None), (signature, status, told)
    status, told = scene.cluster.counts(0, good)
    assert status == 200 and sorted(told) == ["ended", "process", "quotas", "stored", "stores"], told
    scene.proxies[0].reload({})
    assert scene.cluster.counts(0, signed(KEY, path))[0] == 404
    assert scene.cluster.asked(0, "/uploads?all")[1]["proxies"] == [
        {"proxy": "this", "answers": True, "problem": None}]


@scenario
def peer_with_another_key_is_silent(fixture):
    scene = Scene(fixture)
    scene.cluster.key_file.rename(scene.cluster.key_file.with_suffix(".old"))
    other = fixture.folder / "other.key"
    other.write_text(KEY.upper())
    other.chmod(0o600)
    scene.proxies[0].reload({**scene.cluster.conf, "cluster": {"peers": ", ".join(scene.cluster.names),
                                                               "key_file": other}})
    scene.proxies[1].wait_log("key_file cannot be read.*no other proxy is asked")
    scene.cluster.key_file.with_suffix(".old").rename(scene.cluster.key_file)
    name = scene.cluster.names[0]
    scene.proxies[1].wait_log(f"the proxy at {name} does not answer: it has another key")
    scene.proxies[0].reload(scene.cluster.conf)
    scene.proxies[1].wait_log(f"the proxy at {name} answers")
    wait_until("it is heard again", lambda: scene.proxies[1].metric("peer_up", peer=name) == 1)
