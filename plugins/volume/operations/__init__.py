"""The durable operations of block storage, a module a noun. Each step may run twice."""

from __future__ import annotations

from ....core.operations.workflow import Workflow
from . import snapshots, volumes

WORKFLOWS: tuple[Workflow, ...] = (*volumes.WORKFLOWS, *snapshots.WORKFLOWS)
