"""Flavors over HTTP: views by microversion, access, extra specs, pages, and what is refused."""

import pytest

NEW = {"name": "f", "ram": 64, "vcpus": 1, "disk": 0}


def make(alone, **more):
    answer = alone.call("POST", "/flavors", {"flavor": {**NEW, **more}})
    assert answer.status == 200, answer
    return answer.json["flavor"]


def names(alone, path="/flavors", **more):
    return [one["name"] for one in alone.call("GET", path, **more).json["flavors"]]


def test_customary_flavors_are_there_and_stay(alone):
    assert "m1.tiny" in names(alone, as_="demo")
    assert len(names(alone)) == 7


def test_view_by_microversion(alone):
    first = alone.call("GET", "/flavors/1", as_="demo").json["flavor"]
    assert first["swap"] == "" and first["rxtx_factor"] == 1.0 and first["os-flavor-access:is_public"] is True
    assert [link["href"] for link in first["links"]] == [
        "http://cloud.test/compute/v2.1/flavors/1", "http://cloud.test/compute/flavors/1"]
    assert "description" not in first and "extra_specs" not in first
    last = alone.call("GET", "/flavors/1", as_="demo", version="2.79").json["flavor"]
    assert last["swap"] == 0 and last["description"] is None and last["extra_specs"] == {}


def test_create_takes_texts_and_numbers(alone):
    made = make(alone, ram="1024", id=4242, swap="8", rxtx_factor="2.5", **{"OS-FLV-EXT-DATA:ephemeral": "3"})
    assert (made["ram"], made["id"], made["swap"], made["rxtx_factor"]) == (1024, "4242", 8, 2.5)
    assert made["OS-FLV-EXT-DATA:ephemeral"] == 3
    assert len(make(alone, name="g", id=None)["id"]) == 36


@pytest.mark.parametrize("wrong", [
    {"name": ""}, {"name": " a"}, {"name": "a" * 256}, {"ram": 0}, {"ram": "0"}, {"ram": -1}, {"vcpus": 0},
    {"disk": -1}, {"ram": 1 << 31}, {"ram": str(1 << 31)}, {"swap": -1}, {"rxtx_factor": 0}, {"rxtx_factor": "0"},
    {"id": ""}, {"id": " x"}, {"os-flavor-access:is_public": "perhaps"}, {"stray": 1}, {"description": "early"}])
def test_create_refuses(alone, wrong):
    assert alone.call("POST", "/flavors", {"flavor": {**NEW, **wrong}}).status == 400


def test_ids_and_names_are_unique(alone):
    make(alone, id="a")
    assert alone.call("POST", "/flavors", {"flavor": {**NEW, "id": "a", "name": "other"}}).status == 409
    assert alone.call("POST", "/flavors", {"flavor": {**NEW, "id": "b"}}).status == 409


def test_only_admins_manage(alone):
    assert alone.call("POST", "/flavors", {"flavor": NEW}, as_="demo").status == 403
    assert alone.call("DELETE", "/flavors/1", as_="demo").status == 403
    assert alone.call("POST", "/flavors/1/os-extra_specs", {"extra_specs": {"a": "b"}}, as_="demo").status == 403


def test_description_since_2_55(alone):
    made = alone.call("POST", "/flavors", {"flavor": {**NEW, "description": "d"}}, version="2.55").json["flavor"]
    path = "/flavors/" + made["id"]
    assert made["description"] == "d"
    assert alone.call("PUT", path, {"flavor": {"description": None}}, version="2.54").status == 404
    changed = alone.call("PUT", path, {"flavor": {"description": "e"}}, version="2.55").json["flavor"]
    assert changed["description"] == "e"


def test_delete(alone):
    path = "/flavors/" + make(alone)["id"]
    assert alone.call("DELETE", path).status == 202
    assert alone.call("GET", path).status == 404
    assert alone.call("DELETE", path).status == 404


def test_private_flavors_are_for_the_allowed(alone):
    made = make(alone, **{"os-flavor-access:is_public": "False"})
    path = "/flavors/" + made["id"]
    assert alone.call("GET", path, as_="demo").status == 404
    assert "f" not in names(alone) and "f" in names(alone, "/flavors?is_public=no")
    assert "f" in names(alone, "/flavors?is_public=None")
    assert "f" not in names(alone, "/flavors?is_public=no", as_="demo")
    answer = alone.call("POST", path + "/action", {"addTenantAccess": {"tenant": "p-demo"}})
    assert answer.status == 200
    assert answer.json == {"flavor_access": [{"flavor_id": made["id"], "tenant_id": "p-demo"}]}
    assert "f" in names(alone, as_="demo") and "f" not in names(alone, as_="other")
    assert alone.call("GET", path, as_="demo").status == 200
    assert alone.call("POST", path + "/action", {"addTenantAccess": {"tenant": "p-demo"}}).status == 409
    assert alone.call("POST", path + "/action", {"addTenantAccess": {"tenant": "unknown"}}).status == 400
    take = {"removeTenantAccess": {"tenant": "p-demo"}}
    assert alone.call("POST", path + "/action", take).json["flavor_access"] == []
    assert alone.call("POST", path + "/action", take).status == 404
    assert alone.call("GET", path + "/os-flavor-access").json == {"flavor_access": []}


def test_public_flavors_have_no_access_list(alone):
    assert alone.call("GET", "/flavors/1/os-flavor-access").status == 404
    grant = {"addTenantAccess": {"tenant": "p-demo"}}
    assert alone.call("POST", "/flavors/1/action", grant, version="2.7").status == 409
    assert alone.call("POST", "/flavors/1/action", {"addTenantAccess": {}}).status == 400


def test_extra_specs(alone):
    path = "/flavors/1/os-extra_specs"
    whole = {"extra_specs": {"hw:a": "1", "b": "2"}}
    assert alone.call("POST", path, {"extra_specs": {"hw:a": "1", "b": 2}}).json == whole
    assert alone.call("GET", path, as_="demo").json == whole
    assert alone.call("PUT", path + "/b", {"b": "3"}).json == {"b": "3"}
    assert alone.call("PUT", path + "/b", {"c": "3"}).status == 400
    assert alone.call("PUT", path + "/b", {"b": "3", "c": "3"}).status == 400
    assert alone.call("GET", path + "/b", as_="demo").json == {"b": "3"}
    assert alone.call("DELETE", path + "/b").status == 200
    assert alone.call("GET", path + "/b").status == 404
    assert alone.call("DELETE", path + "/b").status == 404
    for wrong in ({"a/b": "1"}, {"a": None}, {"": "1"}, {"a": "1" * 256}, {"a" * 256: "1"}):
        assert alone.call("POST", path, {"extra_specs": wrong}).status == 400


def test_pages(alone):
    first = alone.call("GET", "/flavors?limit=3").json
    assert len(first["flavors"]) == 3
    path = first["flavors_links"][0]["href"].removeprefix("http://cloud.test/compute/v2.1")
    rest = alone.call("GET", path).json
    assert len(rest["flavors"]) == 3 and first["flavors"][0] not in rest["flavors"]
    assert alone.call("GET", "/flavors?limit=0").json == {"flavors": []}
    assert names(alone, "/flavors?sort_key=memory_mb&sort_dir=desc")[0] == "m1.xlarge"


def test_filters(alone):
    assert names(alone, "/flavors?minRam=8192&sort_key=vcpus") == ["m1.large", "m1.xlarge"]
    assert names(alone, "/flavors/detail?minDisk=100") == ["m1.xlarge"]


@pytest.mark.parametrize("query", ["minRam=x", "minDisk=x", "limit=-1", "marker=unknown", "is_public=x",
                                   "sort_key=x", "sort_dir=x"])
def test_list_refuses(alone, query):
    assert alone.call("GET", "/flavors?" + query).status == 400


def test_unknown_query_since_2_75(alone):
    assert alone.call("GET", "/flavors?stray=1", version="2.74").status == 200
    assert alone.call("GET", "/flavors?stray=1", version="2.75").status == 400


def test_statements_do_not_grow_with_the_page(alone):
    before = alone.statements
    alone.call("GET", "/flavors/1", as_="demo", version="2.79")
    assert alone.statements - before == 1
    before = alone.statements
    alone.call("GET", "/flavors/detail", as_="demo", version="2.79")
    assert alone.statements - before == 1
