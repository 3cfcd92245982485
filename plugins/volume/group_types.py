"""Group types: what users choose groups by, and specs that say what a back end must do for them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest
from ...core.process.slice import Kit
from .kinds import Kinds, Specs
from .tables import group_types, groups

IN_USE = sa.select(groups.c.id).where(groups.c.type_id == sa.bindparam("type_id")).limit(1)
CONSISTENT = "consistent_group_snapshot_enabled"
"""The spec by which a group type asks for snapshots of one moment."""
OF_CONSISTENCY_GROUPS = "default_cgsnapshot_type"
"""The group type of what the older API calls consistency groups."""


class GroupTypes(Kinds):
    """The types of groups."""

    table, word, payload, event, specs = group_types, "Group type", "GroupTypePayload", "group_type", "specs"
    users = IN_USE

    def check_specs(self, tx: Transaction, row: Row, specs: Specs) -> None:
        """:raises BadRequest: groups are of the type, and consistency would change."""
        if consistent(specs) != consistent(row.specs) and self.is_used(tx, row.id):
            raise BadRequest(f"{CONSISTENT} of a group type cannot change while groups are of it.")


TYPES = GroupTypes()
BY_ID = TYPES.by_id
find, named, create, update, delete = TYPES.find, TYPES.named, TYPES.create, TYPES.update, TYPES.delete
listed, set_specs, drop_spec = TYPES.listed, TYPES.set_specs, TYPES.drop_spec


def consistent(specs: Mapping[str, str]) -> bool:
    """Tell whether specs ask for snapshots of one moment."""
    return specs.get(CONSISTENT, "").replace(" ", "").lower() == "<is>true"


def seed(kit: Kit) -> None:
    """Make the group type of consistency groups; nothing if it is there."""
    TYPES.seed(kit, OF_CONSISTENCY_GROUPS, "Group type of consistency groups", {CONSISTENT: "<is> True"})
