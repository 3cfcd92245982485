"""What this cloud's image service offers: import methods, stores, usage, and the schema documents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..schemas import DOCUMENTS
from ..service import Images
from ..tables import images

USAGE = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(images.c.size), 0),
                  sa.func.coalesce(sa.func.sum(sa.case((images.c.status.in_(("saving", "uploading", "importing")), 1),
                                                       else_=0)), 0)).where(images.c.owner == sa.bindparam("owner"))
STAGED = sa.select(images.c.staged).where(images.c.owner == sa.bindparam("owner"), images.c.staged.is_not(None))


def methods(service: Images, call: Call) -> dict[str, Any]:
    """The import methods."""
    return {"import-methods": {"description": "Import methods available.", "type": "array",
                               "value": ["glance-direct"]}}


def stores(service: Images, call: Call) -> dict[str, Any]:
    """The stores: one."""
    name = service.kit.options.store
    return {"stores": [{"id": name, "description": f"The image store {name}", "default": "true"}]}


def store_details(service: Images, call: Call) -> dict[str, Any]:
    """The stores with what only an administrator may know."""
    name = service.kit.options.store
    return {"stores": [{"id": name, "type": service.data.store.facts().scheme, "weight": 0, "default": "true",
                        "description": f"The image store {name}", "properties": {}}]}


def usage(service: Images, call: Call) -> dict[str, Any]:
    """Limits and usage of the caller's project; -1 is no limit, sizes are in MiB."""
    with service.kit.db.read() as tx:
        row: Any = tx.row(USAGE, {"owner": call.context.project_id})
        staged = sum(int(one["size"]) for one in tx.values(STAGED, {"owner": call.context.project_id}))
    options = service.kit.options
    return {"usage": {
        "image_size_total": {"limit": options.project_quota_mib or -1, "usage": int(row[1]) >> 20},
        "image_count_total": {"limit": options.project_quota_images or -1, "usage": row[0]},
        "image_stage_total": {"limit": options.project_quota_mib or -1, "usage": staged >> 20},
        "image_count_uploading": {"limit": -1, "usage": int(row[2])}}}


def schema(service: Images, call: Call) -> Any:
    """One schema document."""
    found = DOCUMENTS.get(call.path["name"])
    if found is None:
        raise NotFound(f"There is no schema {call.path['name']}")
    return found


OPERATIONS = (
    Operation("GET", "/info/import", methods, "get_images", summary="List import methods."),
    Operation("GET", "/info/stores", stores, "get_images", summary="List stores."),
    Operation("GET", "/info/stores/detail", store_details, "stores_info_detail", summary="List stores with details."),
    Operation("GET", "/info/usage", usage, "get_images", summary="Show quota usage."),
    Operation("GET", "/schemas/{name}", schema, "get_images", summary="Show a schema."),
)
