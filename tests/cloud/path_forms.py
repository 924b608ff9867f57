# SPDX-License-Identifier: Apache-2.0
"""Ways to write the request line of a request that gets image data into a store. Where it leads and what the
placeholders mean: header_forms.py."""
import dataclasses

from glance_servers import EVENTLET, UWSGI

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
