"""Hypervisor drivers with one bug each: mistakes that drivers' authors make. The shipped suite has to find all.

Not collected by itself: ``test_mutants.py`` runs it in a process of its own and counts.
"""

import dataclasses

from stratolith.core.conformance.runner import applied_to
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.errors import BackendFailed, NotFound
from stratolith.hypervisors.simulated.driver import Simulated


class ForgetsNothing(Simulated):
    """Destroyed guests are only stopped."""

    def destroy(self, guest):
        if guest in self._guests:
            super().stop(guest, 0)


class MissesTheDead(Simulated):
    """Guests that are off are not observed."""

    def observe(self):
        return [one for one in super().observe() if one.power is not Power.SHUTDOWN]


class SeesDouble(Simulated):
    """Each guest is observed twice."""

    def observe(self):
        return [*super().observe(), *super().observe()]


class SpawnsTwice(Simulated):
    """A second spawn is an error, though it may be a step that is repeated."""

    def spawn(self, spec):
        if spec.guest in self._guests:
            raise BackendFailed("it is there already")
        super().spawn(spec)


class SpawnDoesNotStart(Simulated):
    """A spawn of a guest that is there, but off, leaves it off."""

    def spawn(self, spec):
        if spec.guest not in self._guests:
            super().spawn(spec)


class LeavesHalves(Simulated):
    """A guest that is too large is refused and stays all the same."""

    def spawn(self, spec):
        try:
            super().spawn(spec)
        except Exception:
            small = dataclasses.replace(spec, memory_mib=1, disks=())
            super().spawn(small)
            raise


class DestroysOnce(Simulated):
    """A second destroy is an error."""

    def destroy(self, guest):
        self._guest(guest)
        super().destroy(guest)


class NamesAreKeys(Simulated):
    """Two guests of one name are one."""

    def spawn(self, spec):
        if any(one.name == spec.name and one.id != spec.guest for one in self._guests.values()):
            raise BackendFailed("the name is taken")
        super().spawn(spec)


class StopPauses(Simulated):
    """A stop only freezes."""

    def stop(self, guest, timeout_s):
        self._become(self._guest(guest), Power.PAUSED)


class StopsOnce(Simulated):
    """A stop of a guest that is off is an error."""

    def stop(self, guest, timeout_s):
        if self._guest(guest).power is Power.SHUTDOWN:
            raise BackendFailed("it is off")
        super().stop(guest, timeout_s)


class StartKnowsEverybody(Simulated):
    """A start of an unknown guest does nothing."""

    def start(self, guest):
        if guest in self._guests:
            super().start(guest)


class RebootStops(Simulated):
    """A reboot leaves the guest off."""

    def reboot(self, guest, hard):
        super().reboot(guest, hard)
        super().stop(guest, 0)


class RebootSleeps(Simulated):
    """A hard reboot leaves a guest off that was off."""

    def reboot(self, guest, hard):
        if self._guest(guest).power is not Power.SHUTDOWN:
            super().reboot(guest, hard)


class ConsoleIsWhole(Simulated):
    """The console log is not cut."""

    def console_log(self, guest, max_bytes):
        return super().console_log(guest, 1 << 20)


class ConsoleIsAHead(Simulated):
    """The console log is cut at its wrong end."""

    def console_log(self, guest, max_bytes):
        return super().console_log(guest, 1 << 20)[:max_bytes]


class PausesTheDead(Simulated):
    """A guest that is off is paused."""

    def pause(self, guest):
        self._become(self._guest(guest), Power.PAUSED)


class PauseIsForever(Simulated):
    """A paused guest stays so."""

    def unpause(self, guest):
        self._guest(guest)


class SuspendPauses(Simulated):
    """A suspended guest is only paused."""

    def suspend(self, guest):
        self._pass(guest, Power.RUNNING, Power.PAUSED)

    def resume(self, guest):
        self._pass(guest, Power.PAUSED, Power.RUNNING)


class ResumesTheDead(Simulated):
    """Resuming a guest that is off starts it."""

    def resume(self, guest):
        self._become(self._guest(guest), Power.RUNNING)


class SnapshotKills(Simulated):
    """A snapshot leaves the guest off."""

    def snapshot(self, guest, target):
        found = super().snapshot(guest, target)
        super().stop(guest, 0)
        return found


class SnapshotIsEmpty(Simulated):
    """A snapshot has no contents."""

    def snapshot(self, guest, target):
        super().snapshot(guest, target)
        target.write_bytes(b"")
        return "raw"


class SnapshotLies(Simulated):
    """A snapshot's format is not what it says."""

    def snapshot(self, guest, target):
        super().snapshot(guest, target)
        return "qcow2"


class ResizeForgets(Simulated):
    """A resize has no way back."""

    def resize(self, spec):
        super().resize(spec)
        self._guest(spec.guest).before = None
        super().stop(spec.guest, 0)


class ConfirmKnowsEverybody(Simulated):
    """Confirming the resize of an unknown guest is an error."""

    def confirm_resize(self, guest):
        self._guest(guest)
        super().confirm_resize(guest)


class GiantsFit(Simulated):
    """Any size is taken."""

    def _refuse_giants(self, spec):
        """Nobody is refused."""


class AttachesToNobody(Simulated):
    """A volume for an unknown guest is taken."""

    def attach_volume(self, guest, disk):
        if guest in self._guests:
            super().attach_volume(guest, disk)


class DetachesOnce(Simulated):
    """Detaching a volume that is out is an error."""

    def detach_volume(self, guest, volume_id):
        if volume_id not in self._guest(guest).volumes:
            raise NotFound("it is out")
        super().detach_volume(guest, volume_id)


class DetachStops(Simulated):
    """Detaching an interface leaves the guest off."""

    def detach_interface(self, guest, port_id):
        super().detach_interface(guest, port_id)
        if guest in self._guests:
            super().stop(guest, 0)


class GrowsAnything(Simulated):
    """A volume that the guest does not have grows."""

    def grow_volume(self, guest, volume_id, size_gib):
        self._guest(guest)


class FactsShrink(Simulated):
    """What is offered gets less with each guest."""

    def facts(self):
        return dataclasses.replace(super().facts(), memory_mib=super().facts().memory_mib - len(self._guests))


class TraitsAreShouted(Simulated):
    """Traits are no names of traits."""

    def facts(self):
        return dataclasses.replace(super().facts(), traits=("fast disks!",))


class BusierThanWhole(Simulated):
    """A part of a whole is more than the whole."""

    def host_metrics(self):
        return {"cpu.percent": 250.0, "memory.percent": 40.0}


class OffersWhileRunning(Simulated):
    """A guest that is offered to another host runs on."""

    def depart(self, guest, timeout_s):
        offer = super().depart(guest, timeout_s)
        self._guest(guest).offered = False
        self._become(self._guest(guest), Power.RUNNING)
        return offer


class RescueForgetsTheWay(Simulated):
    """A rescued guest stays rescued and off."""

    def unrescue(self, spec):
        super().stop(spec.guest, 0)


class DumpsTheDead(Simulated):
    """A guest that is off dumps its memory."""

    def crash_dump(self, guest):
        self._guest(guest)


class PasswordsForAll(Simulated):
    """A guest without an agent takes a password."""

    def set_password(self, guest, user, password):
        self._guest(guest)


class SwapsNothing(Simulated):
    """A volume that the guest does not have is swapped."""

    def swap_volume(self, guest, old_volume_id, new):
        self._guest(guest)


class UsesOfTheDead(Simulated):
    """A guest that is off uses something."""

    def use(self, guest):
        record = self._guest(guest)
        before, record.power = record.power, Power.RUNNING
        try:
            return super().use(guest)
        finally:
            record.power = before


class CopiesSecrets(Simulated):
    """A copy of encrypted disks needs no key."""

    def see_plain(self, record):
        return


class TakesAnyKey(Simulated):
    """A copy of encrypted disks takes a key that is not theirs."""

    def plain_snapshot(self, guest, target, encryption):
        return self.write_disk(self._guest(guest), target)


class UnlocksByStarting(Simulated):
    """A guest that is off runs when the key of its disks is told."""

    def unlock(self, guest, encryption):
        super().unlock(guest, encryption)
        self.start(guest)


class EncryptsSomehow(Simulated):
    """A form of encryption that nobody knows is taken."""

    def spawn(self, spec):
        if spec.encryption is not None:
            spec = dataclasses.replace(spec, encryption=dataclasses.replace(spec.encryption, format="luks"))
        super().spawn(spec)


class TellsKeys(Simulated):
    """An error names the key."""

    def spawn(self, spec):
        try:
            super().spawn(spec)
        except Exception as exc:
            if spec.encryption is not None:
                raise BackendFailed(f"failed with {spec.encryption.passphrase}") from exc
            raise


MUTANTS = [one for one in globals().copy().values()
           if isinstance(one, type) and issubclass(one, Simulated) and one is not Simulated]
globals().update({f"Test{one.__name__}": applied_to("hypervisor", one, "hypervisors.simulated") for one in MUTANTS})
