"""The identity slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.config import Configuration
from ...core.db.schema import Schema
from ...core.drivers.identity import Stored
from ...core.drivers.revocation import CHANGED_TOPIC
from ...core.process.slice import Kit, Slice
from ...core.services.identity import IdentityService
from . import service
from .api import API
from .backends import BACKENDS
from .rules import RULES
from .store import IdentityOptions
from .tables import SCHEMA


class Identity(Slice):
    """Who may do what: users, projects, roles, tokens and the catalog (Identity API v3)."""

    name = "identity"
    interface = IdentityService
    namespace = "keystone"
    Options = IdentityOptions
    schema = SCHEMA
    face = API
    rules = RULES
    catalog = (("identity", "keystone", ""),)

    def schemas(self, configuration: Configuration) -> Sequence[Schema]:
        """Identity's tables, and those of the backend of all domains where it keeps its users beside them."""
        backend: Any = BACKENDS.load(configuration.section("identity", IdentityOptions).backend)
        return (SCHEMA, backend.schema) if issubclass(backend, Stored) else (SCHEMA,)

    def service(self, kit: Kit) -> service.Identity:
        return service.Identity(kit)

    def start(self, service: Any, kit: Kit) -> None:
        kit.mesh.bus.listen(CHANGED_TOPIC, service.store.revision.hear)

    def seed(self, service: Any, kit: Kit) -> None:
        service.seed(kit.context())
