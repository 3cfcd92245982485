"""What other services ask of placement."""

import pytest
import sqlalchemy as sa
from stratolith.core.errors import Conflict, InUse
from stratolith.core.services.placement import Holding, Inventory, PlacementService, ResourceRequest
from stratolith.plugins.placement import provider

from .conftest import CONTEXT, HOST

SMALL = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 5}


@pytest.fixture
def statements(placement):
    """The SQL statements run since the fixture was made."""
    seen = []
    sa.event.listen(placement.db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    return seen


def claim(placement, consumer, provider="a", amounts=None, project="project"):
    placement.claim(CONTEXT, consumer, {provider: amounts or SMALL}, project, "user", "INSTANCE")


def used(placement, provider="a"):
    found = placement.candidates(CONTEXT, ResourceRequest(resources={"VCPU": 1}))
    return next(dict(one.used) for one in found if one.provider == provider)


def found(placement, **more):
    request = ResourceRequest(**{"resources": SMALL, **more})
    return [one.provider for one in placement.candidates(CONTEXT, request)]


def test_a_claim_is_counted_and_given_back(placement):
    claim(placement, "one")
    assert used(placement) == SMALL
    assert placement.allocations(CONTEXT, "one") == {"a": SMALL}
    assert placement.consumers(CONTEXT, "a") == ["one"]
    placement.release(CONTEXT, "one")
    placement.release(CONTEXT, "one")
    assert used(placement) == dict.fromkeys(SMALL, 0)
    assert placement.allocations(CONTEXT, "one") == {}


def test_the_same_claim_again_writes_nothing(placement, statements):
    claim(placement, "one")
    del statements[:]
    claim(placement, "one")
    assert [one for one in statements if not one.startswith(("BEGIN", "SELECT", "COMMIT"))] == []


def test_a_claim_replaces_what_was_there(placement):
    claim(placement, "one")
    claim(placement, "one", "b", {"VCPU": 3})
    assert placement.allocations(CONTEXT, "one") == {"b": {"VCPU": 3}}
    assert used(placement) == dict.fromkeys(SMALL, 0)


@pytest.mark.parametrize(("amounts", "why"), [
    ({"VCPU": 17}, "exceed the capacity"), ({"MEMORY_MB": 3585}, "exceed the capacity"),
    ({"DISK_GB": 4}, "violate"), ({"DISK_GB": 55}, "violate"), ({"DISK_GB": 12}, "violate"),
    ({"VGPU": 1}, "'VGPU'"), ({"VCPU": 1, "DISK_GB": 7}, "violate")])
def test_what_cannot_be_given_changes_nothing(placement, amounts, why):
    claim(placement, "one")
    with pytest.raises(Conflict, match=why):
        claim(placement, "one", amounts=amounts)
    assert placement.allocations(CONTEXT, "one") == {"a": SMALL}
    assert used(placement) == SMALL


def test_holdings_are_all_that_the_holders_have(placement):
    claim(placement, "one")
    claim(placement, "two", "b", {"VCPU": 3})
    amounts = {"a": {"VCPU": 1}, "b": {"VCPU": 2, "MEMORY_MB": 4}}
    placement.claim(CONTEXT, "both", amounts, "project", "user", "INSTANCE")
    both = Holding(amounts)
    assert placement.holdings(CONTEXT, ["a"]) == {"one": Holding({"a": SMALL}), "both": both}
    assert placement.holdings(CONTEXT, ["a", "b"]).keys() == {"one", "two", "both"}
    assert placement.holdings(CONTEXT, ["nowhere"]) == placement.holdings(CONTEXT, []) == {}
    assert PlacementService.holdings(placement, CONTEXT, ["a"]) == placement.holdings(CONTEXT, ["a"])
    placement.release(CONTEXT, "two")
    placement.release(CONTEXT, "both")
    placement.claim(CONTEXT, "alone", {"b": {"VCPU": 1}}, "project", "user", "INSTANCE", "b")
    assert placement.holdings(CONTEXT, ["b"]) == {"alone": Holding({"b": {"VCPU": 1}}, "b")}


def test_a_claim_over_two_providers_is_all_or_nothing(placement):
    with pytest.raises(Conflict):
        placement.claim(CONTEXT, "one", {"a": {"VCPU": 1}, "b": {"VCPU": 99}}, "project", "user", "INSTANCE")
    assert used(placement) == dict.fromkeys(SMALL, 0)


def test_an_overfull_provider_lets_go_but_gives_nothing(placement):
    claim(placement, "one", amounts={"VCPU": 10})
    placement.apply_provider(CONTEXT, "a", "host-a", {**HOST, "VCPU": Inventory(total=4)}, ["COMPUTE_NODE"])
    claim(placement, "one", amounts={"VCPU": 8})
    with pytest.raises(Conflict):
        claim(placement, "one", amounts={"VCPU": 9})
    assert used(placement, "b")["VCPU"] == 0


def test_moving_hands_all_over(placement):
    claim(placement, "one")
    placement.move(CONTEXT, "one", "two")
    placement.move(CONTEXT, "one", "two")
    assert placement.allocations(CONTEXT, "two") == {"a": SMALL}
    assert placement.allocations(CONTEXT, "one") == {}
    claim(placement, "one", "b")
    with pytest.raises(Conflict):
        placement.move(CONTEXT, "one", "two")


def test_a_host_that_says_the_same_writes_nothing(placement, statements):
    placement.apply_provider(CONTEXT, "a", "host-a", HOST, ["COMPUTE_NODE"])
    assert [one for one in statements if not one.startswith(("BEGIN", "SELECT", "COMMIT"))] == []


def test_custom_traits_of_others_stay(placement):
    placement.apply_provider(CONTEXT, "b", "host-b", HOST, ["HW_CPU_X86_AVX2"])
    assert found(placement, required=["CUSTOM_GOLD", "HW_CPU_X86_AVX2"]) == ["b"]
    assert found(placement, required=["COMPUTE_NODE"]) == ["a"]


def test_an_inventory_in_use_stays(placement):
    claim(placement, "one")
    with pytest.raises(InUse):
        placement.apply_provider(CONTEXT, "a", "host-a", {"VCPU": HOST["VCPU"]}, [])
    with pytest.raises(InUse):
        placement.delete_provider(CONTEXT, "a")
    placement.release(CONTEXT, "one")
    placement.delete_provider(CONTEXT, "a")
    placement.delete_provider(CONTEXT, "a")
    assert found(placement) == ["b"]


def test_candidates_by_trait_and_limit(placement):
    assert found(placement) == ["a", "b"]
    assert found(placement, limit=1) == ["a"]
    assert found(placement, required=["CUSTOM_GOLD"]) == ["b"]
    assert found(placement, forbidden=["CUSTOM_GOLD"]) == ["a"]
    assert found(placement, resources={"VCPU": 17}) == []
    assert found(placement, in_tree="b") == ["b"]


def test_candidates_are_two_statements(placement, statements):
    found(placement)
    assert len(statements) == 2


def test_a_claim_is_few_statements(placement, statements):
    claim(placement, "one")
    assert len([one for one in statements if not one.startswith(("BEGIN", "COMMIT"))]) <= 8


def test_hosts_may_share_their_disk(placement):
    shared = {"DISK_GB": Inventory(total=100)}
    placement.apply_provider(CONTEXT, "pool", "pool", shared, ["MISC_SHARES_VIA_AGGREGATE"])
    host = {"VCPU": Inventory(total=4)}
    placement.apply_provider(CONTEXT, "c", "host-c", host, [])
    with placement.db.write() as tx:
        for id in ("pool", "c"):
            provider.set_aggregates(tx, placement.clock.now(), id, ["5e08ea53-c4c6-448e-9334-ac4953de3cfa"])
    one = next(one for one in placement.candidates(CONTEXT, ResourceRequest(resources={"VCPU": 1, "DISK_GB": 5}))
               if one.provider == "c")
    assert one.allocations == {"c": {"VCPU": 1}, "pool": {"DISK_GB": 5}}
    assert (one.capacity["DISK_GB"], one.used["DISK_GB"]) == (100, 0)
    placement.claim(CONTEXT, "one", one.allocations, "project", "user", "INSTANCE")
    assert placement.allocations(CONTEXT, "one") == one.allocations
