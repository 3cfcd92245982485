"""What compute offers over HTTP: one module a noun, joined here into its face."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.http.table import Api, Operation, under
from . import (
    actions,
    addresses,
    aggregates,
    attachments,
    availability_zones,
    consoles,
    deferral,
    extensions,
    flavors,
    floating_ips,
    hosts,
    hypervisors,
    image_metadata,
    images,
    instance_actions,
    keypairs,
    limits,
    migrations,
    moves,
    networks,
    quota_sets,
    rescue,
    security_groups,
    server_groups,
    server_metadata,
    server_tags,
    servers,
    services,
    shelving,
    tending,
    usage,
    versions,
    volumes,
)
from .faults import fault
from .versions import COMPATIBLE, MICROVERSIONS, ROOT

TABLES: Sequence[Sequence[Operation]] = (
    servers.OPERATIONS,
    actions.OPERATIONS,
    moves.OPERATIONS,
    migrations.OPERATIONS,
    shelving.OPERATIONS,
    rescue.OPERATIONS,
    deferral.OPERATIONS,
    tending.OPERATIONS,
    consoles.OPERATIONS,
    server_metadata.OPERATIONS,
    server_tags.OPERATIONS,
    addresses.OPERATIONS,
    attachments.OPERATIONS,
    instance_actions.OPERATIONS,
    flavors.OPERATIONS,
    keypairs.OPERATIONS,
    limits.OPERATIONS,
    server_groups.OPERATIONS,
    quota_sets.OPERATIONS,
    aggregates.OPERATIONS,
    availability_zones.OPERATIONS,
    hypervisors.OPERATIONS,
    services.OPERATIONS,
    hosts.OPERATIONS,
    usage.OPERATIONS,
    extensions.OPERATIONS,
    images.OPERATIONS,
    image_metadata.OPERATIONS,
    security_groups.OPERATIONS,
    floating_ips.OPERATIONS,
    networks.OPERATIONS,
    volumes.OPERATIONS,
)
"""The tables of all nouns, in the order of the API reference."""

FACE = Api(
    name="compute",
    prefix="/compute",
    operations=(*versions.OPERATIONS, *under(ROOT, *TABLES)),
    fault=fault,
    microversions=MICROVERSIONS,
    project_in_path=ROOT,
    aliases={COMPATIBLE: ROOT},
    request_id_header="X-Compute-Request-Id",
)
