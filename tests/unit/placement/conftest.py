"""The placement service over a database in memory, without a cloud."""

import logging
import types

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.context import service_context
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.core.services.placement import Inventory
from stratolith.plugins.placement.service import Placement
from stratolith.plugins.placement.tables import SCHEMA

CONTEXT = service_context("req-test")
HOST = {"VCPU": Inventory(total=8, allocation_ratio=2.0), "MEMORY_MB": Inventory(total=4096, reserved=512),
        "DISK_GB": Inventory(total=100, min_unit=5, max_unit=50, step_size=5)}


def made(url="sqlite://"):
    """A service with an empty database."""
    db = Database(DatabaseOptions(), url)
    upgrade(db, SCHEMA)
    return Placement(types.SimpleNamespace(db=db, clock=Virtual(), log=logging.getLogger("stratolith.placement")))


@pytest.fixture
def placement():
    """Two hosts, ``a`` and ``b``; only ``b`` has a trait."""
    service = made()
    service.apply_provider(CONTEXT, "a", "host-a", HOST, ["COMPUTE_NODE"])
    service.apply_provider(CONTEXT, "b", "host-b", HOST, ["COMPUTE_NODE", "CUSTOM_GOLD"])
    yield service
    service.db.close()
