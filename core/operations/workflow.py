"""What an operation is made of: named steps, each with its undo, and how it ends."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import Any

from ..clock import Clock
from ..context import Context
from ..db.engine import Transaction
from ..errors import CloudError

Finish = Callable[[Transaction], None]
"""Writes that belong to a step, made in the transaction that marks the step done."""


@dataclasses.dataclass
class Job:
    """One operation as its steps see it.

    ``data`` is the operation's memory: what a step puts there is kept before the next step
    runs. ``service`` is the slice's service. ``attempt`` counts from 1 for the present step.
    """

    id: str
    kind: str
    subject: str
    context: Context
    data: dict[str, Any]
    service: Any
    clock: Clock
    log: logging.Logger
    attempt: int = 1
    deadline: float = 0.0


Do = Callable[[Job], Finish | None]
Undo = Callable[[Job], Finish | None]


class Wait(Exception):
    """Raised by a step that cannot go on yet: park the operation and run the step again when
    somebody wakes ``key``, or after ``at_most_s`` seconds at the latest."""

    def __init__(self, key: str, at_most_s: float = 30.0) -> None:
        super().__init__(key)
        self.key = key
        self.at_most_s = at_most_s


class DeadlinePassed(CloudError):
    """The operation did not end in time."""

    status, code = 504, "deadline-passed"


@dataclasses.dataclass(frozen=True)
class Step:
    """One step. ``do`` may run twice and must then find its own traces; ``undo`` too, and it
    must also cope with a ``do`` that never ran or stopped half-way."""

    name: str
    do: Do
    undo: Undo | None = None


@dataclasses.dataclass(frozen=True)
class Workflow:
    """A kind of operation.

    ``kind`` begins with the slice's name: ``compute.boot``. ``failed`` runs after the undo of
    all steps (or at once when ``undoes`` is false) in the transaction that ends the operation;
    ``done`` in the one that ends it well. An error with ``retry`` is tried again up to
    ``attempts`` times, with growing pauses, before it counts. What ``clears`` removes all that earlier operations on
    its subject could have left, so that these go back as far as they can at once and wait for nobody; ``abandoned`` in
    their data tells ``failed`` that something was left.
    """

    kind: str
    steps: Sequence[Step]
    deadline_s: float = 3600.0
    done: Callable[[Transaction, Job], None] | None = None
    failed: Callable[[Transaction, Job, CloudError], None] | None = None
    undoes: bool = True
    clears: bool = False
    attempts: int = 5
    title: str = ""
    """The word that users see for it, e.g. in instance actions."""
