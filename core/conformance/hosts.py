"""Hosts and requests of many kinds, for the suites of filters and weighers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..drivers.filter import Aggregate, Host, Request, ServerGroup
from .cases import HOSTILE_NAMES

RESOURCES = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}


def host(number: int, **more: Any) -> Host:
    """A host like others, with its number in its names."""
    found = Host(provider=f"provider-{number}", host=f"host-{number}", node=f"node-{number}",
                 hypervisor_type="QEMU", hypervisor_version=8002000,
                 capacity={"VCPU": 64, "MEMORY_MB": 65536, "DISK_GB": 1000},
                 used={"VCPU": number % 60, "MEMORY_MB": 512 * number % 65536, "DISK_GB": number % 900})
    return msgspec.structs.replace(found, **more)


def hosts() -> list[Host]:
    """Hosts that differ in all that filters and weighers look at."""
    fast = Aggregate(id=1, uuid="11111111-1111-1111-1111-111111111111", name="fast", metadata={"ssd": "true"})
    alone = Aggregate(id=2, uuid="22222222-2222-2222-2222-222222222222", name="alone", metadata={"exclusive": "true"})
    zones, states = ("nova", "zone-1"), ((True, True), (True, False), (False, True))
    kinds = (("QEMU", "x86_64"), ("QEMU", "aarch64"), ("", ""))
    found = []
    for number, (zone, (enabled, up), (kind, architecture), aggregates) in enumerate(
            itertools.product(zones, states, kinds, ([], [fast]))):
        found.append(host(number, zone=zone, enabled=enabled, up=up, hypervisor_type=kind, architecture=architecture,
                          aggregates=aggregates, building=number % 3, failures=number % 4, servers=number,
                          stats={"cores": str(number)}, images={"os_distro=linux": number % 5, "hw_disk_bus=ide": 1}))
    found.append(host(900, capacity={}, used={}))
    found += [host(number, aggregates=[fast, alone]) for number in (901, 902)]
    return found


def request(**more: Any) -> Request:
    """What a plain server needs, or more."""
    found = Request(server_id="server", project_id="project", user_id="user", resources=RESOURCES)
    return msgspec.structs.replace(found, **more)


def requests() -> Sequence[Request]:
    """Requests of many kinds, well-meant and not."""
    groups = [ServerGroup(id="group", policy=policy, hosts=members)
              for policy in ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity", "unheard-of")
              for members in ({}, {"host-1": 1, "host-3": 2}, {"nowhere": 1})]
    hints = [{"same_host": ["a"]}, {"different_host": ["a", "b"]}, {"same_host": []}, {"unheard-of": ["a"]}]
    specs = [{"capabilities:cores": ">= 3"}, {"capabilities:unheard-of": "1"}, {"ssd": "true"}, {"ssd": ""},
             {"aggregate_instance_extra_specs:ssd": "<or> true <or> false"}, {"capabilities:cores": "<= many"},
             *({name: name} for name in HOSTILE_NAMES), *({"capabilities:cores": name} for name in HOSTILE_NAMES)]
    images = [{"hw_architecture": "x86_64"}, {"architecture": "aarch64"}, {"img_hv_type": "kvm"},
              {"img_hv_requested_version": ">=1.0,<99"}, {"img_hv_requested_version": "nonsense"},
              {"os_distro": "linux", "hw_disk_bus": "scsi"},
              *({"hw_architecture": name} for name in HOSTILE_NAMES)]
    return [request(), request(zone="zone-1"), request(zone="unheard-of"), request(resources={}),
            *(request(group=group) for group in groups),
            *(request(hints=hint, hint_hosts={"a": "host-1", "b": ""}) for hint in hints),
            *(request(exclusive=exclusive, held_elsewhere=frozenset(["provider-1"]),
                      used_elsewhere=frozenset(["provider-1", "provider-2", "provider-901"]))
              for exclusive in (False, True)),
            *(request(extra_specs=spec) for spec in specs),
            *(request(image_properties=image) for image in images)]


def each_request(case: Callable[[Any, Any, Request], None]) -> Callable[[Any, Any], None]:
    """The case, run with each of :func:`requests` in turn."""
    def run(self: Any, driver: Any) -> None:
        for wanted in requests():
            case(self, driver, wanted)

    run.__name__, run.__doc__ = case.__name__, case.__doc__
    return run
