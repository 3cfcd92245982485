"""The options of the block storage service."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class VolumeOptions:
    """Options of ``[volume]``. Each back end has its driver's options in ``[volumes.<name>]``."""

    backends: tuple[str, ...] = option(("simulated",), "back ends of this host, the default first: names of volume "
                                                       "drivers, or name:driver for several of one driver")
    zone: str = option("nova", "availability zone of this host's volumes")
    default_type: str = option("__DEFAULT__", "volume type of volumes that name none")
    default_group_type: str = option("", "group type that is shown as the default one; empty for none")
    quota_volumes: int = option(10, "volumes of one project; -1 = no limit")
    quota_gigabytes: int = option(1000, "GiB of one project's volumes and snapshots; -1 = no limit")
    quota_snapshots: int = option(10, "snapshots of one project; -1 = no limit")
    quota_per_volume_gigabytes: int = option(-1, "GiB of one volume; -1 = no limit")
    quota_backups: int = option(10, "backups of one project; -1 = no limit")
    quota_backup_gigabytes: int = option(1000, "GiB of the volumes of one project's backups; -1 = no limit")
    quota_groups: int = option(10, "groups of one project; -1 = no limit")
    backup_driver: str = option("file", "where backups are kept: a backup driver, or name:driver; empty offers none")
    message_ttl_s: float = option(2_592_000.0, "seconds that a message to users about a failure is kept")
    page_limit_max: int = option(1000, "most items in one list")
