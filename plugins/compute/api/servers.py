"""Servers over HTTP: create, list, show, update, delete."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ....core.db.paging import Page
from ....core.http.call import Call, Reply
from ....core.http.table import Operation, Query
from .. import creation, listing, servers
from ..disks import truth
from ..service import Service
from . import server_schema as schema
from .links import next_links
from .server_view import Look

PREFIX = "os_compute_api:servers:"
ATTACH_VOLUME = PREFIX + "create:attach_volume"
ATTACH_NETWORK = PREFIX + "create:attach_network"
ALL_FILTERS = PREFIX + "allow_all_filters"
MANY = ("access_ip_v4", "access_ip_v6", "all_tenants", "auto_disk_config", "availability_zone", "changes-since",
        "config_drive", "created_at", "deleted", "description", "display_description", "display_name", "flavor",
        "host", "hostname", "image", "image_ref", "ip", "ip6", "kernel_id", "key_name", "launch_index", "launched_at",
        "locked_by", "metadata", "name", "node", "power_state", "progress", "project_id", "ramdisk_id",
        "reservation_id", "root_device_name", "sort_key", "status", "task_state", "tenant_id", "terminated_at",
        "user_id", "uuid", "vm_state", "soft_deleted", *sorted(listing.JOINED))
KNOWN = {**dict.fromkeys(MANY, "*text"), "limit": "*natural", "marker": "*text",
         "sort_dir": "*one of: asc, desc, ASC, DESC, Asc, Desc"}
SINCE = {"tags": "2.26", "tags-any": "2.26", "not-tags": "2.26", "not-tags-any": "2.26", "changes-before": "2.66",
         "locked": "2.73"}
LATER = {**KNOWN, **dict.fromkeys(SINCE, "*text")}
LIST = {"2.1": Query(LATER, since=SINCE),
        "2.75": Query(LATER, since=SINCE, strict=True, patterns=("_.*",))}


def _page(service: Service, call: Call, detailed: bool) -> Any:
    kind = "detail" if detailed else "index"
    look = Look(service, call)
    all_projects = "all_tenants" in call.query and listing.strict(call.one("all_tenants") or "1", "all_tenants")
    if all_projects:
        call.enforce(f"{PREFIX}{kind}:get_all_tenants", {"project_id": call.context.project_id})
    every_filter = call.allows(ALL_FILTERS)
    most = int(service.kit.options.max_limit)
    asked = call.number("limit")
    limit = most if asked is None else min(asked, most)
    sort = [(column, direction.lower()) for column, direction in listing.sorting(call.query, call.version,
                                                                                admin=every_filter)]
    rows = listing.servers_page(service.kit, call.context, call.query, call.version,
                                Page(limit, call.one("marker"), sort), all_projects=all_projects,
                                every_filter=every_filter, more=look.more if detailed else ())
    if not detailed:
        body: dict[str, Any] = {"servers": [look.brief(row) for row in rows]}
    else:
        body = {"servers": [look.full(row, listed=True) for row in rows]}
    path = "/servers/detail" if detailed else "/servers"
    if rows and (links := next_links(call, rows, limit, path, rows[-1].id)):
        body["servers_links"] = links
    return body


def index(service: Service, call: Call) -> Any:
    """A page of servers, in short."""
    return _page(service, call, False)


def detail(service: Service, call: Call) -> Any:
    """A page of servers."""
    return _page(service, call, True)


def create(service: Service, call: Call) -> Any:
    """Make one server or several."""
    server = call.body["server"]
    target = {"project_id": call.context.project_id, "user_id": call.context.user_id}
    if server.get("block_device_mapping_v2") or server.get("block_device_mapping"):
        call.enforce(ATTACH_VOLUME, target)
    if server.get("networks") not in (None, [], "none", "auto"):
        call.enforce(ATTACH_NETWORK, target)
    body = {**call.body, "server": {**server, **_implied(call, server)}}
    made = creation.create(service.kit, service.fleet, call.context, body, service.seal.password,
                           multiattach=call.since("2.60"))
    if truth(server.get("return_reservation_id")):
        return {"reservation_id": made.reservation_id}
    look = Look(service, call)
    links = look.links(made.ids[0])
    shown = {"id": made.ids[0], "links": links, "adminPass": made.password, "OS-DCF:diskConfig": made.disk_config,
             "security_groups": [{"name": name} for name in made.groups or ["default"]]}
    return Reply({"server": shown}, headers={"Location": links[0]["href"]})


def _implied(call: Call, server: Mapping[str, Any]) -> dict[str, str]:
    """What a request means without saying it: the flavor that an address names, the description before 2.19."""
    flavor = str(server["flavorRef"])
    found = {"flavorRef": urlsplit(flavor).path.rpartition("/")[2] if "/" in flavor else flavor}
    return found if call.since("2.19") else {**found, "description": server["name"]}


def show(service: Service, call: Call) -> Any:
    """One server."""
    look = Look(service, call)
    return {"server": look.full(servers.show(service.kit, call.context, call.path["server_id"], look.statement))}


def update(service: Service, call: Call) -> Any:
    """Change a server's name, description, access addresses or the zone it is pinned to."""
    server_id = call.path["server_id"]
    servers.update(service.kit, call.context, server_id, call.body["server"])
    look = Look(service, call)
    row = servers.show(service.kit, call.context, server_id, look.statement)
    if call.since("2.75"):
        return {"server": look.full(row)}
    return {"server": look.basic(row)}


def delete(service: Service, call: Call) -> None:
    """Delete a server."""
    servers.delete(service.kit, call.context, call.path["server_id"])


SERVERS = (
    Operation("GET", "/servers", index, PREFIX + "index", query=LIST, summary="List servers"),
    Operation("POST", "/servers", create, PREFIX + "create", body=schema.CREATE, status=202,
              summary="Create a server"),
    Operation("GET", "/servers/detail", detail, PREFIX + "detail", query=LIST, summary="List servers with details"),
    Operation("GET", "/servers/{server_id}", show, PREFIX + "show", summary="Show a server"),
    Operation("PUT", "/servers/{server_id}", update, PREFIX + "update", body=schema.UPDATE,
              summary="Update a server"),
    Operation("DELETE", "/servers/{server_id}", delete, PREFIX + "delete", status=204, summary="Delete a server"),
)
OPERATIONS = (*SERVERS, *(
    dataclasses.replace(one, path=one.path.replace("/servers", "/os-volumes_boot"), until="2.102",
                        summary=f"{one.summary}, by a path of older clients") for one in SERVERS))
"""Older clients ask for servers with root volumes by a path of their own."""
