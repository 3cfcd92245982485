"""How long a page of servers takes at different depths of a long list.

    python benchmarks/list_pages.py [--servers 100000] [--pages 20] [--limit 100]

A whole cloud in this process on SQLite; the servers' rows are written straight into its tables. Prints,
for each order, the milliseconds of CPU time a page takes that begins at 0, 10, 50 and 99 % of the list.
"""

from __future__ import annotations

import argparse
import datetime
import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from stratolith.core.clock import EPOCH
from stratolith.core.conformance.cloud import InProcess
from stratolith.plugins.compute.tables import servers

DEPTHS = (0.0, 0.1, 0.5, 0.99)
ORDERS = {"newest first": "", "by name": "&sort_key=display_name&sort_dir=asc"}
FLAVOR = {"id": "1", "name": "m1.tiny", "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0,
          "extra_specs": {}}


def rows(count: int, project_id: str, user_id: str) -> Iterator[dict[str, Any]]:
    """Servers of one project with names in no order."""
    chance = random.Random(1)
    begin = EPOCH.replace(tzinfo=None)
    for number in range(count):
        yield {"id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "project_id": project_id,
               "user_id": user_id, "name": f"server-{chance.getrandbits(40):010x}", "hostname": "server",
               "vm_state": "active", "power_state": 1, "host": f"host{number % 500}", "node": f"host{number % 500}",
               "flavor_id": "1", "flavor": FLAVOR, "vcpus": 1, "memory_mib": 512, "root_gib": 1, "ephemeral_gib": 0,
               "metadata": {}, "tags": [], "nics": [], "security_groups": [], "volumes": [],
               "created_at": begin + datetime.timedelta(seconds=number)}


def filled(folder: Path, count: int) -> InProcess:
    """A cloud whose demo project has ``count`` servers."""
    cloud = InProcess(folder, persistent=True).start()
    with cloud.cloud.kits["compute"].db.write() as tx:
        owner = cloud.cloud.services["identity"].project_named(cloud.cloud.kits["compute"].context(), "demo").id
        tx.insert(servers, list(rows(count, owner, "user")))
        tx.connection.exec_driver_sql("ANALYZE")
    return cloud


def markers(cloud: InProcess, order: sa.ColumnElement[Any], count: int) -> list[str]:
    """The server before the page at each depth; none for the first."""
    with cloud.cloud.kits["compute"].db.read() as tx:
        ids = tx.values(sa.select(servers.c.id).order_by(order))
    return ["" if not depth else ids[int(depth * count)] for depth in DEPTHS]


def page_ms(cloud: InProcess, path: str, pages: int) -> float:
    """The median CPU time of a request."""
    taken = []
    for _ in range(pages):
        begun = time.process_time()
        answer = cloud.request("GET", path, as_="demo")
        taken.append(time.process_time() - begun)
        if answer.status != 200 or not answer.json["servers"]:
            raise SystemExit(f"{path}: {answer}")
    return sorted(taken)[len(taken) // 2] * 1000


def main() -> None:
    """Fill a cloud and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--limit", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cloud = filled(Path(folder), asked.servers)
        print(f"{asked.servers} servers, pages of {asked.limit}, ms of CPU time a page at a depth of "
              + ", ".join(f"{depth:.0%}" for depth in DEPTHS))
        for name, query in ORDERS.items():
            order = servers.c.name.asc() if query else servers.c.created_at.desc()
            found = [page_ms(cloud, f"/compute/v2.1/servers/detail?limit={asked.limit}{query}"
                             + (f"&marker={marker}" if marker else ""), asked.pages)
                     for marker in markers(cloud, order, asked.servers)]
            print(f"{name:14s} " + "  ".join(f"{one:8.2f}" for one in found))
        cloud.stop()


if __name__ == "__main__":
    main()
