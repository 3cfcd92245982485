"""Compute's durable operations: one module for each thing that is done to servers."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.operations.workflow import Workflow
from .boot import BOOT
from .delete import DELETE
from .devices import ATTACH_INTERFACE, ATTACH_VOLUME, DETACH_INTERFACE, DETACH_VOLUME, EXTEND_VOLUME
from .image import SNAPSHOT
from .power import POWER
from .rebuild import REBUILD
from .resize import CONFIRM, RESIZE, REVERT

WORKFLOWS: Sequence[Workflow] = (BOOT, DELETE, *POWER, REBUILD, RESIZE, CONFIRM, REVERT, SNAPSHOT, ATTACH_VOLUME,
                                 DETACH_VOLUME, EXTEND_VOLUME, ATTACH_INTERFACE, DETACH_INTERFACE)
