"""The simulated hypervisor beyond the suite: memory, faults and delays on demand, console text."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.drivers.base import Surroundings, make
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Power
from stratolith.core.drivers.network import Vif
from stratolith.core.errors import BackendBusy, BackendFailed, BadConfiguration, NoSpace, NotFound
from stratolith.hypervisors.simulated.driver import Simulated


def simulated(folder: Path, clock: Virtual | None = None, **options: str) -> Simulated:
    log = logging.getLogger("test")
    surroundings = Surroundings(clock or Virtual(), log, folder / "state", folder / "run", "host-1")
    driver = make(Simulated, "hypervisor.simulated", Configuration({"hypervisor.simulated": options}), surroundings)
    driver.open()
    return driver


def spec(name: str = "web", **metadata: str) -> GuestSpec:
    marks = {f"stratolith:{key}": value for key, value in metadata.items()}
    vifs = [Vif(str(uuid.uuid4()), "none", "fa:16:3e:00:00:01")]
    return GuestSpec(str(uuid.uuid4()), name, 2, 512, [Disk("vda", 3)], vifs, metadata=marks)


def test_a_restarted_cloud_finds_its_guests(tmp_path: Path) -> None:
    wanted = spec()
    first = simulated(tmp_path)
    first.spawn(wanted)
    first.pause(wanted.guest)
    again = simulated(tmp_path)
    assert again.power(wanted.guest) is Power.PAUSED
    assert again.console_log(wanted.guest, 100_000) == first.console_log(wanted.guest, 100_000)
    again.destroy(wanted.guest)
    assert simulated(tmp_path).observe() == []


def test_nothing_is_kept_when_told_so(tmp_path: Path) -> None:
    simulated(tmp_path, persist="no").spawn(spec())
    assert simulated(tmp_path).observe() == []


def test_a_half_written_file_is_dropped(tmp_path: Path) -> None:
    simulated(tmp_path).spawn(spec())
    (tmp_path / "state" / "guests" / "x.json.new").write_text("{")
    assert len(simulated(tmp_path).observe()) == 1
    assert len(list((tmp_path / "state" / "guests").iterdir())) == 1


def test_fail_as_often_as_told(tmp_path: Path) -> None:
    driver, wanted = simulated(tmp_path), spec()
    driver.fail("spawn", times=2, error=NoSpace())
    for _ in range(2):
        with pytest.raises(NoSpace):
            driver.spawn(wanted)
        assert driver.observe() == []
    driver.spawn(wanted)
    assert driver.power(wanted.guest) is Power.RUNNING


def test_fail_for_ever_until_healed(tmp_path: Path) -> None:
    driver, wanted = simulated(tmp_path), spec()
    driver.spawn(wanted)
    driver.fail("stop", times=-1)
    for _ in range(3):
        with pytest.raises(BackendFailed):
            driver.stop(wanted.guest, 0)
    driver.heal()
    driver.stop(wanted.guest, 0)
    assert driver.power(wanted.guest) is Power.SHUTDOWN


def test_a_lost_answer_comes_after_the_work(tmp_path: Path) -> None:
    driver, wanted = simulated(tmp_path), spec(fault="spawn=lost")
    with pytest.raises(BackendBusy):
        driver.spawn(wanted)
    assert driver.power(wanted.guest) is Power.RUNNING
    driver.spawn(wanted)
    driver.fail("destroy", lost=True)
    with pytest.raises(BackendBusy):
        driver.destroy(wanted.guest)
    assert driver.observe() == []


def test_faults_by_metadata(tmp_path: Path) -> None:
    driver = simulated(tmp_path)
    always, twice, later = spec(fault="spawn=NoSpace"), spec(fault="spawn=NoSpace*2"), spec(fault="stop=Odd,pause=lost")
    for _ in range(3):
        with pytest.raises(NoSpace):
            driver.spawn(always)
    for _ in range(2):
        with pytest.raises(NoSpace):
            driver.spawn(twice)
    driver.spawn(twice)
    driver.spawn(later)
    with pytest.raises(BackendFailed):
        driver.stop(later.guest, 0)
    assert {seen.guest for seen in driver.observe()} == {twice.guest, later.guest}


def test_delays_of_options_and_metadata(tmp_path: Path) -> None:
    clock = Virtual()
    driver = simulated(tmp_path, clock, delay_s="1", delays="stop=5")
    wanted = spec(delay="spawn=2.5")
    driver.spawn(wanted)
    assert clock.monotonic() == 2.5
    other = spec()
    driver.spawn(other)
    driver.stop(other.guest, 0)
    assert clock.monotonic() == 2.5 + 1 + 5


def test_a_wrong_delay_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration):
        simulated(tmp_path, delays="stop=soon")


def test_what_happens_outside_is_observed(tmp_path: Path) -> None:
    driver, first, second = simulated(tmp_path), spec(), spec()
    driver.spawn(first)
    driver.spawn(second)
    driver.outside(first.guest, Power.CRASHED)
    driver.outside(second.guest, None)
    assert driver.power(first.guest) is Power.CRASHED
    with pytest.raises(NotFound):
        driver.power(second.guest)
    driver.start(first.guest)
    assert driver.power(first.guest) is Power.RUNNING


def test_the_console_reads_like_a_boot(tmp_path: Path) -> None:
    driver, wanted = simulated(tmp_path), spec("My Web_Server")
    driver.spawn(wanted)
    text = driver.console_log(wanted.guest, 100_000).decode()
    assert "my-web-server login: " in text and wanted.guest in text and "fa:16:3e:00:00:01" in text
    assert len(text.splitlines()) > 12
    driver.reboot(wanted.guest, hard=True)
    assert driver.console_log(wanted.guest, 100_000).decode().count("login: ") == 2


def test_facts_follow_the_options(tmp_path: Path) -> None:
    facts = simulated(tmp_path, vcpus="3", memory_mib="1000", disk_gib="7", traits="HW_CPU_X86_AVX2").facts()
    assert (facts.vcpus, facts.memory_mib, facts.disk_gib, facts.hostname) == (3, 1000, 7, "host-1")
    assert facts.traits == ("HW_CPU_X86_AVX2",)


def test_a_full_disk_is_no_space_and_leaves_nothing(tmp_path: Path) -> None:
    driver = simulated(tmp_path)
    (tmp_path / "state" / "guests").rename(tmp_path / "gone")
    with pytest.raises(BackendFailed):
        driver.spawn(spec())
    assert driver.observe() == []


def test_the_disk_of_a_snapshot_is_a_small_raw_file(tmp_path: Path) -> None:
    driver, wanted = simulated(tmp_path), spec()
    driver.spawn(wanted)
    assert driver.snapshot(wanted.guest, tmp_path / "copy") == "raw"
    assert (tmp_path / "copy").stat().st_size == 1 << 20
