"""Version documents and the JSON home."""

import pytest
from stratolith.plugins.identity.api import API
from stratolith.plugins.identity.api.json_home import relation

REL = "https://docs.openstack.org/api/openstack-identity/3/rel/"
FILTER = "https://docs.openstack.org/api/openstack-identity/3/ext/OS-EP-FILTER/1.0/"


def get(cloud, path, accept=""):
    return cloud.request("GET", path, as_=None, headers={"Accept": accept} if accept else {})


def test_versions_are_multiple_choices(cloud):
    answer = get(cloud, "/identity/")
    assert answer.status == 300
    assert answer.json["versions"]["values"][0]["links"][0]["href"] == answer.headers["location"]
    assert get(cloud, "/identity/v3").json["version"]["id"].startswith("v3.")


@pytest.mark.parametrize(("path", "prefix"), [("/identity/v3", ""), ("/identity/", "/v3")])
@pytest.mark.parametrize("accept", ["application/json-home", "application/json;q=0.5, application/json-home"])
def test_the_home_names_paths_by_their_relations(cloud, path, prefix, accept):
    answer = get(cloud, path, accept)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json-home"
    resources = answer.json["resources"]
    assert resources[REL + "auth_tokens"] == {"href": prefix + "/auth/tokens"}
    assert resources[REL + "policy"]["href-template"] == prefix + "/policies/{policy_id}"
    assert resources[FILTER + "rel/endpoint_group"] == {
        "href-template": prefix + "/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}",
        "href-vars": {"endpoint_group_id": FILTER + "param/endpoint_group_id"}}


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html"])
def test_others_get_json(cloud, accept):
    assert "version" in get(cloud, "/identity/v3", accept).json


@pytest.mark.parametrize("path", ["/identity/v3/OS-SIMPLE-CERT/ca", "/identity/v3/OS-SIMPLE-CERT/certificates"])
def test_certificates_of_signed_tokens_are_gone(cloud, path):
    assert get(cloud, path).status == 410


def test_no_two_paths_have_one_relation():
    paths = {one.path.removeprefix("/v3") for one in API.operations if one.path.startswith("/v3/")}
    by_relation = {}
    for path in paths:
        by_relation.setdefault(relation(path), []).append(path)
    assert {name: found for name, found in by_relation.items() if len(found) > 1} == {}
