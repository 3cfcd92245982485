"""Rules of remote consoles."""

from __future__ import annotations

from .base import ADMIN, MEMBER, rules

CONSOLE = (
    *rules(MEMBER, {"os-remote-consoles": "Open a server's screen or serial line."}),
    *rules(ADMIN, {"os-console-auth-tokens": "See where the console that a token opens listens."}),
)
