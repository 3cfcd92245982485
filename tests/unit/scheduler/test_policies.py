"""Policies side by side: chosen by flavor, by zone, by the hosts' aggregates."""

import pytest
from stratolith.core.drivers.filter import Aggregate
from stratolith.core.errors import BadConfiguration, BadRequest

from .conftest import World

PACK = {"policies.pack": {"zones": "z1", "enabled_weighers": "RAMWeigher"},
        "policies.pack.RAMWeigher": {"multiplier": "-1"},
        "policies.odd": {"enabled_filters": "NumInstancesFilter"},
        "policies.odd.NumInstancesFilter": {"max_a_host": "1"}}


@pytest.fixture
def world():
    """Ten hosts, the first the emptiest, and three policies."""
    return World(PACK, policies=("pack", "odd"))


def lines(world, **more):
    return world.scheduler.explain(None, world.request(**more))


def test_without_a_word_the_usual_policy_spreads(world):
    assert lines(world)[-1] == "chosen: h0"


def test_a_flavor_names_a_policy(world):
    said = lines(world, extra_specs={"scheduler:policy": "pack"})
    assert said[1] == "policy pack: 10 of 10 left"
    assert said[-1] == "chosen: h9"


def test_a_zone_has_a_policy(world):
    assert lines(world, zone="z1")[-1] == "chosen: h9"
    assert lines(world, zone="z0")[-1] == "chosen: h0"


def test_a_flavors_word_goes_before_the_zones(world):
    world.hosts[1].servers = 1
    said = lines(world, zone="z1", extra_specs={"scheduler:policy": "odd"})
    assert said[1:3] == ["policy odd: 10 of 10 left", "NumInstancesFilter: 9 of 10 left"]


def test_aggregates_say_which_policy_their_hosts_go_by(world):
    packed = Aggregate(id=1, uuid="u", name="a", metadata={"scheduler_policy": "pack"})
    for host in world.hosts[5:]:
        host.aggregates = [packed]
    said = lines(world)
    assert said[1] == "policy pack: 5 of 10 left"
    assert said[-1] == "chosen: h9"
    for host in world.hosts[5:]:
        host.up = False
    assert lines(world)[-1] == "chosen: h0"


def test_an_unknown_policy_is_an_error(world):
    with pytest.raises(BadRequest):
        lines(world, extra_specs={"scheduler:policy": "unheard-of"})
    with pytest.raises(BadConfiguration):
        World(PACK | {"policies.odd": {"zones": "z1"}}, policies=("pack", "odd"))


def test_why_there_was_no_host_is_told_by_policy(world):
    for host in world.hosts:
        host.servers = 1
    said = lines(world, extra_specs={"scheduler:policy": "odd"})
    assert said[-1] == ("nearest miss: NumInstancesFilter alone turned away 10 hosts; of one of them: "
                        "it has 1 servers and may have 1")
