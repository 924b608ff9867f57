# SPDX-License-Identifier: Apache-2.0
"""POST /v2/images/{id}/import: the stores that it may ask for, in each of the three ways. Glance gets one store,
or the client's request byte for byte."""
import json

from support.fixture import scenario
from support.glance import IMAGE, answer, store_list
from support.imports import (
    ALL, ANY, CHOICE, CHUNKED, FORCE, STORE, accepted, ask, begin, body, env, imports, kept, listed, refused)
from support.raw_http import chunks


# --- one forced store ---------------------------------------------------------------------------------


@scenario
def forced_store_replaces_every_choice(fixture):
    glance, proxy = env(fixture)
    for sent, headers in ((body(), []), (body(), ["file"]), (body(), ["gold"]), (body(), ["test", "file"]),
                          (body('"all_stores": false'), []), (body('"all_stores": false'), ["file"])):
        told = ask(proxy, sent, *(f"{STORE}: {name}" for name in headers))
        asked = accepted(glance, told, "test", fixed=True)
        assert asked.all(STORE) == ["test"] and asked.body == sent, (headers, asked.fields)
    for sent, headers in ((listed("file"), []), (listed("file", "test"), []), (listed(), []), (ALL, []),
                          (listed("os_glance_tasks_store"), []), (listed("test"), ["file"]), (ALL, ["test"]),
                          (body('"all_stores": true, "stores": ["file"]'), []), (listed("test", "test", "file"), [])):
        told = ask(proxy, sent, *(f"{STORE}: {name}" for name in headers))
        asked = accepted(glance, told, "test", fixed=True)
        assert asked.all(STORE) == [] and asked.get("Content-Length") == str(len(asked.body)), asked.fields
        document = json.loads(asked.body)
        assert document == {"z": [1.5, "\u00e9"], "stores": ["test"], "method": {"name": "glance-direct"}}, document
        if b'"stores"' in sent:
            assert [key for key in document if key != "stores"] == ["z", "method"], "the order of keys has changed"


@scenario
def forced_store_applies_to_every_spelling(fixture):
    glance, proxy = env(fixture)
    for field in ("x-image-meta-store", "X_Image_Meta_Store", "X-Image_Meta-Store", "x_image-meta_store"):
        asked = accepted(glance, ask(proxy, body(), f"{field}: file"), "test", fixed=True)
        spelled = [name for name, _ in asked.fields if name.replace("_", "-").lower() == STORE.lower()]
        assert spelled == [STORE] and asked.get(STORE) == "test", asked.fields
    accept = "Accept: application/vnd.openstack.images-v2"
    for target, *more in ((f"//v2//images/{IMAGE}//import",), (f"/v2.7/images/{IMAGE}/import",),
                          (f"/v2/images/{IMAGE}%2F%69mport",), (f"/images/{IMAGE}/import", accept)):
        told = ask(proxy, listed("file"), *more, target=target)
        asked = accepted(glance, told, "test", fixed=True)
        assert json.loads(asked.body)["stores"] == ["test"] and asked.get("Accept") is None, target


@scenario(threaded=True)
def right_import_is_relayed_unchanged(fixture):
    glance, proxy = env(fixture)
    kept(glance, ask(proxy, body(), f"{STORE}: test"), "test", body(), ["test"])
    kept(glance, ask(proxy, listed("test")), "test", listed("test"))
    kept(glance, ask(proxy, listed("test"), f"{STORE}: test"), "test", listed("test"), ["test"])  # Glance says 400
    glance.stores = store_list("test")
    with proxy.client() as client:
        begin(client, CHUNKED).send(chunks(listed("test"), 7))
        assert kept(glance, client.answer(), "test", listed("test")).chunked


@scenario
def chunked_import_is_rewritten(fixture):
    glance, proxy = env(fixture)
    with proxy.client() as client:
        for _ in range(3):
            begin(client, CHUNKED).send(chunks(ALL, 5))
            asked = accepted(glance, client.answer(), "test", fixed=True)
            assert json.loads(asked.body)["stores"] == ["test"] and not asked.chunked
            begin(client, CHUNKED).send(chunks(body(), 5))
            asked = accepted(glance, client.answer(), "test", fixed=True)
            assert asked.chunked and asked.body == body() and asked.all(STORE) == ["test"]


@scenario
def digests_of_a_rewritten_body_are_dropped(fixture):
    glance, proxy = env(fixture)
    digests = ["Content-MD5: x", "Digest: x", "Repr-Digest: x", "Content-Digest: x"]
    for sent, count in ((listed("file"), 0), (listed("test"), 4), (body(), 4)):
        assert ask(proxy, sent, *digests).status == 202
        found = [name for name, _ in imports(glance)[-1].fields if "digest" in name.lower() or "MD5" in name]
        assert len(found) == count, found


# --- the client's choice ------------------------------------------------------------------------------


@scenario
def allowed_stores_are_relayed(fixture):
    glance, proxy = env(fixture, CHOICE)
    for store in ("file", "test"):
        kept(glance, ask(proxy, body(), f"{STORE}: {store}"), store, body(), [store])
        kept(glance, ask(proxy, listed(store)), store, listed(store))
    kept(glance, ask(proxy, listed("test", "file")), "test, file", listed("test", "file"))
    kept(glance, ask(proxy, ALL), "file, test", ALL)
    asked = accepted(glance, ask(proxy, body()), "test", fixed=True)
    assert asked.all(STORE) == ["test"] and asked.body == body()
    asked = accepted(glance, ask(proxy, listed()), "test", fixed=True)
    assert json.loads(asked.body)["stores"] == ["test"]


@scenario
def other_stores_are_refused(fixture):
    glance, proxy = env(fixture, CHOICE, stores=store_list("file", "test", "gold"))
    for sent, fields, store in ((body(), [f"{STORE}: gold"], "gold"), (listed("gold"), [], "gold"),
                                (listed("file", "gold"), [], "gold"), (ALL, [], "all stores"),
                                (listed("file"), [f"{STORE}: gold"], "gold"), (listed(""), [], "asks for ,"),
                                (body(), [f"{STORE}: file", f"{STORE}: test"], "file,test"),
                                (listed("os_glance_staging_store"), [], "os_glance_staging_store")):
        told = ask(proxy, sent, *fields)
        said = refused(glance, told, 403, "store_not_allowed")
        assert store in said["message"] and "the policy allows file, test" in said["message"], said
        line = proxy.wait_log(f" import request_id={said['request_id']} ")
        assert " method=glance-direct " in line and " verdict=refused reason=store_not_allowed" in line, line


@scenario
def default_mode_allows_glances_stores(fixture):
    glance, proxy = env(fixture, ANY)
    kept(glance, ask(proxy, listed("file", "test")), "file, test", listed("file", "test"))
    kept(glance, ask(proxy, ALL), "file, test", ALL)
    glance.requests.clear()
    for sent, fields, store in ((listed("file", "gold"), [], "gold"), (body(), [f"{STORE}: gold"], "gold"),
                                (listed("os_glance_tasks_store"), [], "os_glance_tasks_store")):
        said = refused(glance, ask(proxy, sent, *fields), 403, "store_not_allowed")
        assert store in said["message"], said


@scenario
def all_stores_needs_a_known_list_or_any_store(fixture):
    """If Glance does not list its stores, all_stores is accepted only by a rule that allows any store."""
    for policy, status in ((ANY, 202), (CHOICE, 403), (FORCE, 202)):
        glance, proxy = env(fixture, policy, stores=answer("500 Internal Server Error"))
        told = ask(proxy, ALL)
        assert told.status == status, told.body
        if policy == FORCE:
            assert json.loads(imports(glance)[-1].body)["stores"] == ["test"]
        elif policy == ANY:
            kept(glance, told, None, ALL)
        proxy.stop()
        glance.stop()


@scenario
def missing_store_is_503(fixture):
    glance, proxy = env(fixture, "default: { store: gold, mode: force }\n")
    for sent in (body(), listed("file"), ALL):
        said = refused(glance, ask(proxy, sent), 503, "store_unknown")
        assert "gold" in said["message"] and "file, test" in said["message"], said
