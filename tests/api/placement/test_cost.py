"""What a host's first words cost placement in statements, and that what is answered without a look is what is kept."""

import pytest

from tests.statements import counted

NOBODY = "8c0f5d1e-61f0-4a1e-9f0e-b3f1f4d6a001"
AMOUNTS = {"VCPU": {"total": 64, "allocation_ratio": 4.0}, "DISK_GB": {"total": 2000}}


@pytest.fixture
def queries(cloud):
    """Counts the statements of a block."""
    return lambda: counted(cloud.cloud.kits["placement"].db)


def test_a_provider_is_made_with_two_statements(cloud, queries):
    with queries() as statements:
        made = cloud.ask("POST", "/resource_providers", {"name": "one"})
    assert len(statements) == 2, statements
    shown = cloud.ask("GET", f"/resource_providers/{made.json['uuid']}")
    assert (made.json, made.headers["last-modified"]) == (shown.json, shown.headers["last-modified"])


def test_inventories_are_written_with_three_statements(cloud, queries):
    path = f"/resource_providers/{cloud.provider('one')}/inventories"
    with queries() as statements:
        put = cloud.ask("PUT", path, {"resource_provider_generation": 0, "inventories": AMOUNTS})
    assert put.status == 200 and len(statements) == 3, statements
    assert put.json == cloud.ask("GET", path).json


def test_inventories_that_stay_keep_their_time(cloud):
    path = f"/resource_providers/{cloud.provider('one', {'VCPU': 4, 'DISK_GB': 10})}/inventories"
    cloud.run(100)
    same = {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 4}}}
    put = cloud.ask("PUT", path, same)
    shown = cloud.ask("GET", path)
    assert (put.json, put.headers["last-modified"]) == (shown.json, shown.headers["last-modified"])


@pytest.mark.parametrize("body", [{}, {"inventories": 1}, b"", b"{"])
def test_a_provider_that_is_gone_is_told_before_a_wrong_body(cloud, body):
    headers = {"Content-Type": "application/json"}
    assert cloud.ask("PUT", f"/resource_providers/{NOBODY}/inventories", body, headers=headers).status == 404
    there = cloud.provider("one")
    assert cloud.ask("PUT", f"/resource_providers/{there}/inventories", body, headers=headers).status == 400


def test_a_provider_goes_with_three_statements(cloud, queries):
    id = cloud.provider("one", {"VCPU": 4})
    with queries() as statements:
        assert cloud.ask("DELETE", f"/resource_providers/{id}").status == 204
    assert len(statements) == 3, statements
    assert cloud.ask("DELETE", f"/resource_providers/{id}").status == 404


def test_a_provider_goes_with_all_that_is_its_own(cloud):
    id = cloud.provider("one", {"VCPU": 4})
    path = f"/resource_providers/{id}"
    assert cloud.ask("PUT", f"{path}/traits", {"resource_provider_generation": 1, "traits": ["HW_CPU_X86_AVX2"]}).json
    assert cloud.ask("PUT", f"{path}/aggregates", {"resource_provider_generation": 2, "aggregates": [NOBODY]}).json
    assert cloud.ask("DELETE", path).status == 204
    cloud.provider("one", uuid=id)
    for noun in ("traits", "aggregates"):
        assert cloud.ask("GET", f"{path}/{noun}").json[noun] == []
    assert cloud.ask("GET", f"/resource_providers?member_of={NOBODY}").json["resource_providers"] == []
