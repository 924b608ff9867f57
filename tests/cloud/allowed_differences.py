# SPDX-License-Identifier: Apache-2.0
"""In what an answer through the proxy may differ from Glance's own, and why. config/README.md lists it."""
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Answers:
    """The values of one field in the two answers to a question."""

    question: object
    answer: object  # Glance's own
    direct: list
    through: list

    def is_new(self):
        return not self.direct and len(self.through) == 1

    def are_of_an_upload(self):
        return self.question.method == "PUT" and self.question.target.endswith(("/file", "/stage"))

    def are_of_an_operation(self):
        return self.are_of_an_upload() or self.question.target.endswith("/import")


@dataclass(frozen=True)
class Allowed:
    name: str
    direct: str
    through: str
    why: str
    applies: Callable  # to Answers


def ends_with_the_connection(answer):
    """Whether only the end of the connection ends the body."""
    framed = answer.chunked or answer.get("Content-Length") is not None
    return not framed and answer.status not in (204, 304)


OF_AN_OPERATION = (
    "X-Intake-Store",
    "X-Intake-Rule",
    "X-Intake-Fixed",
    "X-Intake-Bytes",
    "X-Intake-Verified",
    "Repr-Digest",
)

ALLOWED = [
    Allowed(
        "X-Openstack-Request-Id",
        "none (versions, 401, CORS preflights)",
        "the proxy's own",
        "each answer has one, to be found in the proxy's log",
        Answers.is_new,
    ),
    Allowed(
        "Content-Length",
        "0 with a 204",
        "none",
        "RFC 9110 8.6",
        lambda these: these.answer.status == 204 and not these.through,
    ),
    Allowed(
        "Content-Length",
        "none (uWSGI)",
        "that of the body",
        "the proxy has read it whole: versions, and refusals of uploads",
        lambda these: ends_with_the_connection(these.answer) and these.is_new(),
    ),
    Allowed(
        "Transfer-Encoding",
        "none, and no Content-Length (uWSGI)",
        "chunked",
        "the client's connection stays open",
        lambda these: ends_with_the_connection(these.answer) and these.through == ["chunked"],
    ),
    Allowed(
        "Connection",
        "close (uWSGI)",
        "none",
        "the client's connection stays open",
        lambda these: these.direct == ["close"] and these.through in ([], ["keep-alive"]),
    ),
    Allowed(
        "Connection",
        "none",
        "close",
        "an upload was refused before its body was read",
        lambda these: these.are_of_an_upload()
        and these.answer.status >= 400
        and these.through == ["close"],
    ),
    Allowed("Date", "none (uWSGI)", "the proxy's", "RFC 9110 6.6.1", Answers.is_new),
    *(
        Allowed(
            name,
            "none",
            "of an upload or import",
            "where the image goes, and what was stored",
            lambda these: these.are_of_an_operation() and these.is_new(),
        )
        for name in OF_AN_OPERATION
    ),
]

# Statuses whose registered phrase has changed (RFC 9110 15.5).
PHRASES = {
    413: ("Request Entity Too Large", "Content Too Large"),
    416: ("Request Range Not Satisfiable", "Range Not Satisfiable"),
}

# Each server writes these itself, at a place of its own.
OF_THE_CONNECTION = {"connection", "content-length", "date", "transfer-encoding"}

# A Glance that was just started lists these, too.
RESERVED_STORES = ",os_glance_staging_store,os_glance_tasks_store"
