"""The engine that runs durable operations.

An operation is a row. Who runs it holds a lease on it; a step is marked done in the same
transaction as the step's own last writes. Operations on one subject run one after another
in the order they were started. When a process dies, the lease ends and another process (or
the same one after its restart) goes on at the step where it stopped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ..clock import Clock
from ..context import Context
from ..db.engine import Database, Row, Transaction
from ..drivers.asked import asking
from ..errors import CloudError, Interrupted, Unreachable
from ..executor import Executor
from .tables import operations
from .workflow import DeadlinePassed, Finish, Job, Step, Wait, Workflow

log = logging.getLogger("stratolith.operations")

LEASE_S = 60.0
SWEEP_S = 5.0
RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0)
LOST_RETRY_S = 2.0
UNDO_RETRY_S = 10.0
REMEMBERED_WAKES = 1000
UNFINISHED = ("ready", "waiting", "running")

EARLIER = operations.alias("earlier")
BY_NUMBER = sa.select(operations, sa.exists().where(
    EARLIER.c.subject == operations.c.subject, EARLIER.c.number < operations.c.number,
    EARLIER.c.state.in_(UNFINISHED)).label("behind")).where(operations.c.number == sa.bindparam("number"))
CLAIM = operations.update().where(
    operations.c.number == sa.bindparam("claimed"), operations.c.state == sa.bindparam("was_state"),
    operations.c.owner == sa.bindparam("was_owner"), operations.c.lease_until == sa.bindparam("was_lease_until"))
OWNED = operations.update().where(
    operations.c.number == sa.bindparam("claimed"), operations.c.owner == sa.bindparam("claimant"),
    operations.c.state == "running")
INTERRUPT = operations.update().where(operations.c.subject == sa.bindparam("of"), operations.c.state.in_(UNFINISHED))
LATER = sa.select(operations.c.kind).where(operations.c.subject == sa.bindparam("subject"),
                                           operations.c.number > sa.bindparam("number"),
                                           operations.c.state.in_(UNFINISHED))
INTERRUPTED = sa.select(operations.c.interrupted).where(operations.c.number == sa.bindparam("number"))
NEXT = (sa.select(operations.c.number).where(operations.c.subject == sa.bindparam("subject"),
                                             operations.c.state.in_(("ready", "waiting")))
        .order_by(operations.c.number).limit(1))
WAITING = sa.select(operations.c.number).where(operations.c.wake_key == sa.bindparam("key"),
                                               operations.c.state == "waiting",
                                               operations.c.kind.like(sa.bindparam("kinds")))
DUE = (sa.select(operations.c.number).where(
    operations.c.kind.like(sa.bindparam("kinds")),
    sa.or_(sa.and_(operations.c.state.in_(("ready", "waiting")), operations.c.run_at <= sa.bindparam("now")),
           sa.and_(operations.c.state == "running", operations.c.lease_until < sa.bindparam("now"))))
    .order_by(operations.c.number).limit(1000))
OF_SUBJECT = (sa.select(operations).where(operations.c.subject == sa.bindparam("subject"))
              .order_by(operations.c.number.desc()))


class Engine:
    """Runs the operations of one slice, in its database.

    ``owner`` names this process and this start of it: ``name/incarnation``. After a restart
    under the same name, leases of earlier incarnations count as ended at once.
    """

    def __init__(self, slice_name: str, database: Database, executor: Executor, clock: Clock, owner: str) -> None:
        self.slice_name = slice_name
        self.database = database
        self.executor = executor
        self.clock = clock
        self.owner = owner
        self.service: Any = None
        self._workflows: dict[str, Workflow] = {}
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._wakes = 0
        self._woken: dict[str, int] = {}

    def register(self, workflows: Iterable[Workflow]) -> None:
        """Make kinds of operations known."""
        for workflow in workflows:
            self._workflows[workflow.kind] = workflow

    def workflow(self, kind: str) -> Workflow:
        """The workflow of a kind."""
        return self._workflows[kind]

    def clears(self, kind: str) -> bool:
        """Tell whether operations of a kind remove what earlier ones have left; a kind that is not known here does not.
        """
        found = self._workflows.get(kind)
        return found is not None and found.clears

    # Starting, waking and asking.

    def start(self, tx: Transaction, kind: str, subject: str, context: Context,
              data: dict[str, Any] | None = None, *, interrupt: bool = False, delay_s: float = 0.0) -> str:
        """Begin an operation within ``tx``; it runs once that is committed. Returns its id.

        ``interrupt`` makes earlier operations on the subject stop at their next step and undo; those that undo
        already try it again at once.
        """
        if interrupt:
            tx.execute(INTERRUPT, {"of": subject, "interrupted": True, "run_at": 0.0})
        row = self._row(kind, subject, context, data)
        row.update(state="ready", run_at=self.clock.time() + delay_s,
                   deadline=self.clock.time() + self._workflows[kind].deadline_s)
        number = self._insert(tx, row)
        if interrupt:
            tx.after_commit(lambda: self._next(subject))
        if delay_s:
            tx.after_commit(lambda: self.executor.later(delay_s, lambda: self.run(number)))
        else:
            tx.after_commit(lambda: self.executor.submit(lambda: self.run(number)))
        return str(row["id"])

    def record(self, tx: Transaction, kind: str, subject: str, context: Context,
               data: dict[str, Any] | None = None) -> str:
        """Write down something that was done at once, so that the subject's history shows it."""
        row = self._row(kind, subject, context, data)
        row.update(state="done")
        self._insert(tx, row)
        return str(row["id"])

    def _insert(self, tx: Transaction, row: dict[str, Any]) -> int:
        tx.database.probed("insert operations")
        tx.dirty = True
        made: Any = tx.connection.execute(operations.insert(), row).inserted_primary_key
        return int(made[0])

    def _row(self, kind: str, subject: str, context: Context, data: dict[str, Any] | None) -> dict[str, Any]:
        now = self.clock.now()
        kept = msgspec.structs.replace(context, token="")
        return {"id": self.clock.uuid(), "kind": kind, "subject": subject, "project_id": context.project_id,
                "user_id": context.user_id, "request_id": context.request_id, "data": data or {},
                "context": msgspec.to_builtins(kept), "history": [], "started_at": now, "updated_at": now}

    def wake(self, key: str) -> None:
        """Run the operations that wait for ``key`` now, and those just about to wait for it."""
        with self._lock:
            self._wakes += 1
            self._woken[key] = self._wakes
            while len(self._woken) > REMEMBERED_WAKES:
                self._woken.pop(next(iter(self._woken)))
        with self.database.read() as tx:
            found = tx.values(WAITING, {"key": key, "kinds": self.slice_name + ".%"})
        if found:
            with self.database.write() as tx:
                tx.execute(operations.update().where(operations.c.number.in_(found), operations.c.state == "waiting")
                           .values(run_at=0.0))
        for number in found:
            self._submit(number)

    @property
    def wakes(self) -> int:
        """How many wake-ups there were: a mark to compare with in :meth:`woken_since`."""
        return self._wakes

    def woken_since(self, key: str, mark: int) -> bool:
        """Tell whether ``key`` was woken after :attr:`wakes` was ``mark``."""
        return self._woken.get(key, 0) > mark

    def of_subject(self, tx: Transaction, subject: str) -> Sequence[Row]:
        """All operations on a subject, the newest first: rows of the operations table."""
        return tx.rows(OF_SUBJECT, {"subject": subject})

    def unfinished(self, tx: Transaction, subject: str) -> Row | None:
        """The oldest unfinished operation on a subject, or none."""
        return tx.row(sa.select(operations).where(operations.c.subject == subject,
                                                  operations.c.state.in_(UNFINISHED))
                      .order_by(operations.c.number).limit(1))

    # Starting and stopping the engine.

    def resume(self) -> None:
        """Take up what an earlier start of this process left, then keep watch."""
        name = self.owner.rpartition("/")[0]
        with self.database.write() as tx:
            left = tx.values(sa.select(operations.c.number).where(
                operations.c.kind.startswith(self.slice_name + "."), operations.c.state == "running",
                operations.c.owner.startswith(name + "/", autoescape=True),
                operations.c.owner != self.owner))
            if left:
                tx.execute(operations.update().where(operations.c.number.in_(left))
                           .values(state="ready", run_at=0.0))
        if not self._workflows:
            return
        self.sweep()
        self.executor.every(SWEEP_S, self.sweep)
        self.executor.every(LEASE_S / 3, self._renew)

    def sweep(self) -> None:
        """Run what is due: the net under lost wake-ups and dead owners."""
        now = self.clock.time()
        with self.database.read() as tx:
            due = tx.values(DUE, {"kinds": self.slice_name + ".%", "now": now})
        for number in due:
            self._submit(number)

    def _renew(self) -> None:
        with self._lock:
            mine = list(self._running)
        if mine:
            with self.database.write() as tx:
                tx.execute(operations.update().where(operations.c.number.in_(mine), operations.c.owner == self.owner)
                           .values(lease_until=self.clock.time() + LEASE_S))

    def stop(self) -> None:
        """Begin no further step; operations under way stop behind their present step."""
        self._stopping = True

    def _submit(self, number: int) -> None:
        if number not in self._running:
            self.executor.submit(lambda: self.run(number))

    def _next(self, subject: str) -> None:
        with self.database.read() as tx:
            number = tx.value(NEXT, {"subject": subject})
        if number is not None:
            self._submit(number)

    # Running one operation.

    def run(self, number: int) -> None:
        """Run an operation as far as it goes now; nothing if it is not due or another runs it."""
        with self._lock:
            if number in self._running or self._stopping:
                return
            self._running.add(number)
        subject = ""
        try:
            row = self._claim(number)
            if row is not None:
                run = Run(self, row)
                with asking(run.job.context.request_id, run.job.context.faults):
                    subject = row.subject if run.all() else ""
        finally:
            with self._lock:
                self._running.discard(number)
        if subject:
            self._next(subject)

    def _claim(self, number: int) -> Row | None:
        now = self.clock.time()
        with self.database.write() as tx:
            row = tx.row(BY_NUMBER, {"number": number})
            if row is None or row.behind or not self._due(row, now):
                return None
            taken = tx.execute(CLAIM, {
                "claimed": number, "was_state": row.state, "was_owner": row.owner, "was_lease_until": row.lease_until,
                "state": "running", "owner": self.owner, "lease_until": now + LEASE_S, "wake_key": ""})
            return row if taken else None

    def _due(self, row: Row, now: float) -> bool:
        if row.state == "running":
            return bool(row.lease_until < now)
        return row.state in ("ready", "waiting") and row.run_at <= now

    @property
    def stopping(self) -> bool:
        """Whether the process drains."""
        return self._stopping


class Run:
    """One turn of one operation, from claim to its end, a wait or a stop."""

    def __init__(self, engine: Engine, row: Row) -> None:
        self.engine = engine
        self.number = row.number
        self.workflow = engine.workflow(row.kind)
        self.step = row.step
        self.undoing = row.undoing
        self.interrupted = row.interrupted
        self.attempts = row.attempts
        self.history: list[Any] = list(row.history)
        self.error: dict[str, Any] | None = row.error
        self.ended = False
        self.mark = 0
        self.job = Job(id=row.id, kind=row.kind, subject=row.subject,
                       context=msgspec.convert(row.context, Context), data=dict(row.data), service=engine.service,
                       clock=engine.clock, log=log, deadline=row.deadline)

    def all(self) -> bool:
        """Run step after step; tell whether the operation has ended."""
        while True:
            if self.engine.stopping:
                self._save(state="ready", run_at=0.0)
                return False
            if not self.undoing and (stop := self._why_stop()) is not None:
                self._turn_back(stop)
            if self.undoing:
                if self.step < 0:
                    return self._end_failed()
                ended = self._undo_one()
            else:
                if self.step >= len(self.workflow.steps):
                    return self._end_done()
                ended = self._do_one()
            if ended is not None:
                return ended

    def _why_stop(self) -> CloudError | None:
        if self.interrupted:
            return Interrupted("The operation was interrupted by a later one.")
        if self.job.deadline and self.engine.clock.time() > self.job.deadline:
            return DeadlinePassed()
        return None

    def _do_one(self) -> bool | None:
        step = self.workflow.steps[self.step]
        self.job.attempt = self.attempts + 1
        self.mark = self.engine.wakes
        begun = self.engine.clock.time()
        try:
            finish = step.do(self.job)
            self._passed(step, begun, finish)
        except Wait as wait:
            return self._park(wait)
        except Exception as exc:
            return self._failed(step, begun, _as_cloud_error(step, exc))
        return None

    def _passed(self, step: Step, begun: float, finish: Finish | None) -> None:
        self.history.append([step.name, begun, self.engine.clock.time(), "Success", ""])
        last = self.step + 1 >= len(self.workflow.steps)
        with self.engine.database.write() as tx:
            if finish is not None:
                finish(tx)
            if last and self.workflow.done is not None:
                self.workflow.done(tx, self.job)
            self._write(tx, step=self.step + 1, attempts=0, **({"state": "done"} if last else {}))
            if not last:
                self.interrupted = bool(tx.value(INTERRUPTED, {"number": self.number}))
        self.step += 1
        self.attempts = 0
        self.ended = last

    def _failed(self, step: Step, begun: float, error: CloudError) -> bool | None:
        # A lost broker is nobody's failure: the operation waits for it until its deadline.
        lost = isinstance(error, Unreachable)
        if lost or (error.retry and self.attempts + 1 < self.workflow.attempts):
            self.attempts += not lost
            delay = LOST_RETRY_S if lost else RETRY_S[min(self.attempts - 1, len(RETRY_S) - 1)]
            self._save(state="waiting", attempts=self.attempts, run_at=self.engine.clock.time() + delay)
            self.engine.executor.later(delay, lambda: self.engine.run(self.number))
            return False
        self.history.append([step.name, begun, self.engine.clock.time(), "Error", error.message])
        self._turn_back(error)
        return None

    def _turn_back(self, error: CloudError) -> None:
        self.undoing = True
        self.attempts = 0
        self.error = {"code": error.code, "message": error.message, "status": error.status,
                      "facts": {name: value for name, value in error.facts.items() if _plain(value)}}
        if not self.workflow.undoes:
            self.step = -1
        self.step = min(self.step, len(self.workflow.steps) - 1)
        self._save(undoing=True, step=self.step, attempts=0, error=self.error)

    def _undo_one(self) -> bool | None:
        step = self.workflow.steps[self.step]
        try:
            finish = step.undo(self.job) if step.undo is not None else None
        except Exception as exc:
            if self._cleared():
                log.warning("undo of %s of operation %s failed and is left to a later one: %s", step.name, self.job.id,
                            exc)
                self.job.data["abandoned"] = True
                self.step -= 1
                self._save(step=self.step)
                return None
            log.warning("undo of %s of operation %s failed, trying again: %s", step.name, self.job.id, exc)
            self._save(state="waiting", run_at=self.engine.clock.time() + UNDO_RETRY_S)
            self.engine.executor.later(UNDO_RETRY_S, lambda: self.engine.run(self.number))
            return False
        self.step -= 1
        if step.undo is not None:
            with self.engine.database.write() as tx:
                if finish is not None:
                    finish(tx)
                self._write(tx, step=self.step)
        return None

    def _cleared(self) -> bool:
        """Whether a later operation on the subject removes what this one leaves."""
        with self.engine.database.read() as tx:
            kinds = tx.values(LATER, {"subject": self.job.subject, "number": self.number})
        return any(self.engine.clears(kind) for kind in kinds)

    def _park(self, wait: Wait) -> bool:
        self._save(state="waiting", run_at=self.engine.clock.time() + wait.at_most_s, wake_key=wait.key)
        if self.engine.woken_since(wait.key, self.mark):
            self.engine.executor.submit(lambda: self.engine.wake(wait.key))
        else:
            self.engine.executor.later(wait.at_most_s, lambda: self.engine.run(self.number))
        return False

    def _end_done(self) -> bool:
        if not self.ended:
            with self.engine.database.write() as tx:
                if self.workflow.done is not None:
                    self.workflow.done(tx, self.job)
                self._write(tx, state="done")
        return True

    def _end_failed(self) -> bool:
        error = _stored_error(self.error or {})
        with self.engine.database.write() as tx:
            if self.workflow.failed is not None:
                self.workflow.failed(tx, self.job, error)
            self._write(tx, state="failed")
        return True

    def _save(self, **values: Any) -> None:
        with self.engine.database.write() as tx:
            self._write(tx, **values)

    def _write(self, tx: Transaction, **values: Any) -> None:
        owned = tx.execute(OWNED, {
            "claimed": self.number, "claimant": self.engine.owner, "data": self.job.data, "history": self.history,
            "updated_at": self.engine.clock.now(), **values})
        if not owned:
            raise LostLease()


class LostLease(CloudError):
    """Another process has taken this operation over."""

    code = "lost-lease"


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool | list | dict | None)


def _as_cloud_error(step: Step, exc: Exception) -> CloudError:
    if isinstance(exc, LostLease):
        raise exc
    if isinstance(exc, CloudError):
        return exc
    log.exception("step %s crashed", step.name, exc_info=exc)
    return CloudError("An unexpected error occurred.")


def _stored_error(error: dict[str, Any]) -> CloudError:
    found = CloudError(str(error.get("message", "")), **error.get("facts", {}))
    found.code, found.status = str(error.get("code", "internal")), int(error.get("status", 500))
    return found
