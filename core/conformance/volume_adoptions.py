"""The part of the volume suite about what comes from outside and what is frozen together: Adoptions, GroupSnapshots."""

from __future__ import annotations

import pytest

from ..drivers.volume import Adoptions, GroupSnapshots, Snapshots, VolumeDriver
from ..errors import AlreadyExists, BadRequest, NotFound
from .cases import wants
from .storage import HOSTILE_IDS, MIB, VolumeBase, head, new_id, pattern


class AdoptionCases(VolumeBase):
    """Cases of the facet Adoptions."""

    def test_adopt_renames_with_content(self, driver: VolumeDriver, volume: str, other: str) -> None:
        adoptions = wants(driver, Adoptions)
        driver.write(volume, pattern(2 * MIB))
        adoptions.adopt(other, volume)
        assert volume not in driver.observe().volumes and driver.observe().volumes[other] == 1
        assert head(driver, other, 2 * MIB) == b"".join(pattern(2 * MIB))

    def test_adopt_twice(self, driver: VolumeDriver, volume: str, other: str) -> None:
        adoptions = wants(driver, Adoptions)
        adoptions.adopt(other, volume)
        adoptions.adopt(other, volume)
        assert other in driver.observe().volumes

    def test_adopt_unknown(self, driver: VolumeDriver, other: str) -> None:
        with pytest.raises(NotFound):
            wants(driver, Adoptions).adopt(other, new_id())
        assert other not in driver.observe().volumes

    def test_adopt_over_another(self, driver: VolumeDriver, volume: str, other: str) -> None:
        adoptions = wants(driver, Adoptions)
        driver.create(other, 1)
        driver.write(other, [b"kept"])
        with pytest.raises(AlreadyExists):
            adoptions.adopt(other, volume)
        assert head(driver, other, 4) == b"kept" and volume in driver.observe().volumes

    def test_adopt_takes_snapshots_along(self, driver: VolumeDriver, volume: str, other: str) -> None:
        adoptions, snaps = wants(driver, Adoptions), wants(driver, Snapshots)
        name = new_id()
        snaps.snapshot(volume, name)
        adoptions.adopt(other, volume)
        assert adoptions.snapshot_sizes(other) == {name: 1}

    def test_adopt_snapshot(self, driver: VolumeDriver, volume: str, other: str) -> None:
        adoptions, snaps = wants(driver, Adoptions), wants(driver, Snapshots)
        old, new = new_id(), new_id()
        driver.write(volume, [b"then"])
        snaps.snapshot(volume, old)
        for _ in range(2):
            adoptions.adopt_snapshot(volume, new, old)
            assert adoptions.snapshot_sizes(volume) == {new: 1}
        snaps.create_from_snapshot(other, 1, volume, new)
        assert head(driver, other, 4) == b"then"

    def test_adopt_snapshot_refused(self, driver: VolumeDriver, volume: str) -> None:
        adoptions, snaps = wants(driver, Adoptions), wants(driver, Snapshots)
        one, two = new_id(), new_id()
        with pytest.raises(NotFound):
            adoptions.adopt_snapshot(volume, two, one)
        snaps.snapshot(volume, one)
        snaps.snapshot(volume, two)
        with pytest.raises(AlreadyExists):
            adoptions.adopt_snapshot(volume, two, one)

    def test_snapshot_sizes_of_unknown(self, driver: VolumeDriver) -> None:
        with pytest.raises(NotFound):
            wants(driver, Adoptions).snapshot_sizes(new_id())

    @pytest.mark.parametrize("hostile", HOSTILE_IDS)
    def test_hostile_names(self, driver: VolumeDriver, volume: str, hostile: str) -> None:
        adoptions = wants(driver, Adoptions)
        for call in (lambda: adoptions.adopt(hostile, volume), lambda: adoptions.adopt(volume, hostile),
                     lambda: adoptions.adopt_snapshot(volume, hostile, "x"),
                     lambda: adoptions.adopt_snapshot(volume, "x", hostile),
                     lambda: adoptions.snapshot_sizes(hostile)):
            with pytest.raises(BadRequest):
                call()


class GroupSnapshotCases(VolumeBase):
    """Cases of the facet GroupSnapshots."""

    def test_all_are_frozen(self, driver: VolumeDriver, volume: str, other: str) -> None:
        together, snaps = wants(driver, GroupSnapshots), wants(driver, Snapshots)
        driver.create(other, 1)
        pairs = [(volume, new_id()), (other, new_id())]
        for _ in range(2):
            together.snapshot_group(pairs)
            assert {name for _, name in pairs} <= set(driver.observe().snapshots)
        for source, name in pairs:
            snaps.delete_snapshot(source, name)

    def test_none_when_one_fails(self, driver: VolumeDriver, volume: str) -> None:
        together = wants(driver, GroupSnapshots)
        before = sorted(driver.observe().snapshots)
        with pytest.raises(NotFound):
            together.snapshot_group([(volume, new_id()), (new_id(), new_id())])
        assert sorted(driver.observe().snapshots) == before
