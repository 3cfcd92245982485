"""The HTTP face of placement: one module a noun, joined here."""

from __future__ import annotations

from ....core.http.table import Api, Microversions
from . import versions
from .faults import fault

API = Api(name="placement", prefix="/placement", operations=(*versions.OPERATIONS,), fault=fault,
          microversions=Microversions("placement", versions.FIRST, versions.LAST))
