"""Rules of moves between hosts."""

from __future__ import annotations

from .base import ADMIN, MANAGER, rules

MOVE = (
    *rules(MANAGER, {
        "os-migrate-server:migrate": "Move a server, stopped meanwhile, to a host that the scheduler chooses.",
        "os-migrate-server:migrate_live": "Move a running server to a host that the scheduler chooses.",
        "servers:migrations:index": "List the live migrations of a server that are under way.",
        "servers:migrations:force_complete": "Make a live migration end soon.",
        "servers:migrations:delete": "Abort a live migration.",
        "os-migrations:index": "List the migrations of one's project.",
    }),
    *rules(ADMIN, {
        "os-migrate-server:migrate:host": "Move a server, stopped meanwhile, to a host of one's choice.",
        "os-migrate-server:migrate_live:host": "Move a running server to a host of one's choice.",
        "servers:migrations:index:host": "See between which hosts a server is moved.",
        "servers:migrations:show": "Show a live migration that is under way.",
        "os-migrations:index:all_projects": "List the migrations of all projects.",
        "os-migrations:index:host": "See between which hosts servers were moved.",
        "os-evacuate": "Make a server anew on another host when its own is down.",
    }),
)
