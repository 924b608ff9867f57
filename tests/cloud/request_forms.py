# SPDX-License-Identifier: Apache-2.0
"""Ways to write a request that gets image data into a store: its path and its headers.

Each says where the data goes when the request is sent directly to Glance, under eventlet and under uWSGI. So
the table is known to have the dangerous forms. Placeholders in a text:

 {id} the image's id {call} "file", "stage" or "import"
 {Id} {Call} the same with the first character as %XX; {CALL} with all characters so
 {method} the method of the call: PUT, or POST for an import
"""
import dataclasses

from servers import EVENTLET, UWSGI

BOTH = (EVENTLET, UWSGI)
NEITHER = ()


@dataclasses.dataclass
class Path:
    """A request line, and the fields that change its meaning."""

    target: str
    leads: tuple = BOTH  # before which servers it is routed to the upload
    method: str = "{method}"
    fields: tuple = ()

    def __str__(self):
        return " ".join([self.method, ascii(self.target)[1:-1], *map(repr, self.fields)])


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


UPLOAD = "/v2/images/{id}/{call}"


def under_accept(*fields, leads=BOTH, target="/images/{id}/{call}"):
    return Path(target, leads, fields=fields)


V2 = "application/vnd.openstack.images-v2"

PATHS = [
    # The normal form, and with a query.
    Path(UPLOAD),
    Path(UPLOAD + "?store=file&X-Image-Meta-Store=file"),
    # Percent-encoding.
    Path("/v2/images/{id}/{Call}"),
    Path("/v2/images/{id}/{CALL}"),
    Path("/v2/images/{Id}/{call}"),
    Path("/%76%32/%69mages/{id}/{call}"),
    Path("/v2/%69mages/{id}/{Call}"),
    Path("/v%32/images/{id}/{call}"),
    Path("/v2%2Fimages/{id}/{call}"),
    Path("/v2%2fimages%2f{id}%2f{call}"),
    Path("/v2/images%2F{id}%2F{call}"),
    Path("/v2/images/{id}%2F{call}"),
    Path("%2Fv2/images/{id}/{call}"),
    Path("%2fv2%2fimages%2f{id}%2f{CALL}"),
    Path("/%2Fv2/images/{id}/{call}"),
    Path("/v2/images/{id}/{call}%2F", NEITHER),
    Path("/v2/images/{id}/%25{call}", NEITHER),
    Path("/%2576%2532/images/{id}/{call}", NEITHER),
    Path("/v2/images/{id}/{call}%", (UWSGI,)),
    Path("/v2/images/{id}/{call}%6", (UWSGI,)),
    Path("/v2/images/{id}/{call}%zz", NEITHER),
    Path("/v2/images/{id}/%u0066ile", NEITHER),
    Path("/v2/images/{id}/{call}%00", NEITHER),
    Path("/v2/images/{id}/{call}%00.json", NEITHER),
    Path("/v2/images/{id}/{call}%0a"),
    Path("/v2/images/{id}/{call}%0A%0A", NEITHER),
    Path("/v2/images/{id}/{call}%0d", NEITHER),
    Path("/v2/images/{id}/{call}%0d%0aX-Image-Meta-Store:%20file", NEITHER),
    Path("/v2/images/{id}%0a/{call}", NEITHER),
    Path("/v2/images/%0a{id}/{call}", NEITHER),
    Path("/v2/images/{id}/{call}%20", NEITHER),
    Path("/v2/images/{id}/%20{call}", NEITHER),
    Path("/v2/images/{id}%20/{call}", NEITHER),
    Path("/v2/images/{id}/{call}%3Fx=y", NEITHER),
    Path("/v2/images/{id}/{call}%23", NEITHER),
    Path("/v2/images/{id}/%C6%92ile", NEITHER),
    Path("/v2/images/{id}/%ff{call}", NEITHER),
    # Slashes.
    Path("//v2/images/{id}/{call}"),
    Path("///v2//images///{id}////{call}"),
    Path("/v2//images/{id}/{call}"),
    Path("/v2/images//{id}/{call}"),
    Path("/v2/images/{id}//{call}"),
    Path("/v2/images/{id}/%2F{call}"),
    Path("/v2/images/{id}/{call}/", NEITHER),
    Path("/v2/images/{id}/{call}//", NEITHER),
    Path("/v2\\images\\{id}\\{call}", NEITHER),
    Path("/v2/images/{id}%5C{call}", NEITHER),
    # Dot segments, which uWSGI removes.
    Path("/v2/./images/{id}/{call}", (UWSGI,)),
    Path("/./v2/images/{id}/{call}", (UWSGI,)),
    Path("/v2/images/./{id}/{call}", (UWSGI,)),
    Path("/v2/images/{id}/./{call}", (UWSGI,)),
    Path("/v2/images/{id}/{call}/.", NEITHER),
    Path("/v2/images/{id}/{call}/..", NEITHER),
    Path("/v2/images/{id}/{call}/x/..", NEITHER),
    Path("/v2/x/../images/{id}/{call}", (UWSGI,)),
    Path("/x/../v2/images/{id}/{call}", (UWSGI,)),
    Path("/../v2/images/{id}/{call}", (UWSGI,)),
    Path("/v2/images/x/../{id}/{call}", (UWSGI,)),
    Path("/v2/images/{id}/x/../{call}", (UWSGI,)),
    Path("/v1/../v2/images/{id}/{call}", (UWSGI,)),
    Path("/v2/%2e/images/{id}/{call}", NEITHER),
    Path("/v2/%2e%2e/v2/images/{id}/{call}", NEITHER),
    Path("/v2/images/{id}/x%2f..%2f{call}", NEITHER),
    Path("/v2/.../images/{id}/{call}", NEITHER),
    # Parameters, suffixes and case.
    Path("/v2/images/{id}/{call};x=y", NEITHER),
    Path("/v2/images/{id};x/{call}", NEITHER),
    Path("/v2;x=y/images/{id}/{call}", NEITHER),
    Path("/v2/images/{id}/{call}#x", (UWSGI,)),
    Path("/v2/images/{id}/{call}.json", NEITHER),
    Path("/V2/images/{id}/{call}", NEITHER),
    Path("/v2/Images/{id}/{call}", NEITHER),
    Path("/v2/images/{id}/FILE", NEITHER),
    # Versions.
    *[Path("/v2.%d/images/{id}/{call}" % minor) for minor in (*range(14), 15)],
    Path("/v2.14/images/{id}/{call}", NEITHER),
    Path("/v2.16/images/{id}/{call}", NEITHER),
    Path("/v2%2e7/images/{id}/{call}"),
    Path("/v2.07/images/{id}/{call}", NEITHER),
    Path("/v2./images/{id}/{call}", NEITHER),
    Path("/v1/images/{id}/{call}", NEITHER),
    Path("/v3/images/{id}/{call}", NEITHER),
    Path("/v2/v2/images/{id}/{call}", NEITHER),
    Path("/images/{id}/{call}", NEITHER),
    Path("/image/v2/images/{id}/{call}", NEITHER),
    # The version in Accept.
    under_accept("Accept: " + V2),
    under_accept("Accept: " + V2, target="//images//{id}/{Call}"),
    under_accept("Accept: " + V2 + ".5"),
    under_accept("Accept: " + V2 + ".15"),
    under_accept("Accept: " + V2 + ".16", leads=NEITHER),
    under_accept("accept:" + V2),
    under_accept("ACCEPT: \t" + V2 + " ", leads=(EVENTLET,)),
    under_accept("Accept: " + V2 + ";q=1"),
    under_accept("Accept: " + V2 + ";q=1.0"),
    under_accept("Accept: " + V2 + ";q=0.9", leads=NEITHER),
    under_accept("Accept: " + V2 + "; charset=utf-8", leads=NEITHER),
    under_accept("Accept: ," + V2 + ",", leads=NEITHER),
    under_accept("Accept: , ," + V2),
    under_accept("Accept: " + V2 + ", */*", leads=NEITHER),
    under_accept("Accept: */*, " + V2, leads=NEITHER),
    under_accept("Accept: ", "Accept: " + V2, leads=NEITHER),
    under_accept("Accept: " + V2, "Accept: ", leads=(EVENTLET,)),
    under_accept("Accept: " + V2, "Accept: */*", leads=NEITHER),
    under_accept("Accept:\r\n " + V2, leads=(EVENTLET,)),
    under_accept("Accept: Application/vnd.openstack.images-v2", leads=NEITHER),
    under_accept("Accept : " + V2, leads=NEITHER),
    under_accept("Accept: " + V2, leads=NEITHER, target=UPLOAD),
    under_accept("Accept: " + V2 + ", */*", leads=NEITHER, target=UPLOAD),
    under_accept("Accept: " + V2.removesuffix("v2"), leads=NEITHER, target=UPLOAD),
    # Other forms of the target.
    Path("v2/images/{id}/{call}"),
    Path("v2%2Fimages/{id}/{call}"),
    Path("images/{id}/{call}", NEITHER, fields=("Accept: " + V2,)),
    Path("http://127.0.0.1/v2/images/{id}/{call}", NEITHER),
    Path("https://127.0.0.1/v2/images/{id}/{call}", NEITHER),
    Path("HTTP://user@127.0.0.1:80/v2/images/{id}/{call}", NEITHER),
    Path("http:///v2/images/{id}/{call}", NEITHER),
    Path("http:/v2/images/{id}/{call}", NEITHER),
    Path("//127.0.0.1/v2/images/{id}/{call}", NEITHER),
    Path("ftp://127.0.0.1/v2/images/{id}/{call}", NEITHER),
    Path("?/v2/images/{id}/{call}", NEITHER),
    Path("*", NEITHER),
    Path("/v2/images/{id}/{call} /x", (UWSGI,)),
    Path("/v2/images/{id}/{call}\t", (EVENTLET,)),
    Path("/v2/images/{id}/\x00{call}", NEITHER),
    Path("/v2/images/{id}/{call}\xff", NEITHER),
    # Methods in other places or spellings. Routes looks for `_method`.
    Path(UPLOAD, NEITHER, method="put"),
    Path(UPLOAD, NEITHER, method="Put"),
    Path(UPLOAD, NEITHER, method="post"),
    Path(UPLOAD, (EVENTLET,), method=" {method}"),
    Path(UPLOAD, NEITHER, method="GET"),
    Path(UPLOAD, NEITHER, method="PATCH"),
    Path(UPLOAD, NEITHER, method="OPTIONS"),
    Path(UPLOAD, NEITHER, method="TRACE"),
    Path(UPLOAD, NEITHER, method="CONNECT"),
    Path(UPLOAD + "?_method={method}", method="GET"),
    Path(UPLOAD + "?_method={method}", method="PATCH"),
    Path(UPLOAD + "?_method=%50%55%54", method="POST"),
    Path(UPLOAD + "?x=y&_method=put", method="POST"),
    Path(UPLOAD + "?x=y;_method=put", method="POST"),
    Path(UPLOAD + "?%5fmethod={method}", NEITHER, method="GET"),
    Path(UPLOAD + "?_method=&_method={method}", method="GET"),
    Path(UPLOAD + "?_method={method}&_method=", NEITHER, method="GET"),
    Path(UPLOAD + "?_method={method}%20", NEITHER, method="GET"),
    Path(UPLOAD + "?_metho%64={method}&x=_method", method="GET"),
    Path(UPLOAD, NEITHER, method="POST", fields=("X-HTTP-Method-Override: PUT",)),
    Path(UPLOAD, NEITHER, method="POST", fields=("X-Method-Override: PUT", "X-HTTP-Method: PUT")),
    # Another path in the header.
    Path("/v2/images", fields=("X-Original-URL: " + UPLOAD,), leads=NEITHER),
    Path("/v2/images", fields=("X-Rewrite-URL: " + UPLOAD,), leads=NEITHER),
    Path("/{id}/{call}", fields=("X-Forwarded-Prefix: /v2/images",), leads=NEITHER),
    Path("/images/{id}/{call}", NEITHER, fields=("Script-Name: /v2", "Path-Info: " + UPLOAD)),
]

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
