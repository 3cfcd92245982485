"""The scheduler as a slice: a service without tables."""

from __future__ import annotations

from ...core.process.slice import Kit, Slice
from ...core.services.scheduler import SchedulerService
from .api import API
from .options import Options
from .rules import RULES
from .service import Scheduler as Service


class Scheduler(Slice):
    """Chooses hosts for servers, and says why."""

    name = "scheduler"
    interface = SchedulerService
    Options = Options
    face = API
    rules = RULES
    catalog = (("scheduling", "scheduler", ""),)

    def service(self, kit: Kit) -> SchedulerService:
        """The service with the enabled filters and weighers."""
        return Service(kit)
