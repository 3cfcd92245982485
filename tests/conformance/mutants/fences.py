"""Fences with one bug each: mistakes that drivers' authors make. The shipped suite has to find all.

Not collected by itself: ``test_mutants.py`` runs it in a process of its own and counts.
"""

from stratolith.core.drivers.fence import FenceFacts
from stratolith.core.errors import BackendBusy, BackendFailed, NotSupported
from stratolith.hypervisors.fences.lease import Lease
from stratolith.hypervisors.fences.none import Nothing
from stratolith.hypervisors.fences.simulated import SimulatedFence

from ..fences import on_virtual_time


class TakesBusyForDone(SimulatedFence):
    """A controller that does not answer counts as one that is off."""

    def fence(self, host):
        try:
            return super().fence(host)
        except (BackendBusy, BackendFailed):
            return True


class NeverCertain(SimulatedFence):
    """It begins anew with each call."""

    def fence(self, host):
        self.since.pop(host, None)
        return super().fence(host)


class CertainOnce(SimulatedFence):
    """It forgets what it knew as soon as it has said so."""

    def fence(self, host):
        done = super().fence(host)
        if done:
            self.since.pop(host, None)
        return done


class AnswersNothing(SimulatedFence):
    """It does its work and does not say so."""

    def fence(self, host):
        super().fence(host)


class ReleasesOnce(SimulatedFence):
    """A host that is not held cannot be released."""

    def release(self, host):
        del self.since[host]


class StopsOnce(SimulatedFence):
    """A host that was stopped and released is never stopped again."""

    def fence(self, host):
        if host in self.released:
            return False
        return super().fence(host)

    def release(self, host):
        self.released.add(host) if host in self.since else None
        super().release(host)

    released: set = set()


class MoodyFacts(SimulatedFence):
    """Whether it proves anything depends on the moment."""

    asked = 0

    def facts(self):
        self.asked += 1
        return FenceFacts(proves=self.asked % 2 == 1)


class PromisesNothing(Nothing):
    """It says that it proves nothing, and then claims to know."""

    def fence(self, host):
        return True


class ProvesByRefusing(Nothing):
    """It says that it proves, and refuses all hosts."""

    def facts(self):
        return FenceFacts(proves=True)


class BelievesAtOnce(Lease):
    """It takes its own mark for the host's end."""

    def fence(self, host):
        super().fence(host)
        return True


class CountsFromTheMark(Lease):
    """It does not heed that the host renewed since."""

    def fence(self, host):
        now = self.clock.monotonic()
        super().fence(host)
        first = self.__dict__.setdefault("first", {}).setdefault(host, now)
        return now - first >= self.options.lease_s / 2

    def release(self, host):
        super().release(host)
        self.__dict__.get("first", {}).pop(host, None)


class ForgetsTheMargin(Lease):
    """It gives hosts no time to stop their guests."""

    def fence(self, host):
        number = (self._read(self._mark(host)), self._read(self._file(host)))
        if super().fence(host):
            return True
        seen, since = self._watched[host]
        return seen == number and self.clock.monotonic() - since >= self.options.lease_s


class CertainForEver(Lease):
    """What it was certain of once it is certain of when another process has released the host."""

    def fence(self, host):
        known = self.__dict__.setdefault("known", set())
        if host in known:
            super().fence(host)
            return True
        done = super().fence(host)
        if done:
            known.add(host)
        return done

    def release(self, host):
        super().release(host)
        self.__dict__.get("known", set()).discard(host)


class WaversWhenCertain(Lease):
    """It was certain, and is not when it is asked again."""

    def fence(self, host):
        done = super().fence(host)
        if done:
            self._certain.pop(host)
            self._watched.pop(host)
        return done


class DeafHost(Lease):
    """The host does not heed that it was stopped."""

    def keep(self, host):
        mark = self._mark(host)
        kept = mark.read_bytes() if mark.exists() else None
        mark.unlink(missing_ok=True)
        try:
            return super().keep(host)
        finally:
            if kept is not None:
                mark.write_bytes(kept)


class GenerousHost(Lease):
    """The host allows itself more than the control side waits."""

    def keep(self, host):
        until = super().keep(host)
        now = self.clock.monotonic()
        return until + 2 * self.options.margin_s if until > now else until


class NeverAllowed(Lease):
    """The host may run nothing, though nobody stops it."""

    def keep(self, host):
        super().keep(host)
        return self.clock.monotonic()


class KeepsForAll(Lease):
    """All hosts have one mark."""

    def _mark(self, host):
        return super()._mark("all")


class ReleasesHalf(Lease):
    """A released host stays marked."""

    def release(self, host):
        self._watched.pop(host, None)
        self._certain.pop(host, None)


class RareKeeping(Lease):
    """A host that calls as often as it should is always late."""

    def every_s(self):
        return self.options.lease_s * 2

    def open(self):
        self._watched.clear()


class AnyName(Lease):
    """Names of hosts are paths."""

    def _file(self, host):
        return self._folder / host.replace("..", ".").casefold().strip() / ".." / f"{host.strip().casefold()}.lease"


class RefusesTwice(Lease):
    """What is stopped already cannot be stopped."""

    def fence(self, host):
        done = super().fence(host)
        if done and host in self.__dict__.setdefault("told", set()):
            raise NotSupported("it is stopped already")
        if done:
            self.__dict__["told"].add(host)
        return done


MUTANTS = [one for one in globals().copy().values() if isinstance(one, type) and one.__module__ == __name__]
OPTIONS = {Lease: {"folder": True}, SimulatedFence: {"takes_s": 5}, Nothing: {}}
globals().update({f"Test{one.__name__}": on_virtual_time(one, "fences.mutant", **OPTIONS[one.__base__])
                  for one in MUTANTS})
