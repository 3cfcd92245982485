"""The cases of the hypervisor suite for remote consoles."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ..drivers.hypervisor import ConsoleEndpoint, ConsoleKind, Consoles, Hypervisor
from ..errors import NotFound, NotSupported
from .cases import wants
from .hypervisor_guest import NOBODY, GuestCases, Specs

PATIENCE_S = 10.0
GREETING = b"RFB 003."


def found(driver: Hypervisor, guest: str) -> dict[ConsoleKind, ConsoleEndpoint]:
    """The consoles that the guest has."""
    facet, consoles = wants(driver, Consoles), {}
    for kind in ConsoleKind:
        try:
            consoles[kind] = facet.console(guest, kind)
        except NotSupported:
            continue
    return consoles


def greeting(path: str, count: int) -> bytes:
    """The first bytes that a console's server says on its Unix socket."""
    folder = os.open(Path(path).parent, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(PATIENCE_S)
            # A name relative to the open folder is short enough for the system.
            line.connect(f"/proc/self/fd/{folder}/{Path(path).name}")
            return line.recv(count, socket.MSG_WAITALL)
    finally:
        os.close(folder)


class ConsoleCases(GuestCases):
    """Cases for where a guest's screen and serial line are."""

    def test_a_guest_has_consoles(self, driver: Hypervisor, guest: str) -> None:
        consoles = found(driver, guest)
        assert consoles
        for kind, endpoint in consoles.items():
            assert endpoint.kind is kind
            assert bool(endpoint.path) != bool(endpoint.host and endpoint.port)
        assert found(driver, guest) == consoles

    def test_a_screen_greets(self, driver: Hypervisor, guest: str) -> None:
        endpoint = found(driver, guest).get(ConsoleKind.VNC)
        # A driver without loops, or one in another mount namespace, has no socket that can be seen from here.
        if endpoint is not None and endpoint.path and Path(endpoint.path).exists():
            assert greeting(endpoint.path, len(GREETING)) == GREETING

    def test_two_guests_have_consoles_of_their_own(self, driver: Hypervisor, spec: Specs, guest: str) -> None:
        other = spec()
        driver.spawn(other)
        mine, theirs = found(driver, guest), found(driver, other.guest)
        assert mine.keys() == theirs.keys()
        assert not set(mine.values()).intersection(theirs.values())

    def test_a_stopped_guest_has_no_console(self, driver: Hypervisor, guest: str) -> None:
        facet, kinds = wants(driver, Consoles), list(found(driver, guest))
        driver.stop(guest, 0)
        for kind in kinds:
            with pytest.raises(NotFound):
                facet.console(guest, kind)
        driver.start(guest)
        assert list(found(driver, guest)) == kinds

    def test_nobody_has_no_console(self, driver: Hypervisor, guest: str) -> None:
        facet, kinds = wants(driver, Consoles), list(found(driver, guest))
        for kind in kinds:
            with pytest.raises(NotFound):
                facet.console(NOBODY, kind)
        driver.destroy(guest)
        for kind in kinds:
            with pytest.raises(NotFound):
                facet.console(guest, kind)
