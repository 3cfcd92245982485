"""Making servers: from a checked request to rows and one operation a server, in one transaction."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import BadRequest, Conflict, Forbidden, NotFound
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from ...core.services.network import NetworkService, NicRequest
from ...core.services.volume import VolumeService
from . import accounting, choice, disk_keys, disk_rules, disks, states, wants
from .event import emit
from .fleet import Fleet
from .tables import block_devices, server_details, server_group_members, server_metadata, server_tags, servers

PASSWORD_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclasses.dataclass
class Wish:
    """A create request with all that it names looked up."""

    server: Mapping[str, Any]
    flavor: dict[str, Any]
    image: ImageRecord | None
    image_id: str
    key: dict[str, Any] | None
    devices: list[dict[str, Any]]
    nics: list[NicRequest]
    where: choice.Where
    hints: dict[str, list[str]]
    least: int
    most: int
    password: str
    groups: list[str]
    limits: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Made:
    """What a create request came to."""

    ids: list[str]
    reservation_id: str
    password: str
    groups: list[str]
    disk_config: str


def create(kit: Kit, fleet: Fleet, context: Context, body: Mapping[str, Any],
           seal: Callable[[str], str], multiattach: bool = True) -> Made:
    """Make the servers that ``body`` asks for; ``seal`` makes of a password what may be kept until it is delivered.

    Volumes that many servers may have are taken if ``multiattach``.
    :raises CloudError: as the compute API reference lists.
    """
    wish = _wish(kit, fleet, context, body)
    if not multiattach:
        disks.refuse_multiattach(kit.peers.of(VolumeService), context, wish.devices)
    reservation_id = "r-" + kit.clock.hex_id()[:8]
    sealed = seal(wish.password) if _has_drive(kit, wish.server) else ""
    with kit.db.write() as tx:
        flavor = wish.flavor
        count = accounting.room(kit, tx, context.project_id, wish.most, wish.least, flavor["vcpus"],
                                flavor["memory_mib"], context.user_id)
        group_id = choice.group(tx, context, next(iter(wish.hints.get("group", ())), ""), count,
                                wish.limits["server_group_members"])
        ids = [_insert(kit, tx, context, wish, number, count, reservation_id, group_id, sealed,
                       disk_keys.made(kit, flavor, _properties(wish.image)))
               for number in range(count)]
    return Made(ids, reservation_id, wish.password, wish.groups, wish.server.get("OS-DCF:diskConfig", "MANUAL"))


def _wish(kit: Kit, fleet: Fleet, context: Context, body: Mapping[str, Any]) -> Wish:
    server = body["server"]
    if server.get("trusted_image_certificates"):
        refuse_certificates()
    least, most = _counts(server)
    if most > 1 and server.get("hostname"):
        raise BadRequest("Unable to create multiple instances with the same hostname")
    with kit.db.read() as tx:
        flavor = choice.flavor(tx, context, str(server["flavorRef"]))
        key = choice.key(tx, context, server.get("key_name"))
        limits = accounting.limits(kit, tx, context.project_id)
    _within(server, limits)
    image_id = str(server.get("imageRef") or "")
    found = choice.image(kit, context, image_id) if image_id else None
    devices = disks.rows(disks.with_image(disks.wanted(server), found), kit.clock, kit.clock.now())
    disks.check(devices, image_id, most)
    disk_rules.fit(devices, flavor, int(kit.options.max_local_block_devices))
    image = _image(kit, context, found, devices, flavor)
    wants.read(kit, flavor, _properties(image))
    disk_keys.wanted(flavor, _properties(image))
    if any(row["boot_index"] == 0 and row["destination_type"] == "volume" for row in devices):
        image_id = ""
    where = choice.where(kit, fleet, context, server)
    nics = _nics(kit, context, server, most)
    return Wish(server=server, flavor=flavor, image=image, image_id=image_id, key=key, devices=devices, nics=nics,
                where=where, hints=choice.hints(kit, context, _hints(body)), least=least, most=most,
                password=server.get("adminPass") or password(kit),
                groups=[one["name"] for one in server.get("security_groups") or () if "name" in one], limits=limits)


def _properties(image: ImageRecord | None) -> Mapping[str, str]:
    return image.properties if image is not None else {}


def refuse_certificates() -> NoReturn:
    """Say that image certificates cannot be checked. :raises BadRequest: always."""
    raise BadRequest("Image signature certificate validation is not supported: "
                     "trusted_image_certificates must be null or left out")


def _counts(server: Mapping[str, Any]) -> tuple[int, int]:
    least = int(server.get("min_count") or 1)
    most = int(server.get("max_count") or least)
    if least > most:
        raise BadRequest("min_count must be <= max_count")
    return least, most


def _within(server: Mapping[str, Any], limits: Mapping[str, int]) -> None:
    """See that metadata, user data and injected files keep to their limits."""
    within_metadata(len(server.get("metadata") or ()), limits)
    within_files(server, limits)


def within_files(server: Mapping[str, Any], limits: Mapping[str, int]) -> None:
    """See that user data and injected files can be read and keep to their limits.

    :raises BadRequest: they cannot be read. :raises Forbidden: there are too many files, or one is too large.
    """
    if server.get("user_data"):
        _decoded(server["user_data"], "user_data")
    files = server.get("personality") or ()
    if 0 <= limits["injected_files"] < len(files):
        raise Forbidden("Personality file limit exceeded")
    for one in files:
        content = _decoded(one["contents"], "personality contents")
        if 0 <= limits["injected_file_path_bytes"] < len(one["path"].encode()):
            raise Forbidden("Personality file path exceeds maximum")
        if 0 <= limits["injected_file_content_bytes"] < len(content):
            raise Forbidden("Personality file content exceeds maximum")


def within_metadata(count: int, limits: Mapping[str, int]) -> None:
    """See that a server may have ``count`` metadata items. :raises Forbidden: it may not."""
    if 0 <= limits["metadata_items"] < count:
        raise Forbidden(f"Maximum number of metadata items exceeds {limits['metadata_items']}")


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as exc:
        raise BadRequest(f"{name} is not valid base64") from exc


def _image(kit: Kit, context: Context, found: ImageRecord | None, devices: Sequence[Mapping[str, Any]],
           flavor: Mapping[str, Any]) -> ImageRecord | None:
    backed = any(row["boot_index"] == 0 and row["destination_type"] == "volume" for row in devices)
    if found is not None:
        choice.fits(kit, context, found, flavor, not backed)
    if devices:
        volumes = kit.peers.of(VolumeService)
        disks.check_volumes(volumes, context, devices)
        for row in devices:
            if row["source_type"] == "image" and (found is None or row["image_id"] != found.id):
                record = choice.image(kit, context, row["image_id"])
                found = record if found is None and row["boot_index"] == 0 else found
        if found is None:
            found = disks.volume_image(volumes, context, devices)
    return found


def _nics(kit: Kit, context: Context, server: Mapping[str, Any], count: int) -> list[NicRequest]:
    asked = server.get("networks")
    groups = [one["name"] for one in server.get("security_groups") or () if "name" in one]
    requests: list[NicRequest] | None = None
    if asked == "none":
        requests = []
    elif asked and asked != "auto":
        requests = [_nic(one, count) for one in asked]
        tags = [one.tag for one in requests if one.tag]
        if len(set(tags)) != len(tags):
            raise BadRequest("A device tag is given to two networks")
    network = kit.peers.of(NetworkService)
    try:
        found = network.resolve(context, requests, count, groups)
        if found or asked != "auto":
            return found
        return network.resolve(context, [NicRequest(network_id=_own_network(network, context))], count, groups)
    except NotFound as exc:
        raise BadRequest(exc.message) from exc
    except Conflict as exc:
        if exc.facts.get("type") == "IpAddressInUse":
            raise BadRequest(exc.message) from exc
        raise


def _own_network(network: NetworkService, context: Context) -> str:
    """The network that is made for a project without any. :raises BadRequest: none can be made."""
    try:
        return network.own_network(context)
    except Conflict as exc:
        raise BadRequest(f"Unable to automatically allocate a network for project {context.project_id}: "
                         f"{exc.message}") from exc


def _nic(one: Mapping[str, Any], count: int) -> NicRequest:
    network, port, fixed = str(one.get("uuid") or ""), str(one.get("port") or ""), str(one.get("fixed_ip") or "")
    if not network and not port:
        raise BadRequest("Network not found: an entry of networks needs a uuid or a port")
    if port and fixed:
        raise BadRequest(f"Specified Fixed IP '{fixed}' cannot be used with port '{port}'")
    if count > 1 and (port or fixed):
        raise BadRequest("Unable to launch multiple instances with a single port or fixed IP address")
    return NicRequest(network_id="" if port else network, port_id=port, fixed_ip=fixed, tag=str(one.get("tag") or ""))


def _hints(body: Mapping[str, Any]) -> dict[str, list[str]]:
    found = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    return {str(name): [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
            for name, value in found.items() if value is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def password(kit: Kit) -> str:
    """A new random password."""
    data = kit.clock.random_bytes(int(kit.options.password_length))
    return "".join(PASSWORD_LETTERS[byte % len(PASSWORD_LETTERS)] for byte in data)


def hostname(name: str, server_id: str) -> str:
    """A host name from a server's name: letters, digits and dashes only. A dot, as Nova has it, becomes a dash, too."""
    cleaned = re.sub(r"[^a-z0-9-]+", "", re.sub(r"[ _.]", "-", name.lower())).strip("-")[:63].strip("-")
    return cleaned or f"server-{server_id}"


def _insert(kit: Kit, tx: Transaction, context: Context, wish: Wish, number: int, count: int, reservation_id: str,
            group_id: str, sealed: str, sealed_disk_key: str) -> str:
    server_id, server = kit.clock.uuid(), wish.server
    name = server["name"] if count == 1 else f"{server['name']}-{number + 1}"
    row = _row(kit, context, wish, server_id, name)
    row.update(reservation_id=reservation_id, launch_index=number, group_id=group_id)
    tx.insert(servers, row)
    tx.insert(server_details, {**_detail_row(wish, server_id, sealed), "sealed_disk_key": sealed_disk_key})
    own = _own_devices(kit, wish.devices, server_id, number)
    tx.insert(block_devices, own)
    tx.insert(server_tags, [{"server_id": server_id, "tag": tag} for tag in row["tags"]])
    tx.insert(server_metadata, [{"server_id": server_id, "key": key, "value": value}
                                for key, value in row["metadata"].items()])
    if group_id:
        tx.insert(server_group_members, {"group_id": group_id, "server_id": server_id})
    kit.engine.start(tx, "compute.boot", server_id, context)
    emit(kit, tx, context, "instance.create.start", row)
    return server_id


def _own_devices(kit: Kit, devices: Sequence[dict[str, Any]], server_id: str, number: int) -> list[dict[str, Any]]:
    """Rows of one of several servers: all but the first need ids of their own."""
    rows = []
    for device in devices:
        row = {**device, "server_id": server_id}
        if number:
            row["id"] = kit.clock.uuid()
            row.update({key: kit.clock.uuid() for key in ("volume_id", "attachment_id") if device["made"]})
        rows.append(row)
    return rows


def _row(kit: Kit, context: Context, wish: Wish, server_id: str, name: str) -> dict[str, Any]:
    server, flavor, now = wish.server, wish.flavor, kit.clock.now()
    return {
        "id": server_id, "project_id": context.project_id, "user_id": context.user_id, "name": name,
        "hostname": server.get("hostname") or hostname(name, server_id), "description": server.get("description"),
        "vm_state": states.BUILDING, "task_state": "scheduling", "power_state": 0, "deleted": False,
        "zone": wish.where.zone, "pinned_zone": wish.where.zone, "image_id": wish.image_id,
        "flavor_id": flavor["id"], "flavor": flavor,
        "vcpus": flavor["vcpus"], "memory_mib": flavor["memory_mib"], "root_gib": flavor["root_gib"],
        "ephemeral_gib": flavor["ephemeral_gib"], "key_name": server.get("key_name"),
        "metadata": server.get("metadata") or {}, "tags": sorted(set(server.get("tags") or ())),
        "nics": [], "ips": "", "security_groups": [],
        "volumes": [{"id": one["volume_id"], "delete_on_termination": one["delete_on_termination"]}
                    for one in wish.devices if one["source_type"] == "volume"],
        "config_drive": _has_drive(kit, server),
        "disk_config": server.get("OS-DCF:diskConfig", "MANUAL"),
        "access_ip_v4": server.get("accessIPv4") or "", "access_ip_v6": address6(server.get("accessIPv6")),
        "root_device": next((one["device"] for one in wish.devices if one["boot_index"] == 0), "/dev/vda"),
        "created_at": now, "updated_at": now, "host": "", "node": "", "provider": "", "fault": None, "move": None}


def _has_drive(kit: Kit, server: Mapping[str, Any]) -> bool:
    return disks.truth(server.get("config_drive")) or bool(kit.options.force_config_drive)


def address6(text: str | None) -> str:
    """An IPv6 address in its one short form; empty stays empty."""
    return str(ipaddress.IPv6Address(text)) if text else ""


def _detail_row(wish: Wish, server_id: str, sealed: str) -> dict[str, Any]:
    server = wish.server
    return {"server_id": server_id, "user_data": server.get("user_data"),
            "personality": list(server.get("personality") or ()), "hints": wish.hints, "key": wish.key,
            "image": msgspec.to_builtins(wish.image) if wish.image is not None else None,
            "admin_password": "", "sealed_password": sealed,
            "nic_requests": msgspec.to_builtins(wish.nics), "group_requests": wish.groups,
            "placement": dataclasses.asdict(wish.where)}
