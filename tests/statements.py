"""Counts what is sent to a database: the cost of an answer that a test can hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event

BOUNDS = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")


@contextlib.contextmanager
def counted(database: Any) -> Iterator[list[str]]:
    """The statements that go to ``database`` meanwhile, without those that begin and end a transaction."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        if statement not in BOUNDS:
            seen.append(statement)
    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
