"""What the simulated pool does beyond the interface: faults, delays, memory on file."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.drivers.base import Surroundings
from stratolith.core.errors import BackendBusy, BackendFailed, BadConfiguration, NoSpace
from stratolith.storage.volumes.simulated.driver import Simulated, SimulatedOptions
from stratolith.storage.volumes.simulated.journal import VOLUME, Journal


def pool(folder: Path, clock: Virtual | None = None, **given: object) -> Simulated:
    """An open pool."""
    options = SimulatedOptions(**given)  # type: ignore[arg-type]
    driver = Simulated(options, Surroundings(clock or Virtual(), logging.getLogger("test"), folder / "s", folder / "r"))
    driver.open()
    return driver


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Simulated]:
    """A pool with the default options."""
    made = pool(tmp_path)
    yield made
    made.close()


def test_fault_is_met_as_often_as_told(driver: Simulated) -> None:
    driver.fail("create", times=2, error=NoSpace("told"))
    for _ in range(2):
        with pytest.raises(NoSpace, match="told"):
            driver.create("v", 1)
    assert not driver.observe().volumes
    driver.create("v", 1)


def test_fault_of_another_verb_is_not_met(driver: Simulated) -> None:
    driver.fail("delete")
    driver.create("v", 1)
    with pytest.raises(BackendFailed):
        driver.delete("v")
    driver.delete("v")


def test_lost_answer_comes_after_the_work(driver: Simulated) -> None:
    driver.fail("create", lost=True)
    with pytest.raises(BackendBusy):
        driver.create("v", 1)
    assert driver.observe().volumes == {"v": 1}
    driver.create("v", 1)


def test_heal_ends_a_lasting_fault(driver: Simulated) -> None:
    driver.fail("create", times=-1)
    for _ in range(5):
        with pytest.raises(BackendFailed):
            driver.create("v", 1)
    driver.heal()
    driver.create("v", 1)


def test_delays_pass_on_the_clock(tmp_path: Path) -> None:
    clock = Virtual()
    driver = pool(tmp_path, clock, delay_s=1.0, delays=("create=2.5",))
    driver.create("v", 1)
    assert clock.monotonic() == pytest.approx(2.5)
    driver.delete("v")
    assert clock.monotonic() == pytest.approx(3.5)
    driver.slow("delete", 10)
    driver.delete("v")
    assert clock.monotonic() == pytest.approx(13.5)
    driver.close()


def test_delay_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration):
        pool(tmp_path, delays=("create=soon",))


def test_capacity_is_shared_by_all_volumes(tmp_path: Path) -> None:
    driver = pool(tmp_path, capacity_gib=10)
    driver.create("a", 6)
    with pytest.raises(NoSpace):
        driver.create("b", 5)
    driver.create("b", 4)
    with pytest.raises(NoSpace):
        driver.extend("a", 7)
    assert driver.facts().free_gib == 0
    driver.close()


def test_forgetful_pool_forgets(tmp_path: Path) -> None:
    first = pool(tmp_path, persist=False)
    first.create("v", 1)
    first.write("v", [b"x"])
    first.close()
    second = pool(tmp_path, persist=False)
    assert not second.observe().volumes
    assert not list((tmp_path / "r" / "content").iterdir())
    assert not (tmp_path / "s").exists()


def test_volume_can_vanish_behind_the_clouds_back(driver: Simulated) -> None:
    driver.create("v", 1)
    driver.snapshot("v", "s")
    driver.outside("v")
    assert not driver.observe().volumes and not driver.observe().snapshots


def test_zeros_take_no_file(driver: Simulated, tmp_path: Path) -> None:
    driver.create("v", 1)
    driver.write("v", [bytes(1 << 20)] * 20)
    driver.snapshot("v", "s")
    assert not list((tmp_path / "s" / "content").iterdir())


def test_torn_line_of_the_journal_is_left_out(tmp_path: Path) -> None:
    driver = pool(tmp_path)
    driver.create("kept", 2)
    driver.close()
    with (tmp_path / "s" / "journal").open("ab") as file:
        file.write(b'["volume", "torn", ')
    again = pool(tmp_path)
    again.create("after", 1)
    again.close()
    assert pool(tmp_path).observe().volumes == {"kept": 2, "after": 1}


def test_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open()
    journal.set(VOLUME, "kept", 1)
    for _ in range(6000):
        journal.set(VOLUME, "v", 1)
        journal.set(VOLUME, "v", None)
    journal.close()
    assert len((tmp_path / "journal").read_bytes().splitlines()) < 6000
    again = Journal(tmp_path / "journal")
    again.open()
    assert again.sizes[VOLUME] == {"kept": 1}
    again.close()


def test_content_of_a_forgotten_volume_is_swept_out(tmp_path: Path) -> None:
    pool(tmp_path).close()
    (tmp_path / "s" / "content" / "stray").write_bytes(b"x")
    pool(tmp_path).close()
    assert not list((tmp_path / "s" / "content").iterdir())
