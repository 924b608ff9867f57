# SPDX-License-Identifier: Apache-2.0
"""A client of "Resumable Uploads for HTTP", interop version 8, which sends exactly the requests that a scenario asks
for."""
from .raw_http import Answer, request
from .resuming import BODY, Resuming
from .stack import TOKEN

DRAFT = "Upload-Draft-Interop-Version: 8"
PART = "Content-Type: application/partial-upload"


class Draft(Resuming):
    def ask(self, method, image, *fields, body=b"", token=TOKEN, version=DRAFT):
        """One request for the image's data on a connection of its own. Returns all answers: interim ones, and the
        final one."""
        with self.client() as client:
            client.send_until_refused(request(method, f"/v2/images/{image}/file", token, version, *fields, body=body))
            return answers(client, method)

    def begin_draft(self, client, image, length=len(BODY), method="PUT"):
        """The head of a whole upload. Returns the interim answer."""
        client.send(request(method, f"/v2/images/{image}/file", TOKEN, DRAFT, "Upload-Complete: ?1",
                            f"Content-Length: {length}"))
        return Answer(client.stream.until(b"\r\n\r\n"))

    def patch(self, image, at, body, complete="?0", *fields, token=TOKEN):
        return self.ask("PATCH", image, PART, f"Upload-Offset: {at}", f"Upload-Complete: {complete}", *fields,
                        body=body, token=token)[-1]

    def ask_offset(self, image, token=TOKEN):
        return self.ask("HEAD", image, token=token)[-1]

    def drop(self, image, token=TOKEN):
        return self.ask("DELETE", image, token=token)[-1]


def answers(client, method="GET"):
    """The interim answers, and the final one."""
    told = []
    while not told or told[-1].status < 200:
        told.append(Answer(client.stream.until(b"\r\n\r\n")))
    if method != "HEAD" and told[-1].status not in (204, 304):
        told[-1].read_body(client.stream, until_close=True)
    return told
