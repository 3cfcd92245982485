"""What projects use of their quota of servers, counted in the transaction that uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ...core.db.engine import Transaction
from ...core.errors import QuotaExceeded
from ...core.process.slice import Kit
from . import states
from .options import Options
from .tables import quota_classes, quotas, servers, usage

RESOURCES = ("instances", "cores", "ram")
LIMITS = sa.union_all(
    sa.select(sa.literal(0).label("rank"), quota_classes.c.resource, quota_classes.c.limit)
    .where(quota_classes.c.name == "default"),
    sa.select(sa.case((quotas.c.user_id == "", 1), else_=2), quotas.c.resource, quotas.c.limit)
    .where(quotas.c.project_id == sa.bindparam("project"), quotas.c.user_id.in_(("", sa.bindparam("user")))))
USED = sa.select(usage.c.instances, usage.c.cores, usage.c.ram).where(usage.c.project_id == sa.bindparam("project"))
USED_BY = sa.select(sa.func.count(), sa.func.sum(servers.c.vcpus), sa.func.sum(servers.c.memory_mib)).where(
    servers.c.project_id == sa.bindparam("project"), servers.c.user_id == sa.bindparam("user"),
    servers.c.deleted.is_(False), servers.c.vm_state != states.SOFT_DELETED)
MORE = usage.update().where(usage.c.project_id == sa.bindparam("project")).values(
    {name: usage.c[name] + sa.bindparam(f"more_{name}") for name in RESOURCES})


def _layers(kit: Kit, tx: Transaction, project_id: str, user_id: str) -> tuple[dict[str, int], dict[str, int]]:
    """The project's limits, and those of its user that are the user's own; one query."""
    options = cast(Options, kit.options)
    found = {name.removeprefix("quota_"): value for name, value in vars(options).items() if name.startswith("quota_")}
    set_ones: Sequence[Any] = tx.rows(LIMITS, {"project": project_id, "user": user_id})
    for rank, resource, limit in sorted(set_ones):
        if rank < 2:
            found[resource] = limit
    return found, {resource: limit for rank, resource, limit in set_ones if rank == 2}


def limits(kit: Kit, tx: Transaction, project_id: str, user_id: str = "") -> dict[str, int]:
    """The limits of a project, or of a user in it, of all resources that are set anywhere; -1 means none."""
    project, user = _layers(kit, tx, project_id, user_id)
    return {**project, **user}


def used(tx: Transaction, project_id: str) -> dict[str, int]:
    """What the project's live servers use: instances, cores and RAM in MiB."""
    row = tx.row(USED, {"project": project_id})
    return dict(zip(RESOURCES, row, strict=True)) if row else dict.fromkeys(RESOURCES, 0)


def used_by(tx: Transaction, project_id: str, user_id: str) -> dict[str, int]:
    """What the live servers of one user in the project use."""
    row = tx.row(USED_BY, {"project": project_id, "user": user_id})
    return {name: int(value or 0) for name, value in zip(RESOURCES, row or (0, 0, 0), strict=True)}


def charge(tx: Transaction, project_id: str, instances: int, cores: int, ram: int) -> None:
    """Add to what the project uses; negative amounts give back. The row is locked to the transaction's end."""
    more = {"project": project_id, **{f"more_{name}": amount for name, amount in
                                      zip(RESOURCES, (instances, cores, ram), strict=True)}}
    if tx.execute(MORE, more):
        return
    try:
        with tx.connection.begin_nested():
            tx.insert(usage, {"project_id": project_id, "instances": instances, "cores": cores, "ram": ram})
    except IntegrityError:
        # Another request of the project was first.
        tx.execute(MORE, more)


def room(kit: Kit, tx: Transaction, project_id: str, wanted: int, least: int, cores: int, ram: int,
         user_id: str = "") -> int:
    """How many of ``wanted`` servers with ``cores`` and ``ram`` each may still be had, charged to the project.

    :raises QuotaExceeded: the project, or the user in it, may have fewer than ``least``.
    """
    charge(tx, project_id, 0, 0, 0)
    project, user = _layers(kit, tx, project_id, user_id)
    each = {"instances": 1, "cores": cores, "ram": ram}
    count = _fitting(each, wanted, least, used(tx, project_id), project)
    if user:
        count = _fitting(each, count, least, used_by(tx, project_id, user_id), _only(user))
    charge(tx, project_id, count, cores * count, ram * count)
    return count


def _only(user: dict[str, int]) -> dict[str, int]:
    return {name: user.get(name, -1) for name in RESOURCES}


def _fitting(each: dict[str, int], wanted: int, least: int, have: dict[str, int], allowed: dict[str, int]) -> int:
    count = wanted
    for name, amount in each.items():
        if allowed[name] >= 0 and amount > 0:
            count = min(count, max(0, (allowed[name] - have[name]) // amount))
    if count < least:
        raise _exceeded({name: amount * least for name, amount in each.items()}, have, allowed)
    return count


def grow(kit: Kit, tx: Transaction, project_id: str, cores: int, ram: int, user_id: str = "") -> None:
    """Charge a resize; amounts may be negative.

    :raises QuotaExceeded: the project, or the user in it, may not have so much.
    """
    charge(tx, project_id, 0, cores, ram)
    project, user = _layers(kit, tx, project_id, user_id)
    asked = {"cores": cores, "ram": ram}
    after = used(tx, project_id)
    _see_growth(asked, {name: after[name] - asked[name] for name in asked}, project)
    if user:
        _see_growth(asked, used_by(tx, project_id, user_id), _only(user))


def _see_growth(asked: dict[str, int], have: dict[str, int], allowed: dict[str, int]) -> None:
    if any(more > 0 and 0 <= allowed[name] < have[name] + more for name, more in asked.items()):
        raise _exceeded({name: more for name, more in asked.items() if more > 0}, have, allowed)


def _exceeded(asked: dict[str, int], have: dict[str, int], allowed: dict[str, int]) -> QuotaExceeded:
    over = [name for name, amount in asked.items() if 0 <= allowed[name] < have[name] + amount]
    return QuotaExceeded(f"Quota exceeded for {', '.join(over)}: Requested {', '.join(str(asked[n]) for n in over)}, "
                         f"but already used {', '.join(str(have[n]) for n in over)} of "
                         f"{', '.join(str(allowed[n]) for n in over)} {', '.join(over)}", resources=over)
