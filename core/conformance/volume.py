"""The suite of volume drivers: subclass :class:`VolumeSuite` and give it a fixture ``driver``."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest

from ..drivers.names import LONGEST
from ..drivers.volume import Connection, Connector, VolumeDriver, VolumeFacts
from ..errors import AlreadyExists, BadRequest, InUse, NoSpace, NotFound, NotSupported
from .cases import in_parallel
from .storage import GIB, HOSTILE_IDS, MIB, Broken, VolumeBase, broken, head, new_id, pattern, reopened, too_much_gib
from .volume_adoptions import AdoptionCases, GroupSnapshotCases
from .volume_copies import CloneCases, SnapshotCases

LARGEST_CHUNK = 4 * MIB


class Life(VolumeBase):
    """Cases of facts, observe, create and delete."""

    def test_facts_are_filled_in(self, driver: VolumeDriver) -> None:
        facts = driver.facts()
        assert isinstance(facts, VolumeFacts) and facts.protocol
        assert facts.total_gib == -1 or 0 <= facts.free_gib <= facts.total_gib

    def test_open_twice(self, driver: VolumeDriver, volume: str) -> None:
        driver.open()
        assert driver.observe().volumes[volume] == 1

    def test_create_is_observed_with_its_size(self, driver: VolumeDriver, other: str) -> None:
        assert other not in driver.observe().volumes
        driver.create(other, 3)
        assert driver.observe().volumes[other] == 3

    def test_create_twice(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"kept"])
        driver.create(volume, 1)
        assert driver.observe().volumes[volume] == 1
        assert head(driver, volume, 4) == b"kept"

    def test_create_with_another_size_is_refused(self, driver: VolumeDriver, volume: str) -> None:
        with pytest.raises(AlreadyExists):
            driver.create(volume, 2)
        assert driver.observe().volumes[volume] == 1

    @pytest.mark.parametrize("size_gib", [0, -1])
    def test_create_without_size_is_refused(self, driver: VolumeDriver, other: str, size_gib: int) -> None:
        with pytest.raises(BadRequest):
            driver.create(other, size_gib)
        assert other not in driver.observe().volumes

    def test_new_volume_reads_as_zeros(self, driver: VolumeDriver, volume: str) -> None:
        total = 0
        for chunk in driver.read(volume):
            assert len(chunk) <= LARGEST_CHUNK
            assert chunk.count(0) == len(chunk)
            total += len(chunk)
        assert total == GIB

    def test_volume_made_again_is_empty(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"secret of an earlier tenant"])
        driver.delete(volume)
        driver.create(volume, 1)
        assert head(driver, volume, 64) == bytes(64)

    def test_delete_twice(self, driver: VolumeDriver, volume: str) -> None:
        driver.delete(volume)
        assert volume not in driver.observe().volumes
        driver.delete(volume)

    def test_delete_of_unknown_is_nothing(self, driver: VolumeDriver) -> None:
        before = driver.observe()
        driver.delete(new_id())
        assert driver.observe() == before

    def test_facts_after_delete_are_as_before(self, driver: VolumeDriver, other: str) -> None:
        before = driver.facts()
        driver.create(other, 2)
        during = driver.facts()
        driver.delete(other)
        assert driver.facts().total_gib == before.total_gib == during.total_gib
        if not before.thin and before.free_gib >= 0:
            assert during.free_gib == pytest.approx(before.free_gib - 2, abs=0.5)
            assert driver.facts().free_gib == pytest.approx(before.free_gib, abs=0.5)

    def test_more_than_the_pool_can_hold_is_refused(self, driver: VolumeDriver, other: str) -> None:
        with pytest.raises(NoSpace):
            driver.create(other, too_much_gib(driver))
        assert other not in driver.observe().volumes
        driver.create(other, 1)

    @pytest.mark.parametrize("hostile", HOSTILE_IDS)
    def test_hostile_id_is_refused(self, driver: VolumeDriver, hostile: str, host: Connector) -> None:
        before = driver.observe()
        for call in (lambda: driver.create(hostile, 1), lambda: driver.delete(hostile),
                     lambda: driver.extend(hostile, 2), lambda: driver.write(hostile, [b"x"]),
                     lambda: next(iter(driver.read(hostile))), lambda: driver.connect(hostile, host),
                     lambda: driver.disconnect(hostile, host)):
            with pytest.raises(BadRequest):
                call()
        assert driver.observe() == before

    @pytest.mark.parametrize("name", ["v" * LONGEST, "a.b-c_D", "0"])
    def test_unusual_legal_id(self, driver: VolumeDriver, host: Connector, name: str) -> None:
        driver.create(name, 1)
        driver.write(name, [b"x"])
        assert driver.observe().volumes[name] == 1
        driver.connect(name, host)
        driver.disconnect(name, host)
        driver.delete(name)
        assert name not in driver.observe().volumes

    def test_ten_lives_in_parallel(self, driver: VolumeDriver) -> None:
        names = [new_id() for _ in range(10)]

        def live(name: str) -> bytes:
            driver.create(name, 1)
            driver.write(name, [name.encode()])
            driver.extend(name, 2)
            return head(driver, name, len(name))

        assert in_parallel(live, names) == [name.encode() for name in names]
        assert {name: driver.observe().volumes.get(name) for name in names} == dict.fromkeys(names, 2)
        in_parallel(driver.delete, names)
        assert not set(names) & set(driver.observe().volumes)

    def test_volumes_survive_the_instance(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"kept"])
        with reopened(driver) as fresh:
            assert fresh.observe().volumes[volume] == 1
            assert head(fresh, volume, 5) == b"kept\0"
            fresh.delete(volume)
        assert volume not in driver.observe().volumes


class Data(VolumeBase):
    """Cases of extend, write and read."""

    def test_extend_keeps_the_content(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"kept"])
        driver.extend(volume, 2)
        assert driver.observe().volumes[volume] == 2
        assert head(driver, volume, 8) == b"kept\0\0\0\0"

    def test_extended_part_reads_as_zeros(self, driver: VolumeDriver, volume: str) -> None:
        driver.extend(volume, 2)
        assert sum(len(chunk) for chunk in driver.read(volume) if chunk.count(0) == len(chunk)) == 2 * GIB

    def test_extend_twice(self, driver: VolumeDriver, volume: str) -> None:
        driver.extend(volume, 2)
        driver.extend(volume, 2)
        assert driver.observe().volumes[volume] == 2

    def test_extend_never_shrinks(self, driver: VolumeDriver, volume: str) -> None:
        driver.extend(volume, 3)
        driver.extend(volume, 1)
        assert driver.observe().volumes[volume] == 3

    def test_extend_unknown(self, driver: VolumeDriver) -> None:
        with pytest.raises(NotFound):
            driver.extend(new_id(), 2)

    def test_extend_beyond_the_pool_changes_nothing(self, driver: VolumeDriver, volume: str) -> None:
        with pytest.raises(NoSpace):
            driver.extend(volume, too_much_gib(driver))
        assert driver.observe().volumes[volume] == 1

    def test_round_trip(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, pattern(5 * MIB + 777))
        data = b"".join(pattern(5 * MIB + 777))
        assert head(driver, volume, 6 * MIB) == data + bytes(6 * MIB - len(data))

    def test_round_trip_of_small_odd_pieces(self, driver: VolumeDriver, volume: str) -> None:
        pieces = [b"", b"a", bytes(4096), b"b" * 511, b"", bytes(1), b"c" * 513]
        driver.write(volume, pieces)
        assert head(driver, volume, 5122) == b"".join(pieces)

    def test_reading_to_the_end(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [*itertools.repeat(bytes(4 * MIB), 175), b"island", bytes(MIB)])
        position, found = 0, []
        for chunk in driver.read(volume):
            assert 0 < len(chunk) <= LARGEST_CHUNK
            if chunk.count(0) != len(chunk):
                found.append((position + chunk.index(b"island"), chunk.strip(b"\0")))
            position += len(chunk)
        assert position == GIB
        assert found == [(700 * MIB, b"island")]

    def test_zeros_replace_what_was_there(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, pattern(MIB))
        driver.write(volume, [bytes(1000)])
        assert head(driver, volume, 1000) == bytes(1000)

    def test_write_leaves_the_rest_alone(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"a" * 100_000])
        driver.write(volume, [b"b" * 10])
        assert head(driver, volume, 100_001) == b"b" * 10 + b"a" * 99_990 + b"\0"

    def test_write_of_nothing(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [])
        assert head(driver, volume, 10) == bytes(10)

    def test_write_unknown(self, driver: VolumeDriver) -> None:
        with pytest.raises(NotFound):
            driver.write(new_id(), [b"x"])

    def test_write_that_breaks_changes_nothing(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"before"])
        before = driver.observe()
        with pytest.raises(Broken):
            driver.write(volume, broken(pattern(9 * MIB), Broken()))
        assert driver.observe() == before
        assert head(driver, volume, 8) == b"before\0\0"

    def test_write_of_too_much_changes_nothing(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, [b"before"])
        with pytest.raises(NoSpace):
            driver.write(volume, itertools.repeat(bytes(4 * MIB), 257))
        assert head(driver, volume, 8) == b"before\0\0"

    def test_write_of_exactly_the_size(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, itertools.chain(itertools.repeat(bytes(4 * MIB), 255), pattern(4 * MIB)))
        last = b""
        for chunk in driver.read(volume):
            last = chunk
        assert b"".join(pattern(4 * MIB)).endswith(last)

    def test_read_unknown(self, driver: VolumeDriver) -> None:
        with pytest.raises(NotFound):
            next(iter(driver.read(new_id())))

    def test_reading_can_be_given_up(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, pattern(MIB))
        for _ in range(50):
            next(iter(driver.read(volume)))
        driver.delete(volume)

    def test_two_readers_at_once(self, driver: VolumeDriver, volume: str) -> None:
        driver.write(volume, pattern(3 * MIB))
        found = in_parallel(lambda size: head(driver, volume, size), [3 * MIB, 3 * MIB])
        assert found[0] == found[1] == b"".join(pattern(3 * MIB))

    def test_memory_does_not_grow_with_the_data(self, driver: VolumeDriver, volume: str) -> None:
        tracemalloc.start()
        try:
            driver.write(volume, pattern(96 * MIB))
            for chunk in driver.read(volume):
                del chunk
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 32 * MIB


class Reach(VolumeBase):
    """Cases of connect and disconnect."""

    def test_connection_is_complete(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        connection = driver.connect(volume, host)
        assert isinstance(connection, Connection)
        assert connection.protocol and not connection.read_only
        if connection.protocol == "file":
            assert connection.details["path"].startswith("/")
            assert connection.details["format"] in ("raw", "qcow2")
        if connection.protocol == "nbd":
            assert connection.details.get("socket") or int(connection.details["port"]) > 0
        driver.disconnect(volume, host)

    def test_connect_twice_is_the_same(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        assert driver.connect(volume, host) == driver.connect(volume, host)
        driver.disconnect(volume, host)

    def test_disconnect_twice(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        driver.connect(volume, host)
        driver.disconnect(volume, host)
        driver.disconnect(volume, host)

    def test_disconnect_before_connect(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        driver.disconnect(volume, host)
        driver.connect(volume, host)
        driver.disconnect(volume, host)

    def test_connect_unknown(self, driver: VolumeDriver, host: Connector) -> None:
        with pytest.raises(NotFound):
            driver.connect(new_id(), host)

    def test_disconnect_unknown_is_nothing(self, driver: VolumeDriver, host: Connector) -> None:
        driver.disconnect(new_id(), host)

    def test_disconnect_after_delete_is_nothing(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        driver.connect(volume, host)
        driver.delete(volume)
        driver.disconnect(volume, host)
        assert volume not in driver.observe().volumes

    def test_connection_survives_the_instance(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        connection = driver.connect(volume, host)
        with reopened(driver) as fresh:
            assert fresh.connect(volume, host) == connection
            fresh.disconnect(volume, host)

    def test_content_survives_the_connection(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        driver.write(volume, [b"kept"])
        driver.connect(volume, host)
        driver.disconnect(volume, host)
        assert head(driver, volume, 4) == b"kept"

    def test_two_hosts_when_facts_say_so(self, driver: VolumeDriver, volume: str, host: Connector) -> None:
        stranger = Connector("another-host", "192.0.2.7")
        driver.connect(volume, host)
        try:
            driver.connect(volume, stranger)
        except (InUse, NotSupported):
            assert not driver.facts().multiattach
        driver.disconnect(volume, stranger)
        driver.disconnect(volume, host)


class VolumeSuite(Life, Data, Reach, SnapshotCases, CloneCases, AdoptionCases, GroupSnapshotCases):
    """Every case of a volume driver; the facets that it does not declare are skipped.

    The pool needs about 1 GiB of real space, and must allow 50 GiB of volumes together.
    """
