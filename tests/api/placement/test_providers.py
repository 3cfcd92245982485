"""Providers, inventories, traits and aggregates over HTTP."""

import uuid

import pytest

AGGREGATE = "5e08ea53-c4c6-448e-9334-ac4953de3cfa"


def test_versions_need_no_token(cloud):
    body = cloud.ask("GET", "/", as_=None, version=0).json
    assert body["versions"][0]["min_version"] == "1.0" and body["versions"][0]["max_version"] == "1.39"


@pytest.mark.parametrize(("version", "status"), [(0, 201), (19, 201), (20, 200), (39, 200)])
def test_a_new_provider(cloud, version, status):
    made = cloud.ask("POST", "/resource_providers", {"name": "one"}, version=version)
    assert made.status == status and bool(made.data) == (version >= 20)
    shown = cloud.ask("GET", made.headers["location"].removeprefix("http://cloud.test/placement"), version=version)
    assert (shown.json["name"], shown.json["generation"]) == ("one", 0)
    assert ("root_provider_uuid" in shown.json) == (version >= 14)
    assert ("last-modified" in shown.headers) == (version >= 15)
    rels = {link["rel"] for link in shown.json["links"]}
    assert rels - {"self", "inventories", "usages"} == ({"aggregates", "traits", "allocations"} if version else set())


def test_names_and_ids_are_taken_once(cloud):
    id = cloud.provider("one")
    for body in ({"name": "one"}, {"name": "two", "uuid": id}, {"name": "two", "uuid": id.replace("-", "")}):
        refused = cloud.ask("POST", "/resource_providers", body)
        assert refused.status == 409 and refused.json["errors"][0]["code"] == "placement.duplicate_name"


def test_faults_have_their_form(cloud):
    refused = cloud.ask("GET", f"/resource_providers/{uuid.uuid4()}")
    error = refused.json["errors"][0]
    assert (error["status"], error["title"], error["code"]) == (404, "Not Found", "placement.undefined_code")
    assert error["request_id"] == refused.headers["x-openstack-request-id"]
    assert "code" not in cloud.ask("GET", "/resource_providers/x", version=22).json["errors"][0]
    unknown = cloud.ask("GET", "/resource_providers", version=99)
    assert unknown.status == 406 and unknown.json["errors"][0]["max_version"] == "1.39"
    assert cloud.ask("POST", "/resource_providers", b"x", headers={"Content-Type": "text/plain"}).status == 415


def test_only_administrators_and_services(cloud):
    for token, status in (("p:member", 403), ("p:reader", 403), ("p:service", 200), ("p:admin", 200), ("nobody", 401),
                          (None, 401)):
        assert cloud.ask("GET", "/resource_providers", as_=token).status == status
    assert cloud.ask("GET", "/usages?project_id=p", as_="p:reader").status == 200
    assert cloud.ask("GET", "/usages?project_id=other", as_="p:reader").status == 403


def test_trees(cloud):
    root = cloud.provider("root")
    child = cloud.provider("child", parent_provider_uuid=root)
    leaf = cloud.provider("leaf", parent_provider_uuid=child)
    found = cloud.ask("GET", f"/resource_providers?in_tree={leaf}").json["resource_providers"]
    assert {one["name"] for one in found} == {"root", "child", "leaf"}
    assert cloud.ask("DELETE", f"/resource_providers/{root}").status == 409
    move = {"name": "child", "parent_provider_uuid": None}
    assert cloud.ask("PUT", f"/resource_providers/{child}", move, version=36).status == 400
    assert cloud.ask("PUT", f"/resource_providers/{child}", move).status == 200
    assert cloud.ask("GET", f"/resource_providers/{leaf}").json["root_provider_uuid"] == child
    loop = {"name": "child", "parent_provider_uuid": leaf}
    assert cloud.ask("PUT", f"/resource_providers/{child}", loop).status == 400
    assert cloud.ask("DELETE", f"/resource_providers/{root}").status == 204


def test_inventories(cloud):
    id = cloud.provider("one", {"VCPU": 4})
    path = f"/resource_providers/{id}/inventories"
    assert cloud.ask("GET", path).json == {"resource_provider_generation": 1, "inventories": {"VCPU": {
        "total": 4, "reserved": 0, "min_unit": 1, "max_unit": 2147483647, "step_size": 1, "allocation_ratio": 1.0}}}
    assert cloud.ask("POST", path, {"resource_class": "DISK_GB", "total": 10}).status == 201
    late = cloud.ask("PUT", f"{path}/VCPU", {"total": 8, "resource_provider_generation": 1})
    assert late.status == 409 and late.json["errors"][0]["code"] == "placement.concurrent_update"
    assert cloud.ask("PUT", f"{path}/VCPU", {"total": 8, "resource_provider_generation": 2}).json["total"] == 8
    assert cloud.ask("POST", path, {"resource_class": "COWS", "total": 1}).status == 400
    full = {"total": 5, "reserved": 5, "resource_provider_generation": 3}
    assert cloud.ask("PUT", f"{path}/VCPU", full, version=25).status == 400
    assert cloud.ask("PUT", f"{path}/VCPU", full, version=26).status == 200
    assert cloud.ask("DELETE", f"{path}/VCPU").status == 204
    assert cloud.ask("GET", f"{path}/VCPU").status == 404
    assert cloud.ask("DELETE", path).status == 204
    assert cloud.ask("GET", path).json == {"resource_provider_generation": 6, "inventories": {}}


def test_traits_and_filters(cloud):
    one, two = cloud.provider("one", {"VCPU": 4}), cloud.provider("two", {"VCPU": 8})
    assert cloud.ask("PUT", "/traits/CUSTOM_GOLD").status == 201
    assert cloud.ask("PUT", "/traits/CUSTOM_GOLD").status == 204
    assert cloud.ask("PUT", "/traits/GOLD").status == 400
    body = {"traits": ["CUSTOM_GOLD", "HW_CPU_X86_AVX2"], "resource_provider_generation": 1}
    assert cloud.ask("PUT", f"/resource_providers/{one}/traits", body).json["traits"] == ["HW_CPU_X86_AVX2",
                                                                                        "CUSTOM_GOLD"]
    aggregates = {"aggregates": [AGGREGATE], "resource_provider_generation": 1}
    assert cloud.ask("PUT", f"/resource_providers/{two}/aggregates", aggregates).status == 200
    for query, names in (("required=CUSTOM_GOLD", ["one"]), ("required=!CUSTOM_GOLD", ["two"]),
                         ("required=in:CUSTOM_GOLD,HW_CPU_X86_VMX", ["one"]), ("resources=VCPU:5", ["two"]),
                         (f"member_of={AGGREGATE}", ["two"]), (f"member_of=!{AGGREGATE}", ["one"]),
                         ("name=one", ["one"]), (f"uuid={two}", ["two"])):
        found = cloud.ask("GET", "/resource_providers?" + query).json["resource_providers"]
        assert [provider["name"] for provider in found] == names, query
    assert cloud.ask("DELETE", "/traits/CUSTOM_GOLD").status == 409
    assert cloud.ask("DELETE", "/traits/HW_CPU_X86_AVX2").status == 400
    assert cloud.ask("GET", "/traits?name=startswith:CUSTOM").json == {"traits": ["CUSTOM_GOLD"]}
    assert cloud.ask("GET", "/resource_providers?required=CUSTOM_NONE").status == 400
    assert cloud.ask("GET", "/resource_providers?resources=VCPU:1", version=3).status == 400


def test_resource_classes(cloud):
    assert len(cloud.ask("GET", "/resource_classes").json["resource_classes"]) == 21
    assert cloud.ask("PUT", "/resource_classes/CUSTOM_GPU").status == 201
    assert cloud.ask("PUT", "/resource_classes/CUSTOM_GPU").status == 204
    assert cloud.ask("POST", "/resource_classes", {"name": "CUSTOM_GPU"}).status == 409
    id = cloud.provider("one", {"CUSTOM_GPU": 2})
    assert cloud.ask("PUT", "/resource_classes/CUSTOM_GPU", {"name": "CUSTOM_TPU"}, version=6).status == 200
    assert list(cloud.ask("GET", f"/resource_providers/{id}/inventories").json["inventories"]) == ["CUSTOM_TPU"]
    assert cloud.ask("DELETE", "/resource_classes/CUSTOM_TPU").status == 409
    assert cloud.ask("DELETE", "/resource_classes/VCPU").status == 400
    assert cloud.ask("GET", "/resource_classes", version=1).status == 404
