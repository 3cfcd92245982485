"""Databases: engines tuned for each product, and transactions with what follows a commit.

A :class:`Database` is one database; a slice asks :class:`Databases` for its own by name.
Reads run in autocommit on a connection of their thread. Writes take the write lock first
(SQLite: ``BEGIN IMMEDIATE`` behind a lock of the process), so that no writer is turned away
half-way.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, DisconnectionError, IntegrityError

from ..clock import System
from ..config import option
from ..errors import AlreadyExists, BackendBusy, BadConfiguration, BadRequest, CloudError

Params = Mapping[str, Any]
Row = sa.Row[Any]
MONOTONIC = System().monotonic
PING_AFTER_S = 2.0
PREPARED = 512
"""Statements that each connection to SQLite keeps prepared: preparing takes longer than running most."""
LOG_PAGES = 4000
"""SQLite: a commit that finds so many pages in the write-ahead log copies them into the database's file."""
LONG_LOG_PAGES = 16000
"""The same where others copy them: only when those do not keep up."""
COPY_AFTER_COMMITS = 256

RETRIED = ("deadlock", "lock wait timeout", "could not serialize", "database is locked")
UNFIT = ("illegal mix of collations", "incorrect string value", "nul (0x00)", "out of range")
LOST = ("can't connect", "connection refused", "connection failed", "server closed the connection", "starting up",
        "shutting down", "lost connection")


@dataclasses.dataclass(frozen=True)
class DatabaseOptions:
    """Options of ``[database]`` and of each ``[database.<slice>]``."""

    url: str = option("", "SQLAlchemy URL; empty means SQLite in the state folder", secret=True)
    pool_size: int = option(8, "connections kept open for each process")
    synchronous: str = option("normal", "SQLite only: normal survives a killed process, full also a power cut")


def _readable(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except ArgumentError as exc:
        # The text may hold a password.
        raise BadConfiguration("the database's URL cannot be read; it is written "
                               "postgresql+psycopg://USER:PASSWORD@HOST/NAME") from exc


class Database:
    """One database. Any thread may use it; transactions belong to the thread that began them.

    ``probe`` is called with a short name before each write statement and each commit: the
    place where crash enumeration stops the process. ``transactions`` makes what :meth:`read` and :meth:`write` give.
    """

    def __init__(self, options: DatabaseOptions, url: str | None = None) -> None:
        self.url = _readable(url or options.url)
        self.probe: Callable[[str], None] | None = None
        self._background: Callable[[Callable[[], None]], None] | None = None
        self._uncopied = 0
        self.transactions: Callable[[Database, sa.Connection], Transaction] = Transaction
        self._write_lock = threading.RLock()
        self._local = threading.local()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self.engine = self._make_engine(options)
        except (ArgumentError, ImportError) as exc:
            raise BadConfiguration(f"the database {self.url.render_as_string()} cannot be used: {exc}") from exc

    def _make_engine(self, options: DatabaseOptions) -> sa.Engine:
        if not self.is_sqlite:
            engine = sa.create_engine(self.url, pool_size=options.pool_size, max_overflow=options.pool_size,
                                      pool_recycle=1800, isolation_level="READ COMMITTED", hide_parameters=True)
            _ping_idle(engine)
            # At READ COMMITTED each statement sees its own moment, so a transaction around reads gives nothing.
            # PostgreSQL's driver needs no message to the server for this.
            self._reads = (engine.execution_options(isolation_level="AUTOCOMMIT")
                           if engine.dialect.name == "postgresql" else engine)
            return engine
        memory = self.url.database in (None, "", ":memory:")
        if not memory:
            _private(Path(self.url.database or ""))
        pool: dict[str, Any] = ({"poolclass": sa.pool.StaticPool} if memory
                                else {"poolclass": sa.pool.QueuePool, "pool_size": 32, "max_overflow": 32})
        engine = sa.create_engine(self.url, connect_args={
            "check_same_thread": False, "timeout": 30, "cached_statements": PREPARED}, hide_parameters=True, **pool)
        self._memory = memory

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, record: object) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if options.synchronous == 'full' else 'NORMAL'}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA cache_size=-2048")
            connection.execute(f"PRAGMA wal_autocheckpoint={LONG_LOG_PAGES if self._background else LOG_PAGES}")
        self._reads = engine
        return engine

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """A view for queries; inside :meth:`write` of the same thread it is that transaction.

        On SQLite each statement sees what was committed when it began; on the others the
        whole block sees one moment (read committed).
        """
        current: Transaction | None = getattr(self._local, "transaction", None)
        if current is not None:
            yield current
            return
        try:
            with self._connection() as connection:
                yield self.transactions(self, connection)
        except DBAPIError as exc:
            known = _as_cloud_error(exc)
            if known is None:
                raise
            raise known from exc

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        if self.is_sqlite and self._memory:
            with self._write_lock, self.engine.connect() as connection:
                yield connection
        else:
            with self._reads.connect() as connection:
                yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction: all of the block or nothing; inside another of this thread, part of it.

        Callbacks given to :meth:`Transaction.after_commit` run after the commit, in order.

        :raises AlreadyExists: a unique key is taken.
        :raises BackendBusy: the database gave up on a lock; the caller may try again.
        """
        current: Transaction | None = getattr(self._local, "transaction", None)
        if current is not None:
            yield current
            return
        with self._translated():
            transaction = self._run_begun()
            try:
                with transaction as begun:
                    yield begun
            finally:
                self._local.transaction = None
        if self._background is not None and begun.dirty:
            self._wrote(self._background)
        for callback in begun.callbacks:
            callback()

    @contextlib.contextmanager
    def _run_begun(self) -> Iterator[Transaction]:
        lock = self._write_lock if self.is_sqlite else contextlib.nullcontext()
        with lock, self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            transaction = self.transactions(self, connection)
            self._local.transaction = transaction
            try:
                yield transaction
                if transaction.dirty:
                    self.probed("commit")
            except BaseException:
                self._end(connection, "ROLLBACK")
                raise
            self._end(connection, "COMMIT")
            if transaction.dirty:
                self.probed("committed")

    def copy_in(self, background: Callable[[Callable[[], None]], None]) -> None:
        """Have SQLite's write-ahead log copied into the database's file by tasks given to ``background``.

        Otherwise every some thousandth page falls to whoever commits it, who holds the write lock meanwhile: tens of
        milliseconds for all that write. To be called before the first connection is made.
        """
        if self.is_sqlite and not self._memory:
            self._background = background

    def _wrote(self, background: Callable[[Callable[[], None]], None]) -> None:
        # Counted without a lock: one commit more or less does not matter.
        self._uncopied += 1
        if self._uncopied >= COPY_AFTER_COMMITS:
            self._uncopied = 0
            background(self._copy)

    def _copy(self) -> None:
        """Copy what no reader needs in the log any more, while others write; then, while they wait, the little that
        they wrote meanwhile: a log that is all copied begins anew, and does not grow for ever.

        https://www.sqlite.org/c3ref/wal_checkpoint_v2.html, SQLITE_CHECKPOINT_PASSIVE.
        """
        with self._reads.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            with self._write_lock:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _end(self, connection: sa.Connection, word: str) -> None:
        if self.is_sqlite:
            connection.exec_driver_sql(word)
        elif word == "COMMIT":
            connection.commit()
        else:
            connection.rollback()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as exc:
            raise AlreadyExists(detail=str(exc.orig)) from exc
        except DBAPIError as exc:
            known = _as_cloud_error(exc)
            if known is None:
                raise
            raise known from exc

    def probed(self, point: str) -> None:
        """Tell the probe, where there is one, that ``point`` is reached."""
        if self.probe is not None:
            self.probe(point)

    def share(self, other: Database) -> None:
        """Use the connections of ``other`` from now on: so what is in memory outlives who opened it."""
        self.engine, self._reads = other.engine, other._reads

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _ping_idle(engine: sa.Engine) -> None:
    """See that a connection that was idle for a while is alive before it is used; a new one is made if it is not."""
    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: Any, proxy: object) -> None:
        now = MONOTONIC()
        if now - record.info.get("used", 0.0) > PING_AFTER_S:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as exc:
                raise DisconnectionError() from exc
        record.info["used"] = now


def _private(file: Path) -> None:
    """Make a database's file so that only its owner can read it: SQLite gives its other files the same mode."""
    if file.parent.is_dir():
        file.touch(mode=0o600)


def _as_cloud_error(exc: DBAPIError) -> CloudError | None:
    """What a caller is told of an error that a value causes or that may be gone a moment later, or none."""
    text = str(exc.orig).lower()
    if isinstance(exc, DataError) or any(word in text for word in UNFIT):
        return BadRequest("The request has a value that cannot be kept or looked up.")
    if any(word in text for word in RETRIED):
        return BackendBusy("the database is busy", retry_after_s=1)
    if exc.connection_invalidated or any(word in text for word in LOST):
        return BackendBusy("the database cannot be reached", retry_after_s=5)
    return None


class Transaction:
    """Statements on one connection, and what to do once they are committed."""

    __slots__ = ("callbacks", "connection", "database", "dirty")

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self.database = database
        self.connection = connection
        self.callbacks: list[Callable[[], None]] = []
        self.dirty = False

    def rows(self, statement: sa.Executable, parameters: Params | None = None) -> Sequence[Row]:
        """All rows."""
        return self.connection.execute(statement, parameters).fetchall()

    def row(self, statement: sa.Executable, parameters: Params | None = None) -> Row | None:
        """The first row, or none."""
        return self.connection.execute(statement, parameters).fetchone()

    def value(self, statement: sa.Executable, parameters: Params | None = None) -> Any:
        """The first column of the first row, or none."""
        row = self.connection.execute(statement, parameters).fetchone()
        return None if row is None else row[0]

    def values(self, statement: sa.Executable, parameters: Params | None = None) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.connection.execute(statement, parameters)]

    def insert(self, table: sa.Table, values: Params | Sequence[Params]) -> None:
        """Insert one row, or many at once. :raises AlreadyExists: a unique key is taken (from ``write``)."""
        if not values:
            return
        self._writing(table, "insert")
        self.connection.execute(table.insert(), values)

    def execute(self, statement: sa.UpdateBase, parameters: Params | Sequence[Params] | None = None) -> int:
        """Run an insert, update or delete and return how many rows it touched."""
        self._writing(getattr(statement, "table", None), type(statement).__name__.lower())
        return int(self.connection.execute(statement, parameters).rowcount)

    def update(self, table: sa.Table, id: str, **values: Any) -> bool:
        """Set columns of the row whose primary key ``id`` is given; tell whether it is there."""
        return self.change(table, id, {}, **values)

    def delete(self, table: sa.Table, id: str) -> bool:
        """Delete the row whose primary key ``id`` is given; tell whether it was there."""
        return self.execute(_deletion(table), {"the_id": id}) > 0

    def change(self, table: sa.Table, id: str, expected: Params, **values: Any) -> bool:
        """Compare and set: set ``values`` if the row still has the ``expected`` values; tell whether it had.

        An expected value that is a tuple, list or set means: one of these.
        """
        statement = _comparison(table, tuple((name, _shape(value)) for name, value in expected.items()))
        parameters = {"the_id": id, **{f"was_{name}": list(value) if isinstance(value, set | frozenset) else value
                                       for name, value in expected.items() if value is not None}}
        if any(isinstance(value, sa.ClauseElement) for value in values.values()):
            statement = statement.values(**values)
        else:
            parameters.update(values)
        return self.execute(statement, parameters) == 1

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once this transaction is committed; never when it is not."""
        self.callbacks.append(callback)

    def _writing(self, table: object, verb: str) -> None:
        self.dirty = True
        if self.database.probe is not None:
            self.database.probe(f"{verb} {getattr(table, 'name', '?')}")


# Statements are made once for each shape: building one costs more than SQLite takes to run it.

def _shape(value: object) -> str:
    return "none" if value is None else "many" if isinstance(value, tuple | list | set | frozenset) else "one"


@functools.cache
def _comparison(table: sa.Table, expected: tuple[tuple[str, str], ...]) -> sa.Update:
    """An update of the row ``the_id``, guarded by parameters ``was_NAME``; what it sets follows from the others."""
    statement = table.update().where(table.c.id == sa.bindparam("the_id"))
    for name, shape in expected:
        column = table.c[name]
        statement = statement.where(column.is_(None) if shape == "none"
                                    else column.in_(sa.bindparam(f"was_{name}", expanding=True)) if shape == "many"
                                    else column == sa.bindparam(f"was_{name}"))
    return statement


@functools.cache
def _deletion(table: sa.Table) -> sa.Delete:
    return table.delete().where(table.c.id == sa.bindparam("the_id"))


class Databases:
    """The databases of this process: one for all slices, or one of its own for a slice
    whose section ``[database.<slice>]`` has a ``url``."""

    def __init__(self, configuration: Any, state_dir: Path | None,
                 background: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._configuration = configuration
        self._state_dir = state_dir
        self._background = background
        self._open: dict[str, Database] = {}

    def of(self, slice_name: str) -> Database:
        """The database of a slice; slices with the same URL share one."""
        own = self._configuration.section(f"database.{slice_name}", DatabaseOptions)
        options = own if own.url else self._configuration.section("database", DatabaseOptions)
        url = options.url or self._default_url()
        if url not in self._open:
            self._open[url] = Database(options, url)
            if self._background is not None:
                self._open[url].copy_in(self._background)
        return self._open[url]

    def all(self) -> list[Database]:
        """All databases opened so far."""
        return list(self._open.values())

    def _default_url(self) -> str:
        if self._state_dir is None:
            return "sqlite://"
        self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return f"sqlite:///{self._state_dir / 'stratolith.db'}"

    def close(self) -> None:
        """Close them all."""
        for database in self._open.values():
            database.close()
