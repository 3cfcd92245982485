"""Running and writing a slice's migrations with Alembic; imported only when there is something to do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from . import columns
from .engine import Database
from .schema import Schema


def _script(schema: Schema) -> ScriptDirectory:
    config = Config(output_buffer=io.StringIO())
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(schema.migrations))
    return ScriptDirectory.from_config(config)


def run(database: Database, schema: Schema) -> None:
    """Run all revisions of ``schema`` that the database has not seen, each in a transaction."""
    script = _script(schema)

    def steps(revision: Any, context: Any) -> Any:
        return script._upgrade_revs("head", revision)
    environment = EnvironmentContext(Config(), script, fn=steps)
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        environment.configure(connection=connection, target_metadata=schema.metadata,
                              version_table=schema.version_table)
        with environment.begin_transaction():
            environment.run_migrations()
        connection.commit()


def differences(database: Database, schema: Schema) -> list[Any]:
    """What the slice's tables have that the database has not, as Alembic names it; empty when equal."""
    with database.engine.connect() as connection:
        return list(compare_metadata(_context(connection, schema), schema.metadata))


def _context(connection: Any, schema: Schema) -> MigrationContext:
    names = {table.name for table in schema.metadata.tables.values()}

    def ours(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name in names
    return MigrationContext.configure(connection, opts={
        "version_table": schema.version_table, "include_name": ours, "target_metadata": schema.metadata,
        "render_item": _render, "compare_type": False})


def _render(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Our own column types by the name that ``core.db.columns`` gives them."""
    if kind != "type":
        return False
    for name in ("Moment", "BigText", "Bytes", "Number"):
        if item is getattr(columns, name):
            return f"columns.{name}"
    if isinstance(item, columns.Json):
        return "columns.Json()"
    variant = item._variant_mapping.get("mysql")
    if isinstance(variant, sa.VARCHAR):
        return "columns.key()" if variant.charset == "ascii" else f"columns.text({item.length})"  # type: ignore[attr-defined]
    return False


def write_revision(database: Database, schema: Schema, slug: str) -> Path:
    """Write the revision that brings the database's tables to the slice's; return its file.

    The database must be at the newest revision there is. What is written is a draft: read it.
    """
    schema.migrations.mkdir(exist_ok=True)
    newest = max((path.name[:4] for path in schema.migrations.glob("[0-9]*.py")), default="")
    number = f"{int(newest or 0) + 1:04d}"
    with database.engine.connect() as connection:
        context = _context(connection, schema)
        script = produce_migrations(context, schema.metadata)
        body = (render_python_code(script.upgrade_ops, render_item=_render, migration_context=context)
                if script.upgrade_ops else "    pass")
    target = schema.migrations / f"{number}_{slug}.py"
    target.write_text(TEMPLATE.format(name=schema.name, slug=slug.replace("_", " "), number=number,
                                      before=repr(newest) if newest else "None", body=_tidy(body)))
    return target


def _tidy(body: str) -> str:
    lines = [line.strip("\n") for line in body.splitlines() if line.strip() and not line.strip().startswith("# ###")]
    return "\n".join(line if line.startswith("    ") else "    " + line for line in lines) or "    pass"


TEMPLATE = '''"""{name}: {slug}."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "{number}"
down_revision = {before}


def upgrade() -> None:
{body}
'''
