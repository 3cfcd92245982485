"""Candidates among trees and shared providers."""

import types

import pytest
from stratolith.plugins.placement.candidate import Ask
from stratolith.plugins.placement.search import Wanted, ways
from stratolith.plugins.placement.standard import SHARES
from stratolith.plugins.placement.world import Node, World

POOL = "pool"


def node(id, parent=None, root="", traits=(), aggregates=(), **has):
    rows = {class_: types.SimpleNamespace(capacity=amount, used=0, min_unit=1, max_unit=amount, step_size=1)
            for class_, amount in has.items()}
    return Node(id, parent, root or id, frozenset(traits), frozenset(aggregates), rows)


@pytest.fixture
def world():
    """A host with two NUMA nodes, a plain host, and disk that both share."""
    return World([node("host", aggregates=[POOL], MEMORY_MB=1024), node("numa0", "host", "host", VCPU=4),
                  node("numa1", "host", "host", ["CUSTOM_FAST"], VCPU=8),
                  node("plain", aggregates=[POOL], VCPU=2, MEMORY_MB=512),
                  node("disk", traits=[SHARES], aggregates=[POOL], DISK_GB=100)])


def met(world, **more):
    return sorted(sorted((id, *sorted(of)) for id, of in way.amounts.items()) for way in ways(world, Wanted(**more)))


def test_a_tree_meets_one_group_together(world):
    assert met(world, groups={"": Ask({"VCPU": 1, "MEMORY_MB": 64})}) == [
        [("host", "MEMORY_MB"), ("numa0", "VCPU")], [("host", "MEMORY_MB"), ("numa1", "VCPU")],
        [("plain", "MEMORY_MB", "VCPU")]]


def test_before_trees_were_known_a_tree_met_nothing_together(world):
    found = met(world, groups={"": Ask({"VCPU": 1, "MEMORY_MB": 64})}, nested=False)
    assert found == [[("plain", "MEMORY_MB", "VCPU")]]


def test_shared_disk_goes_with_each_tree_once(world):
    assert met(world, groups={"": Ask({"VCPU": 1, "DISK_GB": 10})}) == [
        [("disk", "DISK_GB"), ("numa0", "VCPU")], [("disk", "DISK_GB"), ("numa1", "VCPU")],
        [("disk", "DISK_GB"), ("plain", "VCPU")]]
    assert met(world, groups={"": Ask({"DISK_GB": 10})}) == [[("disk", "DISK_GB")]]


def test_traits_of_a_group(world):
    assert met(world, groups={"": Ask({"VCPU": 1}, [["CUSTOM_FAST"]])}) == [[("numa1", "VCPU")]]
    assert met(world, groups={"": Ask({"VCPU": 1}, forbidden=["CUSTOM_FAST"])}) == [[("numa0", "VCPU")],
                                                                                    [("plain", "VCPU")]]
    assert met(world, groups={"": Ask({"VCPU": 1}, [["CUSTOM_FAST", "CUSTOM_OTHER"]])}) == [[("numa1", "VCPU")]]


def test_groups_apart_or_together(world):
    groups = {"1": Ask({"VCPU": 3}), "2": Ask({"VCPU": 3})}
    assert met(world, groups=groups, isolate=True) == [[("numa0", "VCPU"), ("numa1", "VCPU")]] * 2
    together = met(world, groups=groups)
    assert [("numa1", "VCPU")] in together and [("numa0", "VCPU")] not in together


def test_subtrees(world):
    groups = {"_M": Ask({"MEMORY_MB": 1}), "_C": Ask({"VCPU": 1})}
    assert len(met(world, groups=groups, subtrees=[["_M", "_C"]])) == 3
    assert met(world, groups={"_A": Ask({"VCPU": 1}), "_B": Ask({}, [["CUSTOM_FAST"]])}, subtrees=[["_A", "_B"]]) == [
        [("numa1", "VCPU")]]


def test_root_traits_and_limit(world):
    assert met(world, groups={"": Ask({"VCPU": 1})}, root_any_of=[["CUSTOM_NONE"]]) == []
    assert len(met(world, groups={"": Ask({"VCPU": 1})}, limit=2)) == 2


def test_aggregates_span_trees_but_not_for_single_groups(world):
    assert len(met(world, groups={"": Ask({"VCPU": 1}, member_of=[[POOL]])})) == 3
    assert met(world, groups={"1": Ask({"VCPU": 1}, member_of=[[POOL]])}) == [[("plain", "VCPU")]]
    assert met(world, groups={"": Ask({"VCPU": 1}, forbidden_aggregates=[POOL])}) == []
    assert met(world, groups={"": Ask({"VCPU": 1}, in_tree="numa0")}) == [[("numa0", "VCPU")], [("numa1", "VCPU")]]
