"""What each of the further filters keeps, and why not."""

import json
import logging
import random
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.drivers.base import Surroundings, make
from stratolith.core.drivers.filter import Aggregate, Host, Request
from stratolith.core.errors import BadRequest
from stratolith.plugins.scheduler.policies import FILTERS, WEIGHERS
from stratolith.plugins.scheduler.ranking import ranked, totals


def driver(registry, name, **options):
    overrides = {name: {key: str(value) for key, value in options.items()}}
    surroundings = Surroundings(Virtual(), logging.getLogger("test"), Path("state"), Path("run"))
    made = make(registry.load(name), name, Configuration.read(None, {}, overrides), surroundings)
    made.open()
    return made


def aggregate(**metadata):
    return Aggregate(id=1, uuid="u", name="a", metadata=metadata)


def host(*aggregates, name="h1", **more):
    return Host(provider=f"p-{name}", host=name, node=name, aggregates=list(aggregates), **more)


def request(**more):
    return Request(**{"server_id": "s", "project_id": "p", "user_id": "u", "resources": {}, **more})


def hint(**hints):
    return request(hints={name: [text] for name, text in hints.items()})


QUERY = ["and", [">=", "$free_ram_mb", 1024], ["not", ["=", "$zone", "az9"]], ["in", "$hypervisor_type", "QEMU", "KVM"]]
ROOMY = {"capacity": {"MEMORY_MB": 4096}, "used": {"MEMORY_MB": 1024}, "hypervisor_type": "QEMU"}
CASES = [
    ("ImagePropertiesFilter", {}, host(hypervisor_type="QEMU"), request(image_properties={"hw_vm_mode": "hvm"}), True),
    ("ImagePropertiesFilter", {}, host(hypervisor_type="QEMU"), request(image_properties={"vm_mode": "xen"}), False),
    ("ImagePropertiesFilter", {}, host(hypervisor_type="LXC"), request(image_properties={"hw_vm_mode": "exe"}), True),
    ("ImagePropertiesFilter", {}, host(hypervisor_type="fake"), request(image_properties={"hw_vm_mode": "exe"}), True),
    ("ExclusiveHostFilter", {}, host(), request(held_elsewhere=frozenset(["p-h1"])), False),
    ("ExclusiveHostFilter", {}, host(), request(used_elsewhere=frozenset(["p-h1"])), True),
    ("ExclusiveHostFilter", {}, host(), request(exclusive=True, used_elsewhere=frozenset(["p-h1"])), False),
    ("ExclusiveHostFilter", {}, host(), request(exclusive=True, used_elsewhere=frozenset(["p-h2"])), True),
    ("ExclusiveHostFilter", {}, host(aggregate(exclusive="yes")), request(used_elsewhere=frozenset(["p-h1"])), False),
    ("ExclusiveHostFilter", {}, host(aggregate(exclusive="no")), request(used_elsewhere=frozenset(["p-h1"])), True),
    ("AllHostsFilter", {}, host(), request(), True),
    ("IoOpsFilter", {}, host(building=7), request(), True),
    ("IoOpsFilter", {}, host(building=8), request(), False),
    ("IoOpsFilter", {"max_a_host": 3}, host(building=3), request(), False),
    ("IoOpsFilter", {}, host(aggregate(max_io_ops_per_host="1"), building=2), request(), True),
    ("AggregateIoOpsFilter", {}, host(aggregate(max_io_ops_per_host="2"), building=2), request(), False),
    ("AggregateIoOpsFilter", {}, host(aggregate(max_io_ops_per_host="9"), aggregate(max_io_ops_per_host="2"),
                                      building=3), request(), False),
    ("AggregateIoOpsFilter", {}, host(aggregate(max_io_ops_per_host="many"), building=3), request(), True),
    ("NumInstancesFilter", {}, host(servers=50), request(), False),
    ("NumInstancesFilter", {}, host(servers=49), request(), True),
    ("AggregateNumInstancesFilter", {}, host(aggregate(max_instances_per_host="1"), servers=1), request(), False),
    ("IsolatedHostsFilter", {}, host(), request(image_id="i"), True),
    ("IsolatedHostsFilter", {"isolated_hosts": "h1", "isolated_images": "i"}, host(), request(image_id="i"), True),
    ("IsolatedHostsFilter", {"isolated_hosts": "h2", "isolated_images": "i"}, host(), request(image_id="i"), False),
    ("IsolatedHostsFilter", {"isolated_hosts": "h1", "isolated_images": "i"}, host(), request(image_id="j"), False),
    ("IsolatedHostsFilter", {"isolated_hosts": "h1", "isolated_images": "i", "restrict_hosts": "false"}, host(),
     request(image_id="j"), True),
    ("AggregateMultiTenancyIsolation", {}, host(), request(), True),
    ("AggregateMultiTenancyIsolation", {}, host(aggregate(filter_tenant_id="x, p")), request(), True),
    ("AggregateMultiTenancyIsolation", {}, host(aggregate(filter_tenant_id3="x")), request(), False),
    ("AggregateTypeAffinityFilter", {}, host(), request(flavor_name="m1"), True),
    ("AggregateTypeAffinityFilter", {}, host(aggregate(instance_type="m1,m2")), request(flavor_name="m2"), True),
    ("AggregateTypeAffinityFilter", {}, host(aggregate(instance_type="m1")), request(flavor_name="m2"), False),
    ("AggregateImagePropertiesIsolation", {}, host(aggregate(os="win, bsd")),
     request(image_properties={"os": "bsd"}), True),
    ("AggregateImagePropertiesIsolation", {}, host(aggregate(os="win")),
     request(image_properties={"os": "bsd"}), False),
    ("AggregateImagePropertiesIsolation", {}, host(aggregate(os="win")), request(), True),
    ("AggregateImagePropertiesIsolation", {"namespace": "iso"}, host(aggregate(os="win")),
     request(image_properties={"os": "bsd"}), True),
    ("SimpleCIDRAffinityFilter", {}, host(address="10.0.1.7"), hint(build_near_host_ip="10.0.1.99"), True),
    ("SimpleCIDRAffinityFilter", {}, host(address="10.0.2.7"), hint(build_near_host_ip="10.0.1.99"), False),
    ("SimpleCIDRAffinityFilter", {}, host(address="10.0.2.7"), hint(build_near_host_ip="10.0.1.99", cidr="/16"), True),
    ("SimpleCIDRAffinityFilter", {}, host(), hint(build_near_host_ip="10.0.1.99"), False),
    ("SimpleCIDRAffinityFilter", {}, host(address="10.0.2.7"), hint(build_near_host_ip="nonsense"), False),
    ("JsonFilter", {}, host(**ROOMY), hint(query=json.dumps(QUERY)), True),
    ("JsonFilter", {}, host(zone="az9", **ROOMY), hint(query=json.dumps(QUERY)), False),
    ("JsonFilter", {}, host(), hint(query=json.dumps(QUERY)), False),
    ("JsonFilter", {}, host(stats={"ssd": "yes"}), hint(query='["=", "$ssd", "yes"]'), True),
    ("JsonFilter", {}, host(), hint(query='["or", ["=", 1, 2], ["<", 1, 2, 3]]'), True),
    ("JsonFilter", {}, host(), hint(query='["<", 1, "a"]'), False),
    ("JsonFilter", {}, host(), hint(query="no json"), False),
    ("JsonFilter", {}, host(), hint(query='["exec", "rm", "-rf"]'), False),
    ("JsonFilter", {}, host(), hint(query="[" * 60 + '"not"' + "]" * 60), False),
    ("MetricsFilter", {}, host(), request(), True),
    ("MetricsFilter", {"weight_setting": "cpu.percent=-1"}, host(), request(), False),
    ("MetricsFilter", {"weight_setting": "cpu.percent=-1"}, host(metrics={"cpu.percent": 0.5}), request(), True),
]


@pytest.mark.parametrize(("name", "options", "one", "wanted", "kept"), CASES)
def test_a_host_is_kept_or_told_why_not(name, options, one, wanted, kept):
    found = driver(FILTERS, name, **options)
    assert bool(found.survivors([one], wanted)) == kept
    assert bool(found.reason(one, wanted)) != kept
    assert one.host not in found.reason(one, wanted).split()


def test_metrics_sum_up_by_their_ratios():
    weigher = driver(WEIGHERS, "MetricsWeigher", weight_setting="cpu.percent=-1.0, disk.free=2")
    hosts = [host(metrics={"cpu.percent": 0.5, "disk.free": 1}), host(metrics={"cpu.percent": 0.1, "disk.free": 1}),
             host(metrics={"cpu.percent": 0.0})]
    assert weigher.weights(hosts, request()) == [1.5, 1.9, -10000.0]


def test_a_ratio_that_is_no_number_shows_at_the_start():
    with pytest.raises(BadRequest):
        driver(WEIGHERS, "MetricsWeigher", weight_setting="cpu.percent")


def test_newer_hypervisors_and_crowds():
    old, new = host(hypervisor_version=7000000, servers=5), host(hypervisor_version=8000000, servers=1)
    assert totals([old, new], request(), [driver(WEIGHERS, "HypervisorVersionWeigher")]) == [0.0, 1.0]
    assert totals([old, new], request(), [driver(WEIGHERS, "NumInstancesWeigher")]) == [0.0, 0.0]
    assert totals([old, new], request(), [driver(WEIGHERS, "NumInstancesWeigher", multiplier=-1)]) == [-1.0, 0.0]


def test_aggregates_set_multipliers_of_their_hosts():
    def with_memory(mib, *aggregates):
        return host(*aggregates, name=str(mib), capacity={"MEMORY_MB": mib})
    ram = driver(WEIGHERS, "RAMWeigher")
    packed = aggregate(ram_weight_multiplier="-1.0")
    assert totals([with_memory(10), with_memory(20, packed), with_memory(30)], request(), [ram]) == [0.0, -0.5, 1.0]
    two = [aggregate(ram_weight_multiplier="3"), aggregate(ram_weight_multiplier="2")]
    assert totals([with_memory(10), with_memory(20, *two)], request(), [ram]) == [0.0, 2.0]
    odd = aggregate(ram_weight_multiplier="nan")
    assert totals([with_memory(10), with_memory(20, odd)], request(), [ram]) == [0.0, 1.0]
    off = driver(WEIGHERS, "NumInstancesWeigher")
    crowded = host(aggregate(num_instances_weight_multiplier="1"), name="crowded", servers=4)
    assert ranked([host(name="empty"), crowded], request(), [off], random.Random(1), 1, 1) == [crowded]
