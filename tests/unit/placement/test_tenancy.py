"""Providers that one project has to itself, and requests of several groups."""

import threading

import pytest
from stratolith.core.drivers.ability import untold
from stratolith.core.errors import Conflict
from stratolith.core.services.placement import Group, ResourceRequest

from .conftest import CONTEXT, HOST, made

SMALL = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 5}


def claim(placement, consumer, project, sole="", provider="a"):
    placement.claim(CONTEXT, consumer, {provider: SMALL}, project, "user", "INSTANCE", sole)


def tenancy(placement, project, used=True):
    found = placement.tenancy(CONTEXT, project, used)
    return sorted(found.held), sorted(found.used)


def test_while_a_consumer_holds_a_provider_alone_no_other_project_comes(placement):
    claim(placement, "one", "mine", sole="a")
    claim(placement, "two", "mine")
    with pytest.raises(Conflict, match="Another project"):
        claim(placement, "three", "theirs")
    assert placement.allocations(CONTEXT, "three") == {}
    assert tenancy(placement, "theirs") == (["a"], ["a"])
    assert tenancy(placement, "mine") == ([], [])
    claim(placement, "three", "theirs", provider="b")
    placement.release(CONTEXT, "one")
    claim(placement, "four", "theirs")
    assert tenancy(placement, "mine") == ([], ["a", "b"])
    assert tenancy(placement, "mine", used=False) == ([], [])


def test_a_provider_that_others_use_is_nobodys_alone(placement):
    claim(placement, "one", "theirs")
    with pytest.raises(Conflict, match="used by other projects"):
        claim(placement, "two", "mine", sole="a")
    assert placement.allocations(CONTEXT, "two") == {}
    placement.release(CONTEXT, "one")
    claim(placement, "two", "mine", sole="a")


def test_what_is_held_moves_with_the_claim(placement):
    claim(placement, "one", "mine", sole="a")
    placement.move(CONTEXT, "one", "migration")
    with pytest.raises(Conflict):
        claim(placement, "two", "theirs")
    claim(placement, "one", "mine", sole="b", provider="b")
    assert tenancy(placement, "theirs", used=False) == (["a", "b"], [])
    placement.release(CONTEXT, "migration")
    assert tenancy(placement, "theirs", used=False) == (["b"], [])


def test_the_same_claim_can_begin_and_end_to_hold(placement):
    claim(placement, "one", "mine")
    claim(placement, "one", "mine", sole="a")
    assert tenancy(placement, "theirs", used=False) == (["a"], [])
    claim(placement, "one", "mine")
    assert tenancy(placement, "theirs", used=False) == ([], [])


def test_traits_and_aggregates_are_given_and_taken(placement):
    def traits_of(name):
        asked = ResourceRequest(resources=SMALL, required=[name])
        return [one.provider for one in placement.candidates(CONTEXT, asked)]
    placement.change_provider(CONTEXT, "a", {"COMPUTE_STATUS_DISABLED": True, "CUSTOM_NEW": True}, {"agg": True})
    placement.change_provider(CONTEXT, "nobody", {"CUSTOM_NEW": True}, {})
    assert traits_of("COMPUTE_STATUS_DISABLED") == traits_of("CUSTOM_NEW") == ["a"]
    member = ResourceRequest(resources=SMALL, member_of=[["agg", "other"]])
    assert [one.provider for one in placement.candidates(CONTEXT, member)] == ["a"]
    placement.change_provider(CONTEXT, "a", {"COMPUTE_STATUS_DISABLED": False, "CUSTOM_OLD": False}, {"agg": False})
    assert traits_of("COMPUTE_STATUS_DISABLED") == [] and traits_of("CUSTOM_NEW") == ["a"]
    assert placement.candidates(CONTEXT, member) == []


def test_marks_go_when_a_host_tells(placement):
    placement.apply_provider(CONTEXT, "a", "host-a", HOST, untold([]))
    asked = ResourceRequest(resources=SMALL, any_of=[["COMPUTE_STORAGE_BUS_SCSI", "CUSTOM_UNTOLD_STORAGE_BUS"]])
    assert [one.provider for one in placement.candidates(CONTEXT, asked)] == ["a"]
    told = ["COMPUTE_STORAGE_BUS_IDE"]
    placement.apply_provider(CONTEXT, "a", "host-a", HOST, told + untold(told))
    assert placement.candidates(CONTEXT, asked) == []


def test_groups_are_met_by_one_provider_each(placement):
    def found(**more):
        return [(one.provider, one.allocations) for one in placement.candidates(
            CONTEXT, ResourceRequest(**{"resources": SMALL, **more}))]
    assert found(groups={"1": Group(resources={"VCPU": 2}, required=["CUSTOM_GOLD"])}) == [
        ("b", {"b": {**SMALL, "VCPU": 3}})]
    assert found(groups={"1": Group(resources={"VCPU": 2}), "2": Group(resources={"VCPU": 2})}, isolate=True) == []
    both = {"_A": Group(resources={"VCPU": 8}), "_B": Group(resources={"VCPU": 9})}
    assert found(groups=both) == []
    assert found(groups={"1": Group(required=["CUSTOM_GOLD"])}, subtrees=[["1"]])[0][0] == "b"
    assert [one for one, _ in found(groups={"1": Group(resources={"VCPU": 1}, in_tree="a")})] == ["a"]
    assert [one for one, _ in found(resources={}, groups={"1": Group(resources=SMALL, forbidden=["CUSTOM_GOLD"])})] == [
        "a"]


def test_claims_that_race_on_a_real_file_are_decided_by_the_database(tmp_path):
    service = made(f"sqlite:///{tmp_path}/race.sqlite")
    try:
        for number in range(12):
            service.apply_provider(CONTEXT, f"host-{number}", f"host-{number}", HOST, [])
        gate, refused = threading.Barrier(2), []

        def run(project, sole):
            gate.wait()
            for number in range(12):
                try:
                    claim(service, f"{project}-{number}", project, sole=f"host-{number}" if sole else "",
                          provider=f"host-{number}")
                except Conflict:
                    refused.append((number, project))
        threads = [threading.Thread(target=run, args=one) for one in (("mine", True), ("theirs", False))]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len({number for number, _ in refused}) == len(refused) == 12
    finally:
        service.db.close()
