"""Live migrations over TLS between two libvirt daemons, with certificates that the test makes."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.base import Driver, require
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Hypervisor, LiveMigration, Power
from stratolith.core.errors import BackendFailed

from . import demo_image
from .libvirt_host import LibvirtHost
from .test_hypervisor_libvirt import READY, options, says

pytestmark = pytest.mark.live
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


def openssl(*arguments: str) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_authority(folder: Path) -> None:
    """An authority of the test's own."""
    openssl("req", "-x509", *KEY, "-subj", "/CN=authority", "-keyout", str(folder / "ca-key.pem"), "-out",
            str(folder / "ca-cert.pem"), "-addext", "keyUsage=critical,keyCertSign")


def certify(authority: Path, host: LibvirtHost) -> None:
    """Give a host one certificate for both ends of a connection."""
    pki = host.certificates
    (pki / "ca-cert.pem").write_bytes((authority / "ca-cert.pem").read_bytes())
    openssl("req", "-x509", *KEY, "-subj", f"/CN={host.name}", "-CA", str(authority / "ca-cert.pem"), "-CAkey",
            str(authority / "ca-key.pem"), "-keyout", str(pki / "server-key.pem"), "-out", str(pki / "server-cert.pem"),
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName=IP:{host.address}",
            "-addext", "extendedKeyUsage=serverAuth,clientAuth")
    for part in ("key", "cert"):
        (pki / f"client-{part}.pem").write_bytes((pki / f"server-{part}.pem").read_bytes())


def opened_on(host: LibvirtHost, folder: Path) -> Iterator[Driver]:
    """The driver on a daemon; guests come to it over TLS only."""
    raw = {"hypervisor.libvirt": {**options(host), "live_tls": "true"}}
    yield from opened(registry("hypervisor").load("libvirt"), "hypervisor.libvirt", Configuration(raw), folder)


@pytest.fixture(scope="module")
def driver(libvirt_host: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the first daemon."""
    yield from opened_on(libvirt_host, tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="module")
def second(libvirt_other: LibvirtHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver on the second daemon."""
    yield from opened_on(libvirt_other, tmp_path_factory.mktemp("second"))


def test_memory_and_disks_go_over_tls_or_not_at_all(
        driver: Hypervisor, second: Hypervisor, libvirt_host: LibvirtHost, libvirt_other: LibvirtHost,
        tmp_path: Path) -> None:
    spec = GuestSpec(str(uuid.uuid4()), "live", 1, 96, [Disk("vda", 1, image=demo_image.image())])
    driver.spawn(spec)
    says(driver, spec.guest, READY)
    for name, hosts in (("ours", (libvirt_host, libvirt_other)), ("another", (libvirt_host,))):
        (tmp_path / name).mkdir()
        make_authority(tmp_path / name)
        for host in hosts:
            certify(tmp_path / name, host)
    target = require(second, LiveMigration)
    with pytest.raises(BackendFailed):
        # Each has a certificate, but they trust different authorities.
        require(driver, LiveMigration).migrate_live(spec, target.prepare_live(spec, block=True), block=True)
    assert driver.power(spec.guest) is Power.RUNNING and second.observe() == []
    second.destroy(spec.guest)
    certify(tmp_path / "ours", libvirt_host)
    require(driver, LiveMigration).migrate_live(spec, target.prepare_live(spec, block=True), block=True)
    assert driver.observe() == [] and second.power(spec.guest) is Power.RUNNING
    second.destroy(spec.guest)
