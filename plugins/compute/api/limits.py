"""A project's limits over HTTP, in the words of the limits API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import quotas

if TYPE_CHECKING:
    from ..service import Service

LIMITS = {"maxTotalRAMSize": "ram", "maxTotalInstances": "instances", "maxTotalCores": "cores",
          "maxTotalKeypairs": "key_pairs", "maxServerMeta": "metadata_items", "maxServerGroups": "server_groups",
          "maxServerGroupMembers": "server_group_members"}
IMAGE = {"maxImageMeta": "metadata_items"}
FILES = {"maxPersonality": "injected_files", "maxPersonalitySize": "injected_file_content_bytes"}
NETWORK = {"maxTotalFloatingIps": "floating_ips", "maxSecurityGroups": "security_groups",
           "maxSecurityGroupRules": "security_group_rules"}
USED = {"totalRAMUsed": "ram", "totalCoresUsed": "cores", "totalInstancesUsed": "instances",
        "totalServerGroupsUsed": "server_groups"}
NETWORK_USED = ("totalFloatingIpsUsed", "totalSecurityGroupsUsed")
KNOWN = {"tenant_id": "*text", "reserved": "*text"}
OTHER = "os_compute_api:limits:other_project"


def _words(call: Call) -> dict[str, str]:
    words = dict(LIMITS)
    if call.version < (2, 57):
        words |= FILES
    if call.version < (2, 39):
        words |= IMAGE
    if call.version < (2, 36):
        words |= NETWORK
    return words


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """The limits of the caller's project, or of the one an administrator names, and what is used of them."""
    project_id = call.one("tenant_id") or call.context.project_id
    if project_id != call.context.project_id:
        call.enforce(OTHER, {"project_id": project_id})
    with service.kit.db.read() as tx:
        limits = quotas.limits(service.kit, tx, project_id)
        used = quotas.used(tx, project_id)
    absolute = {word: limits[name] for word, name in _words(call).items()}
    absolute |= {word: used[name] for word, name in USED.items()}
    if call.version < (2, 36):
        absolute |= dict.fromkeys(NETWORK_USED, 0)
    return {"limits": {"rate": [], "absolute": absolute}}


OPERATIONS = (
    Operation("GET", "/limits", show, "os_compute_api:limits",
              query={"2.1": Query(KNOWN), "2.75": Query(KNOWN, strict=True)}, summary="Show limits"),
)
