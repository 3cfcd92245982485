"""The states of servers: what a pair of states is called outside, which action is allowed in which, and the one writer.

Source: the compute API guide's section on server concepts and the states' table of the developer's documentation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.hypervisor import Power
from ...core.errors import Conflict, WrongState
from .tables import servers

ACTIVE, BUILDING, STOPPED, PAUSED, SUSPENDED = "active", "building", "stopped", "paused", "suspended"
RESIZED, ERROR, DELETED = "resized", "error", "deleted"
SHELVED, OFFLOADED, RESCUED, SOFT_DELETED = "shelved", "shelved_offloaded", "rescued", "soft-delete"
DEFAULT = ""

RESIZES = ("resize_prep", "resize_migrating", "resize_migrated", "resize_finish")
REBUILDS = ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning")
_RESIZE = dict.fromkeys(RESIZES, "RESIZE")
_REBUILD = dict.fromkeys(REBUILDS, "REBUILD")

STATUS: Mapping[str, Mapping[str, str]] = {
    ACTIVE: {DEFAULT: "ACTIVE", "rebooting": "REBOOT", "reboot_pending": "REBOOT", "reboot_started": "REBOOT",
             "rebooting_hard": "HARD_REBOOT", "reboot_pending_hard": "HARD_REBOOT",
             "reboot_started_hard": "HARD_REBOOT", "updating_password": "PASSWORD", "migrating": "MIGRATING",
             **_RESIZE, **_REBUILD},
    BUILDING: {DEFAULT: "BUILD"},
    STOPPED: {DEFAULT: "SHUTOFF", "rebooting_hard": "HARD_REBOOT", "migrating": "MIGRATING", **_RESIZE, **_REBUILD},
    RESIZED: {DEFAULT: "VERIFY_RESIZE", "resize_reverting": "REVERT_RESIZE"},
    PAUSED: {DEFAULT: "PAUSED", "migrating": "MIGRATING"},
    SUSPENDED: {DEFAULT: "SUSPENDED"},
    SHELVED: {DEFAULT: "SHELVED"},
    OFFLOADED: {DEFAULT: "SHELVED_OFFLOADED"},
    RESCUED: {DEFAULT: "RESCUE"},
    SOFT_DELETED: {DEFAULT: "SOFT_DELETED"},
    ERROR: {DEFAULT: "ERROR", **_REBUILD},
    DELETED: {DEFAULT: "DELETED"},
}
"""The outer status by vm_state and task_state; other tasks do not show."""

PROGRESSING = frozenset(("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"))
"""Statuses that show a progress."""

POWER: Mapping[Power, int] = {Power.RUNNING: 1, Power.PAUSED: 3, Power.SHUTDOWN: 4, Power.CRASHED: 6,
                              Power.SUSPENDED: 7}
"""OpenStack's number of each power state; 0 is unknown."""


def status(vm_state: str, task_state: str | None) -> str:
    """The status that the API shows."""
    names = STATUS.get(vm_state)
    if names is None:
        return "UNKNOWN"
    return names.get(task_state or DEFAULT) or names[DEFAULT]


def known_statuses() -> frozenset[str]:
    """All words that :func:`status` can say."""
    return frozenset(name for names in STATUS.values() for name in names.values())


def with_status(wanted: Iterable[str]) -> sa.ColumnElement[bool]:
    """The condition that a server shows one of the ``wanted`` statuses."""
    asked = {one.upper() for one in wanted}
    parts: list[sa.ColumnElement[bool]] = []
    for vm_state, names in STATUS.items():
        special = [task for task, name in names.items() if task and name in asked]
        hidden = [task for task, name in names.items() if task and name not in asked]
        here = servers.c.vm_state == vm_state
        if names[DEFAULT] in asked:
            parts.append(sa.and_(here, sa.or_(servers.c.task_state.is_(None), servers.c.task_state.not_in(hidden)))
                         if hidden else here)
        elif special:
            parts.append(sa.and_(here, servers.c.task_state.in_(special)))
    return sa.or_(*parts) if parts else sa.false()


@dataclasses.dataclass(frozen=True)
class Rule:
    """When an action is allowed, and the task it begins. ``tasks`` are those it may cut short; none: any."""

    states: tuple[str, ...]
    task: str | None = None
    tasks: tuple[str | None, ...] | None = (None,)


_QUIET = (ACTIVE, STOPPED, PAUSED, SUSPENDED)
_SHELVES = (SHELVED, OFFLOADED)
_ALL = (ACTIVE, BUILDING, STOPPED, PAUSED, SUSPENDED, RESIZED, *_SHELVES, RESCUED, SOFT_DELETED, ERROR)
REBOOTS = ("rebooting", "reboot_pending", "reboot_started", "rebooting_hard", "reboot_pending_hard",
           "reboot_started_hard")

ALLOWED: Mapping[str, Rule] = {
    "start": Rule((STOPPED,), "powering-on"),
    "stop": Rule((ACTIVE, ERROR), "powering-off"),
    "reboot": Rule((ACTIVE,), "rebooting"),
    "reboot_hard": Rule((*_QUIET, ERROR), "rebooting_hard",
                        (None, *REBOOTS, "pausing", "unpausing", "suspending", "resuming")),
    "pause": Rule((ACTIVE,), "pausing"),
    "unpause": Rule((PAUSED,), "unpausing"),
    "suspend": Rule((ACTIVE,), "suspending"),
    "resume": Rule((SUSPENDED,), "resuming"),
    "rebuild": Rule((ACTIVE, STOPPED, ERROR), "rebuilding"),
    "resize": Rule((ACTIVE, STOPPED), "resize_prep"),
    "migrate": Rule((ACTIVE, STOPPED), "resize_prep"),
    "os-migrateLive": Rule((ACTIVE, PAUSED), "migrating"),
    "abort live migration": Rule(_ALL, None, ("migrating",)),
    "force_complete": Rule((ACTIVE,), None, ("migrating",)),
    "evacuate": Rule((ACTIVE, STOPPED, ERROR), "rebuilding"),
    "confirmResize": Rule((RESIZED,), "resize_confirming"),
    "revertResize": Rule((RESIZED,), "resize_reverting"),
    "createImage": Rule(_QUIET, "image_snapshot"),
    "createBackup": Rule(_QUIET, "image_backup"),
    "changePassword": Rule((ACTIVE,)),
    "trigger_crash_dump": Rule((ACTIVE, PAUSED, RESCUED, RESIZED, ERROR)),
    "injectNetworkInfo": Rule((*_QUIET, RESIZED, RESCUED, ERROR)),
    "shelve": Rule(_QUIET, "shelving"),
    "shelveOffload": Rule((SHELVED,), "shelving_offloading"),
    "unshelve": Rule((SHELVED, OFFLOADED), "unshelving"),
    "rescue": Rule((ACTIVE, STOPPED, ERROR), "rescuing"),
    "unrescue": Rule((RESCUED,), "unrescuing"),
    "softDelete": Rule((*_QUIET, RESIZED, SHELVED, RESCUED, ERROR), "soft-deleting", None),
    "restore": Rule((SOFT_DELETED,), "restoring"),
    "attach_volume": Rule((ACTIVE, PAUSED, STOPPED, RESIZED, *_SHELVES, SOFT_DELETED)),
    "detach_volume": Rule((ACTIVE, PAUSED, STOPPED, SUSPENDED, RESIZED, *_SHELVES, SOFT_DELETED)),
    "snapshot_volume": Rule((ACTIVE, PAUSED, STOPPED, SUSPENDED)),
    "attach_share": Rule((STOPPED,)),
    "detach_share": Rule((STOPPED, ERROR)),
    "swap_volume": Rule((ACTIVE, PAUSED, RESIZED)),
    "attach_interface": Rule((ACTIVE, PAUSED, STOPPED)),
    "detach_interface": Rule((ACTIVE, PAUSED, STOPPED)),
    "update server metadata": Rule(_QUIET, None),
    "delete": Rule(_ALL, "deleting", None),
    "addSecurityGroup": Rule(_ALL, None, None),
    "removeSecurityGroup": Rule(_ALL, None, None),
    "tags": Rule(_QUIET, None, None),
    "console": Rule((*_QUIET, RESIZED, RESCUED, ERROR), None, None),
}
"""Per action: the vm_states and task_states that allow it."""


LEFT = sa.case((servers.c.host == "", servers.c.left_host), else_=servers.c.host)
"""The host that a server leaves that goes to another, or to none."""


def check(row: Row, action: str, context: Context) -> None:
    """See that ``action`` may be done to the server ``row`` by this caller now.

    :raises Conflict: the server is locked, or its guest may be on either of two hosts.
    :raises WrongState: the states forbid it; the message is OpenStack's.
    """
    if row.locked and not context.is_admin:
        raise Conflict(f"Instance {row.id} is locked")
    rule = ALLOWED[action]
    if rule.tasks is not None and in_doubt(row):
        raise Conflict(f"Cannot '{action}' instance {row.id} while nobody can tell on which of two hosts it runs")
    word = action.removesuffix("_hard")
    if row.vm_state not in rule.states:
        raise WrongState(f"Cannot '{word}' instance {row.id} while it is in vm_state {row.vm_state}")
    if rule.tasks is not None and row.task_state not in rule.tasks:
        raise WrongState(f"Cannot '{word}' instance {row.id} while it is in task_state {row.task_state}")


def in_doubt(row: Any) -> bool:
    """Tell whether a live migration of a server lost both its hosts, so that its guest may be on either."""
    return row.task_state is None and bool((row.move or {}).get("doubt"))


def begin(tx: Transaction, row: Row, action: str, context: Context, now: Any, **more: Any) -> None:
    """Check ``action`` and set its task by compare-and-set on both states. :raises WrongState: see :func:`check`."""
    check(row, action, context)
    rule = ALLOWED[action]
    expected = {"vm_state": row.vm_state, "task_state": row.task_state, "deleted": False}
    if not tx.change(servers, row.id, expected, task_state=rule.task, updated_at=now, **more):
        raise WrongState(f"Cannot '{action}' instance {row.id} while its state changes")


def move(tx: Transaction, server_id: str, task: str | None, **values: Any) -> bool:
    """Set columns of a server that still is at ``task``; tell whether it was. The only writer within operations."""
    if "host" in values:
        values["left_host"] = LEFT
    return tx.change(servers, server_id, {"task_state": task, "deleted": False}, **values)


def leave(tx: Transaction, server_id: str, zone: str, now: Any) -> None:
    """Have a server be on no host."""
    tx.execute(servers.update().where(servers.c.id == server_id).values(
        left_host=LEFT, host="", node="", provider="", zone=zone, updated_at=now))
