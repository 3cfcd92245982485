"""The headers that tell a service who asks: OpenStack's customary ones."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .bearer import Identified

CONFIRMED, INVALID = "Confirmed", "Invalid"
PARTS = ("Domain-Id", "Domain-Name", "Project-Id", "Project-Name", "Project-Domain-Id", "Project-Domain-Name",
         "User-Id", "User-Name", "User-Domain-Id", "User-Domain-Name", "Roles")
OURS = frozenset(name.lower() for name in (
    "X-Identity-Status", "X-Service-Identity-Status", *("X-" + part for part in PARTS),
    *("X-Service-" + part for part in PARTS), "X-Service-Catalog", "X-Is-Admin-Project", "OpenStack-System-Scope",
    "X-Tenant-Id", "X-Tenant-Name", "X-Tenant", "X-User", "X-Role"))
"""Names that only the middleware may set, the old ones too; whatever a client sends under them is thrown away."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def told(user: Identified | None, service: Identified | None, has_service_token: bool) -> dict[str, str]:
    """The headers for a request of ``user``, perhaps by way of ``service``; values are any text of one line."""
    found = {"X-Identity-Status": INVALID if user is None else CONFIRMED}
    if user is not None:
        found.update(_of("X-", user))
        found.update(_old(user))
    if has_service_token:
        found["X-Service-Identity-Status"] = INVALID if service is None else CONFIRMED
        if service is not None:
            found.update(_of("X-Service-", service))
    return {name: CONTROL.sub(" ", value) for name, value in found.items()}


def _of(prefix: str, one: Identified) -> dict[str, str]:
    values: Sequence[str] = (
        one.domain_id, one.domain_name, one.project_id, one.project_name, one.project_domain_id,
        one.project_domain_name, one.user_id, one.user_name, one.user_domain_id, one.user_domain_name,
        ",".join(one.role_names))
    return {prefix + part: value for part, value in zip(PARTS, values, strict=True) if value or part == "Roles"}


def _old(one: Identified) -> dict[str, str]:
    """What only the user has, and what older services read."""
    found = {"X-User": one.user_name, "X-Role": ",".join(one.role_names)}
    if one.project_id:
        found.update({"X-Tenant-Id": one.project_id, "X-Tenant-Name": one.project_name, "X-Tenant": one.project_name})
    if one.system:
        found["OpenStack-System-Scope"] = one.system
    if one.catalog is not None:
        found["X-Service-Catalog"] = json.dumps(_catalog(one.catalog))
    return found


def _catalog(catalog: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The catalog in the form of version 2, which this header has always had."""
    found = []
    for service in catalog:
        regions: dict[str, dict[str, str]] = {}
        for endpoint in service.get("endpoints", ()):
            region = endpoint.get("region") or ""
            place = regions.setdefault(region, {"region": region})
            place[f"{endpoint.get('interface')}URL"] = endpoint.get("url", "")
        found.append({"type": service.get("type", ""), "name": service.get("name", ""),
                      "endpoints": list(regions.values())})
    return found
