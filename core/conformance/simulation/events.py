"""All that may happen in a life, with its weight."""

from __future__ import annotations

from collections.abc import Mapping

from . import faults, tenants
from .life import Event

TENANT, OPERATOR, FAULT = "tenant", "operator", "fault"

EVENTS: Mapping[str, Event] = {
    "boot": Event(TENANT, 16, tenants.boot), "delete": Event(TENANT, 7, tenants.delete),
    "power": Event(TENANT, 12, tenants.power), "rebuild": Event(TENANT, 3, tenants.rebuild),
    "resize": Event(TENANT, 6, tenants.resize), "settle": Event(TENANT, 5, tenants.settle),
    "shelve": Event(TENANT, 5, tenants.shelve), "rescue": Event(TENANT, 3, tenants.rescue),
    "snapshot": Event(TENANT, 2, tenants.snapshot), "volume": Event(TENANT, 9, tenants.volume),
    "port": Event(TENANT, 5, tenants.port), "floating": Event(TENANT, 2, tenants.floating),
    "race": Event(TENANT, 2, tenants.race), "look": Event(TENANT, 2, tenants.look),
    "migrate": Event(OPERATOR, 7, faults.migrate), "evacuate": Event(OPERATOR, 2, faults.evacuate),
    "recover": Event(OPERATOR, 3, faults.recover), "close": Event(OPERATOR, 2, faults.close),
    "crash": Event(FAULT, 3, faults.crash), "part": Event(FAULT, 3, faults.part),
    "driver": Event(FAULT, 5, faults.driver), "message": Event(FAULT, 6, faults.message),
    "kill": Event(FAULT, 2, faults.kill), "restart": Event(FAULT, 1, faults.restart)}
