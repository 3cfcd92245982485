"""The HTTP face of the image service: tables of operations, views and documents."""

from __future__ import annotations

from ....core.http.table import Api, under
from . import data, images, info, members, versions
from .faults import fault

API = Api(
    name="image", prefix="/image", fault=fault,
    operations=(*versions.OPERATIONS, *under("/v2", images.OPERATIONS, data.OPERATIONS, members.OPERATIONS,
                                             info.OPERATIONS)),
    statuses={"quota-exceeded": 413, "no-space": 413})
