"""The verbs of a host's agent that put volumes and cards into guests and take them out; the rest is in ``verbs.py``."""

from __future__ import annotations

import abc
from contextlib import AbstractContextManager

from ...core.context import Context
from ...core.drivers.base import require
from ...core.drivers.hypervisor import Disk, Hypervisor, Interfaces, VolumeGrowth, Volumes, VolumeSnapshots, VolumeSwap
from ...core.drivers.network import Vif
from .agency import ComputeAgent, DiskPlan


class PluggingVerbs(ComputeAgent):
    """What an agent does with the devices of guests."""

    driver: Hypervisor

    @abc.abstractmethod
    def _guest(self, guest: str) -> AbstractContextManager[None]:
        """Around each verb: one after another for one guest."""

    @abc.abstractmethod
    def _disk(self, context: Context, plan: DiskPlan) -> Disk:
        """The plan in the driver's own words."""

    def attach_volume(self, context: Context, guest: str, disk: DiskPlan) -> None:
        driver = require(self.driver, Volumes)
        with self._guest(guest):
            driver.attach_volume(guest, self._disk(context, disk))

    def detach_volume(self, context: Context, guest: str, volume_id: str) -> None:
        if isinstance(self.driver, Volumes):
            with self._guest(guest):
                self.driver.detach_volume(guest, volume_id)

    def grow_volume(self, context: Context, guest: str, volume_id: str, size_gib: int) -> None:
        if isinstance(self.driver, VolumeGrowth):
            with self._guest(guest):
                self.driver.grow_volume(guest, volume_id, size_gib)

    def create_volume_snapshot(self, context: Context, guest: str, volume_id: str, snapshot_id: str, new_file: str
                               ) -> None:
        driver = require(self.driver, VolumeSnapshots)
        with self._guest(guest):
            driver.create_volume_snapshot(guest, volume_id, snapshot_id, new_file)

    def delete_volume_snapshot(self, context: Context, guest: str, volume_id: str, snapshot_id: str,
                               file_to_merge: str, merge_target_file: str) -> None:
        driver = require(self.driver, VolumeSnapshots)
        with self._guest(guest):
            driver.delete_volume_snapshot(guest, volume_id, snapshot_id, file_to_merge, merge_target_file)

    def attach_interface(self, context: Context, guest: str, vif: Vif) -> None:
        driver = require(self.driver, Interfaces)
        with self._guest(guest):
            driver.attach_interface(guest, vif)

    def detach_interface(self, context: Context, guest: str, port_id: str) -> None:
        if isinstance(self.driver, Interfaces):
            with self._guest(guest):
                self.driver.detach_interface(guest, port_id)

    def swap_volume(self, context: Context, guest: str, old_volume_id: str, new: DiskPlan) -> None:
        driver = require(self.driver, VolumeSwap)
        with self._guest(guest):
            driver.swap_volume(guest, old_volume_id, self._disk(context, new))
