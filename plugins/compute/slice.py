"""Compute as a slice: what its entry point names."""

from __future__ import annotations

from ...core.process.slice import Kit, Slice
from ...core.services.compute import ComputeService
from .api import FACE
from .options import Options
from .rules import RULES
from .service import Service
from .tables import SCHEMA


class Compute(Slice):
    """Servers, and what they are made of."""

    name = "compute"
    interface = ComputeService
    namespace = "nova"
    Options = Options
    schema = SCHEMA
    face = FACE
    rules = RULES
    catalog = (("compute", "nova", "/v2.1"),)

    def service(self, kit: Kit) -> Service:
        return Service(kit)
