"""What projects use of their quota of servers, counted in the transaction that uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa

from ...core.db.engine import Transaction
from ...core.errors import QuotaExceeded
from ...core.process.slice import Kit
from .options import Options
from .tables import quota_classes, quotas, usage

RESOURCES = ("instances", "cores", "ram")
LIMITS = sa.union_all(
    sa.select(sa.literal(0).label("rank"), quota_classes.c.resource, quota_classes.c.limit)
    .where(quota_classes.c.name == "default"),
    sa.select(sa.literal(1), quotas.c.resource, quotas.c.limit)
    .where(quotas.c.project_id == sa.bindparam("project"), quotas.c.user_id == ""))
USED = sa.select(usage.c.instances, usage.c.cores, usage.c.ram).where(usage.c.project_id == sa.bindparam("project"))


def limits(kit: Kit, tx: Transaction, project_id: str) -> dict[str, int]:
    """The project's limits of all resources that are set anywhere; -1 means none."""
    options = cast(Options, kit.options)
    found = {name.removeprefix("quota_"): value for name, value in vars(options).items() if name.startswith("quota_")}
    set_ones: Sequence[Any] = tx.rows(LIMITS, {"project": project_id})
    for _, resource, limit in sorted(set_ones):
        found[resource] = limit
    return found


def used(tx: Transaction, project_id: str) -> dict[str, int]:
    """What the project's live servers use: instances, cores and RAM in MiB."""
    row = tx.row(USED, {"project": project_id})
    return dict(zip(RESOURCES, row, strict=True)) if row else dict.fromkeys(RESOURCES, 0)


def charge(tx: Transaction, project_id: str, instances: int, cores: int, ram: int) -> None:
    """Add to what the project uses; negative amounts give back."""
    values = {"instances": usage.c.instances + instances, "cores": usage.c.cores + cores, "ram": usage.c.ram + ram}
    if not tx.execute(usage.update().where(usage.c.project_id == project_id).values(values)):
        tx.insert(usage, {"project_id": project_id, "instances": instances, "cores": cores, "ram": ram})


def room(kit: Kit, tx: Transaction, project_id: str, wanted: int, least: int, cores: int, ram: int) -> int:
    """How many of ``wanted`` servers with ``cores`` and ``ram`` each the project may still have, charged for.

    :raises QuotaExceeded: fewer than ``least``.
    """
    charge(tx, project_id, 0, 0, 0)
    have, allowed = used(tx, project_id), limits(kit, tx, project_id)
    each = {"instances": 1, "cores": cores, "ram": ram}
    count = wanted
    for name, amount in each.items():
        if allowed[name] >= 0 and amount > 0:
            count = min(count, max(0, (allowed[name] - have[name]) // amount))
    if count < least:
        raise _exceeded({name: amount * least for name, amount in each.items()}, have, allowed)
    charge(tx, project_id, count, cores * count, ram * count)
    return count


def grow(kit: Kit, tx: Transaction, project_id: str, cores: int, ram: int) -> None:
    """Charge a resize; amounts may be negative. :raises QuotaExceeded: the project may not have so much."""
    charge(tx, project_id, 0, cores, ram)
    have, allowed = used(tx, project_id), limits(kit, tx, project_id)
    asked = {"cores": cores, "ram": ram}
    if any(amount > 0 and 0 <= allowed[name] < have[name] for name, amount in asked.items()):
        raise _exceeded(asked, {name: have[name] - asked[name] for name in asked}, allowed)


def _exceeded(asked: dict[str, int], have: dict[str, int], allowed: dict[str, int]) -> QuotaExceeded:
    over = [name for name, amount in asked.items() if 0 <= allowed[name] < have[name] + amount]
    return QuotaExceeded(f"Quota exceeded for {', '.join(over)}: Requested {', '.join(str(asked[n]) for n in over)}, "
                         f"but already used {', '.join(str(have[n]) for n in over)} of "
                         f"{', '.join(str(allowed[n]) for n in over)} {', '.join(over)}", resources=over)
