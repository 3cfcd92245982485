"""The list of extensions: what older clients ask for to learn what the API can do. All of it is in 2.1 for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation

UPDATED = "2014-12-03T00:00:00Z"
NAMESPACE = "https://docs.openstack.org/api-ref/compute/"
NAMES: Mapping[str, str] = {
    "NMN": "Multinic", "OS-DCF": "DiskConfig", "OS-EXT-AZ": "ExtendedAvailabilityZone",
    "OS-EXT-SRV-ATTR": "ExtendedServerAttributes", "OS-EXT-STS": "ExtendedStatus", "OS-FLV-DISABLED": "FlavorDisabled",
    "OS-FLV-EXT-DATA": "FlavorExtraData", "OS-SCH-HNT": "SchedulerHints", "OS-SRV-USG": "ServerUsage",
    "flavors": "Flavors", "image-size": "ImageSize", "limits": "Limits", "os-admin-actions": "AdminActions",
    "os-admin-password": "AdminPassword", "os-aggregates": "Aggregates", "os-attach-interfaces": "AttachInterfaces",
    "os-availability-zone": "AvailabilityZone", "os-block-device-mapping": "BlockDeviceMapping",
    "os-block-device-mapping-v2-boot": "BlockDeviceMappingV2Boot", "os-config-drive": "ConfigDrive",
    "os-console-output": "ConsoleOutput", "os-consoles": "Consoles", "os-create-server-ext": "Createserverext",
    "os-deferred-delete": "DeferredDelete", "os-extended-volumes": "ExtendedVolumes",
    "os-flavor-access": "FlavorAccess", "os-flavor-extra-specs": "FlavorExtraSpecs",
    "os-flavor-manage": "FlavorManage", "os-flavor-rxtx": "FlavorRxtx", "os-hosts": "Hosts",
    "os-hypervisor-status": "HypervisorStatus", "os-hypervisors": "Hypervisors",
    "os-instance-actions": "ServerInstanceActions", "os-keypairs": "Keypairs", "os-lock-server": "LockServer",
    "os-multiple-create": "MultipleCreate", "os-pause-server": "PauseServer", "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas", "os-security-groups": "SecurityGroups", "os-server-groups": "ServerGroups",
    "os-services": "Services", "os-simple-tenant-usage": "SimpleTenantUsage", "os-suspend-server": "SuspendServer",
    "os-user-data": "UserData", "os-volumes": "Volumes", "servers": "Servers", "versions": "Versions"}
"""Aliases and names as OpenStack gave them while extensions could be left out."""


def _view(alias: str) -> dict[str, Any]:
    return {"alias": alias, "name": NAMES[alias], "description": f"{NAMES[alias]}, a part of the API since 2.1.",
            "links": [], "namespace": NAMESPACE, "updated": UPDATED}


def index(service: object, call: Call) -> Mapping[str, Any]:
    """All extensions."""
    return {"extensions": [_view(alias) for alias in NAMES]}


def show(service: object, call: Call) -> Mapping[str, Any]:
    """One extension by its alias."""
    alias = call.path["alias"]
    if alias not in NAMES:
        raise NotFound(f"There is no extension {alias}.")
    return {"extension": _view(alias)}


RULE = "os_compute_api:extensions"
OPERATIONS = (
    Operation("GET", "/extensions", index, RULE, summary="List extensions"),
    Operation("GET", "/extensions/{alias}", show, RULE, summary="Show an extension"),
)
