"""Users and groups that have left their directories: finding them, and forgetting what the cloud knows of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ...core.drivers.identity import Identity
from ...core.errors import BadRequest, NotFound
from . import offline
from .directory_ids import GROUP, USER
from .tables import directory_ids, projects

if TYPE_CHECKING:
    from .service import Identity as Service

BATCH = 500
SUSPICIOUS = 10
"""From so many on, a directory that has lost more than half of its people is rather misread than empty."""


def gone(driver: Identity | None, service: Service, domain_id: str, kind: str) -> list[str]:
    """Public ids of those of a domain that its directory does not know any more; all where it has none."""
    ids = service.store.backend.ids
    with service.store.db.read() as tx:
        known = ids.of_domain(tx, domain_id, kind)
    if driver is None:
        return list(known.values())
    local_ids = list(known)
    for start in range(0, len(local_ids), BATCH):
        part = local_ids[start:start + BATCH]
        there = driver.users_by_id(part) if kind == USER else driver.groups_by_id(part)
        for id in there:
            known.pop(id, None)
    if len(known) > max(SUSPICIOUS, len(local_ids) // 2):
        raise BadRequest(f"{len(known)} of {len(local_ids)} {kind}s of domain {domain_id} are not in its directory: "
                         "see that it is configured well; --all forgets them without asking it")
    return list(known.values())


def purge(service: Service, domain_ids: Sequence[str], everything: bool, rights: bool) -> Iterator[tuple[str, int]]:
    """Forget who is gone, or with ``everything`` all of the domains; (domain id, how many) of each."""
    backend = service.store.backend
    for domain_id in domain_ids:
        driver = None if everything else backend.outside(domain_id)
        ids = [id for kind in (USER, GROUP) for id in gone(driver, service, domain_id, kind)]
        with service.store.db.write() as tx:
            backend.purge(tx, domain_id, ids, rights)
            service.store.revision.bump(tx)
        yield domain_id, len(ids)


def run(arguments: argparse.Namespace) -> int:
    """``stratolith identity purge-mappings``: do it in a process of its own, beside those that serve."""
    with offline.service(arguments) as service:
        for domain_id, count in purge(service, _domains(service, arguments.domain), arguments.all, arguments.rights):
            print(f"{domain_id}: {count} forgotten")
    return 0


def _domains(service: Service, name: str) -> list[str]:
    """The domain of a name or id, or all whose people have ids given out."""
    with service.store.db.read() as tx:
        if not name:
            found: list[str] = tx.values(sa.select(directory_ids.c.domain_id).distinct()
                                         .order_by(directory_ids.c.domain_id))
            return found
        found = tx.values(sa.select(projects.c.id).where(
            projects.c.is_domain.is_(True), sa.or_(projects.c.id == name, projects.c.name == name)))
    if not found:
        raise NotFound(f"Could not find domain: {name}.")
    return found
