"""SQLite's write-ahead log: who copies it into the database's file."""

import sqlalchemy as sa
from stratolith.core.db.engine import COPY_AFTER_COMMITS, LOG_PAGES, LONG_LOG_PAGES, Database, DatabaseOptions

metadata = sa.MetaData()
numbers = sa.Table("numbers", metadata, sa.Column("number", sa.Integer, primary_key=True))


def made(folder, background=None):
    database = Database(DatabaseOptions(), f"sqlite:///{folder}/x.db")
    if background is not None:
        database.copy_in(background)
    metadata.create_all(database.engine)
    return database


def asked(database, word):
    with database.read() as tx:
        return tuple(tx.connection.exec_driver_sql(f"PRAGMA {word}").fetchone())


def test_who_commits_copies(tmp_path):
    database = made(tmp_path)
    assert asked(database, "wal_autocheckpoint") == (LOG_PAGES,)
    database.close()


def test_others_copy(tmp_path):
    tasks = []
    database = made(tmp_path, tasks.append)
    for number in range(COPY_AFTER_COMMITS):
        with database.read() as tx:
            tx.rows(sa.select(numbers))
        assert not tasks
        with database.write() as tx:
            tx.insert(numbers, {"number": number})
    (task,) = tasks
    assert asked(database, "wal_autocheckpoint") == (LONG_LOG_PAGES,)
    with database.write() as tx:
        # A writer that is not done yet holds nobody up, and its row is not lost.
        tx.insert(numbers, {"number": -1})
        task()
    task()
    # All is copied, so that the next writer begins the log anew.
    with database.write() as tx:
        tx.insert(numbers, {"number": -2})
    assert 0 < asked(database, "wal_checkpoint(PASSIVE)")[1] < COPY_AFTER_COMMITS
    with database.read() as tx:
        assert len(tx.rows(sa.select(numbers))) == COPY_AFTER_COMMITS + 2
    database.close()


def test_in_memory_nothing_is_copied():
    tasks = []
    database = Database(DatabaseOptions(), "sqlite://")
    database.copy_in(tasks.append)
    metadata.create_all(database.engine)
    for number in range(COPY_AFTER_COMMITS):
        with database.write() as tx:
            tx.insert(numbers, {"number": number})
    assert not tasks
    database.close()
