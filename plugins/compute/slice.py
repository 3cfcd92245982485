"""Compute as a slice: what its entry point names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from ...core.http.mount import Wsgi
from ...core.process.slice import Belonging, Drift, Kit, Slice
from ...core.services.compute import ComputeService
from . import audit, audit_claims, daemons, deferral, purge, vigil
from .agency import CONTROL_QUEUE, Control
from .agent import HostAgents
from .api import FACE
from .consoles.agent import ConsoleProxies
from .metadata_page import MetadataPage
from .options import Options
from .pci import PciOptions
from .rules import RULES
from .service import Service
from .tables import SCHEMA
from .workflows import WORKFLOWS


class Compute(Slice):
    """Servers, and what they are made of."""

    name = "compute"
    interface = ComputeService
    namespace = "nova"
    Options = Options
    sections: ClassVar[Mapping[str, type]] = {"pci": PciOptions}
    schema = SCHEMA
    face = FACE
    rules = RULES
    workflows = WORKFLOWS
    agents = {"compute": HostAgents, "consoles": ConsoleProxies}
    beside = ("network",)
    catalog = (("compute", "nova", "/v2.1"),)

    def service(self, kit: Kit) -> Service:
        return Service(kit)

    def start(self, service: Service, kit: Kit) -> None:
        kit.mesh.serve(CONTROL_QUEUE, Control, service.control)
        daemons.announce(kit)
        deferral.announce(kit)
        kit.executor.every(vigil.LOOK_S, lambda: service.vigil.look())

    def pages(self, service: Service, kit: Kit) -> Mapping[str, Wsgi]:
        return {"/metadata": MetadataPage(kit)}

    def host_pages(self, kit: Kit) -> Mapping[str, Wsgi]:
        return {"/metadata": MetadataPage(kit)}

    def audit(self, service: Service, kit: Kit, mend: bool) -> Iterator[Drift]:
        yield from audit.usages(kit, mend)
        yield from audit_claims.claims(kit, kit.context(), mend)
        yield from audit.seating(kit, mend)

    def belongings(self, service: Service, kit: Kit) -> Iterator[Belonging]:
        return purge.guests(kit)
