"""Placement as a slice: its tables, rules, face and service."""

from __future__ import annotations

from ...core.process.slice import Kit, Slice
from ...core.services.placement import PlacementService
from .api import API
from .rules import RULES
from .service import Placement as Service
from .tables import SCHEMA


class Placement(Slice):
    """Resource providers, inventories, traits, allocations and candidates."""

    name = "placement"
    interface = PlacementService
    namespace = "placement"
    schema = SCHEMA
    face = API
    rules = RULES
    catalog = (("placement", "placement", ""),)

    def service(self, kit: Kit) -> PlacementService:
        """The service over the slice's database."""
        return Service(kit)
