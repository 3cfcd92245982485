"""Fences that cut the power, before controllers that really do: the shipped suite, and what only controllers do."""

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.fence import FenceSuite
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.errors import BackendBusy, BadConfiguration, NotSupported

from . import controllers
from .backing import until

pytestmark = pytest.mark.live


def fence(name, options, folder):
    """A fence with options."""
    raw = {f"fences.{name}": options}
    return opened(registry("fence").load(name), f"fences.{name}", Configuration(raw, {}), folder)


class PowerSuite(FenceSuite):
    """The suite, and what is true of all fences that cut the power. ``machine`` tells whether the host runs."""

    name = "ipmi"

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls, given, tmp_path_factory):
        yield from fence(cls.name, given[1], tmp_path_factory.mktemp("driver"))

    @pytest.fixture(autouse=True)
    def its_machine(self, given):
        self.machine = given[0]

    @pytest.fixture
    def make(self, given, tmp_path):
        """Another driver, with other options."""
        return lambda **more: next(fence(self.name, {**given[1], **more}, tmp_path))

    def runs(self, driver):
        return self.machine.runs()

    def test_the_power_is_cut_and_comes_back(self, driver):
        assert self.machine.runs()
        self.stopped(driver)
        assert not self.machine.runs()
        driver.release(self.host)
        until(self.machine.runs, "the machine runs")

    def test_a_wrong_password_proves_nothing(self, make):
        for more in ({"password": "wrong"}, {"user": "nobody"}):
            with pytest.raises(BackendBusy):
                make(**more).fence(self.host)
        assert self.machine.runs()

    def test_other_hosts(self, driver):
        with pytest.raises(NotSupported):
            driver.fence("unheard-of")
        assert self.machine.runs()


class TestIpmiSimulator(PowerSuite):
    """OpenIPMI's simulator of a baseboard controller."""

    @pytest.fixture(scope="class")
    @classmethod
    def given(cls, tmp_path_factory):
        with controllers.SimulatedChassis(tmp_path_factory.mktemp("chassis")).running() as chassis:
            yield chassis, chassis.options

    def test_a_controller_that_is_gone_proves_nothing(self, make):
        with pytest.raises(BackendBusy):
            make(controllers=f"conformance=127.0.0.1:{controllers.free_udp_port()}", timeout_s="2").fence(self.host)

    def test_the_password_is_no_argument(self, make, tmp_path):
        """Everybody on a machine can read the arguments of all its processes."""
        tool = tmp_path / "ipmitool"
        tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/words\nexec ipmitool "$@"\n')
        tool.chmod(0o755)
        made = make(command=str(tool))
        until(lambda: made.fence(self.host), "the host counts as stopped")
        assert controllers.PASSWORD not in (tmp_path / "words").read_text()
        assert not self.machine.runs()


@pytest.fixture(scope="module")
def machine(libvirt_host):
    """A domain that stands for a host."""
    made = controllers.Machine(libvirt_host.uri)
    yield made
    made.end()


class TestVirtualBmc(PowerSuite):
    """virtualbmc before a real domain."""

    @pytest.fixture(scope="class")
    @classmethod
    def given(cls, machine, tmp_path_factory):
        with controllers.virtual_bmc(machine, tmp_path_factory.mktemp("bmc")) as options:
            yield machine, options


class TestRedfishEmulator(PowerSuite):
    """The emulator of sushy-tools before a real domain, with TLS."""

    name = "redfish"

    @pytest.fixture(scope="class")
    @classmethod
    def given(cls, machine, tmp_path_factory):
        with controllers.emulator(machine, tmp_path_factory.mktemp("emulator")) as options:
            yield machine, options

    def test_a_certificate_that_nobody_vouches_for(self, make):
        with pytest.raises(BackendBusy) as refused:
            make(ca_file="").fence(self.host)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.value.facts["detail"]
        assert self.machine.runs()

    def test_a_certificate_of_another_name(self, make, given):
        with pytest.raises(BackendBusy) as refused:
            make(systems=given[1]["systems"].replace("127.0.0.1", "localhost")).fence(self.host)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.value.facts["detail"]

    def test_no_tls(self, make, given):
        with pytest.raises(BadConfiguration):
            make(systems=given[1]["systems"].replace("https", "http"))

    def test_a_system_that_is_not_there(self, make, given):
        with pytest.raises(BackendBusy):
            make(systems=given[1]["systems"] + "0").fence(self.host)
        assert self.machine.runs()
