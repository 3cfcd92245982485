"""The hypervisor suite on the driver of plain machines, with the host that libvirt itself pretends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.hypervisor import HypervisorSuite
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Hypervisor, Image, LiveMigration, Pausable, Snapshots
from stratolith.core.errors import BadConfiguration, NotSupported
from stratolith.hypervisors.libvirt.containers.driver import Containers
from stratolith.hypervisors.libvirt.driver import Libvirt, serving
from stratolith.hypervisors.libvirt.plain import Plain

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the host that libvirt pretends within this process."""
    raw = {"hypervisor.libvirt": {"uri": "test:///default"}}
    subject = registry("hypervisor").load("libvirt")
    yield from opened(subject, "hypervisor.libvirt", Configuration(raw), tmp_path_factory.mktemp("plain"))


class TestPlain(HypervisorSuite):
    """All cases."""


def test_the_connection_chooses_the_class() -> None:
    for uri, wanted in (("qemu:///system", Libvirt), ("qemu+tls://a/system", Libvirt), ("", Libvirt),
                        ("xen:///", Plain), ("lxc:///", Containers), ("lxc+unix:///system?socket=/a", Containers)):
        assert serving(uri, Libvirt) is wanted
    for uri in ("esx://a/?no_verify=1", "vpx://a/b", "hyperv://a"):
        with pytest.raises(BadConfiguration, match="images"):
            serving(uri, Libvirt)
    assert issubclass(Plain, Pausable) and not issubclass(Plain, Snapshots)
    assert not issubclass(Containers, LiveMigration)


@pytest.mark.parametrize("other", [Libvirt, Containers])
def test_a_class_serves_no_others_guests(other: type[Hypervisor], driver: Hypervisor) -> None:
    made = other(other.Options(uri="test:///default"), driver.surroundings)
    with pytest.raises(BadConfiguration, match="TEST"):
        made.open()


def test_what_only_machines_of_qemu_have_is_refused(driver: Hypervisor) -> None:
    guest = "11111111-2222-4333-8444-555555555555"
    for properties, specs in (({"hw_tpm_version": "2.0"}, {}), ({}, {"hw:cpu_policy": "dedicated"}),
                              ({}, {"quota:cpu_shares": "7"}), ({}, {"pci_passthrough:alias": "a:1"})):
        image = Image("i", "raw", 512, 512, "", "", lambda: iter((bytes(512),)), properties)
        with pytest.raises(NotSupported, match="cannot keep"):
            driver.spawn(GuestSpec(guest, "n", 1, 64, [Disk("vda", 1, image=image)], extra_specs=specs))
    driver.spawn(GuestSpec(guest, "n", 1, 64, [Disk("vda", 1)], extra_specs={"hw:cpu_policy": "shared"}))
    driver.destroy(guest)
