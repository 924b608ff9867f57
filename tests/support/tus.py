# SPDX-License-Identifier: Apache-2.0
"""A client of tus 1.0, which sends exactly the requests that a scenario asks for."""

from .raw_http import request
from .resuming import BODY, Resuming
from .stack import TOKEN, data

TUS = "Tus-Resumable: 1.0.0"
PART = "Content-Type: application/offset+octet-stream"
SMALL = data(1000)


def stored(stack, told, image, body=BODY):
    """The last part got the answer to the whole upload."""
    assert (told.get("Upload-Offset"), told.get("Tus-Resumable")) == (str(len(body)), "1.0.0"), told.fields
    assert told.status == 204 and told.get("X-Intake-Verified") == "sha512", (told.start, told.fields, told.body)
    assert told.all("Tus-Resumable") == ["1.0.0"], told.fields
    shown = stack.show(image)
    assert (shown["status"], shown["stores"]) == ("active", "test"), shown
    asked = stack.puts(image)[-1]
    names = [name.lower() for name, _ in asked["headers"]]
    assert not {"tus-resumable", "upload-length", "upload-offset", "x-http-method-override"} & set(names), names
    assert ("content-length", str(len(body))) in [(name.lower(), value) for name, value in asked["headers"]]


class Tus(Resuming):
    def ask(self, method, image, *fields, body=b"", token=TOKEN, version=TUS):
        """One request for the upload resource of the image, on a connection of its own."""
        with self.client() as client:
            client.send_until_refused(request(method, f"/v2/images/{image}/file", token, version, *fields, body=body))
            return client.answer(method)

    def create(self, image, length=len(BODY), body=b"", token=TOKEN):
        return self.ask("POST", image, f"Upload-Length: {length}", *((PART,) if body else ()), body=body, token=token)

    def created(self, image, length=len(BODY)):
        told = self.create(image, length)
        assert told.status == 201, (told.start, told.body)
        return told

    def patch(self, image, at, body, token=TOKEN):
        return self.ask("PATCH", image, PART, f"Upload-Offset: {at}", body=body, token=token)

    def patched(self, image, at, until, body=BODY):
        """A part that is not the last one."""
        told = self.patch(image, at, body[at:until])
        assert (told.status, told.get("Upload-Offset")) == (204, str(until)), (told.start, told.fields, told.body)
        assert told.get("Tus-Resumable") == "1.0.0" and told.get("Upload-Expires"), told.fields
        return until

    def ask_offset(self, image, token=TOKEN):
        return self.ask("HEAD", image, token=token)

    def drop(self, image, token=TOKEN):
        return self.ask("DELETE", image, token=token)
