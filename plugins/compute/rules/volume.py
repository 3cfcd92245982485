"""Rules of the volume proxies of older microversions; the block storage service's own rules hold behind them."""

from __future__ import annotations

from .base import MEMBER, READER, rules

VOLUME = (
    *rules(READER, {
        "os-volumes:list": "List volumes through compute.",
        "os-volumes:detail": "List volumes with details through compute.",
        "os-volumes:show": "Show a volume through compute.",
        "os-volumes:snapshots:list": "List snapshots through compute.",
        "os-volumes:snapshots:detail": "List snapshots with details through compute.",
        "os-volumes:snapshots:show": "Show a snapshot through compute.",
    }),
    *rules(MEMBER, {
        "os-volumes:create": "Create a volume through compute.",
        "os-volumes:delete": "Delete a volume through compute.",
        "os-volumes:snapshots:create": "Create a snapshot through compute.",
        "os-volumes:snapshots:delete": "Delete a snapshot through compute.",
    }),
)
