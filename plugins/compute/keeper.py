"""A host that may run guests only as long as it keeps something, and stops them when it cannot."""

from __future__ import annotations

from ...core.drivers.fence import Keeping
from ...core.drivers.hypervisor import Hypervisor, Power
from ...core.errors import CloudError
from ...core.process.slice import Kit
from . import recovery


class Keeper:
    """Keeps the lease of one host. While it is ``held`` back, nothing may be started there."""

    def __init__(self, kit: Kit, driver: Hypervisor) -> None:
        self._kit = kit
        self._driver = driver
        fence = recovery.fence(kit)
        self._keeping = fence if isinstance(fence, Keeping) else None
        self.held = False

    def start(self) -> None:
        """Keep it from now on, where the fence has such a part."""
        if self._keeping is not None:
            self.keep()
            self._kit.executor.every(self._keeping.every_s(), self.keep)

    def keep(self) -> None:
        """Renew once; stop all guests when that may not go on without."""
        if self._keeping is None:
            return
        held, self.held = self.held, not self._keeping.keep(self._kit.host)
        if self.held:
            if not held:
                self._kit.log.error("host %s may not run servers any more: stopping them", self._kit.host)
            self._stop_all()
        elif held:
            self._kit.log.warning("host %s may run servers again", self._kit.host)

    def _stop_all(self) -> None:
        for one in self._driver.observe():
            if one.power is not Power.SHUTDOWN:
                try:
                    self._driver.stop(one.guest, 0)
                except CloudError as error:
                    self._kit.log.error("guest %s cannot be stopped: %s", one.guest, error)
