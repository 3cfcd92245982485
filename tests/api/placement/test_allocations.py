"""Allocations, usages, candidates and the reshaper over HTTP."""

import pytest

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def host(cloud):
    """A provider with room."""
    return cloud.provider("host", {"VCPU": 4, "MEMORY_MB": 1024})


def test_a_claim_in_each_form(cloud, host):
    listed = {"allocations": [{"resource_provider": {"uuid": host}, "resources": {"VCPU": 1}}]}
    owned = {"project_id": "p", "user_id": "u"}
    mapped = {"allocations": {host: {"resources": {"VCPU": 1}}}, **owned}
    forms = {0: listed, 8: {**listed, **owned}, 12: mapped, 28: {**mapped, "consumer_generation": 3},
             34: {**mapped, "consumer_generation": 4, "mappings": {"": [host]}},
             38: {**mapped, "consumer_generation": 5, "consumer_type": "INSTANCE"}}
    for version, body in forms.items():
        assert cloud.ask("PUT", f"/allocations/{ONE}", body, version=version).status == 204, version
    for version in (11, 27, 37):
        assert cloud.ask("PUT", f"/allocations/{ONE}", forms[38], version=version).status == 400, version
    shown = cloud.ask("GET", f"/allocations/{ONE}").json
    assert (shown["consumer_generation"], shown["consumer_type"], shown["project_id"]) == (6, "INSTANCE", "p")
    assert shown["allocations"][host]["resources"] == {"VCPU": 1}
    assert list(cloud.ask("GET", f"/allocations/{ONE}", version=11).json) == ["allocations"]


def test_generations_and_room(cloud, host):
    assert cloud.claimed(ONE, {host: {"VCPU": 3}}).status == 204
    late = cloud.claimed(ONE, {host: {"VCPU": 4}})
    assert late.status == 409 and late.json["errors"][0]["code"] == "placement.concurrent_update"
    assert cloud.claimed(TWO, {host: {"VCPU": 2}}).status == 409
    assert cloud.claimed(TWO, {ONE: {"VCPU": 1}}).status == 400
    assert cloud.claimed(ONE, {}, generation=1).status == 204
    assert cloud.ask("GET", f"/allocations/{ONE}").json == {"allocations": {}}
    assert cloud.ask("DELETE", f"/allocations/{ONE}").status == 404


def test_many_consumers_or_none(cloud, host):
    assert cloud.claimed(ONE, {host: {"VCPU": 4}}).status == 204
    owned = {"project_id": "p", "user_id": "u", "consumer_type": "INSTANCE"}
    body = {ONE: {"allocations": {}, "consumer_generation": 1, **owned},
            TWO: {"allocations": {host: {"resources": {"VCPU": 4}}}, "consumer_generation": None, **owned}}
    assert cloud.ask("POST", "/allocations", body).status == 204
    assert cloud.ask("GET", f"/resource_providers/{host}/allocations").json["allocations"] == {
        TWO: {"resources": {"VCPU": 4}, "consumer_generation": 1}}
    body[ONE] = {**body[TWO]}
    body[TWO] = {**body[TWO], "consumer_generation": 1}
    assert cloud.ask("POST", "/allocations", body).status == 409
    assert cloud.ask("GET", f"/resource_providers/{host}/usages").json["usages"] == {"VCPU": 4, "MEMORY_MB": 0}


def test_usages_of_a_project(cloud, host):
    cloud.claimed(ONE, {host: {"VCPU": 1, "MEMORY_MB": 64}})
    cloud.claimed(TWO, {host: {"VCPU": 2}}, consumer_type="MIGRATION", user_id="other")
    path = "/usages?project_id=p"
    assert cloud.ask("GET", path, version=37).json == {"usages": {"VCPU": 3, "MEMORY_MB": 64}}
    assert cloud.ask("GET", path).json["usages"] == {"INSTANCE": {"VCPU": 1, "MEMORY_MB": 64, "consumer_count": 1},
                                                     "MIGRATION": {"VCPU": 2, "consumer_count": 1}}
    assert cloud.ask("GET", path + "&consumer_type=all").json["usages"]["all"]["consumer_count"] == 2
    assert cloud.ask("GET", path + "&user_id=other", version=37).json == {"usages": {"VCPU": 2}}


@pytest.mark.parametrize("version", [10, 12, 17, 27, 29, 34, 39])
def test_candidates_in_each_form(cloud, host, version):
    body = cloud.ask("GET", "/allocation_candidates?resources=VCPU:1", version=version).json
    request, summary = body["allocation_requests"][0], body["provider_summaries"][host]
    if version < 12:
        assert request["allocations"] == [{"resource_provider": {"uuid": host}, "resources": {"VCPU": 1}}]
    else:
        assert request["allocations"] == {host: {"resources": {"VCPU": 1}}}
    assert request.get("mappings") == ({"": [host]} if version >= 34 else None)
    assert set(summary["resources"]) == ({"VCPU", "MEMORY_MB"} if version >= 27 else {"VCPU"})
    assert ("traits" in summary, "root_provider_uuid" in summary) == (version >= 17, version >= 29)


def test_candidates_over_trees_are_those_that_can_be_claimed(cloud, host):
    child = cloud.provider("child", {"DISK_GB": 10}, parent_provider_uuid=host)
    query = "/allocation_candidates?resources=VCPU:1&resources1=DISK_GB:5"
    (request,) = cloud.ask("GET", query).json["allocation_requests"]
    assert request["mappings"] == {"": [host], "1": [child]}
    assert cloud.claimed(ONE, {id: one["resources"] for id, one in request["allocations"].items()}).status == 204
    assert cloud.ask("GET", query + "&limit=1").json["allocation_requests"] == [request]
    assert cloud.ask("GET", "/allocation_candidates?resources=VCPU:1,DISK_GB:6").json["allocation_requests"] == []


@pytest.mark.parametrize("query", ["", "resources=VCPU", "resources=VCPU:0", "resources=COWS:1",
                                   "required=HW_CPU_X86_VMX",
                                   "resources=VCPU:1&limit=0", "resources1=VCPU:1&resources2=VCPU:1",
                                   "resources=VCPU:1&member_of=x", "resources=VCPU:1&spam=1",
                                   "resources=VCPU:1&required=HW_CPU_X86_VMX,!HW_CPU_X86_VMX",
                                   "resources=VCPU:1&same_subtree=_A"])
def test_candidates_refuse_nonsense(cloud, query):
    assert cloud.ask("GET", "/allocation_candidates?" + query).status == 400


def test_reshaping_moves_claims_with_inventories(cloud, host):
    cloud.claimed(ONE, {host: {"VCPU": 2}})
    child = cloud.provider("child", parent_provider_uuid=host)
    owned = {"project_id": "p", "user_id": "u", "consumer_type": "INSTANCE", "consumer_generation": 1}
    body = {"inventories": {host: {"resource_provider_generation": 2, "inventories": {"MEMORY_MB": {"total": 1024}}},
                            child: {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 4}}}},
            "allocations": {ONE: {"allocations": {child: {"resources": {"VCPU": 2}}}, **owned}}}
    assert cloud.ask("POST", "/reshaper", body).status == 204
    assert cloud.ask("GET", f"/resource_providers/{child}/usages").json["usages"] == {"VCPU": 2}
    assert cloud.ask("GET", f"/resource_providers/{host}/usages").json["usages"] == {"MEMORY_MB": 0}
