"""Quotas: the limits of projects, users and the default class, and what projects use.

A limit is, in this order, the user's, the project's, the default class's, the configured one; -1 is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import BadRequest, NotFound, QuotaExceeded
from ...core.process.slice import Kit
from ...core.services.identity import IdentityService
from . import accounting
from .tables import quota_classes, quotas, server_groups

UNLIMITED = -1
DEFAULT_CLASS = "default"
OPTIONS = ("instances", "cores", "ram", "metadata_items", "injected_files", "injected_file_content_bytes",
           "injected_file_path_bytes", "key_pairs", "server_groups", "server_group_members")
NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
"""Resources that only old microversions name and that the network service counts by itself."""
RESOURCES = (*OPTIONS, *NETWORK)

_CLASS = sa.select(quota_classes.c.resource, quota_classes.c.limit).where(quota_classes.c.name == sa.bindparam("name"))
_GROUPS = (sa.select(sa.func.count()).select_from(server_groups)
           .where(server_groups.c.project_id == sa.bindparam("project_id")))


def configured(kit: Kit) -> dict[str, int]:
    """The limits of the configuration."""
    limits = {name: int(getattr(kit.options, "quota_" + name)) for name in OPTIONS}
    return limits | dict.fromkeys(NETWORK, UNLIMITED)


def limits(kit: Kit, tx: Transaction, project_id: str, user_id: str = "") -> dict[str, int]:
    """The limits of a project, or of a user in it, by resource."""
    return dict.fromkeys(NETWORK, UNLIMITED) | accounting.limits(kit, tx, project_id, user_id)


def defaults(kit: Kit) -> dict[str, int]:
    """The limits of a project for which nobody has set any."""
    return class_limits(kit, DEFAULT_CLASS)


def class_limits(kit: Kit, name: str) -> dict[str, int]:
    """The limits of a quota class."""
    with kit.db.read() as tx:
        return {**configured(kit), **{row.resource: row.limit for row in tx.rows(_CLASS, {"name": name})}}


def used(tx: Transaction, project_id: str, user_id: str = "") -> dict[str, int]:
    """What a project, or a user in it, has of the resources that are counted a project."""
    counted = accounting.used_by(tx, project_id, user_id) if user_id else accounting.used(tx, project_id)
    groups = _GROUPS.where(server_groups.c.user_id == user_id) if user_id else _GROUPS
    return {**counted, "server_groups": int(tx.value(groups, {"project_id": project_id}))}


def see_room(kit: Kit, tx: Transaction, project_id: str, resource: str, total: int, message: str,
             user_id: str = "") -> None:
    """See that ``total`` of a resource is within the limit. :raises QuotaExceeded: with ``message``."""
    limit = limits(kit, tx, project_id, user_id)[resource]
    if limit != UNLIMITED and total > limit:
        raise QuotaExceeded(message)


def see_project(kit: Kit, context: Context, project_id: str) -> None:
    """See that there is such a project. :raises BadRequest: there is none."""
    try:
        kit.peers.of(IdentityService).project(context, project_id)
    except NotFound as exc:
        raise BadRequest(f"Project ID {project_id} is not a valid project.") from exc


def change(kit: Kit, context: Context, project_id: str, user_id: str, wanted: Mapping[str, int],
           force: bool) -> dict[str, int]:
    """Set limits of a project, or of a user in it, and return all it has then.

    ``force`` lets a limit be lower than what is used already.

    :raises BadRequest: no such project, a limit is below what is used, or a user's is above the project's.
    """
    see_project(kit, context, project_id)
    with kit.db.write() as tx:
        if not force:
            _see_use(used(tx, project_id, user_id), wanted)
        if user_id:
            _see_within(limits(kit, tx, project_id), wanted)
        for resource, limit in wanted.items():
            key = {"project_id": project_id, "user_id": user_id, "resource": resource}
            tx.execute(quotas.delete().where(*(quotas.c[name] == value for name, value in key.items())))
            tx.insert(quotas, {**key, "limit": limit})
        return limits(kit, tx, project_id, user_id)


def _see_use(have: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    for resource, limit in wanted.items():
        if limit != UNLIMITED and limit < have.get(resource, 0):
            raise BadRequest(f"Quota limit {limit} for {resource} must be greater than or equal to already used and "
                             f"reserved {have[resource]}.")


def _see_within(project: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    for resource, limit in wanted.items():
        most = project[resource]
        if most != UNLIMITED and (limit > most or limit == UNLIMITED):
            raise BadRequest(f"Quota limit {limit} for {resource} must be less than or equal to {most}.")


def reset(kit: Kit, project_id: str, user_id: str) -> None:
    """Give a project (and all its users), or only a user in it, the default limits again."""
    statement = quotas.delete().where(quotas.c.project_id == project_id)
    with kit.db.write() as tx:
        tx.execute(statement.where(quotas.c.user_id == user_id) if user_id else statement)


def change_class(kit: Kit, name: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Set limits of a quota class and return all of them; those of ``default`` hold for all projects."""
    with kit.db.write() as tx:
        resources: Sequence[str] = list(wanted)
        tx.execute(quota_classes.delete().where(quota_classes.c.name == name,
                                                quota_classes.c.resource.in_(resources)))
        tx.insert(quota_classes, [{"name": name, "resource": resource, "limit": limit}
                                  for resource, limit in wanted.items()])
        return class_limits(kit, name)
