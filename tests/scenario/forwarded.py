# SPDX-License-Identifier: Apache-2.0
"""X-Forwarded-*, request ids, and URLs in answers that point to the proxy."""
import json
import re

from support.fixture import scenario
from support.glance import answer, json_answer

CLIENT = "127.0.0.1"
TRUSTING = {"listen": {"trusted_proxies": "192.0.2.0/24, 127.0.0.1"}}
BEHIND = ("X-Forwarded-For: 198.51.100.7, 192.0.2.3", "X-Forwarded-Proto: https",
          "X-Forwarded-Host: cloud.example")
MINTED = r"req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def forwarded(asked):
    return [asked.all(f"X-Forwarded-{name}") for name in ("For", "Proto", "Host")]


@scenario
def glance_gets_x_forwarded(fixture):
    glance = fixture.glance()
    fixture.proxy(glance).ask("GET", "/v2/images")
    assert forwarded(glance.requests[0]) == [[CLIENT], ["http"], ["glance.example"]]


@scenario
def untrusted_forwarding_fields_are_replaced(fixture):
    glance = fixture.glance()
    fixture.proxy(glance).ask("GET", "/v2/images", *BEHIND, "X_Forwarded_Proto: https",
                              "Forwarded: for=198.51.100.7;proto=https;host=cloud.example")
    asked = glance.requests[0]
    assert forwarded(asked) == [[CLIENT], ["http"], ["glance.example"]]
    assert (asked.get("Forwarded"), asked.get("X_Forwarded_Proto")) == (None, None)


@scenario
def trusted_forwarding_fields_are_kept(fixture):
    glance = fixture.glance()
    fixture.proxy(glance, conf=TRUSTING).ask("GET", "/v2/images", *BEHIND)
    assert forwarded(glance.requests[0]) == [
        [f"198.51.100.7, 192.0.2.3, {CLIENT}"], ["https"], ["cloud.example"]]


@scenario
def request_id_is_created(fixture):
    glance = fixture.glance()
    told = fixture.proxy(glance).ask("GET", "/v2/images")
    minted = glance.requests[0].all("X-Openstack-Request-Id")
    assert len(minted) == 1 and re.fullmatch(MINTED, minted[0]), minted
    assert told.all("X-Openstack-Request-Id") == minted


@scenario
def request_id_is_kept(fixture):
    glance = fixture.glance(other=lambda asked: asked.read().send(
        answer("200 OK", f"X-Openstack-Request-Id: {asked.get('X-Openstack-Request-Id')}")))
    told = fixture.proxy(glance).ask("GET", "/v2/images", "X-OpenStack-Request-ID: req-mine")
    assert glance.requests[0].all("X-Openstack-Request-Id") == ["req-mine"]
    assert told.all("X-Openstack-Request-Id") == ["req-mine"]


@scenario
def unusable_request_id_is_replaced(fixture):
    glance = fixture.glance()
    with fixture.proxy(glance).client() as client:
        for bad in ("r" * 65, "two words", ""):
            client.ask("GET", "/v2/images", f"X-Openstack-Request-Id: {bad}")
    for asked in glance.requests:
        assert re.fullmatch(MINTED, asked.get("X-Openstack-Request-Id"))


def creating(location):
    return lambda asked: asked.read().send(answer("201 Created", f"Location: {location}"))


@scenario
def location_points_to_the_proxy(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=TRUSTING)
    table = [  # Glance's Location, fields of the request, what the client sees
        ("http://glance.example/v2/images/1", (), "http://glance.example/v2/images/1"),
        (f"{glance.url}/v2/images/1", (), "http://glance.example/v2/images/1"),
        ("/v2/images/1", (), "/v2/images/1"),
        ("https://elsewhere.example/v2/images/1", (), "https://elsewhere.example/v2/images/1"),
        ("http://cloud.example/v2/images/1", BEHIND, "https://cloud.example/v2/images/1"),
    ]
    for given, fields, expected in table:
        glance.other = creating(given)
        told = proxy.ask("POST", "/v2/images", *fields, body=b"{}")
        assert told.all("Location") == [expected], (given, fields, told.fields)


@scenario
def version_links_point_to_the_proxy(fixture):
    glance = fixture.glance()
    proxy = fixture.proxy(glance, conf=TRUSTING)
    document = {"versions": [{"id": "v2.15", "status": "CURRENT", "links": [
        {"rel": "self", "href": f"{glance.url}/v2/"}]}]}
    glance.other = lambda asked: asked.read().send(json_answer("300 Multiple Choices", document))
    for fields, base in (((), "http://glance.example"), (BEHIND, "https://cloud.example")):
        for target in ("/", "/versions", "/v9/images"):
            told = proxy.ask("GET", target, *fields)
            assert told.status == 300 and told.get("Content-Length") == str(len(told.body))
            links = json.loads(told.body)["versions"][0]["links"]
            assert links == [{"rel": "self", "href": f"{base}/v2/"}], (target, links)
