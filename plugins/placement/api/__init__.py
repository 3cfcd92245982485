"""The HTTP face of placement: one module a noun, joined here."""

from __future__ import annotations

from ....core.http.table import Api, Microversions
from . import (
    aggregates,
    allocations,
    candidates,
    classes,
    inventories,
    providers,
    reshaper,
    traits,
    usages,
    versions,
)
from .faults import fault, page
from .media import admit, present

OPERATIONS = (*versions.OPERATIONS, *providers.OPERATIONS, *inventories.OPERATIONS, *aggregates.OPERATIONS,
              *traits.OPERATIONS, *classes.OPERATIONS, *usages.OPERATIONS, *allocations.OPERATIONS,
              *candidates.OPERATIONS, *reshaper.OPERATIONS)
API = Api(name="placement", prefix="/placement", operations=OPERATIONS, fault=fault,
          microversions=Microversions("placement", versions.FIRST, versions.LAST, lenient=True), admit=admit,
          present=present, listed_methods=True, page=page)
