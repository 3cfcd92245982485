"""What is put off until a host is back: nothing that goes back waits for a host that is gone.

The server comes to rest without it. An operation on a subject of its own, for which nobody waits, waits for the hosts;
then one on the server does what was left, in ``afterwards.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....core.db.engine import Transaction
from ....core.operations.workflow import Job
from .step import fleet_of, kit_of

AWAIT = "compute.await_host"
LATER = "later"


def gone(job: Job, host: str) -> bool:
    """Whether a host is down, be it stopped for certain or only silent."""
    return bool(host) and not fleet_of(job).up(host)


def put_off(job: Job, verb: str, hosts: Sequence[str] = (), **facts: Any) -> None:
    """Have ``verb`` done to the job's server once all of ``hosts`` are back, or those where it is then.

    The operation's end calls :func:`begin`.
    """
    kept = [one for one in job.data.get(LATER, ()) if one["verb"] != verb]
    job.data[LATER] = [*kept, {"verb": verb, "hosts": list(hosts), **facts}]


def begin(tx: Transaction, job: Job) -> None:
    """Begin to wait, with the end of the operation, for what was put off by it."""
    kit = kit_of(job)
    for one in job.data.get(LATER, ()):
        kit.engine.start(tx, AWAIT, kit.clock.uuid(), job.context, {"server": job.subject, **one})
