"""Hosts that died: their servers get a new home once it is certain that nothing runs on the old one."""

from __future__ import annotations

from typing import cast

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.drivers.fence import Fence
from ...core.errors import Conflict, NotFound
from ...core.plugins import Registry
from ...core.process.slice import Kit
from .fleet import Fleet
from .options import Options
from .picture import BINARY, UP_S
from .tables import hosts, services

FENCES: Registry[Fence] = Registry("fences", Fence)
KIND = "compute.recover_host"
PROVIDER = sa.select(hosts.c.id).where(hosts.c.host == sa.bindparam("host")).limit(1)
DOWN = (sa.select(hosts.c.id, services.c.forced_down)
        .join(services, sa.and_(services.c.host == hosts.c.host, services.c.binary == BINARY))
        .where(hosts.c.host == sa.bindparam("host")).limit(1))
FLAGGED = "flagged"


class Recovery(msgspec.Struct, kw_only=True):
    """How far the recovery of a host has come: ``state`` is none, running, done or failed."""

    host: str
    state: str = "none"
    error: str = ""
    moved: list[str] = []
    """Ids of the servers whose evacuation was begun."""
    left: dict[str, str] = {}
    """Ids of those that stay where they are, and why."""
    held: str = ""
    """Why it is not recovered by itself now."""


def fence(kit: Kit) -> Fence:
    """The fence that the options name."""
    return kit.driver(FENCES, cast(Options, kit.options).fence)


def provider_of(kit: Kit, host: str) -> str:
    """The id of a host. :raises NotFound: there is none of this name."""
    with kit.db.read() as tx:
        found = tx.value(PROVIDER, {"host": host})
    if found is None:
        raise NotFound(f"Compute host {host} could not be found.")
    return str(found)


def begin(kit: Kit, fleet: Fleet, context: Context, host: str, *, confirmed_off: bool = False,
          volume_backed_only: bool = False, flagged_only: bool = False) -> None:
    """Begin to recover ``host``. From now on it counts as down until it is released.

    ``confirmed_off``: somebody vouches that nothing runs there, so no fence is waited for. ``volume_backed_only`` and
    ``flagged_only`` leave servers whose disks are on the host, and those that nobody flagged.
    :raises NotFound: there is no such host. :raises Conflict: it is up, or being recovered.
    """
    provider = provider_of(kit, host)
    if fleet.up(host):
        raise Conflict(f"Compute host {host} is up: force it down, or disable it and move its servers.")
    with kit.db.write() as tx:
        if kit.engine.unfinished(tx, provider) is not None:
            raise Conflict(f"Compute host {host} is being recovered already.")
        force_down(tx, host, True)
        tx.after_commit(fleet.changed)
        kit.engine.start(tx, KIND, provider, context, {
            "host": host, "confirmed": confirmed_off, "backed": volume_backed_only,
            "flagged": flagged_only, "moved": [], "left": {}})


def force_down(tx: Transaction, host: str, down: bool) -> None:
    """Say that a host is down whatever it says itself, or no longer."""
    tx.execute(services.update().where(services.c.host == host, services.c.binary == BINARY)
               .values(forced_down=down))


def release(kit: Kit, fleet: Fleet, fence: Fence, host: str) -> None:
    """Let a host run servers again. :raises Conflict: it is being recovered."""
    provider = provider_of(kit, host)
    with kit.db.read() as tx:
        if kit.engine.unfinished(tx, provider) is not None:
            raise Conflict(f"Compute host {host} is being recovered.")
    fence.release(host)
    # Its silence counts anew from now on, so that it has the time to come back.
    down_since = kit.clock.time() - UP_S
    with kit.db.write() as tx:
        force_down(tx, host, False)
        tx.execute(services.update().where(services.c.host == host, services.c.binary == BINARY,
                                           services.c.beat_at < down_since).values(beat_at=down_since))
        tx.after_commit(fleet.changed)


def stopped(kit: Kit, host: str) -> bool:
    """Tell whether it is certain that nothing runs on ``host``: it is said to be down, and no fence is still asked."""
    with kit.db.read() as tx:
        row = tx.row(DOWN, {"host": host})
        if row is None or not row.forced_down:
            return False
        running = kit.engine.unfinished(tx, row.id)
    return running is None or running.kind != KIND or running.step > 0 or bool(running.data["confirmed"])


def show(kit: Kit, host: str, held: str = "") -> Recovery:
    """How far the last recovery of a host has come, and why none begins by itself.

    :raises NotFound: there is no such host.
    """
    provider = provider_of(kit, host)
    with kit.db.read() as tx:
        last = next((row for row in kit.engine.of_subject(tx, provider) if row.kind == KIND), None)
    if last is None:
        return Recovery(host=host, held=held)
    state = last.state if last.state in ("done", "failed") else "running"
    return Recovery(host=host, state=state, error=(last.error or {}).get("message", ""), moved=last.data["moved"],
                    left=last.data["left"], held="" if state == "running" else held)
