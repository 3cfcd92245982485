"""Quotas: how many of each noun a project may have, counted where one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import NotFound
from . import faults
from .desk import Desk
from .tables import quotas

RESOURCES = ("network", "subnet", "subnetpool", "port", "router", "floatingip", "security_group",
             "security_group_rule")
_LIMIT = sa.select(quotas.c.maximum).where(quotas.c.project_id == sa.bindparam("project_id"),
                                         quotas.c.resource == sa.bindparam("resource"))
_LIMITS = sa.select(quotas.c.resource, quotas.c.maximum).where(quotas.c.project_id == sa.bindparam("project_id"))


class Quotas:
    """The limits of projects over the defaults of the configuration."""

    def __init__(self, service: Desk) -> None:
        self.service = service
        options = service.options
        self.defaults = {name: int(getattr(options, f"quota_{name}")) for name in RESOURCES}

    def limit(self, tx: Transaction, project_id: str, resource: str) -> int:
        """How many the project may have; negative means no limit."""
        found = tx.value(_LIMIT, {"project_id": project_id, "resource": resource})
        return self.defaults[resource] if found is None else int(found)

    def take(self, tx: Transaction, project_id: str, resource: str, count: sa.Select[Any], more: int = 1) -> None:
        """See that the project may have ``more``. :raises QuotaExceeded: it may not."""
        limit = self.limit(tx, project_id, resource)
        if limit >= 0 and int(tx.value(count, {"project_id": project_id})) + more > limit:
            raise faults.over_quota(resource)

    def of(self, project_id: str) -> dict[str, int]:
        """All limits of a project."""
        with self.service.kit.db.read() as tx:
            return {**self.defaults, **{row.resource: row.maximum
                                        for row in tx.rows(_LIMITS, {"project_id": project_id})}}

    def details(self, project_id: str) -> dict[str, dict[str, int]]:
        """All limits of a project with what is used."""
        limits = self.of(project_id)
        with self.service.kit.db.read() as tx:
            return {name: {"limit": limits[name], "reserved": 0, "used": int(tx.value(
                self.service.nouns[name].counting, {"project_id": project_id}))} for name in RESOURCES}

    def all(self) -> list[dict[str, Any]]:
        """The limits of every project that has some of its own."""
        with self.service.kit.db.read() as tx:
            rows = tx.rows(sa.select(quotas).order_by(quotas.c.project_id))
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            mine = found.setdefault(row.project_id, {**self.defaults, "tenant_id": row.project_id,
                                                     "project_id": row.project_id})
            mine[row.resource] = row.maximum
        return list(found.values())

    def set(self, context: Context, project_id: str, limits: Mapping[str, int]) -> dict[str, int]:
        """Give a project limits of its own and return all its limits."""
        with self.service.kit.db.write() as tx:
            tx.execute(quotas.delete().where(quotas.c.project_id == project_id, quotas.c.resource.in_(limits)))
            tx.insert(quotas, [{"project_id": project_id, "resource": name, "maximum": limit}
                               for name, limit in limits.items()])
            self._tell(tx, context, "update", project_id, limits)
        return self.of(project_id)

    def reset(self, context: Context, project_id: str) -> None:
        """Let a project have the defaults again. :raises NotFound: it had no limits of its own."""
        with self.service.kit.db.write() as tx:
            if not tx.execute(quotas.delete().where(quotas.c.project_id == project_id)):
                raise NotFound(f"Quota for tenant {project_id} could not be found.", type="TenantQuotaNotFound")
            self._tell(tx, context, "delete", project_id, {})

    def _tell(self, tx: Transaction, context: Context, verb: str, project_id: str, limits: Mapping[str, int]) -> None:
        self.service.kit.events.emit(tx, context, f"quota.{verb}.end", "QuotaPayload", {
            "project_id": project_id, "limits": dict(limits)})
