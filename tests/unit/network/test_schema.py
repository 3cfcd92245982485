"""The first migration makes exactly the tables that the code knows."""

import alembic.autogenerate
import alembic.migration
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.plugins.network.tables import SCHEMA, metadata


def test_migrations_make_the_tables(tmp_path):
    database = Database(DatabaseOptions(), f"sqlite:///{tmp_path / 'db'}")
    upgrade(database, SCHEMA)
    with database.engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection, opts={
            "include_object": lambda found, name, *rest: not name.startswith("revision_")})
        assert alembic.autogenerate.compare_metadata(context, metadata) == []
    database.close()
