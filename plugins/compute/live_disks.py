"""Whether a guest's local disks go along with a live migration: as it is asked for, and as the hosts have them.

Source: the compute API reference's ``block_migration``. Hosts whose drivers say that local disks are shared (the fact
``shared_disks``) are taken to share them with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.db.engine import Row
from ...core.errors import BadRequest
from .disks import is_volume_backed
from .fleet import Fleet

NOT_SHARED = ("Instance {} is not on shared storage: Shared storage live-migration requires either shared storage or "
              "boot-from-volume with no local disks.")
SHARED = "Instance {} is not on local storage: Block migration can not be used with shared storage."


def has_local(flavor: Mapping[str, Any], devices: Sequence[Row]) -> bool:
    """Tell whether a server has any disk on its host; the config drive is none."""
    return (not is_volume_backed(devices) or bool(flavor["ephemeral_gib"] or flavor["swap_mib"])
            or any(one.destination_type == "local" for one in devices))


def along(fleet: Fleet, source: str, target: str, asked: bool | None, local: bool) -> bool:
    """Whether local disks are copied to ``target``: as ``asked``, or when there are any that it does not share."""
    return local and not fleet.share_disks(source, target) if asked is None else asked


def check(fleet: Fleet, server_id: str, source: str, target: str, asked: bool | None, local: bool) -> None:
    """See that what is asked for can be had, with ``target`` or, where that is empty, with any host.

    :raises BadRequest: local disks would stay behind, or be copied onto themselves.
    """
    if asked is None:
        return
    targets = [target] if target else [one.host for one in fleet.all() if one.host != source]
    if all(refused(fleet, source, one, asked, local) for one in targets or [""]):
        raise BadRequest((SHARED if asked else NOT_SHARED).format(server_id))


def refused(fleet: Fleet, source: str, target: str, asked: bool | None, local: bool) -> bool:
    """Tell whether a migration between these hosts is not what is ``asked`` for."""
    return asked is not None and asked != (local and not fleet.share_disks(source, target))
