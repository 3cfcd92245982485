"""States, migrations and rules hold together."""

from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.migrate import differences
from stratolith.core.db.upgrade import upgrade
from stratolith.core.policy.engine import Policy
from stratolith.plugins.image.api import API as IMAGE
from stratolith.plugins.image.rules import RULES as IMAGE_RULES
from stratolith.plugins.volume.api import API
from stratolith.plugins.volume.rules import RULES
from stratolith.plugins.volume.states import FLOW, NEXT, SNAPSHOT_FLOW, SNAPSHOT_NEXT
from stratolith.plugins.volume.tables import SCHEMA


def test_migrations_make_the_tables():
    database = Database(DatabaseOptions(), "sqlite://")
    upgrade(database, SCHEMA)
    assert differences(database, SCHEMA) == []


def test_every_passing_state_has_an_end():
    for flow, table, passing in ((FLOW, NEXT, ("creating", "deleting", "extending")),
                                 (SNAPSHOT_FLOW, SNAPSHOT_NEXT, ("creating", "deleting"))):
        assert len(flow) == len(table)
        for state in passing:
            assert (state, "failed") in table
    for state in ("reserved", "attaching", "detaching", "uploading", "awaiting-transfer"):
        assert (state, "release") in NEXT


def test_every_operation_has_a_rule():
    for api, rules in ((API, RULES), (IMAGE, IMAGE_RULES)):
        known = {rule.name for rule in rules}
        assert len(known) == len(rules)
        assert not [one.name for one in api.operations if not one.public and one.rule not in known]
    Policy((*RULES, *IMAGE_RULES)).validate()
