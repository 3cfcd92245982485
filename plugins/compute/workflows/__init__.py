"""Compute's durable operations: one module for each thing that is done to servers."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.operations.workflow import Workflow
from .afterwards import AWAIT, MEND_GUEST
from .boot import BOOT
from .caching import CACHE
from .confirm import AUTO_CONFIRM, CONFIRM, REVERT
from .deferred import RESTORE, SOFT_DELETE
from .delete import DELETE
from .devices import (
    ATTACH_INTERFACE,
    ATTACH_VOLUME,
    DETACH_INTERFACE,
    DETACH_VOLUME,
    DROP_INTERFACE,
    EXTEND_VOLUME,
)
from .evacuate import CLEAN_UP, EVACUATE
from .image import BACKUP, SNAPSHOT
from .live import LIVE, SETTLE
from .mend import MEND
from .power import POWER
from .rebuild import REBUILD
from .recover import RECOVER
from .rescue import RESCUE, TELL, UNRESCUE
from .resize import MIGRATE, RESIZE
from .shelve import OFFLOAD, SHELVE, UNSHELVE
from .tending import CRASH_DUMP, INJECT_NETWORK, SWAP

WORKFLOWS: Sequence[Workflow] = (BOOT, DELETE, *POWER, REBUILD, RESIZE, CONFIRM, REVERT, SNAPSHOT, ATTACH_VOLUME,
                                 DETACH_VOLUME, EXTEND_VOLUME, ATTACH_INTERFACE, DETACH_INTERFACE, DROP_INTERFACE,
                                 SHELVE, OFFLOAD, UNSHELVE, RESCUE, TELL, UNRESCUE, SOFT_DELETE, RESTORE, BACKUP,
                                 CRASH_DUMP, INJECT_NETWORK, SWAP, CACHE, MIGRATE, AUTO_CONFIRM, LIVE, SETTLE,
                                 EVACUATE, CLEAN_UP, RECOVER, MEND, AWAIT, MEND_GUEST)
