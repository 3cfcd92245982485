"""Servers as the API shows them, for each microversion."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.moment import to_microsecond, to_second
from .. import records, states
from ..service import Service
from ..tables import server_details
from .versions import ROOT

ATTRIBUTES = "os_compute_api:os-extended-server-attributes"
HOST_STATUS = "os_compute_api:servers:show:host_status"
EXTRA_SPECS = "os_compute_api:os-flavor-extra-specs:index"
DETAILS = (server_details.c.user_data, server_details.c.image.label("image_record"), server_details.c.hints)


@functools.lru_cache(maxsize=4096)
def host_id(project_id: str, host: str) -> str:
    """The host as a tenant may know it: the same for all servers of a project there, and no name."""
    return hashlib.sha224((project_id + host).encode()).hexdigest() if host else ""


def addresses(nics: list[Mapping[str, Any]], *, extended: bool) -> dict[str, list[dict[str, Any]]]:
    """A server's addresses by network; ``extended`` tells kind and MAC, too."""
    found: dict[str, list[dict[str, Any]]] = {}
    for nic in nics:
        mac, listed = nic["mac"], found.setdefault(nic["network_name"], [])
        for one in nic["addresses"]:
            address = {"version": one["version"], "addr": one["address"]}
            if extended:
                address["OS-EXT-IPS:type"] = one.get("kind", "fixed")
                address["OS-EXT-IPS-MAC:mac_addr"] = mac
            listed.append(address)
    return {name: listed for name, listed in found.items() if listed}


def image_properties(image: Mapping[str, Any], image_id: str) -> dict[str, str]:
    """What a server keeps of its image: the properties it had at the boot, and what it is."""
    return {**image.get("properties", {}), "base_image_ref": image_id, "min_disk": str(image.get("min_disk", 0)),
            "min_ram": str(image.get("min_ram", 0)), "disk_format": image.get("disk_format", ""),
            "container_format": image.get("container_format", "")}


class Look:
    """How one request sees servers: its microversion, its address, and what the caller may see."""

    def __init__(self, service: Service, call: Call) -> None:
        self.fleet = service.fleet
        self.version = call.version
        self.base = call.base
        self.flavors_link = call.base + "/flavors/"
        self.images_link = call.base + "/images/"
        self.self_link = call.base + ROOT + "/servers/"
        self.bookmark = call.base + "/servers/"
        self.attributes = call.allows(ATTRIBUTES)
        self.host_status = call.version >= (2, 16) and call.allows(HOST_STATUS)
        self.extra_specs = call.version >= (2, 47) and call.allows(EXTRA_SPECS)

    @property
    def user_data(self) -> bool:
        """Whether the full view shows the user data."""
        return self.attributes and self.version >= (2, 3)

    @property
    def statement(self) -> sa.Select[Any]:
        """What reads one server with all that the full view shows."""
        if self.version >= (2, 98):
            return records.WITH_DETAILS
        return records.WITH_USER_DATA if self.user_data else records.BY_ID

    @property
    def more(self) -> Sequence[sa.ColumnElement[Any]]:
        """The columns of servers' details that the full view shows."""
        if self.version >= (2, 98):
            return DETAILS
        return DETAILS[:1] if self.user_data else ()

    def links(self, server_id: str) -> list[dict[str, str]]:
        """The server's links."""
        return [{"rel": "self", "href": self.self_link + server_id},
                {"rel": "bookmark", "href": self.bookmark + server_id}]

    def brief(self, row: Row) -> dict[str, Any]:
        """A server in the short list."""
        return {"id": row.id, "name": row.name, "links": self.links(row.id)}

    def basic(self, row: Row, *, listed: bool = False, extended: bool = False) -> dict[str, Any]:
        """A server without the former extensions: what updates answer before 2.75."""
        vm_state = row.vm_state
        status = states.status(vm_state, row.task_state)
        image = row.image_id
        found: dict[str, Any] = {
            "id": row.id, "name": row.name, "status": status, "tenant_id": row.project_id, "user_id": row.user_id,
            "metadata": row.metadata, "hostId": host_id(row.project_id, row.host),
            "image": {"id": image, "links": [{"rel": "bookmark", "href": self.images_link + image}]} if image else "",
            "flavor": self._flavor(row.flavor), "created": to_second(row.created_at),
            "updated": to_second(row.updated_at), "addresses": addresses(row.nics, extended=extended),
            "accessIPv4": row.access_ip_v4, "accessIPv6": row.access_ip_v6,
            "links": self.links(row.id), "OS-DCF:diskConfig": row.disk_config}
        if status in states.PROGRESSING:
            found["progress"] = row.progress
        if row.fault is not None and status in ("ERROR", "DELETED"):
            found["fault"] = self._fault(row.fault)
        self._later(found, row, listed)
        return found

    def _later(self, found: dict[str, Any], row: Row, listed: bool) -> None:
        """Fields that both views gained with microversions."""
        version = self.version
        if version < (2, 9):
            return
        found["locked"] = row.locked
        if version >= (2, 19):
            found["description"] = row.description
        if version >= (2, 26):
            found["tags"] = row.tags
        if version >= (2, 63):
            found["trusted_image_certificates"] = None
        if version >= (2, 71) and not listed:
            found["server_groups"] = [row.group_id] if row.group_id else []
        if version >= (2, 73):
            found["locked_reason"] = row.locked_reason
        if version >= (2, 96):
            found["pinned_availability_zone"] = row.pinned_zone or None

    def _flavor(self, flavor: Mapping[str, Any]) -> dict[str, Any]:
        if self.version < (2, 47):
            return {"id": flavor["id"], "links": [{"rel": "bookmark", "href": self.flavors_link + flavor["id"]}]}
        found = {"original_name": flavor["name"], "vcpus": flavor["vcpus"], "ram": flavor["memory_mib"],
                 "disk": flavor["root_gib"], "ephemeral": flavor["ephemeral_gib"], "swap": flavor["swap_mib"]}
        if self.extra_specs:
            found["extra_specs"] = flavor["extra_specs"]
        return found

    def _fault(self, fault: Mapping[str, Any]) -> dict[str, Any]:
        found = {"code": fault["code"], "message": fault["message"], "created": fault["created"]}
        if self.attributes and fault.get("details"):
            found["details"] = fault["details"]
        return found

    def full(self, row: Row, *, listed: bool = False) -> dict[str, Any]:
        """A server with everything the caller may see, read with :attr:`statement` or with the columns :attr:`more`."""
        found = self.basic(row, listed=listed, extended=True)
        if self.version >= (2, 98):
            self._made_of(found, row)
        found["OS-EXT-AZ:availability_zone"] = row.zone if row.host else row.pinned_zone
        found["config_drive"] = "True" if row.config_drive else ""
        found["key_name"] = row.key_name
        found["OS-SRV-USG:launched_at"] = to_microsecond(row.launched_at)
        found["OS-SRV-USG:terminated_at"] = to_microsecond(row.terminated_at)
        if row.security_groups:
            found["security_groups"] = [{"name": name} for name in row.security_groups]
        found["OS-EXT-STS:task_state"] = row.task_state
        found["OS-EXT-STS:vm_state"] = row.vm_state
        found["OS-EXT-STS:power_state"] = row.power_state
        found["os-extended-volumes:volumes_attached"] = (
            row.volumes if self.version >= (2, 3) else [{"id": one["id"]} for one in row.volumes])
        if self.attributes:
            self._inside(found, row)
        elif self.version >= (2, 90):
            found["OS-EXT-SRV-ATTR:hostname"] = row.hostname
        if self.host_status:
            found["host_status"] = self.fleet.status(row.host)
        return found

    def _made_of(self, found: dict[str, Any], row: Row) -> None:
        """The properties of the server's image, and the hints that the scheduler was given."""
        if found["image"]:
            found["image"]["properties"] = image_properties(row.image_record or {}, row.image_id)
        if self.version >= (2, 100):
            found["scheduler_hints"] = row.hints or {}

    def _inside(self, found: dict[str, Any], row: Row) -> None:
        """What only administrators see."""
        found["OS-EXT-SRV-ATTR:host"] = row.host or None
        found["OS-EXT-SRV-ATTR:hypervisor_hostname"] = row.node or None
        found["OS-EXT-SRV-ATTR:instance_name"] = f"instance-{row.id[:8]}"
        if self.version < (2, 3):
            return
        found["OS-EXT-SRV-ATTR:reservation_id"] = row.reservation_id
        found["OS-EXT-SRV-ATTR:launch_index"] = row.launch_index
        found["OS-EXT-SRV-ATTR:hostname"] = row.hostname
        found["OS-EXT-SRV-ATTR:kernel_id"] = ""
        found["OS-EXT-SRV-ATTR:ramdisk_id"] = ""
        found["OS-EXT-SRV-ATTR:root_device_name"] = row.root_device or None
        found["OS-EXT-SRV-ATTR:user_data"] = row.user_data
