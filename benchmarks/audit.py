"""How long ``stratolith audit`` takes in a cloud of many servers, and whether it finds all that is wrong and no more.

    python benchmarks/audit.py [--hosts 10000] [--servers 100000] [--projects 200] [--wrong 100] [--database URL]

The product's own services over a database: SQLite in a folder of its own, or that of ``--database``, which has to be
empty. Its rows are written straight into its tables; then as many as ``--wrong`` claims and one project's usage are
spoilt. The cloud at work is played by a thread that begins and ends something with some servers all the time.

Prints the seconds by the clock and of CPU time, the most memory the process took, and what was found.
"""

from __future__ import annotations

import argparse
import collections
import random
import resource
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import fleet
import sqlalchemy as sa
from stratolith.core.process.cloud import Cloud
from stratolith.core.process.slice import Drift
from stratolith.plugins.compute.tables import block_devices, server_details, servers, usage
from stratolith.plugins.placement.tables import allocations

IMAGE = {"id": "image", "name": "image", "properties": {"hw_disk_bus": "virtio"}}


def completed(made: Cloud, projects: int) -> None:
    """Give the servers of :func:`fleet.filled` projects of their own, details, disks, and the projects their usage."""
    chance = random.Random(2)
    owners = [uuid.UUID(int=chance.getrandbits(128)).hex for _ in range(projects)]
    with made.kits["compute"].db.write() as tx:
        ids = tx.values(sa.select(servers.c.id))
        of = [owners[chance.randrange(projects)] for _ in ids]
        tx.execute(servers.update().where(servers.c.id == sa.bindparam("key")).values(project_id=sa.bindparam("owner")),
                   [{"key": id, "owner": owner} for id, owner in zip(ids, of, strict=True)])
        fleet._write(tx, server_details, ({"server_id": id, "personality": [], "hints": {}, "image": IMAGE,
                                           "group_requests": [], "placement": {"zone": "", "host": "", "node": ""}}
                                          for id in ids))
        fleet._write(tx, block_devices, (_disk(id, made) for id in ids))
        counts = collections.Counter(of)
        fleet._write(tx, usage, ({"project_id": owner, "instances": count, "cores": 2 * count, "ram": 4096 * count}
                                 for owner, count in counts.items()))


def _disk(server: str, made: Cloud) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "server_id": server, "boot_index": 0, "position": 0, "source_type": "image",
            "destination_type": "local", "image_id": "image", "size_gib": 20,
            "created_at": made.kits["compute"].clock.now()}


def spoilt(made: Cloud, count: int) -> None:
    """Have as many servers hold a processor too few, and one project use a server too many."""
    with made.kits["compute"].db.read() as tx:
        ids = tx.values(sa.select(servers.c.id).order_by(servers.c.id).limit(count))
        project = tx.value(sa.select(usage.c.project_id).limit(1))
    with made.kits["placement"].db.write() as tx:
        tx.execute(allocations.update().where(allocations.c.consumer_id.in_(ids),
                                              allocations.c.resource_class == "VCPU").values(used=1))
    with made.kits["compute"].db.write() as tx:
        tx.execute(usage.update().where(usage.c.project_id == project).values(instances=usage.c.instances + 1))


class Unrest(fleet.Unrest):
    """Begins and ends something with servers, some at a time, while the audit goes on."""

    def _run(self) -> None:
        chance, before, kit = random.Random(3), list[str](), self._made.kits["compute"]
        with kit.db.read() as tx:
            ids = tx.values(sa.select(servers.c.id).order_by(servers.c.id).offset(self._count))
        while not self._stop.wait(0.1):
            now = [chance.choice(ids) for _ in range(10)]
            with kit.db.write() as tx:
                for some, task in ((before, None), (now, "rebooting")):
                    tx.execute(servers.update().where(servers.c.id.in_(some)).values(
                        task_state=task, updated_at=kit.clock.now()))
            before = now


def audited(made: Cloud) -> list[Drift]:
    """All that is told."""
    return [drift for one in made.slices for drift in one.audit(made.services[one.name], made.kits[one.name], False)]


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--projects", type=int, default=200)
    parser.add_argument("--wrong", type=int, default=100)
    parser.add_argument("--database", default="", help="URL of an empty database; SQLite without")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = fleet.cloud(Path(folder), chosen.database)
        fleet.filled(made, chosen.hosts, chosen.servers)
        completed(made, chosen.projects)
        spoilt(made, chosen.wrong)
        fleet.settled()
        with Unrest(made, chosen.wrong):
            wall, cpu = time.perf_counter(), time.thread_time()
            found = audited(made)
            wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        kinds = collections.Counter(one.kind for one in found)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{chosen.servers} servers on {chosen.hosts} hosts: {wall:.1f} s, {cpu:.1f} s of CPU time, {most} MiB; "
              f"found {', '.join(f'{count} of {kind}' for kind, count in sorted(kinds.items())) or 'nothing'}, "
              f"put in: {chosen.wrong} of claim, 1 of usage")
        made.stop()


if __name__ == "__main__":
    main()
