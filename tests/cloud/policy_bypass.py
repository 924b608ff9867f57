# SPDX-License-Identifier: Apache-2.0
"""No request gets around the policy, in whatever form it is written, before Glance under eventlet and uWSGI.

The policy forces `test`. The client asks for `file`, which is also Glance's default. Each form of the path is
combined with each form of the headers, for each call, and sent over a bare socket. Glance's `stores` of the
image, the directories of the file stores and the bucket tell where the data is. It may be nowhere but in
`test`.

Without the proxy the same requests do put data into `file`, so the table has the dangerous forms.

The whole table has about 36,000 rows and takes a quarter of an hour: POLICY_BYPASS=all sends them. Otherwise each form
of the path is sent with two headers, each form of the headers with the normal path, and of the other rows a random
thirtieth: its seed is printed, and POLICY_BYPASS=SEED repeats it. Of the requests that the proxy makes equal, Glance gets
one (recording_proxy.py). What the proxy refuses without a word to Glance, it refuses in front of any server: uWSGI's
Glance gets the others.
"""
import collections
import concurrent.futures
import contextlib
import json
import os
import random
import socket

from cloud import PATIENCE, check, happens, same
from header_forms import HEADERS, Header
from path_forms import PATHS
from placement import DATA, images_at
from proxy import another_proxy
from glance_servers import EVENTLET, UWSGI, url_of
from recording_proxy import REPEATED, Tap

METHODS = {"file": "PUT", "stage": "PUT", "import": "POST"}
IMPORT = json.dumps({"method": {"name": "glance-direct"}})
FORCED = {"default": {"store": "test", "mode": "force"}}
ACCEPTED = 202
AT_A_TIME = 6
PLAIN = Header()
ASKS_FOR_FILE = Header(("X-Image-Meta-Store: file",))


# --- one request ---------------------------------------------------------------------------------


def escaped(text):
    return "".join(map("%%%02x".__mod__, text.encode()))


def written(path, header, call, image_id, token):
    """The bytes of one request of the table."""
    data, kind = DATA, "application/octet-stream"
    if call == "import":
        data, kind = IMPORT, "application/json"
    lines = [*header.framing, *path.fields]
    if header.token:
        lines.append("X-Auth-Token: {token}")
    if not any(line.startswith(("Content-Type", "Content_Type")) for line in header.lines):
        lines.append("Content-Type: " + kind)
    lines += header.lines  # last: Python stops reading at a malformed field
    values = {
        "{method}": METHODS[call],
        "{call}": call,
        "{Call}": escaped(call[0]) + call[1:],
        "{CALL}": escaped(call),
        "{id}": image_id,
        "{Id}": escaped(image_id[0]) + image_id[1:],
        "{token}": token,
        "{size}": "%x" % len(data),
        "{data}": data,
    }
    head = "\r\n".join([f"{path.method} {path.target} {header.version}", "Host: images", *lines])
    body = header.body.replace("{length}", str(len(data)))
    for name, value in values.items():
        head, body = head.replace(name, value), body.replace(name, value)
    head = head.replace("{length}", str(len(body)))
    return (head + "\r\n\r\n" + body).encode("latin-1")


def answered(url, request):
    """The status of the answer, or 0 if there is none; and the head."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10 * PATIENCE) as server:
        answer = b""
        with contextlib.suppress(ConnectionError):
            server.sendall(request)
            while b"\r\n\r\n" not in answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"):
                piece = server.recv(65536)
                if not piece:
                    break
                answer += piece
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return int(answer[9:12]) if answer[9:12].isdigit() else 0, answer.partition(b"\r\n\r\n")[0]


# --- without the proxy ---------------------------------------------------------------------------


def all_of(function, rows, at_a_time=AT_A_TIME):
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        return list(pool.map(function, rows))


def straight_to(images, url, token, path, header):
    """Sends an upload past the proxy. Returns where its data is."""
    for _ in range(3):  # sqlite's writers lock each other out
        image_id = images.new()
        if answered(url, written(path, header, "file", image_id, token))[0] != 500:
            break
    happens(lambda: images.at_rest(image_id))  # an incomplete upload stays `saving` under uWSGI
    return images.stores(image_id)


def check_table(cloud, server):
    """The table says of each of its rows what the server makes of it."""
    token, url = cloud.token(), url_of(cloud, server)
    with images_at(cloud, url) as images:
        rows = [(path, PLAIN, "file" if server in path.leads else None) for path in PATHS]
        rows += [(PATHS[0], header, getattr(header, server)) for header in HEADERS]
        at_a_time = 1 if server == UWSGI else AT_A_TIME
        found = all_of(lambda row: straight_to(images, url, token, *row[:2]), rows, at_a_time)
    wrong = [
        f"{path} with {header}: {store}, not {expected}"
        for (path, header, expected), store in zip(rows, found)
        if store != expected
    ]
    check(not wrong, "; ".join(wrong))
    return f"{found.count('file')} of {len(rows)} forms lead to `file`"


def test_forms_reach_file_without_the_proxy_under_eventlet(cloud):
    return check_table(cloud, EVENTLET)


def test_forms_reach_file_without_the_proxy_under_uwsgi(cloud):
    return check_table(cloud, UWSGI)


# --- with the proxy ------------------------------------------------------------------------------


SHARE = 30  # of the rows that combine an unusual path with an unusual header, one in so many is sent


def chosen_rows(choice):
    """The rows (call, path, header) to send, the two as their places in the tables."""
    seeded = random.Random(choice)
    return {
        (call, path, header)
        for call in METHODS
        for path in range(len(PATHS))
        for header in range(len(HEADERS))
        if choice == "all" or path == 0 or header < 2 or seeded.randrange(SHARE) == 0
    }


class Trial:
    """Some rows of the table before one proxy. An image is used again until a request has changed it."""

    def __init__(self, images, tap, url, token, rows):
        self.refused = set()  # rows that the proxy refuses on its own
        self._rows = rows
        self.answers = collections.Counter()
        self.landed = collections.Counter()
        self._images = images
        self._tap = tap
        self._url = url
        self._token = token
        self._idle = {call: [] for call in METHODS}
        self._staged = []

    def run(self):
        all_of(self._row, [(call, path) for call in METHODS for path in range(len(PATHS))])
        self._tap.lets_all_pass = True
        for image_id, path, header in self._staged:
            status, _ = self._sends("import", PATHS[0], ASKS_FOR_FILE, image_id)
            same("the status of the import", status, ACCEPTED)
            self._has_landed(image_id, "stage", path, header)

    def _row(self, call_and_path):
        """One call and path with each header."""
        rows = [(*call_and_path, header) for header in range(len(HEADERS))]
        rows = [row for row in rows if row in self._rows]
        call, path = call_and_path[0], PATHS[call_and_path[1]]
        image_id = self._image(call) if rows else None
        for row in rows:
            header = HEADERS[row[-1]]
            status, alone = self._sends(call, path, header, image_id)
            self.answers[status] += 1
            if alone:
                self.refused.add(row)
                continue
            begun = status == ACCEPTED  # an import, which changes the image a little later
            if begun or (status // 100 == 2 and not self._waits(image_id, call)):
                self._used(image_id, call, path, header)
                image_id = self._image(call)
        if rows and self._waits(image_id, call):
            self._idle[call].append(image_id)
        elif rows:
            self._used(image_id, call, path, "a header that was not answered with 2xx")

    def _sends(self, call, path, header, image_id):
        """The status, and whether the proxy refused the request on its own: the answer has a request's id, as all of
        the proxy's have, and the id was in nothing that was sent to Glance or by Glance."""
        status, head = answered(self._url, written(path, header, call, image_id, self._token))
        own = status // 100 == 4 or status == 505  # and not for a lack of something
        return status, own and b"X-Openstack-Request-Id: " in head and not self._tap.passed(head)

    def _image(self, call):
        """An image that waits for the call."""
        if self._idle[call]:
            return self._idle[call].pop()
        with self._tap.turn:
            return self._images.new_staged() if call == "import" else self._images.new()

    def _waits(self, image_id, call):
        """Whether the image is unchanged."""
        return self._images.status(image_id) == ("uploading" if call == "import" else "queued")

    def _used(self, image_id, call, path, header):
        """The image has changed. Staged data is in no store until it is imported."""
        if call == "stage":
            self._staged.append((image_id, path, header))
            return
        with self._tap.turn:  # an import goes on after its answer
            self._has_landed(image_id, call, path, header)

    def _has_landed(self, image_id, call, path, header):
        store = self._images.settled(image_id)
        check(store in ("test", None), f"in {store}: {call}, {path}, with {header}")
        self.landed[call] += store == "test"


def all_lands_in_test(cloud, server, rows):
    """Returns a note, and the rows that the proxy refuses on its own."""
    url = url_of(cloud, server)
    with contextlib.ExitStack() as stack:
        tap = stack.enter_context(Tap(url))
        proxy = stack.enter_context(another_proxy(cloud, FORCED, tap.url))
        images = stack.enter_context(images_at(cloud, url))
        trial = Trial(images, tap, proxy.url, cloud.token(), rows)
        trial.run()
    note = told(trial.answers, trial.landed)
    # in the whole table, 19 forms of an upload differ
    check(min(trial.landed[call] for call in METHODS) > 4, f"only {note}")
    return note, trial.refused


def told(answers, landed):
    """The numbers of a run."""
    parts = [
        f"{sum(answers.values())} requests",
        f"{landed.total()} landed, all in `test`: "
        + " and ".join(f"{count} by {call}" for call, count in sorted(landed.items())),
        f"{answers[REPEATED]} reached Glance as another did before",
    ]
    parts += [
        f"{count} were answered {status or 'by nothing'}"
        for status, count in sorted(answers.items())
        if status != REPEATED
    ]
    return ", ".join(parts)


def test_forms_reach_only_the_forced_store_through_the_proxy(cloud):
    choice = os.environ.get("POLICY_BYPASS") or str(random.randrange(1 << 32))
    rows = chosen_rows(choice)
    under_eventlet, refused = all_lands_in_test(cloud, EVENTLET, rows)
    check(len(refused) < len(rows) * 3 // 4, f"{len(refused)} of {len(rows)} rows reach no Glance")
    under_uwsgi, _ = all_lands_in_test(cloud, UWSGI, rows - refused)
    return f"POLICY_BYPASS={choice}; under eventlet: {under_eventlet}; under uWSGI: {under_uwsgi}"
