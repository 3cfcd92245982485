"""Statements of a life in a fraction of their time: what SQLAlchemy works out at each execution is kept for the next.

A life executes some five thousand statements, most of them constants of their modules, and most of its time went into
the way from a statement to SQLite. What is kept is SQLAlchemy's own work: the compiled text, the conversions of values
and the maker of rows. Whatever is unusual about a statement goes the long way, and so do errors, to be told as they
always are. A test sees that a life is the same without all this.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from ...db.engine import Params, Row, Transaction

Slot = tuple[str, int, Callable[[Any], Any] | None]
"""Where a value of a statement comes from, its place in a list or -1, and its conversion."""
ALONE = -1
BORDERS = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")


class Prepared:
    """A statement with parameters of certain names, ready for SQLite."""

    def __init__(self, result: sa.CursorResult[Any], parameters: Params) -> None:
        context: Any = result.context
        compiled = context.compiled
        self._compiled = compiled
        values = compiled.construct_params(parameters, extracted_parameters=context.extracted_parameters,
                                           escape_names=False)
        self._given = [(name, bind.key if bind.key in parameters else name)
                       for bind, name in compiled.bind_names.items() if bind.key in parameters or name in parameters]
        taken = {name for name, _ in self._given}
        self._constant = {name: value for name, value in values.items() if name not in taken}
        self._constant.update({column.key: column.default.arg for column in compiled.insert_prefetch})
        self._lists = sorted(compiled.bind_names[bind] for bind in compiled.post_compile_params)
        self._shapes: dict[tuple[int, ...], tuple[str, list[Slot]]] = {}
        self.rows: Callable[[list[Any]], Sequence[Row]] | None = None
        if result.returns_rows:
            self.rows = result._row_getter[1]

    @staticmethod
    def fits(result: sa.CursorResult[Any]) -> bool:
        """Whether a statement that was executed may be executed the short way from now on."""
        context: Any = result.context
        compiled = context.compiled
        return not (compiled.literal_execute_params or compiled.update_prefetch
                    or not all(column.default.is_scalar for column in compiled.insert_prefetch)
                    or compiled.escaped_bind_names or compiled.effective_returning
                    or any(bind.callable or bind.type._is_tuple_type for bind in compiled.bind_names))

    def execute(self, connection: Any, parameters: Params) -> Any:
        """SQLite's cursor behind the statement. :raises sqlite3.Error: what is wrong; nothing was done."""
        values = {**self._constant, **{name: parameters[key] for name, key in self._given}}
        for name in self._lists:
            values[name] = list(values[name])
        shape = tuple(len(values[name]) for name in self._lists)
        known = self._shapes.get(shape)
        if known is None:
            known = self._shapes[shape] = self._shaped(values)
        text, slots = known
        found = [values[name] if place == ALONE else values[name][place] for name, place, _ in slots]
        return connection.execute(text, [value if slot[2] is None else slot[2](value)
                                         for value, slot in zip(found, slots, strict=True)])

    def _shaped(self, values: Mapping[str, Any]) -> tuple[str, list[Slot]]:
        compiled, conversions = self._compiled, dict(self._compiled._bind_processors)
        text, order = compiled.string, compiled.positiontup
        sources = {name: (name, ALONE) for name in values}
        if self._lists:
            state = compiled._process_parameters_for_postcompile(dict(values))
            text, order = state.statement, state.positiontup
            conversions.update(state.processors)
            for name, names in state.parameter_expansion.items():
                sources.update({one: (name, place) for place, one in enumerate(names)})
        return text, [(*sources[name], conversions.get(name)) for name in order]


_SEEN: WeakKeyDictionary[Any, dict[tuple[str, ...], Prepared | None]] = WeakKeyDictionary()
"""Statements that were executed once, with what they are by the names of their parameters."""


@functools.cache
def _insertion(table: sa.Table) -> sa.Insert:
    return table.insert()


class Quick(Transaction):
    """A transaction whose statements go the short way."""

    __slots__ = ()

    def _run(self, statement: Any, parameters: Params | None) -> tuple[Any, Prepared | None]:
        """SQLite's cursor and what makes its rows; or SQLAlchemy's result, where the statement goes the long way."""
        given = parameters or {}
        kinds = _SEEN.get(statement)
        if kinds is None:
            # Most that come once never come again.
            _SEEN[statement] = {}
            return self.connection.execute(statement, parameters), None
        names = tuple(given)
        if names not in kinds:
            result = self.connection.execute(statement, parameters)
            kinds[names] = Prepared(result, given) if Prepared.fits(result) else None
            return result, None
        known = kinds[names]
        if known is not None:
            with contextlib.suppress(sqlite3.Error):
                return known.execute(self._driver(), given), known
        return self.connection.execute(statement, parameters), None

    def _driver(self) -> Any:
        if isinstance(self.connection, Kept):
            return self.connection.driver
        return self.connection.connection.driver_connection

    def rows(self, statement: sa.Executable, parameters: Params | None = None) -> Sequence[Row]:
        """All rows."""
        cursor, known = self._run(statement, parameters)
        found: Sequence[Row] = cursor.fetchall()
        return found if known is None or known.rows is None else known.rows(list(found))

    def row(self, statement: sa.Executable, parameters: Params | None = None) -> Row | None:
        """The first row, or none."""
        cursor, known = self._run(statement, parameters)
        found: Row | None = cursor.fetchone()
        cursor.close()
        return found if found is None or known is None or known.rows is None else known.rows([found])[0]

    def value(self, statement: sa.Executable, parameters: Params | None = None) -> Any:
        """The first column of the first row, or none."""
        row = self.row(statement, parameters)
        return None if row is None else row[0]

    def values(self, statement: sa.Executable, parameters: Params | None = None) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.rows(statement, parameters)]

    def insert(self, table: sa.Table, values: Params | Sequence[Params]) -> None:
        """Insert one row, or many at once. :raises AlreadyExists: a unique key is taken (from ``write``)."""
        if not isinstance(values, Mapping):
            return super().insert(table, values)
        self._writing(table, "insert")
        self._run(_insertion(table), values)

    def execute(self, statement: sa.UpdateBase, parameters: Params | Sequence[Params] | None = None) -> int:
        """Run an insert, update or delete and return how many rows it touched."""
        if parameters is not None and not isinstance(parameters, Mapping):
            return super().execute(statement, parameters)
        self._writing(getattr(statement, "table", None), type(statement).__name__.lower())
        return int(self._run(statement, parameters)[0].rowcount)


class Kept:
    """Stands for a connection that is never given back, in whose words transactions begin and end the short way."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.driver: Any = connection.connection.driver_connection
        self.execute = connection.execute

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def exec_driver_sql(self, statement: str, *arguments: Any) -> Any:
        """Execute a statement as it is."""
        if statement in BORDERS:
            with contextlib.suppress(sqlite3.Error):
                return self.driver.execute(statement)
        return self._connection.exec_driver_sql(statement, *arguments)


class OneConnection:
    """Stands for an engine of which all have the same connection, as nobody runs beside them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._kept = contextlib.nullcontext(Kept(engine.connect()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def connect(self) -> contextlib.nullcontext[Kept]:
        """The connection."""
        return self._kept
