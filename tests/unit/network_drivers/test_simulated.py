"""The simulated network driver: what it remembers, and how it fails when told."""

import logging
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.network import NetworkSpec, PortSpec
from stratolith.core.errors import BackendBusy, BackendFailed, BadConfiguration, NoSpace
from stratolith.network.simulated.driver import Simulated, SimulatedOptions

NETWORK = NetworkSpec("n1", "vxlan", 1, 1450)


@pytest.fixture
def clock() -> Virtual:
    return Virtual()


def made(clock: Virtual, options: SimulatedOptions | None = None) -> Simulated:
    surroundings = Surroundings(clock, logging.getLogger("test"), Path("state"), Path("run"))
    return Simulated(options or SimulatedOptions(), surroundings)


@pytest.fixture
def driver(clock: Virtual) -> Simulated:
    return made(clock)


def test_remembers_what_was_applied(driver: Simulated) -> None:
    port = PortSpec("p1", "n1", "fa:16:3e:00:00:01", (("s", "10.0.0.5"),))
    driver.apply_network(NETWORK)
    driver.apply_port(port)
    assert driver.networks == {"n1": NETWORK} and driver.ports == {"p1": port}


def test_fails_as_told_and_no_longer(driver: Simulated) -> None:
    driver.fail("apply_network", times=2, error=NoSpace("full"))
    for _ in range(2):
        with pytest.raises(NoSpace, match="full"):
            driver.apply_network(NETWORK)
    assert driver.observe().networks == ()
    driver.apply_network(NETWORK)
    assert driver.observe().networks == ("n1",)


def test_answer_is_lost(driver: Simulated) -> None:
    driver.fail("apply_network", lost=True)
    with pytest.raises(BackendBusy):
        driver.apply_network(NETWORK)
    assert driver.observe().networks == ("n1",)


def test_fails_for_ever_until_healed(driver: Simulated) -> None:
    driver.fail("observe", times=-1)
    for _ in range(3):
        with pytest.raises(BackendFailed):
            driver.observe()
    driver.heal()
    driver.observe()


def test_slow_verbs_take_the_clocks_time(driver: Simulated, clock: Virtual) -> None:
    driver.slow("apply_network", 2.5)
    driver.apply_network(NETWORK)
    driver.observe()
    assert clock.monotonic() == 2.5


def test_slow_by_options(clock: Virtual) -> None:
    driver = made(clock, SimulatedOptions(1.0, ("apply_network=4",)))
    driver.apply_network(NETWORK)
    driver.observe()
    assert clock.monotonic() == 5.0


def test_wrong_delay(clock: Virtual) -> None:
    with pytest.raises(BadConfiguration, match="verb=seconds"):
        made(clock, SimulatedOptions(0.0, ("apply_network",)))
