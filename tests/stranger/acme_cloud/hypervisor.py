"""A hypervisor whose guests are notes on paper."""

from stratolith.core.drivers.hypervisor import Hypervisor, HypervisorFacts, ObservedGuest, Pausable, Power
from stratolith.core.errors import BackendFailed, NoSpace, NotFound, WrongState


class Paper(Hypervisor, Pausable):
    """One sheet of paper a host; a guest is a line on it."""

    def __init__(self, options, surroundings):
        super().__init__(options, surroundings)
        self.lines = {}

    def facts(self):
        return HypervisorFacts("paper", 1_000_000, self.surroundings.host, 8, 16_384, 1_000)

    def observe(self):
        return [ObservedGuest(guest, power) for guest, power in tuple(self.lines.items())]

    def power(self, guest):
        if guest not in self.lines:
            raise NotFound(f"no line for {guest}")
        return self.lines[guest]

    def spawn(self, spec):
        facts = self.facts()
        if spec.memory_mib > facts.memory_mib or sum(disk.size_gib for disk in spec.disks) > facts.disk_gib:
            raise NoSpace("the sheet is too small")
        try:
            for disk in spec.disks:
                if disk.image is not None:
                    sum(map(len, disk.image.chunks()))
        except OSError as exc:
            raise BackendFailed("the image could not be read") from exc
        self.lines[spec.guest] = Power.RUNNING

    def destroy(self, guest):
        self.lines.pop(guest, None)

    def start(self, guest):
        self.power(guest)
        self.lines[guest] = Power.RUNNING

    def stop(self, guest, timeout_s):
        self.power(guest)
        self.lines[guest] = Power.SHUTDOWN

    def reboot(self, guest, hard):
        self.start(guest)

    def console_log(self, guest, max_bytes):
        text = f"{guest} is {self.power(guest).value}\n".encode()
        return text[-max_bytes:] if max_bytes > 0 else b""

    def pause(self, guest):
        self._turn(guest, Power.RUNNING, Power.PAUSED)

    def unpause(self, guest):
        self._turn(guest, Power.PAUSED, Power.RUNNING)

    def _turn(self, guest, before, after):
        if self.power(guest) not in (before, after):
            raise WrongState("the line says otherwise")
        self.lines[guest] = after
