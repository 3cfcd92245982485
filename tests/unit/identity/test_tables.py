"""The migrations of identity and of its SQL backend make exactly the tables that the code knows."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from stratolith.auth.sql.tables import SCHEMA as DIRECTORY
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.upgrade import upgrade
from stratolith.plugins.identity.tables import SCHEMA as IDENTITY


@pytest.mark.parametrize("schema", [DIRECTORY, IDENTITY], ids=lambda schema: schema.name)
def test_migrations_make_the_tables(schema):
    database = Database(DatabaseOptions(), "sqlite://")
    assert upgrade(database, schema)
    assert not upgrade(database, schema)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.version_table})
        assert compare_metadata(context, schema.metadata) == []
        found = sa.inspect(connection)
        for table in schema.metadata.sorted_tables:
            assert {index["name"] for index in found.get_indexes(table.name)} >= {
                index.name for index in table.indexes}
    database.close()
