"""The HTTP face of the scheduler: what can be asked of it, and why it chose as it did.

No API of OpenStack's has this; the paths are our own.
"""

from __future__ import annotations

from ....core.http.table import Api
from . import explanations, filters, versions
from .faults import fault

API = Api(name="scheduling", prefix="/scheduler", fault=fault,
          operations=(*versions.OPERATIONS, *filters.OPERATIONS, *explanations.OPERATIONS))
