"""Regions, services and endpoints, and the catalog made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from .endpoint_groups import EndpointGroups, Filter
from .store import Store, found
from .tables import endpoints, policy_associations, project_endpoints, regions, services

CATALOG = (sa.select(endpoints.c.id, endpoints.c.interface, endpoints.c.region_id, endpoints.c.url, services.c.type,
                     services.c.name, services.c.id.label("service_id"))
           .join_from(services, endpoints, sa.and_(endpoints.c.service_id == services.c.id, endpoints.c.enabled),
                      isouter=True)
           .where(services.c.enabled)
           .order_by(services.c.type, services.c.id, endpoints.c.region_id, endpoints.c.interface, endpoints.c.id))
INTERFACES = ("public", "internal", "admin")
VARIABLE = re.compile(r"[$%]\((\w+)\)s")
KNOWN_VARIABLES = frozenset(("project_id", "tenant_id", "user_id", "region_id", "public_bind_host", "public_port"))


class Catalog:
    """Regions, services and endpoints."""

    def __init__(self, store: Store, groups: EndpointGroups) -> None:
        self._store = store
        self._db = store.db
        self._groups = groups

    # The catalog of tokens.

    def rendered(self, project_id: str, user_id: str) -> msgspec.Raw:
        """The catalog as JSON, made once for all scopes unless a project has a part of it only or an address names
        the project or user."""
        rows = self._store.memory.get("catalog", self._rows)
        kept = self._groups.filter_of(project_id)
        named = any("(" in (row.url or "") for row in rows)
        if not named and kept is None:
            return self._store.memory.get("catalog text", lambda: self._rendered(rows, "", ""))
        return self._store.memory.get(
            ("catalog text", project_id, user_id if named else ""),
            lambda: self._rendered(_kept(rows, kept), project_id, user_id))

    def entries(self, project_id: str, user_id: str) -> list[dict[str, Any]]:
        """The catalog as the API shows it."""
        rows = self._store.memory.get("catalog", self._rows)
        return _entries(_kept(rows, self._groups.filter_of(project_id)), project_id, user_id)

    def _rows(self) -> Sequence[Row]:
        with self._db.read() as tx:
            return tx.rows(CATALOG)

    def _rendered(self, rows: Sequence[Row], project_id: str, user_id: str) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(_entries(rows, project_id, user_id)))

    # Rows of one kind.

    def find(self, table: sa.Table, noun: str, id: str) -> Row:
        """A row. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(sa.select(table).where(table.c.id == id)), noun, id)

    def all(self, table: sa.Table, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Rows that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(table).where(*conditions), table, page, tx))

    def _write(self, tx: Transaction, context: Context, noun: str, verb: str, id: str) -> None:
        self._store.revision.bump(tx, ())
        self._store.emit(tx, context, noun, verb, id)

    # Regions.

    def create_region(self, context: Context, region_id: str, values: Mapping[str, Any]) -> Row:
        """A new region. :raises AlreadyExists: its id is taken. :raises NotFound: its parent is unknown."""
        region_id = region_id or self._store.clock.hex_id()
        with self._db.write() as tx:
            self._check_parent(region_id, values.get("parent_id", ""))
            if tx.row(sa.select(regions.c.id).where(regions.c.id == region_id)) is not None:
                raise AlreadyExists("Conflict occurred attempting to store region - Duplicate ID, "
                                    f"{region_id}.")
            tx.insert(regions, {"id": region_id, "description": "", "parent_id": "", "extra": {}, **values})
            self._write(tx, context, "region", "created", region_id)
            return self.find(regions, "region", region_id)

    def update_region(self, context: Context, region_id: str, values: Mapping[str, Any]) -> Row:
        """Change a region."""
        with self._db.write() as tx:
            row = self.find(regions, "region", region_id)
            self._check_parent(region_id, values.get("parent_id", ""))
            tx.update(regions, region_id, **_merged(row, values))
            self._write(tx, context, "region", "updated", region_id)
            return self.find(regions, "region", region_id)

    def delete_region(self, context: Context, region_id: str) -> None:
        """Remove a region and its child regions. :raises Forbidden: endpoints are in one of them."""
        with self._db.write() as tx:
            self.find(regions, "region", region_id)
            doomed = [region_id]
            for one in doomed:
                doomed += tx.values(sa.select(regions.c.id).where(regions.c.parent_id == one))
            if tx.value(sa.select(sa.func.count()).where(endpoints.c.region_id.in_(doomed))):
                raise Forbidden(f"Unable to delete region {region_id} because it or its child regions have "
                                "associated endpoints.")
            tx.execute(policy_associations.delete().where(policy_associations.c.region_id.in_(doomed)))
            tx.execute(regions.delete().where(regions.c.id.in_(doomed)))
            self._write(tx, context, "region", "deleted", region_id)

    def _check_parent(self, region_id: str, parent_id: str) -> None:
        above = parent_id
        while above:
            if above == region_id:
                raise BadRequest("A circle of regions is not allowed.")
            above = self.find(regions, "region", above).parent_id

    # Services.

    def create_service(self, context: Context, values: Mapping[str, Any]) -> Row:
        """A new service."""
        service_id = self._store.clock.hex_id()
        with self._db.write() as tx:
            tx.insert(services, {"id": service_id, "name": "", "enabled": True, "extra": {}, **values})
            self._write(tx, context, "service", "created", service_id)
            return self.find(services, "service", service_id)

    def update_service(self, context: Context, service_id: str, values: Mapping[str, Any]) -> Row:
        """Change a service."""
        with self._db.write() as tx:
            row = self.find(services, "service", service_id)
            tx.update(services, service_id, **_merged(row, values))
            self._write(tx, context, "service", "updated", service_id)
            return self.find(services, "service", service_id)

    def delete_service(self, context: Context, service_id: str) -> None:
        """Remove a service and its endpoints. What is registered for it stays, as in Keystone, until it is removed."""
        with self._db.write() as tx:
            self.find(services, "service", service_id)
            self._forget_endpoints(tx, sa.select(endpoints.c.id).where(endpoints.c.service_id == service_id))
            tx.execute(endpoints.delete().where(endpoints.c.service_id == service_id))
            tx.execute(policy_associations.delete().where(policy_associations.c.service_id == service_id))
            tx.delete(services, service_id)
            self._write(tx, context, "service", "deleted", service_id)

    # Endpoints.

    def create_endpoint(self, context: Context, values: Mapping[str, Any]) -> Row:
        """A new endpoint; an unknown region is made, as Keystone does for ``region``.

        :raises BadRequest: the service or region is unknown, or the address has an unknown variable.
        """
        endpoint_id = self._store.clock.hex_id()
        with self._db.write() as tx:
            self._check_endpoint(values)
            tx.insert(endpoints, {"id": endpoint_id, "region_id": "", "enabled": True, "extra": {}, **values})
            self._write(tx, context, "endpoint", "created", endpoint_id)
            return self.find(endpoints, "endpoint", endpoint_id)

    def update_endpoint(self, context: Context, endpoint_id: str, values: Mapping[str, Any]) -> Row:
        """Change an endpoint. :raises BadRequest: as for :meth:`create_endpoint`."""
        with self._db.write() as tx:
            row = self.find(endpoints, "endpoint", endpoint_id)
            self._check_endpoint(values)
            tx.update(endpoints, endpoint_id, **_merged(row, values))
            self._write(tx, context, "endpoint", "updated", endpoint_id)
            return self.find(endpoints, "endpoint", endpoint_id)

    def delete_endpoint(self, context: Context, endpoint_id: str) -> None:
        """Remove an endpoint."""
        with self._db.write() as tx:
            self.find(endpoints, "endpoint", endpoint_id)
            self._forget_endpoints(tx, [endpoint_id])
            tx.delete(endpoints, endpoint_id)
            self._write(tx, context, "endpoint", "deleted", endpoint_id)

    def _forget_endpoints(self, tx: Transaction, ids: Sequence[str] | sa.Select[Any]) -> None:
        """Remove what refers to endpoints that go away."""
        for table in (project_endpoints, policy_associations):
            tx.execute(table.delete().where(table.c.endpoint_id.in_(ids)))

    def _check_endpoint(self, values: Mapping[str, Any]) -> None:
        try:
            if "service_id" in values:
                self.find(services, "service", values["service_id"])
            if values.get("region_id"):
                self.find(regions, "region", values["region_id"])
        except NotFound as exc:
            raise BadRequest(exc.message) from exc
        unknown = set(VARIABLE.findall(values.get("url", ""))) - KNOWN_VARIABLES
        if unknown:
            raise BadRequest(f"The endpoint's address names unknown variables: {', '.join(sorted(unknown))}")

    def ensure_region(self, context: Context, region_id: str) -> None:
        """Make a region where it is not there yet."""
        with self._db.write() as tx:
            if tx.row(sa.select(regions.c.id).where(regions.c.id == region_id)) is None:
                self.create_region(context, region_id, {})

    def seed(self, context: Context, region: str, wanted: Sequence[tuple[str, str, str]]) -> None:
        """Let the catalog name each (type, name, address) in ``region``, changing what is there already."""
        with self._db.write() as tx:
            self.ensure_region(context, region)
            for kind, name, url in wanted:
                row = tx.row(sa.select(services).where(services.c.type == kind, services.c.name == name))
                service = row or self.create_service(context, {"type": kind, "name": name})
                self._seed_endpoints(tx, context, service.id, region, url)

    def _seed_endpoints(self, tx: Transaction, context: Context, service_id: str, region: str, url: str) -> None:
        present = {row.interface: row for row in tx.rows(sa.select(endpoints).where(
            endpoints.c.service_id == service_id, endpoints.c.region_id == region))}
        for interface in INTERFACES:
            row = present.get(interface)
            if row is None:
                self.create_endpoint(context, {"service_id": service_id, "region_id": region, "interface": interface,
                                               "url": url})
            elif row.url != url:
                self.update_endpoint(context, row.id, {"url": url})


def _merged(row: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with the row's further attributes kept beside the new ones."""
    merged = dict(values)
    merged["extra"] = {**row.extra, **values.get("extra", {})}
    return merged


def _kept(rows: Sequence[Row], kept: Filter | None) -> Sequence[Row]:
    """What of the catalog passes a project's filter; services without endpoints pass none."""
    return rows if kept is None else [row for row in rows if row.id is not None and kept.passes(row)]


def _entries(rows: Sequence[Row], project_id: str, user_id: str) -> list[dict[str, Any]]:
    known = {"project_id": project_id, "tenant_id": project_id, "user_id": user_id}
    entries: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = entries.setdefault(row.service_id, {"endpoints": [], "id": row.service_id, "type": row.type,
                                                    "name": row.name})
        url = None if row.id is None else _address(row.url, known)
        if url is None:
            continue
        entry["endpoints"].append({"id": row.id, "interface": row.interface, "region_id": row.region_id or None,
                                   "region": row.region_id or None, "url": url})
    return list(entries.values())


def _address(url: str, known: Mapping[str, str]) -> str | None:
    """``url`` with its variables filled in; none when one has no value in this scope."""
    if "(" not in url:
        return url
    missing: list[str] = []

    def fill(match: re.Match[str]) -> str:
        value = known.get(match.group(1), "")
        if not value:
            missing.append(match.group(1))
        return value
    filled = VARIABLE.sub(fill, url)
    return None if missing else filled
