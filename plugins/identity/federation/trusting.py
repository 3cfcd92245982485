"""The clouds that trust this one, as tokens name them."""

from __future__ import annotations

import sqlalchemy as sa

from ..store import Store
from ..tables.federation import service_providers

TRUSTING = sa.select(service_providers.c.id, service_providers.c.auth_url, service_providers.c.sp_url).where(
    service_providers.c.enabled.is_(True)).order_by(service_providers.c.id)


def trusting(store: Store) -> list[dict[str, str]]:
    """Id and addresses of each service provider that is enabled; remembered until identity changes."""
    def read() -> list[dict[str, str]]:
        with store.db.read() as tx:
            return [dict(row._mapping) for row in tx.rows(TRUSTING)]
    return store.memory.get(("service providers",), read)
