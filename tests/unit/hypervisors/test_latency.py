"""Profiles of latency and chances of faults: right in the middle, within bounds, and the same for the same seed."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BackendFailed, BadConfiguration
from stratolith.hypervisors.simulated.driver import SimulatedOptions
from stratolith.hypervisors.simulated.latency import LONGEST, PROFILES, drawn

from .test_simulated import simulated, spec

VERBS = ("spawn", "stop", "start", "destroy")


def trace(folder: Path, seed: int, **options: str) -> list[tuple[str, float]]:
    """What happened and when, on three hosts that do some work."""
    clock = Virtual(seed)
    hosts = [simulated(folder / f"{seed}-{number}-{len(options)}", clock, persist="false", **options)
             for number in range(3)]
    chance, found = clock.random(), []
    for _ in range(40):
        host, wanted = chance.choice(hosts), spec()
        for verb in VERBS:
            try:
                if verb == "spawn":
                    host.spawn(wanted)
                elif verb == "stop":
                    host.stop(wanted.guest, 1)
                elif verb == "start":
                    host.start(wanted.guest)
                else:
                    host.destroy(wanted.guest)
            except BackendFailed:
                found.append((f"{verb} failed", clock.time()))
                break
            found.append((verb, clock.time()))
    return found


@pytest.mark.parametrize("latency", ["laptop", "datacenter", "slow"])
def test_the_same_seed_gives_the_same_trace(tmp_path: Path, latency: str) -> None:
    first = trace(tmp_path / "a", 7, latency=latency, failures="spawn=0.1,stop=0.1")
    assert first == trace(tmp_path / "b", 7, latency=latency, failures="spawn=0.1,stop=0.1")
    assert first != trace(tmp_path, 8, latency=latency, failures="spawn=0.1,stop=0.1")
    assert {"spawn", "spawn failed", "stop failed", "destroy"} <= {what for what, _ in first}


def test_instant_takes_no_time_and_draws_nothing(tmp_path: Path) -> None:
    clock = Virtual(3)
    driver = simulated(tmp_path, clock)
    driver.spawn(spec())
    assert clock.monotonic() == 0 and clock.random().random() == Virtual(3).random().random()


def test_the_middle_and_the_bounds_are_those_of_the_profile() -> None:
    for name, profile in PROFILES.items():
        seconds = drawn(Virtual(1), name)
        for verb, one in profile.items():
            values = [seconds(verb) for _ in range(1000)]
            assert statistics.median(values) == pytest.approx(one.median_s, rel=0.15)
            assert min(values) > 0 and max(values) <= one.median_s * LONGEST
        assert seconds("observe") == 0.0


def test_what_is_said_of_a_verb_goes_before_the_profile(tmp_path: Path) -> None:
    clock = Virtual()
    driver = simulated(tmp_path, clock, latency="slow", delays="spawn=2")
    wanted, slower = spec(), spec(delay="spawn=5")
    driver.spawn(wanted)
    assert clock.monotonic() == 2
    driver.spawn(slower)
    assert clock.monotonic() == 7
    driver.slow("stop", 1)
    driver.stop(wanted.guest, 1)
    assert clock.monotonic() == 8


@pytest.mark.parametrize("options", [{"latency": "lapdog"}, {"failures": "spawn"}, {"failures": "spawn=2"}])
def test_mistakes_are_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(BadConfiguration):
        simulated(tmp_path, **options)


def boots(folder: Path, seed: int) -> list[tuple[object, ...]]:
    """Where servers of a cloud of many hosts went, how that ended, and when they ran."""
    names = "node-{1..25}"
    cloud = InProcess(folder, seed=seed, options={
        "compute": {"hosts": names, "console_listen": ""}, "network": {"hosts": names},
        "hypervisors.simulated": {"latency": "datacenter", "failures": "spawn=0.3"}}).start()
    cloud.run(1)
    image = cloud.request("POST", "/image/v2/images", {"name": "i", "disk_format": "raw",
                                                       "container_format": "bare"}).json["id"]
    cloud.request("PUT", f"/image/v2/images/{image}/file", b"data",
                  headers={"Content-Type": "application/octet-stream"})
    body = {"name": "s", "imageRef": image, "flavorRef": "1", "networks": "none", "min_count": 6, "max_count": 6}
    assert cloud.request("POST", "/compute/v2.1/servers", {"server": body}, version="compute 2.37").status == 202
    cloud.run(300)
    found = cloud.request("GET", "/compute/v2.1/servers/detail").json["servers"]
    cloud.stop()
    return sorted((one["name"], one["status"], one["OS-EXT-SRV-ATTR:host"], one["OS-SRV-USG:launched_at"])
                  for one in found)


def test_a_whole_cloud_replays_from_its_seed(tmp_path: Path) -> None:
    first = boots(tmp_path / "a", 5)
    assert first == boots(tmp_path / "b", 5) and len(first) == 6
    assert first != boots(tmp_path / "c", 6)


def test_the_page_tells_all_profiles_and_options() -> None:
    page = (Path(__file__).parents[3] / "docs" / "drivers" / "simulated-hosts.md").read_text()
    assert all(f"`{name}`" in page for name in (*PROFILES, *SimulatedOptions.__dataclass_fields__))
