# SPDX-License-Identifier: Apache-2.0
"""Clients do not notice the proxy: each request of the Image API is sent to Glance, and to the same Glance
through the proxy. The two answers are compared in full: first line, fields, body.

Requests that change something use an image of each side. Their ids and times are made equal before the
comparison. allowed_differences.py has all other differences.
"""
import collections
import contextlib
import json
import os
import re
import sys
import urllib.parse
import uuid

from allowed_differences import (
    ALLOWED, OF_THE_CONNECTION, PHRASES, RESERVED_STORES, Answers, ends_with_the_connection
)
from another_glance import everything
from cloud import HERE, check, same
from proxy import another_proxy
from api_requests import GROUPS
from glance_servers import UWSGI, url_of

sys.path.append(os.path.dirname(HERE))

from support.raw_http import Client, Cut, head  # noqa: E402

HOST = "images.example.org:9292"  # the same for both, so that both build the same links
POLICY = {
    "default": {"store": "file", "mode": "default"},
    "doors": {"locations": "open", "tasks": "open"},
}
DATA = bytes(range(250)) * 400
TRIES = 8

# --- the two sides --------------------------------------------------------------------------


class Side:
    """A way to Glance, with its own connection and its own images."""

    def __init__(self, cloud, name, url, ids):
        where = urllib.parse.urlsplit(url)
        self.address = where.hostname, where.port
        self.cloud = cloud
        self.ids = ids
        self.own = {"chosen": str(uuid.uuid4()), "own_namespace": f"twin-{name}-{ids['tag']}"}
        self.client = None

    def fill_in(self, text):
        for name, value in {**self.ids, **self.own}.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def request(self, question):
        fields = [f"Host: {HOST}"]
        if question.user:
            fields.append(f"X-Auth-Token: {self.cloud.token(question.user)}")
        fields += [self.fill_in(field) for field in question.fields]
        body = b""
        if question.body is not None:
            body = self.fill_in(question.body.decode("latin-1")).encode("latin-1")
            fields.append(f"Content-Length: {len(body)}")
        start = f"{question.method} {self.fill_in(question.target)} {question.version}"
        return head(start, *fields) + body

    def ask(self, question):
        self.client = self.client or Client(self.address)
        answer = self.client.send(self.request(question)).answer(question.method)
        said = (answer.get("Connection") or "").lower()
        is_old = question.version == "HTTP/1.0" and said != "keep-alive"
        if said == "close" or is_old or ends_with_the_connection(answer):
            self.close()
        if question.keep and answer.status == 201:
            self.own[question.keep] = json.loads(answer.body)["id"]
        return answer

    def close(self):
        if self.client:
            self.client.close()
        self.client = None

    def alike(self, question, text):
        """Removes what differs between two answers or the two sides."""
        text = re.sub(r"\breq-[-0-9a-f]{36}\b", "(request)", text).replace(RESERVED_STORES, "")
        if question.keep or any(question.names(name) for name in self.own):
            for name, value in self.own.items():
                text = text.replace(value, f"({name})")
            text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "(time)", text)
        return text

    def fields(self, question, answer):
        """Values by name. Names are in lower case."""
        values = collections.defaultdict(list)
        for name, value in answer.fields:
            told = {"Date": "(date)", "Connection": value.lower()}.get(name)
            values[name.lower()].append(told or self.alike(question, value))
        return values


def start_of(answer):
    """The first line as the proxy writes it. uWSGI answers HTTP/1.0 to an old client, but each server must send
    its own version (RFC 9112 2.3)."""
    start = answer.start.replace(*PHRASES.get(answer.status, ("", "")))
    return start.replace("HTTP/1.0", "HTTP/1.1")


def names_of(answer, left_out):
    """Field names in their spelling and order."""
    left_out = OF_THE_CONNECTION | left_out
    return [name for name, _ in answer.fields if name.lower() not in left_out]


def differences(question, sides, answers):
    """Descriptions of the differences."""
    direct, through = (side.fields(question, told) for side, told in zip(sides, answers))
    others = {name for name in direct.keys() | through.keys() if direct[name] != through[name]}
    for name in sorted(others):
        these = Answers(question, answers[0], direct[name], through[name])
        if not any(row.applies(these) for row in ALLOWED if row.name.lower() == name):
            yield f"{name} is {through[name]}, not {direct[name]}"
    names = [names_of(answer, others) for answer in answers]
    texts = [answer.body.decode("latin-1") for answer in answers]
    bodies = [side.alike(question, text) for side, text in zip(sides, texts)]
    for what, (one, other) in (
        ("the start", (start_of(answers[0]), answers[1].start)),
        ("the order of fields", names),
        ("the body", bodies),
    ):
        if one != other:
            yield f"{what} is {other[:300]!r}, not {one[:300]!r}"


def ask(question, side, cuts):
    """Glance on sqlite answers 500 when another request writes. The proxy never does."""
    for _ in range(TRIES):
        try:
            answer = side.ask(question)
            if answer.status != 500:
                break
        except (Cut, ConnectionError):
            side.close()
            check(cuts, f"{question}: the answer was cut")
    return answer


def compare(question, sides, cuts):
    """Glance's answer, and the differences. A list may have changed between the two requests, so safe requests
    are repeated."""
    for _ in range(TRIES if question.is_safe() else 1):
        answers = [ask(question, side, cuts) for side in sides]
        found = [f"{question}: {what}" for what in differences(question, sides, answers)]
        if not found:
            break
    return answers[0], found


# --- images to ask about --------------------------------------------------------------------


@contextlib.contextmanager
def things(cloud):
    """Images to ask about, by the names that api_requests.py uses."""
    tag = uuid.uuid4().hex[:8]
    fields = {"tags": [tag, "more", "a tag"], "disk_format": "raw"}
    with (
        cloud.new_image("fidelity \N{LATIN SMALL LETTER E WITH ACUTE}", **fields) as active,
        cloud.new_image("fidelity-queued", **fields) as queued,
        cloud.new_image("fidelity-shared", visibility="shared", **fields) as shared,
        cloud.new_image(user="other") as foreign,
    ):
        member = cloud.image(foreign)["owner"]
        octets = {"Content-Type": "application/octet-stream"}
        stored = cloud.glance("PUT", f"/v2/images/{active}/file", headers=octets, data=DATA)
        same("the status of the upload", stored.status_code, 204)
        path = f"/v2/images/{shared}/members"
        told = cloud.glance("POST", path, json={"member": member})
        same("the status of the sharing", told.status_code, 200)
        yield {"tag": tag, "active": active, "queued": queued, "shared": shared, "member": member}


def compare_all(cloud, glance_url, cuts=False):
    """Returns Glance's answers. `cuts`: Glance may close the connection early."""
    told, found = [], []
    with another_proxy(cloud, POLICY, endpoint=glance_url) as proxy, things(cloud) as ids:
        sides = [Side(cloud, "one", glance_url, ids), Side(cloud, "two", proxy.url, ids)]
        with contextlib.ExitStack() as afterwards:
            for side in sides:
                afterwards.callback(side.close)
            for question in (question for group in GROUPS for question in group()):
                answer, differing = compare(question, sides, cuts)
                told.append(answer)
                found += differing
    check(not found, f"{len(found)} differences: {'; '.join(found[:10])}")
    return told


def reached(told, *more):
    """Checks that the questions lead to all these statuses."""
    wanted = {200, 201, 204, 206, 300, 400, 401, 403, 404, 405, 409, 413, 415, 416, *more}
    seen = {answer.status for answer in told}
    check(len(told) >= 150, f"only {len(told)} questions")
    check(wanted <= seen, f"Glance never answers {wanted - seen}")
    return f"{len(told)} requests"


def test_same_answers(cloud):
    return reached(compare_all(cloud, cloud.glance_url))


def test_same_answers_under_uwsgi(cloud):
    """uWSGI resets the connection if Glance has not read the body, with or without the proxy. The answer may be
    lost."""
    return reached(compare_all(cloud, url_of(cloud, UWSGI), cuts=True))


def test_same_answers_with_everything_on(cloud):
    with everything(cloud) as url:
        told = compare_all(cloud, url)
    zipped = [answer for answer in told if answer.get("Content-Encoding") == "gzip"]
    check(zipped, "nothing was compressed")
    pages = [answer for answer in told if b'"next": "/v2/images?' in answer.body]
    check(pages, "no list had a next page")
    return reached(told, 202)
