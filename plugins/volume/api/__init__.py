"""The HTTP face of the block storage service: tables of operations, views and documents."""

from __future__ import annotations

from ....core.http.table import Api, Microversions, under
from . import actions, admin, attachments, info, metadata, quotas, snapshots, transfers, types, versions, volumes
from .faults import fault

API = Api(
    name="block-storage", prefix="/volume", fault=fault, project_in_path="/v3",
    request_id_header="X-Compute-Request-Id",
    microversions=Microversions("volume", versions.OLDEST, versions.NEWEST),
    operations=(*versions.OPERATIONS, *under(
        "/v3", volumes.OPERATIONS, actions.OPERATIONS, metadata.OPERATIONS, snapshots.OPERATIONS,
        attachments.OPERATIONS, types.OPERATIONS, quotas.OPERATIONS, transfers.OPERATIONS, admin.OPERATIONS,
        info.OPERATIONS)),
    # A volume in the wrong state is a bad request to this API, not a conflict.
    statuses={"quota-exceeded": 413, "wrong-state": 400, "in-use": 400, "not-supported": 400})
