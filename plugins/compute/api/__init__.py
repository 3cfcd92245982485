"""What compute offers over HTTP: one module a noun, joined here into its face."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ....core.http.table import Api, Operation, Query, under, version
from . import (
    actions,
    addresses,
    aggregates,
    assisted_snapshots,
    attachments,
    audits,
    availability_zones,
    consoles,
    deferral,
    extensions,
    external_events,
    fixed_ips,
    flavors,
    floating_ips,
    gone,
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
    recovery,
    rescue,
    security_groups,
    server_groups,
    server_metadata,
    server_password,
    server_tags,
    servers,
    services,
    shares,
    shelving,
    tending,
    topology,
    usage,
    versions,
    volumes,
)
from .faults import fault
from .media import admit
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
    topology.OPERATIONS,
    server_password.OPERATIONS,
    consoles.OPERATIONS,
    server_metadata.OPERATIONS,
    server_tags.OPERATIONS,
    addresses.OPERATIONS,
    attachments.OPERATIONS,
    shares.OPERATIONS,
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
    recovery.OPERATIONS,
    usage.OPERATIONS,
    audits.OPERATIONS,
    external_events.OPERATIONS,
    assisted_snapshots.OPERATIONS,
    extensions.OPERATIONS,
    images.OPERATIONS,
    image_metadata.OPERATIONS,
    security_groups.OPERATIONS,
    floating_ips.OPERATIONS,
    fixed_ips.OPERATIONS,
    networks.OPERATIONS,
    volumes.OPERATIONS,
    gone.OPERATIONS,
)
"""The tables of all nouns, in the order of the API reference."""
STRICT = "2.102"
"""The microversion since which no operation that only looks takes a parameter that it does not know."""


def _strict(operation: Operation) -> Operation:
    if operation.method != "GET" or operation.until or operation.gone:
        return operation
    queries = {"2.1": operation.query} if isinstance(operation.query, Query) else operation.query
    newest = queries[max(queries, key=version)]
    return dataclasses.replace(operation, query={**queries, STRICT: dataclasses.replace(newest, strict=True)})


FACE = Api(
    name="compute",
    prefix="/compute",
    operations=(*versions.OPERATIONS, *map(_strict, under(ROOT, *TABLES))),
    fault=fault,
    microversions=MICROVERSIONS,
    project_in_path=ROOT,
    aliases={COMPATIBLE: ROOT},
    request_id_header="X-Compute-Request-Id",
    admit=admit,
)
