"""The suite of backup drivers: subclass :class:`BackupSuite` and give it a fixture ``driver``."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from ..drivers.backup import BackupDriver, BackupFacts, Stored
from ..drivers.names import LONGEST
from ..errors import BadRequest, InUse, NotFound
from .cases import in_parallel
from .storage import HOSTILE_IDS, MIB, Broken, broken, new_id, pattern, reopened


class BackupBase:
    """What the cases of all verbs use."""

    @pytest.fixture
    def backup(self, driver: BackupDriver) -> Iterator[str]:
        """A free id; what a case stores under it is gone afterwards."""
        name = new_id()
        yield name
        driver.delete(name)

    @pytest.fixture
    def child(self, driver: BackupDriver, backup: str) -> Iterator[str]:
        """A second free id, gone before the first."""
        name = new_id()
        yield name
        driver.delete(name)


class Keeping(BackupBase):
    """Cases of facts, observe, store, stored and delete."""

    def test_facts_are_filled_in(self, driver: BackupDriver) -> None:
        facts = driver.facts()
        assert isinstance(facts, BackupFacts) and facts.compression and facts.free_bytes >= -1

    def test_store_is_observed(self, driver: BackupDriver, backup: str) -> None:
        before = set(driver.observe())
        assert isinstance(driver.store(backup, [b"x"]), Stored)
        assert set(driver.observe()) == before | {backup}
        driver.open()
        assert set(driver.observe()) == before | {backup}

    def test_stored_says_what_store_said(self, driver: BackupDriver, backup: str) -> None:
        assert driver.store(backup, pattern(3 * MIB)) == driver.stored(backup)
        assert driver.stored(backup).pieces > 0 and driver.stored(backup).stored_bytes > 0

    def test_store_twice_keeps_the_first(self, driver: BackupDriver, backup: str) -> None:
        first = driver.store(backup, [b"first"])
        assert driver.store(backup, [b"later"]) == first
        assert b"".join(driver.read(backup)) == b"first"

    def test_zeros_take_nothing(self, driver: BackupDriver, backup: str) -> None:
        assert driver.store(backup, [bytes(4 * MIB)] * 16).stored_bytes == 0
        assert sum(map(len, driver.read(backup))) == 64 * MIB

    def test_broken_source_leaves_nothing(self, driver: BackupDriver, backup: str) -> None:
        before = driver.observe()
        with pytest.raises(Broken):
            driver.store(backup, broken(pattern(3 * MIB), Broken()))
        assert driver.observe() == before
        with pytest.raises(NotFound):
            driver.read(backup)
        driver.store(backup, [b"again"])
        assert b"".join(driver.read(backup)) == b"again"

    def test_unknown(self, driver: BackupDriver) -> None:
        for call in (driver.read, driver.stored):
            with pytest.raises(NotFound):
                call(new_id())

    def test_delete_twice(self, driver: BackupDriver, backup: str) -> None:
        driver.store(backup, [b"x"])
        driver.delete(backup)
        assert backup not in driver.observe()
        driver.delete(backup)

    def test_state_survives_the_instance(self, driver: BackupDriver, backup: str) -> None:
        driver.store(backup, pattern(2 * MIB))
        with reopened(driver) as fresh:
            assert b"".join(fresh.read(backup)) == b"".join(pattern(2 * MIB))

    @pytest.mark.parametrize("hostile", HOSTILE_IDS)
    def test_hostile_id_is_refused(self, driver: BackupDriver, hostile: str) -> None:
        before = driver.observe()
        for call in (lambda: driver.store(hostile, [b"x"]), lambda: driver.read(hostile),
                     lambda: driver.stored(hostile), lambda: driver.delete(hostile)):
            with pytest.raises(BadRequest):
                call()
        assert driver.observe() == before

    @pytest.mark.parametrize("name", ["b" * LONGEST, "a.b-c_D", "0"])
    def test_unusual_legal_id(self, driver: BackupDriver, name: str) -> None:
        driver.store(name, [b"x"])
        assert name in driver.observe() and b"".join(driver.read(name)) == b"x"
        driver.delete(name)

    def test_five_in_parallel(self, driver: BackupDriver) -> None:
        def live(name: str) -> bool:
            driver.store(name, pattern(MIB, name))
            same = b"".join(driver.read(name)) == b"".join(pattern(MIB, name))
            driver.delete(name)
            return same
        assert in_parallel(live, [new_id() for _ in range(5)]) == [True] * 5


class Content(BackupBase):
    """Cases of content: round trips, increments, memory."""

    @pytest.mark.parametrize("pieces", [[], [b""], [b"", b"a", b"", b"bc"], [bytes(2 * MIB), b"y"], [b"x"] * 5000,
                                        [bytes(MIB), b"y" * MIB] * 3], ids=["none", "empty", "odd", "tail", "tiny",
                                                                            "mixed"])
    def test_round_trip(self, driver: BackupDriver, backup: str, pieces: list[bytes]) -> None:
        driver.store(backup, pieces)
        assert b"".join(driver.read(backup)) == b"".join(pieces)

    def test_chunks_are_not_large(self, driver: BackupDriver, backup: str) -> None:
        driver.store(backup, [b"".join(pattern(9 * MIB))])
        assert max(map(len, driver.read(backup))) <= 4 * MIB

    def test_increment_stores_what_differs(self, driver: BackupDriver, backup: str, child: str) -> None:
        old = b"".join(pattern(16 * MIB))
        new = old[:8 * MIB] + b"changed" + old[8 * MIB + 7:]
        full = driver.store(backup, [old])
        some = driver.store(child, [new], backup)
        assert 0 < some.pieces < full.pieces
        assert b"".join(driver.read(child)) == new
        assert b"".join(driver.read(backup)) == old

    def test_increment_of_an_increment(self, driver: BackupDriver, backup: str, child: str) -> None:
        third = new_id()
        states = [b"".join(pattern(4 * MIB)), b"".join(pattern(6 * MIB)), b"".join(pattern(6 * MIB, "b"))[:5 * MIB]]
        driver.store(backup, [states[0]])
        driver.store(child, [states[1]], backup)
        driver.store(third, [states[2]], child)
        try:
            for name, state in zip((backup, child, third), states, strict=True):
                assert b"".join(driver.read(name)) == state
        finally:
            driver.delete(third)

    def test_increment_of_the_same_is_empty(self, driver: BackupDriver, backup: str, child: str) -> None:
        driver.store(backup, pattern(4 * MIB))
        assert driver.store(child, pattern(4 * MIB), backup).stored_bytes == 0
        assert b"".join(driver.read(child)) == b"".join(pattern(4 * MIB))

    def test_increment_of_unknown(self, driver: BackupDriver, backup: str) -> None:
        with pytest.raises(NotFound):
            driver.store(backup, [b"x"], new_id())
        assert backup not in driver.observe()

    def test_parent_is_in_use(self, driver: BackupDriver, backup: str, child: str) -> None:
        driver.store(backup, [b"base"])
        driver.store(child, [b"base and more"], backup)
        with pytest.raises(InUse):
            driver.delete(backup)
        assert b"".join(driver.read(child)) == b"base and more"
        driver.delete(child)
        driver.delete(backup)
        assert not {backup, child} & set(driver.observe())

    def test_memory_does_not_grow_with_the_data(self, driver: BackupDriver, backup: str) -> None:
        tracemalloc.start()
        try:
            driver.store(backup, pattern(64 * MIB))
            for chunk in driver.read(backup):
                del chunk
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 24 * MIB


class BackupSuite(Keeping, Content):
    """Every case of a backup driver. Needs 100 MiB of room."""
