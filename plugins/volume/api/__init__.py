"""The HTTP face of the block storage service: tables of operations, views and documents."""

from __future__ import annotations

from ....core.http.table import Api, Microversions, under
from . import (
    actions,
    admin,
    attachments,
    backups,
    clusters,
    consistency,
    default_types,
    filters,
    group_snapshots,
    group_types,
    groups,
    info,
    manage,
    messages,
    metadata,
    qos,
    quotas,
    services,
    snapshots,
    transfers,
    types,
    versions,
    volumes,
)
from .faults import fault

API = Api(
    name="block-storage", prefix="/volume", fault=fault, project_in_path="/v3",
    request_id_header="X-Compute-Request-Id",
    microversions=Microversions("volume", versions.OLDEST, versions.NEWEST),
    operations=(*versions.OPERATIONS, *under(
        "/v3", volumes.OPERATIONS, actions.OPERATIONS, metadata.OPERATIONS, snapshots.OPERATIONS,
        attachments.OPERATIONS, types.OPERATIONS, default_types.OPERATIONS, qos.OPERATIONS, quotas.OPERATIONS,
        transfers.OPERATIONS, backups.OPERATIONS, messages.OPERATIONS, group_types.OPERATIONS, groups.OPERATIONS,
        group_snapshots.OPERATIONS, consistency.OPERATIONS, manage.OPERATIONS, services.OPERATIONS, admin.OPERATIONS,
        clusters.OPERATIONS, filters.OPERATIONS, info.OPERATIONS)),
    # A volume in the wrong state is a bad request to this API, not a conflict.
    statuses={"quota-exceeded": 413, "wrong-state": 400, "in-use": 400, "not-supported": 400})
