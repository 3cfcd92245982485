"""What a process without identity remembers of tokens for a few seconds."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..clock import Clock
from ..context import Context

MOST = 10_000


class Tokens:
    """Contexts by token. A token that identity has refused is asked for again each time."""

    def __init__(self, clock: Clock, kept_s: float) -> None:
        self._clock = clock
        self._kept_s = kept_s
        self._known: dict[str, tuple[float, Context]] = {}

    def forget(self, body: bytes = b"") -> None:
        """Believe nothing unasked: identity has changed."""
        self._known = {}

    def context(self, token: str, request_id: str, ask: Callable[[str, str], Context]) -> Context:
        """Who holds ``token``; ``ask`` is called with it when nothing fresh is known."""
        now = self._clock.monotonic()
        remembered = self._known
        known = remembered.get(token)
        if known is not None and now - known[0] < self._kept_s:
            return msgspec.structs.replace(known[1], request_id=request_id)
        found = ask(token, request_id)
        if len(remembered) >= MOST:
            remembered.clear()
        if self._kept_s:
            # What was forgotten while identity was asked stays forgotten: the answer may be from before.
            remembered[token] = (now, found)
        return found
