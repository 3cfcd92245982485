"""The cases of the hypervisor suite for what is done to guests in need: rescue, dumps, passwords, figures, swaps."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..drivers.hypervisor import (
    CrashDump,
    Diagnostics,
    Disk,
    GuestAgent,
    GuestSpec,
    Hypervisor,
    Image,
    ImageCaching,
    Killable,
    Power,
    Rescuable,
    Volumes,
    VolumeSwap,
)
from ..drivers.network import Vif
from ..errors import CloudError, NotFound, NotSupported, WrongState
from .cases import until, wants
from .hypervisor_guest import NOBODY, GuestCases, Specs


def rescued(spec: GuestSpec, image: Image) -> GuestSpec:
    """``spec`` booting from a rescue disk in the place of its root disk."""
    own = dataclasses.replace(spec.disks[0], device="vdb")
    return dataclasses.replace(spec, disks=[Disk("vda", 0, image=image, kind="rescue"), own], boot_device="vda")


class TendingCases(GuestCases):
    """Cases for the facets that tend to a guest in need."""

    def other_image(self, image: Image) -> Image:
        """An image with the same contents under another id."""
        return dataclasses.replace(image, id=str(uuid.uuid4()))

    # facet: Rescuable

    def test_rescue_and_back(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet, wanted = wants(driver, Rescuable), spec()
        driver.spawn(wanted)
        rescue = rescued(wanted, self.other_image(image))
        facet.rescue(rescue)
        facet.rescue(rescue)
        assert self.observed(driver, wanted.guest) is Power.RUNNING
        facet.unrescue(wanted)
        facet.unrescue(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_rescue_behind_the_other_disks(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet = wants(driver, Rescuable)
        wanted = spec(disks=[*spec().disks, Disk("vdb", 1, kind="ephemeral")])
        driver.spawn(wanted)
        rescue = Disk("vdc", 0, image=self.other_image(image), kind="rescue")
        facet.rescue(dataclasses.replace(wanted, disks=[*wanted.disks, rescue], boot_device="vdc"))
        assert self.observed(driver, wanted.guest) is Power.RUNNING
        facet.unrescue(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_rescue_of_a_stopped_guest(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet, wanted = wants(driver, Rescuable), spec()
        driver.spawn(wanted)
        driver.stop(wanted.guest, 0)
        facet.rescue(rescued(wanted, self.other_image(image)))
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_rescue_of_an_unknown_guest(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet, wanted = wants(driver, Rescuable), dataclasses.replace(spec(), guest=NOBODY)
        with pytest.raises(NotFound):
            facet.rescue(rescued(wanted, self.other_image(image)))
        with pytest.raises(NotFound):
            facet.unrescue(wanted)
        assert self.observed(driver, NOBODY) is None

    def test_a_rescued_guest_is_destroyed(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet, wanted = wants(driver, Rescuable), spec()
        driver.spawn(wanted)
        facet.rescue(rescued(wanted, self.other_image(image)))
        driver.destroy(wanted.guest)
        assert self.observed(driver, wanted.guest) is None
        driver.spawn(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    def test_a_broken_rescue_image_keeps_the_guest(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet, wanted = wants(driver, Rescuable), spec()
        driver.spawn(wanted)
        broken = dataclasses.replace(self.other_image(image), hash_algorithm="sha512",
                                     hash_value=hashlib.sha512(b"another").hexdigest())
        try:
            facet.rescue(rescued(wanted, broken))
        except CloudError:
            assert self.observed(driver, wanted.guest) in (Power.RUNNING, Power.SHUTDOWN)
        facet.unrescue(wanted)
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    # facet: CrashDump

    def test_crash_dump(self, driver: Hypervisor, guest: str) -> None:
        wants(driver, CrashDump).crash_dump(guest)
        assert self.observed(driver, guest) is not None

    def test_crash_dump_of_an_unknown_guest(self, driver: Hypervisor) -> None:
        facet = wants(driver, CrashDump)
        with pytest.raises(NotFound):
            facet.crash_dump(NOBODY)

    def test_crash_dump_of_a_stopped_guest(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, CrashDump)
        driver.stop(guest, 0)
        with pytest.raises(WrongState):
            facet.crash_dump(guest)
        assert self.observed(driver, guest) is Power.SHUTDOWN

    # facet: GuestAgent

    def test_password_of_a_guest_without_an_agent(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, GuestAgent)
        with pytest.raises(NotSupported):
            facet.set_password(guest, "root", "secret")
        assert self.observed(driver, guest) is Power.RUNNING

    def test_password_of_an_unknown_guest(self, driver: Hypervisor) -> None:
        facet = wants(driver, GuestAgent)
        with pytest.raises(NotFound):
            facet.set_password(NOBODY, "root", "secret")

    # facet: Diagnostics

    def test_use(self, driver: Hypervisor, spec: Specs) -> None:
        facet = wants(driver, Diagnostics)
        mac = "fa:16:3e:00:00:21"
        wanted = spec(vcpus=2, vifs=[Vif(str(uuid.uuid4()), "none", mac)])
        driver.spawn(wanted)
        use = facet.use(wanted.guest)
        assert len(use.cpu_times_ns) == 2 and all(time >= 0 for time in use.cpu_times_ns)
        assert [one.mac_address for one in use.nics] == [mac]
        assert "vda" in use.disks and use.uptime_s >= 0
        assert use.memory_used_mib is None or use.memory_used_mib >= 0

    def test_use_does_not_shrink(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Diagnostics)
        first, second = facet.use(guest), facet.use(guest)
        assert second.uptime_s >= first.uptime_s
        assert sum(second.cpu_times_ns) >= sum(first.cpu_times_ns)

    def test_use_of_what_does_not_run(self, driver: Hypervisor, guest: str) -> None:
        facet = wants(driver, Diagnostics)
        driver.stop(guest, 0)
        for one in (guest, NOBODY):
            with pytest.raises(NotFound):
                facet.use(one)

    # facet: VolumeSwap

    def test_swap_a_volume(self, driver: Hypervisor, obedient: str, tmp_path: Path) -> None:
        facet = wants(driver, VolumeSwap)
        old, new = (Disk("vdb", 1, connection=self.make_volume(tmp_path, number), volume_id=str(uuid.uuid4()),
                         kind="volume") for number in range(2))
        volumes = wants(driver, Volumes)
        volumes.attach_volume(obedient, old)
        facet.swap_volume(obedient, old.volume_id, new)
        facet.swap_volume(obedient, old.volume_id, new)
        assert self.observed(driver, obedient) is Power.RUNNING
        volumes.attach_volume(obedient, new)
        back = dataclasses.replace(old, device="vdb")
        facet.swap_volume(obedient, new.volume_id, back)
        volumes.detach_volume(obedient, new.volume_id)
        volumes.detach_volume(obedient, old.volume_id)
        with pytest.raises(NotFound):
            facet.swap_volume(obedient, old.volume_id, new)

    def test_swap_of_an_unknown_volume(self, driver: Hypervisor, guest: str, tmp_path: Path) -> None:
        facet = wants(driver, VolumeSwap)
        new = Disk("vdb", 1, connection=self.make_volume(tmp_path, 0), volume_id=str(uuid.uuid4()), kind="volume")
        for one in (guest, NOBODY):
            with pytest.raises(NotFound):
                facet.swap_volume(one, str(uuid.uuid4()), new)

    # facet: ImageCaching

    def test_an_image_that_is_kept_is_not_fetched(self, driver: Hypervisor, spec: Specs, image: Image) -> None:
        facet = wants(driver, ImageCaching)
        fetched: list[int] = []

        def counted() -> Iterator[bytes]:
            fetched.append(1)
            return image.chunks()

        other = dataclasses.replace(self.other_image(image), chunks=counted)
        facet.cache_image(other)
        facet.cache_image(other)
        before = len(fetched)
        wanted = spec(disks=[Disk("vda", self.disk_gib, image=other)])
        driver.spawn(wanted)
        assert len(fetched) == before <= 1
        assert self.observed(driver, wanted.guest) is Power.RUNNING

    # facet: Killable

    def test_all_guests_end_at_once(self, driver: Hypervisor, guest: str, spec: Specs) -> None:
        """Also by a driver that was never opened, as in another process; what was killed can be started."""
        killable = wants(driver, Killable)
        other = spec()
        driver.spawn(other)
        stranger = wants(type(driver)(driver.options, driver.surroundings), Killable)
        until(lambda: not stranger.kill_guests(), self.patience_s, "no guest runs")
        assert not killable.kill_guests()
        ended = (guest, other.guest)
        until(lambda: all(self.observed(driver, one) is not Power.RUNNING for one in ended), self.patience_s,
              "the guests are seen to be off")
        for one in ended:
            driver.start(one)
            assert self.observed(driver, one) is Power.RUNNING
