"""The durable operations of block storage, a module a noun. Each step may run twice."""

from __future__ import annotations

from ....core.operations.workflow import Workflow
from . import adoptions, backups, contents, groups, moves, snapshots, volumes

WORKFLOWS: tuple[Workflow, ...] = (
    *volumes.WORKFLOWS, *contents.WORKFLOWS, *moves.WORKFLOWS, *adoptions.WORKFLOWS, *snapshots.WORKFLOWS,
    *backups.WORKFLOWS, *groups.WORKFLOWS)
