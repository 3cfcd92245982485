"""What the scheduler is asked for servers that are there, and for servers that might be."""

from __future__ import annotations

from ...core.context import Context
from ...core.process.slice import Kit
from ...core.services.compute import Placing, Trial
from ...core.services.scheduler import Request
from . import choice, plans, records, wants
from .fleet import Fleet


def of_server(kit: Kit, context: Context, server_id: str) -> Placing:
    """What is asked for a server, and the scheduler's words of its failure. :raises NotFound: there is none."""
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        asked = plans.request(kit, tx, row, records.details(tx, server_id), records.devices(tx, server_id), row.flavor)
    return Placing(request=asked, said=list((row.fault or {}).get("explanation", ())))


def of_trial(kit: Kit, fleet: Fleet, context: Context, trial: Trial) -> Request:
    """What would be asked for a server of a flavor, an image, a zone and hints. :raises BadRequest: one is unknown."""
    with kit.db.read() as tx:
        flavor = choice.flavor(tx, context, trial.flavor)
        hint_hosts = plans.hint_hosts(tx, trial.hints)
    image = choice.image(kit, context, trial.image) if trial.image else plans.NO_IMAGE
    where = choice.where(kit, fleet, context, {"availability_zone": trial.zone})
    particular = wants.read(kit, flavor, image.properties)
    return Request(
        server_id=kit.clock.uuid(), project_id=context.project_id, user_id=context.user_id,
        resources=plans.resources(flavor, not trial.image, particular.dedicated, particular.emulator),
        flavor_name=flavor["name"],
        extra_specs=flavor["extra_specs"], image_id=image.id, image_properties=image.properties, zone=where.zone,
        forced_host=where.host, forced_node=where.node, hints=trial.hints, hint_hosts=hint_hosts,
        exclusive=plans.exclusive(flavor["extra_specs"], trial.hints), image_format=image.disk_format,
        topology=particular.topology, pci_devices=list(particular.devices))
