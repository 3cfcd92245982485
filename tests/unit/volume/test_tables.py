"""States, migrations and rules hold together."""

import shutil

import sqlalchemy as sa
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.migrate import differences
from stratolith.core.db.schema import Schema
from stratolith.core.db.upgrade import upgrade
from stratolith.core.policy.engine import Policy
from stratolith.plugins.image.api import API as IMAGE
from stratolith.plugins.image.rules import RULES as IMAGE_RULES
from stratolith.plugins.volume.api import API
from stratolith.plugins.volume.rules import RULES
from stratolith.plugins.volume.states import (
    BACKUP_FLOW,
    BACKUP_NEXT,
    FLOW,
    GROUP_FLOW,
    GROUP_NEXT,
    NEXT,
    SNAPSHOT_FLOW,
    SNAPSHOT_NEXT,
)
from stratolith.plugins.volume.tables import SCHEMA, marks


def test_migrations_make_the_tables():
    database = Database(DatabaseOptions(), "sqlite://")
    upgrade(database, SCHEMA)
    assert differences(database, SCHEMA) == []


def test_an_older_database_keeps_what_volumes_remember_of_images(tmp_path):
    database = Database(DatabaseOptions(), "sqlite://")
    upgrade(database, Schema("volume", sa.MetaData(), only_first(SCHEMA.migrations, tmp_path)))
    row = {"id": "v", "project_id": "p", "user_id": "u", "size": 1, "growing": 0, "status": "available", "zone": "nova",
           "type_id": "t", "host": "", "backend": "", "bootable": True, "multiattach": False, "metadata": "{}",
           "image_metadata": '{"image_name": "cirros", "long": "%s"}' % ("x" * 300),
           "created_at": "2030-01-01 00:00:00"}
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO volumes ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                                   tuple(row.values()))
    upgrade(database, SCHEMA)
    with database.read() as tx:
        found = [tuple(one) for one in tx.rows(sa.select(marks))]
    assert found == [("image:v", "image_name", "cirros")]


def only_first(folder, alone):
    """A folder with the first revision alone."""
    shutil.copy(folder / "0001_initial.py", alone)
    return alone


def test_every_passing_state_has_an_end():
    for flow, table, passing in ((FLOW, NEXT, ("creating", "deleting", "extending", "restoring-backup", "reverting",
                                               "downloading")),
                                 (BACKUP_FLOW, BACKUP_NEXT, ("creating", "deleting")),
                                 (GROUP_FLOW, GROUP_NEXT, ("creating", "deleting")),
                                 (SNAPSHOT_FLOW, SNAPSHOT_NEXT, ("creating", "deleting"))):
        assert len(flow) == len(table)
        for state in passing:
            assert (state, "failed") in table
    for state in ("reserved", "attaching", "detaching", "uploading", "awaiting-transfer", "backing-up",
                  "retyping", "maintenance"):
        assert (state, "release") in NEXT


def test_every_operation_has_a_rule():
    for api, rules in ((API, RULES), (IMAGE, IMAGE_RULES)):
        known = {rule.name for rule in rules}
        assert len(known) == len(rules)
        assert not [one.name for one in api.operations if not one.public and one.rule not in known]
    Policy((*RULES, *IMAGE_RULES)).validate()
