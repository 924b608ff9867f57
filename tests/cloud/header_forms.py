# SPDX-License-Identifier: Apache-2.0
"""Ways to write a request that gets image data into a store: its headers.

Each says where the data goes when the request is sent directly to Glance, under eventlet and under uWSGI. So
the table is known to have the dangerous forms. Placeholders in a text:

 {id} the image's id {call} "file", "stage" or "import"
 {Id} {Call} the same with the first character as %XX; {CALL} with all characters so
 {method} the method of the call: PUT, or POST for an import
"""
import dataclasses


@dataclasses.dataclass
class Header:
    """The fields, and the body."""

    lines: tuple = ()
    eventlet: str = "file"  # the store of the data then; None: no store
    uwsgi: str = "file"
    version: str = "HTTP/1.1"
    framing: tuple = ("Content-Length: {length}",)
    body: str = "{data}"
    token: bool = True

    def __str__(self):
        unusual = [
            *self.lines,
            *(self.framing if self.framing != Header.framing else ()),
            *([self.version] if self.version != Header.version else ()),
            *([] if self.token else ["no token"]),
        ]
        return ", ".join(map(repr, unusual)) or "nothing of note"


ADMIN = (
    "{0}Identity{1}Status: Confirmed",
    "{0}User{1}Id: 0123456789abcdef0123456789abcdef",
    "{0}Project{1}Id: 0123456789abcdef0123456789abcdef",
    "{0}Tenant{1}Id: 0123456789abcdef0123456789abcdef",
    "{0}Roles: admin,member",
    "{0}Role: admin",
)


def identity(before, between):
    """The fields by which keystonemiddleware tells Glance who the caller is."""
    return tuple(line.format(before, between) for line in ADMIN)


STORE = "X-Image-Meta-Store: file"
LENGTH = "Content-Length: {length}"
CODING = "Transfer-Encoding: chunked"
CHUNKED = "{size}\r\n{data}\r\n0\r\n\r\n"
ANOTHER = (  # a request in the body of the first one
    "{method} /v2/images/{id}/{call} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n"
    "Content-Type: application/octet-stream\r\n" + STORE + "\r\n" + LENGTH + "\r\n\r\n{data}"
)
NO_CHUNKS = "0\r\n\r\n"
TASKS, STAGING = "os_glance_tasks_store", "os_glance_staging_store"


def refused(*lines, **more):
    """Fields with which Glance itself refuses an upload."""
    return Header(lines, None, None, **more)


def framed(*framing, body="{data}", **more):
    return Header((STORE,), framing=framing, body=body, **more)


def chunked(*framing, **more):
    return framed(*framing, body=CHUNKED, **more)


HEADERS = [
    Header(),
    # The store, in all spellings.
    Header((STORE,)),
    Header(("x-image-meta-store:file",)),
    Header(("X-IMAGE-META-STORE: \t file \t ",), uwsgi=None),
    Header(("X_Image_Meta_Store: file",)),
    Header(("X-Image_Meta-Store: file",)),
    Header(("x_image-meta_store: file",)),
    refused(STORE, STORE),
    refused(STORE, "X-Image-Meta-Store: test"),
    refused("X-Image-Meta-Store: test", STORE),
    refused("X-Image-Meta-Store: test", "X_Image_Meta_Store: file"),
    refused("X_Image_Meta_Store: file", "X-Image-Meta-Store: test"),
    refused("X_Image_Meta_Store:", STORE),
    refused("X-Image-Meta-Store: test,file"),
    refused("X-Image-Meta-Store: FILE"),
    refused("X-Image-Meta-Store:"),
    refused('X-Image-Meta-Store: "file"'),
    Header(("X-Image-Meta-Store: " + TASKS,), TASKS, TASKS),
    Header(("X-Image-Meta-Store: " + STAGING,), STAGING, STAGING),
    Header(("X-Image-Meta-Store : file",)),
    Header(("X-Image-Meta-Store\t: file",)),
    Header(("X-Image-Meta-Store:\r\n file",), uwsgi=None),
    refused("X-Image-Meta-Store: test\r\n\t,file"),
    Header(("X-A: b", " X-Image-Meta-Store: file")),
    Header(("X-A: b\nX-Image-Meta-Store: file",)),
    Header(("X-A: b\rX-Image-Meta-Store: file",), uwsgi=None),
    Header(("X-A: b\r\r\nX-Image-Meta-Store: file",), uwsgi=None),
    refused("X-Image-Meta-Store: fi\x00le"),
    Header(("X-Image-Meta-Store\x00: file",)),
    refused("X-Image-Meta-Store: file\xa0"),
    Header(("X.Image.Meta.Store: file",)),
    Header(("X-Image-Meta-Store",), uwsgi=None),
    Header(("Http-X-Image-Meta-Store: file", "HTTP_X_IMAGE_META_STORE: file")),
    Header((STORE, "Connection: X-Image-Meta-Store")),
    Header(("X_Image_Meta_Store: file", "Connection: close, X-Image-Meta-Store")),
    # Lengths and codings, and a second request that shows if the first is read in another way.
    framed(LENGTH, LENGTH),
    framed(LENGTH, "Content-Length: 0"),
    framed("Content-Length: 0", LENGTH, body=ANOTHER),
    framed("Content-Length: +{length}", uwsgi=None),
    framed("Content-Length: {length}, {length}", eventlet=None),
    framed("Content-Length : {length}", eventlet=None),
    framed("Content_Length: {length}"),
    framed(LENGTH, "Content_Length: 0"),
    framed("Content_Length: 0", LENGTH),
    framed("Content-Length: 0", body=ANOTHER),
    framed(body=ANOTHER),
    chunked(CODING),
    chunked("Transfer_Encoding: chunked"),
    chunked("Transfer-Encoding: CHUNKED"),
    chunked("Transfer-Encoding: xchunked"),
    chunked("Transfer-Encoding: gzip, chunked"),
    chunked(CODING, CODING),
    framed("Transfer-Encoding: identity", LENGTH),
    chunked(LENGTH, CODING, eventlet=None),
    framed(LENGTH, "Transfer-Encoding : chunked", body=NO_CHUNKS + ANOTHER, eventlet=None),
    framed(LENGTH, "Transfer_Encoding: chunked", body=NO_CHUNKS + ANOTHER),
    framed(LENGTH, "Transfer-Encoding:\r\n chunked", body=NO_CHUNKS + ANOTHER),
    Header(
        framing=(CODING, "Trailer: X-Image-Meta-Store"),
        body=CHUNKED.removesuffix("\r\n") + STORE + "\r\n\r\n",
    ),
    Header(uwsgi=None, framing=(CODING,), body=CHUNKED.replace("\r\n", ";" + STORE + "\r\n", 1)),
    framed(LENGTH, version="HTTP/1.0"),
    chunked(CODING, version="HTTP/1.0"),
    framed(LENGTH, version="HTTP/0.9"),
    framed(LENGTH, version="HTTP/2.0", eventlet=None),
    # Content types. Routes looks into a form for `_method`.
    refused("Content-Type: text/plain", STORE),
    Header(("Content_Type: application/octet-stream", STORE), eventlet=None),
    refused(
        "Content-Type: application/x-www-form-urlencoded",
        STORE,
        body="_method={method}&data={data}",
    ),
    # Identity and forwarding fields.
    refused(*identity("X-", "-"), STORE, token=False),
    refused(*identity("X_", "_"), STORE, token=False),
    refused(*identity("X-Service-", "-"), STORE, token=False),
    Header((*identity("X-", "-"), STORE)),
    Header(("X_Auth_Token: {token}", STORE), token=False),
    Header(("X-Storage-Token: {token}", STORE), token=False),
    Header((STORE, "X-Forwarded-For: 10.0.0.11", "X_Forwarded_Proto: https")),
    Header((STORE, "Forwarded: for=10.0.0.11")),
]
