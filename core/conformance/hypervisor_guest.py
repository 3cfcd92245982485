"""What the cases of the hypervisor suite share: hooks, fixtures, and how a guest is observed."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..drivers.hypervisor import (
    Disk,
    GuestSpec,
    Hypervisor,
    Image,
    Power,
)
from ..drivers.volume import Connection
from ..errors import NotFound
from .cases import until

MIB = 1 << 20
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that no guest bears."""

Specs = Callable[..., GuestSpec]


def empty_image(folder: Path) -> Image:
    """A raw image of 1 MiB that holds nothing a machine could boot."""
    content = b"nothing to boot here\n".ljust(MIB, b"\0")
    return Image("f0000000-0000-4000-8000-000000000001", "raw", MIB, MIB, "sha512",
                 hashlib.sha512(content).hexdigest(), lambda: iter((content,)))


class GuestCases:
    """Hooks to override, and the fixtures of the cases; the cases themselves are in the subclasses."""

    memory_mib = 128
    """Memory of the guests."""
    disk_gib = 1
    """Root disk of the guests."""
    parallel = 10
    """Guests made at once in the parallel cases."""
    soft_stop_s = 20.0
    """Time a guest gets to obey a polite stop."""
    patience_s = 30.0
    """Time the host gets until what a verb did can be observed."""

    @classmethod
    def make_image(cls, folder: Path) -> Image:
        """The image the guests boot from; override for guests that must really run something."""
        return empty_image(folder)

    @classmethod
    def make_bootable(cls, folder: Path) -> Image:
        """The image for cases that need a guest that really obeys; by default the image of all."""
        return cls.make_image(folder)

    def ready(self, driver: Hypervisor, guest: str) -> None:
        """Return when ``guest`` can obey a stop or a hot-plug; at once where nothing really boots."""

    def deaf_disk(self, image: Image) -> Disk:
        """The root disk of a guest that runs and obeys nobody: an empty one, unless nothing starts from that."""
        return Disk("vda", 1)

    def make_volume(self, folder: Path, number: int) -> Connection:
        """A connection to an empty volume of 1 GiB the driver can attach."""
        return Connection("simulated")

    @pytest.fixture(scope="class")
    @classmethod
    def image(cls, tmp_path_factory: pytest.TempPathFactory) -> Image:
        """The image of all guests."""
        return cls.make_image(tmp_path_factory.mktemp("image"))

    @pytest.fixture(scope="class")
    @classmethod
    def bootable(cls, tmp_path_factory: pytest.TempPathFactory) -> Image:
        """The image of the guests that must obey."""
        return cls.make_bootable(tmp_path_factory.mktemp("bootable"))

    @pytest.fixture
    def spec(self, driver: Hypervisor, image: Image) -> Iterator[Specs]:
        """Makes specifications; every guest made from one is destroyed after the case."""
        made: list[str] = []

        def factory(**changes: Any) -> GuestSpec:
            guest = str(uuid.uuid4())
            made.append(guest)
            disk = Disk("vda", self.disk_gib, image=image)
            return dataclasses.replace(GuestSpec(guest, "case", 1, self.memory_mib, [disk]), **changes)

        yield factory
        for guest in made:
            driver.destroy(guest)
        left = {seen.guest for seen in driver.observe()}.intersection(made)
        assert not left, f"destroyed guests are still observed: {left}"

    @pytest.fixture
    def guest(self, driver: Hypervisor, spec: Specs) -> str:
        """A running guest."""
        wanted = spec()
        driver.spawn(wanted)
        return wanted.guest

    @pytest.fixture
    def obedient(self, driver: Hypervisor, spec: Specs, bootable: Image) -> str:
        """A running guest that can obey a polite stop and a hot-plug."""
        wanted = spec(disks=[Disk("vda", self.disk_gib, image=bootable)])
        driver.spawn(wanted)
        self.ready(driver, wanted.guest)
        return wanted.guest

    def observed(self, driver: Hypervisor, guest: str) -> Power | None:
        """What ``observe`` says of ``guest``, which must not contradict ``power``."""
        seen = [found.power for found in driver.observe() if found.guest == guest]
        assert len(seen) <= 1, "one guest is observed more than once"
        if seen:
            assert driver.power(guest) is seen[0]
        else:
            with pytest.raises(NotFound):
                driver.power(guest)
        return seen[0] if seen else None

    def becomes(self, driver: Hypervisor, guest: str, power: Power | None) -> None:
        """Wait until ``guest`` is seen to be ``power``; None means gone."""
        until(lambda: self.observed(driver, guest) is power, self.patience_s, f"{guest} is {power}")
