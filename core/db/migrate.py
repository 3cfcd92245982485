"""Running a slice's migrations with Alembic; imported only when there is something to run."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from .engine import Database
from .schema import Schema


def _script(schema: Schema) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(schema.migrations))
    return ScriptDirectory.from_config(config)


def run(database: Database, schema: Schema) -> None:
    """Run all revisions of ``schema`` that the database has not seen, each in a transaction."""
    script = _script(schema)
    config = Config()
    environment = EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs("head", revision))
    with database.engine.connect() as connection:
        environment.configure(connection=connection, target_metadata=schema.metadata,
                              version_table=schema.version_table, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
        connection.commit()
