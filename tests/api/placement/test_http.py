"""What placement's clients expect of HTTP itself: methods, media types, the order of refusals, bodies and links."""

import uuid

import pytest

NOBODY = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("DELETE", "", {"GET"}), ("OPTIONS", "", {"GET"}), ("HEAD", "/resource_providers", {"GET", "POST"}),
    ("DELETE", "/resource_providers", {"GET", "POST"}), ("OPTIONS", "/resource_providers", {"GET", "POST"}),
    ("GET", "/reshaper", {"POST"}), ("GET", "/allocations", {"POST"})])
def test_methods_that_are_not_allowed(cloud, method, path, allowed):
    answer = cloud.ask(method, path)
    assert (answer.status, set(answer.headers["allow"].split(", "))) == (405, allowed)
    if method != "HEAD":
        error = answer.json["errors"][0]
        assert error["title"] == "Method Not Allowed"
        assert error["detail"] == f"The method {method} is not allowed for this resource."


def test_a_method_that_came_later(cloud):
    path = f"/resource_providers/{cloud.provider('one', {'VCPU': 2})}/inventories"
    assert cloud.ask("DELETE", path, version=4).status == 405
    assert cloud.ask("DELETE", path, version=5).status == 204


@pytest.mark.parametrize(("path", "version", "status"), [("/nothing", 39, 404), ("", 99, 406)])
def test_faults_for_who_takes_html_only(cloud, path, version, status):
    answer = cloud.ask("GET", path, version=version, headers={"Accept": "text/html"})
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, "text/html")
    assert b"<title>" in answer.data
    answer = cloud.ask("GET", path, version=version, headers={"Accept": "text/html, */*"})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("version", "status"), [("0.9", 406), ("01.2", 200), ("1.99", 406), ("1", 400)])
def test_microversions_are_any_two_numbers(cloud, version, status):
    asked = {"OpenStack-API-Version": f"placement {version}"}
    assert cloud.request("GET", "/placement/resource_providers", headers=asked, as_="p:admin").status == status


def test_media_types(cloud):
    path = f"/resource_providers/{NOBODY}"
    answer = cloud.ask("PUT", path)
    assert (answer.status, answer.json["errors"][0]["detail"]) == (
        415, "The media type None is not supported, use application/json")
    assert cloud.ask("PUT", path, b"<a/>", headers={"Content-Type": "application/xml"}).status == 415
    assert cloud.ask("PUT", path, b"{}", headers={"Content-Type": ""}).status == 400
    assert cloud.ask("PUT", "/traits/CUSTOM_A").status == 201


@pytest.mark.parametrize("length", ["hi mom", "-1", "1.5"])
def test_lengths_that_are_none(cloud, length):
    answer = cloud.ask("POST", "/resource_providers", {"name": "one"}, headers={"Content-Length": length})
    assert answer.status == 400
    assert "content-length header must be an integer" in answer.json["errors"][0]["detail"]
    assert cloud.ask("GET", "/resource_providers").json == {"resource_providers": []}


def test_what_is_refused_first(cloud):
    assert cloud.ask("POST", "/reshaper", {"cows": 1}, as_="p:member").status == 403
    assert cloud.ask("PUT", f"/resource_providers/{NOBODY}/aggregates", []).status == 404
    path = f"/resource_providers/{cloud.provider('one')}/aggregates"
    assert cloud.ask("PUT", path, []).status == 400
    answer = cloud.ask("POST", "/reshaper", headers=JSON)
    assert (answer.status, answer.json["errors"][0]["detail"].partition(":")[0]) == (400, "Malformed JSON")


def test_numbers_are_refused_by_the_schema_first(cloud):
    path = f"/resource_providers/{cloud.provider('one')}/inventories"
    body = {"resource_class": "VCPU", "total": 4, "allocation_ratio": 3.40282e+39}
    answer = cloud.ask("POST", path, body)
    assert answer.status == 400
    assert "Failed validating 'maximum'" in answer.json["errors"][0]["detail"]


def test_what_is_empty_has_no_type(cloud):
    for answer in (cloud.ask("POST", "/resource_classes", {"name": "CUSTOM_A"}),
                   cloud.ask("POST", "/resource_providers", {"name": "one"}, version=19)):
        assert (answer.status, answer.data) == (201, b"")
        assert "content-type" not in answer.headers


def test_links_are_below_the_address(cloud):
    id = cloud.provider("one")
    links = {one["rel"]: one["href"] for one in cloud.ask("GET", f"/resource_providers/{id}").json["links"]}
    assert links["self"] == f"/resource_providers/{id}"
    for path in links.values():
        assert cloud.ask("GET", path).status == 200


@pytest.mark.parametrize("version", [10, 11, 12, 16, 17, 26, 27, 28, 29, 33, 34, 39])
def test_candidates_of_a_flat_world_are_written_as_others_are(cloud, version):
    ids = sorted(cloud.provider(f"n{number}", {"VCPU": 8, "DISK_GB": 10 + number}) for number in range(3))
    cloud.ask("PUT", "/traits/CUSTOM_A")
    body = {"resource_provider_generation": 1, "traits": ["CUSTOM_A"]}
    cloud.ask("PUT", f"/resource_providers/{ids[0]}/traits", body)
    path = "/allocation_candidates?resources=VCPU:2"
    flat = cloud.ask("GET", path, version=version).json
    assert sorted(flat["provider_summaries"]) == ids
    # A child that has nothing makes a tree of one of them, and the same question is answered by the search.
    child = str(uuid.uuid4())
    cloud.ask("POST", "/resource_providers", {"name": "child", "uuid": child, "parent_provider_uuid": ids[1]})
    trees = cloud.ask("GET", path, version=version).json
    trees["provider_summaries"].pop(child, None)
    for one in (flat, trees):
        # Databases order ids each in its own way.
        one["allocation_requests"].sort(key=str)
    assert trees == flat
