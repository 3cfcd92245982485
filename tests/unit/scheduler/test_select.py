"""Decisions and their reasons."""

import pytest
from stratolith.core.context import service_context
from stratolith.core.errors import BadRequest, NoValidHost
from stratolith.core.services.scheduler import Aggregate, ServerGroup

from .conftest import World

CONTEXT = service_context("req-test")


def select(world, **more):
    return world.scheduler.select(CONTEXT, world.request(**more))


def refused(world, **more):
    with pytest.raises(NoValidHost) as caught:
        select(world, **more)
    return caught.value.facts["explanation"]


def test_the_emptiest_host_is_chosen_and_claimed(world):
    chosen = select(world)
    assert (chosen.host, chosen.node, chosen.provider) == ("h0", "n0", "p0")
    assert world.placement.claims == {"s": {"p0": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}}}
    assert chosen.explanation[0] == "placement: 10 hosts have room for DISK_GB=1, MEMORY_MB=512, VCPU=1"
    assert chosen.explanation[-1] == "chosen: h0"


def test_asked_again_it_is_the_same_host(world):
    select(world)
    world.hosts[0].enabled = False
    assert select(world).host == "h0"


def test_when_others_are_faster_the_next_best_is_taken(world):
    world.placement.full = {"p0", "p1"}
    assert select(world).host == "h2"


def test_tries_end(world):
    world.placement.full = {host.provider for host in world.hosts}
    assert sum("taken meanwhile" in line for line in refused(world)) == 10


@pytest.mark.parametrize(("change", "more", "name"), [
    ({"up": False}, {}, "ComputeFilter"), ({"enabled": False}, {}, "ComputeFilter"),
    ({}, {"zone": "nowhere"}, "AvailabilityZoneFilter"),
    ({}, {"extra_specs": {"capabilities:hypervisor_type": "ironic"}}, "ComputeCapabilitiesFilter"),
    ({}, {"image_properties": {"hw_architecture": "ppc64"}}, "ImagePropertiesFilter"),
    ({}, {"held_elsewhere": frozenset(f"p{n}" for n in range(10))}, "ExclusiveHostFilter"),
    ({}, {"group": ServerGroup(id="g", policy="affinity", hosts={"elsewhere": 1})}, "ServerGroupAffinityFilter"),
    ({}, {"group": ServerGroup(id="g", policy="anti-affinity", hosts={f"h{n}": 1 for n in range(10)})},
     "ServerGroupAntiAffinityFilter"),
    ({}, {"hints": {"same_host": ["x"]}, "hint_hosts": {"x": "elsewhere"}}, "SameHostFilter"),
    ({}, {"hints": {"different_host": [f"{n}" for n in range(10)]},
          "hint_hosts": {f"{n}": f"h{n}" for n in range(10)}}, "DifferentHostFilter")])
def test_the_filter_to_blame_is_named(change, more, name):
    world = World()
    for host in world.hosts:
        for field, value in change.items():
            setattr(host, field, value)
    lines = refused(world, **more)
    assert f"{name}: 0 of 10 left" in lines
    assert [line.split()[2] for line in lines if line.startswith("nearest miss")] == [name]
    assert world.scheduler.explain(CONTEXT, world.request(**more)) == lines
    assert world.placement.claims == {}


def test_the_resource_to_blame_is_named(world):
    assert "nearest miss: only MEMORY_MB=9999 is not to be had" in refused(
        world, resources={"VCPU": 1, "MEMORY_MB": 9999})
    assert "nearest miss: only trait CUSTOM_GOLD is not to be had" in refused(
        world, extra_specs={"trait:CUSTOM_GOLD": "required"})


def test_a_forced_host_passes_all_filters_but_must_have_room(world):
    world.hosts[7].enabled = False
    assert select(world, forced_host="h7").host == "h7"
    assert "forced host: 0 of 10 left" in refused(world, server_id="t", forced_host="unheard-of")


def test_ignored_hosts_are_left_out(world):
    assert select(world, ignored_hosts=["h0", "h1"]).host == "h2"


def test_aggregates_and_failures_count():
    world = World(enabled_filters=("AggregateInstanceExtraSpecsFilter",))
    world.hosts[4].aggregates = [Aggregate(id=1, uuid="a", name="a", metadata={"ssd": "true, yes"})]
    assert select(world, extra_specs={"aggregate_instance_extra_specs:ssd": "yes"}).host == "h4"
    world.hosts[0].failures = 3
    assert select(world, server_id="t").host == "h1"


def test_groups_that_wish(world):
    together = ServerGroup(id="g", policy="soft-affinity", hosts={"h5": 5})
    assert select(world, group=together).host == "h5"
    apart = ServerGroup(id="g", policy="soft-anti-affinity", hosts={"h0": 5})
    assert select(world, server_id="t", group=apart).host == "h1"


def test_chance_among_the_best_is_seeded():
    def picks(world):
        return [select(world, server_id=str(number)).host for number in range(20)]
    first = picks(World(host_subset_size=3))
    assert first == picks(World(host_subset_size=3))
    assert set(first) == {"h0", "h1", "h2"}


def test_a_limit_is_lifted_when_it_hides_the_only_host():
    world = World(max_candidates=3)
    for host in world.hosts[:9]:
        host.enabled = False
    assert select(world).host == "h9"
    assert [one.limit for one in world.placement.asked] == [3, 0]


def test_flavors_change_what_is_asked(world):
    select(world, extra_specs={"resources:VCPU": "0", "resources:CUSTOM_GPU": "2", "trait:HW_CPU_X86_AVX": "forbidden"})
    asked = world.placement.asked[0]
    assert asked.resources == {"MEMORY_MB": 512, "DISK_GB": 1, "CUSTOM_GPU": 2}
    assert (asked.required, asked.forbidden) == ([], ["HW_CPU_X86_AVX"])
    for key, value in (("resources:VCPU", "many"), ("trait:X", "perhaps")):
        with pytest.raises(BadRequest):
            select(world, server_id="t", extra_specs={key: value})


def test_what_a_forced_host_lacks_is_named(world):
    whole = world.placement.candidates
    world.placement.candidates = lambda context, request: [
        one for one in whole(context, request) if one.provider != "p7" or "VCPU" not in request.resources]
    assert refused(world, forced_host="h7")[-2:] == ["forced host: 0 of 9 left",
                                                     "nearest miss: only VCPU=1 is not to be had"]
    assert refused(world, forced_host="unheard-of")[-1] == "nearest miss: there is no host of this name"


def test_hosts_that_are_left_out_may_be_the_only_ones(world):
    for host in world.hosts[:9]:
        host.zone = "far"
    assert refused(world, zone="z1", ignored_hosts=["h9"])[-1] == (
        "nearest miss: only hosts that the request leaves out would do")


def test_several_conditions_at_once(world):
    lines = refused(world, zone="nowhere", image_properties={"hw_architecture": "ppc64"})
    assert lines[-1] == "nearest miss: more than one condition stands in the way"
    lines = refused(world, resources={"VCPU": 1, "MEMORY_MB": 9999}, extra_specs={"trait:CUSTOM_GOLD": "required"})
    assert lines == ["placement: 0 hosts have room for MEMORY_MB=9999, VCPU=1; "
                     "asked for besides: trait CUSTOM_GOLD",
                     "nearest miss: more than one condition stands in the way"]
