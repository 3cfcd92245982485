"""The part of the volume suite that is about copies: the facets Snapshots and Clones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..drivers.names import LONGEST
from ..drivers.volume import Clones, Snapshots, VolumeDriver
from ..errors import BadRequest, CloudError, InUse, NoSpace, NotFound
from .cases import in_parallel, wants
from .storage import GIB, HOSTILE_IDS, MIB, VolumeBase, head, new_id, pattern, reopened, too_much_gib


class SnapshotCases(VolumeBase):
    """Cases of the facet Snapshots."""

    def test_snapshot_is_observed(self, driver: VolumeDriver, volume: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        snaps.snapshot(volume, name)
        assert name in driver.observe().snapshots
        assert list(driver.observe().volumes).count(name) == 0
        snaps.delete_snapshot(volume, name)
        assert name not in driver.observe().snapshots

    def test_snapshot_keeps_the_moment(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        driver.write(volume, pattern(2 * MIB, "old"))
        snaps.snapshot(volume, name)
        driver.write(volume, pattern(2 * MIB, "new"))
        snaps.create_from_snapshot(other, 1, volume, name)
        assert head(driver, other, 2 * MIB) == b"".join(pattern(2 * MIB, "old"))
        assert head(driver, volume, 2 * MIB) == b"".join(pattern(2 * MIB, "new"))

    def test_snapshot_twice_keeps_the_first(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        driver.write(volume, [b"first"])
        snaps.snapshot(volume, name)
        driver.write(volume, [b"later"])
        snaps.snapshot(volume, name)
        snaps.create_from_snapshot(other, 1, volume, name)
        assert head(driver, other, 5) == b"first"

    def test_snapshot_of_unknown(self, driver: VolumeDriver) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        with pytest.raises(NotFound):
            snaps.snapshot(new_id(), name)
        assert name not in driver.observe().snapshots

    def test_delete_snapshot_twice(self, driver: VolumeDriver, volume: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        snaps.snapshot(volume, name)
        snaps.delete_snapshot(volume, name)
        snaps.delete_snapshot(volume, name)
        snaps.delete_snapshot(new_id(), new_id())

    def test_volume_with_snapshot_is_in_use(self, driver: VolumeDriver, volume: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        driver.write(volume, [b"kept"])
        snaps.snapshot(volume, name)
        with pytest.raises(InUse):
            driver.delete(volume)
        assert head(driver, volume, 4) == b"kept"
        snaps.delete_snapshot(volume, name)
        driver.delete(volume)

    def test_volume_from_snapshot_is_independent(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        driver.write(volume, [b"kept"])
        snaps.snapshot(volume, name)
        snaps.create_from_snapshot(other, 2, volume, name)
        snaps.delete_snapshot(volume, name)
        driver.delete(volume)
        assert driver.observe().volumes[other] == 2
        assert head(driver, other, 5) == b"kept\0"

    def test_volume_from_snapshot_twice(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        snaps.snapshot(volume, name)
        snaps.create_from_snapshot(other, 1, volume, name)
        driver.write(other, [b"mine"])
        snaps.create_from_snapshot(other, 1, volume, name)
        assert head(driver, other, 4) == b"mine"

    def test_volume_from_unknown_snapshot(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps = wants(driver, Snapshots)
        for source in (volume, new_id()):
            with pytest.raises(NotFound):
                snaps.create_from_snapshot(other, 1, source, new_id())
        assert other not in driver.observe().volumes

    def test_volume_smaller_than_snapshot_is_refused(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        driver.extend(volume, 2)
        snaps.snapshot(volume, name)
        with pytest.raises(BadRequest):
            snaps.create_from_snapshot(other, 1, volume, name)
        assert other not in driver.observe().volumes

    def test_snapshot_of_an_extended_volume(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        snaps.snapshot(volume, name)
        driver.extend(volume, 2)
        snaps.create_from_snapshot(other, 1, volume, name)
        assert driver.observe().volumes == {**driver.observe().volumes, volume: 2, other: 1}

    def test_snapshots_survive_the_instance(self, driver: VolumeDriver, volume: str, other: str) -> None:
        snaps, name = wants(driver, Snapshots), new_id()
        driver.write(volume, [b"kept"])
        snaps.snapshot(volume, name)
        with reopened(driver) as fresh:
            assert name in fresh.observe().snapshots
            wants(fresh, Snapshots).create_from_snapshot(other, 1, volume, name)
            assert head(fresh, other, 4) == b"kept"

    @pytest.mark.parametrize("hostile", HOSTILE_IDS)
    def test_hostile_snapshot_id_is_refused(self, driver: VolumeDriver, volume: str, other: str,
                                            hostile: str) -> None:
        snaps = wants(driver, Snapshots)
        calls: tuple[Callable[[], None], ...] = (
            lambda: snaps.snapshot(volume, hostile), lambda: snaps.delete_snapshot(volume, hostile),
            lambda: snaps.create_from_snapshot(other, 1, volume, hostile))
        for call in calls:
            with pytest.raises(BadRequest):
                call()

    def test_longest_ids_of_snapshots(self, driver: VolumeDriver) -> None:
        snaps = wants(driver, Snapshots)
        volume, name = "v" * LONGEST, "s" * LONGEST
        driver.create(volume, 1)
        snaps.snapshot(volume, name)
        assert name in driver.observe().snapshots
        snaps.delete_snapshot(volume, name)
        driver.delete(volume)


class CloneCases(VolumeBase):
    """Cases of the facet Clones."""

    def test_clone_has_the_content(self, driver: VolumeDriver, volume: str, other: str) -> None:
        driver.write(volume, pattern(3 * MIB))
        wants(driver, Clones).clone(other, 1, volume)
        assert head(driver, other, 3 * MIB) == b"".join(pattern(3 * MIB))

    def test_clone_is_independent(self, driver: VolumeDriver, volume: str, other: str) -> None:
        driver.write(volume, [b"source"])
        wants(driver, Clones).clone(other, 1, volume)
        driver.write(other, [b"mine"])
        assert head(driver, volume, 6) == b"source"
        driver.delete(volume)
        assert head(driver, other, 6) == b"minece"

    def test_clone_may_be_larger(self, driver: VolumeDriver, volume: str, other: str) -> None:
        driver.write(volume, [b"kept"])
        wants(driver, Clones).clone(other, 3, volume)
        assert driver.observe().volumes[other] == 3
        assert sum(map(len, driver.read(other))) == 3 * GIB
        assert head(driver, other, 5) == b"kept\0"

    def test_clone_smaller_is_refused(self, driver: VolumeDriver, volume: str, other: str) -> None:
        driver.extend(volume, 2)
        with pytest.raises(BadRequest):
            wants(driver, Clones).clone(other, 1, volume)
        assert other not in driver.observe().volumes

    def test_clone_twice(self, driver: VolumeDriver, volume: str, other: str) -> None:
        clones = wants(driver, Clones)
        clones.clone(other, 1, volume)
        driver.write(other, [b"mine"])
        clones.clone(other, 1, volume)
        assert head(driver, other, 4) == b"mine"

    def test_clone_of_unknown(self, driver: VolumeDriver, other: str) -> None:
        with pytest.raises(NotFound):
            wants(driver, Clones).clone(other, 1, new_id())
        assert other not in driver.observe().volumes

    def test_clone_beyond_the_pool_leaves_nothing(self, driver: VolumeDriver, volume: str, other: str) -> None:
        with pytest.raises(NoSpace):
            wants(driver, Clones).clone(other, too_much_gib(driver), volume)
        assert other not in driver.observe().volumes

    def test_clone_of_hostile_id_is_refused(self, driver: VolumeDriver, volume: str, other: str) -> None:
        clones = wants(driver, Clones)
        for hostile in HOSTILE_IDS:
            with pytest.raises(BadRequest):
                clones.clone(other, 1, hostile)
            with pytest.raises(CloudError):
                clones.clone(hostile, 1, volume)

    def test_ten_clones_in_parallel(self, driver: VolumeDriver, volume: str) -> None:
        clones, names = wants(driver, Clones), [new_id() for _ in range(10)]
        driver.write(volume, [b"kept"])
        in_parallel(lambda name: clones.clone(name, 1, volume), names)
        assert in_parallel(lambda name: head(driver, name, 4), names) == [b"kept"] * 10
        in_parallel(driver.delete, names)
