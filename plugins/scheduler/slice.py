"""The scheduler as a slice: a service without tables and without a face."""

from __future__ import annotations

from ...core.process.slice import Kit, Slice
from ...core.services.scheduler import SchedulerService
from .options import Options
from .service import Scheduler as Service


class Scheduler(Slice):
    """Chooses hosts for servers."""

    name = "scheduler"
    interface = SchedulerService
    Options = Options

    def service(self, kit: Kit) -> SchedulerService:
        """The service with the enabled filters and weighers."""
        return Service(kit)
