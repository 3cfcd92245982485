"""No fence: nothing can be proved, so hosts are recovered only on the word of an operator."""

from __future__ import annotations

from ...core.drivers.fence import Fence, FenceFacts
from ...core.errors import NotSupported


class Nothing(Fence):
    """Refuses to vouch for any host."""

    def facts(self) -> FenceFacts:
        return FenceFacts(proves=False)

    def fence(self, host: str) -> bool:
        raise NotSupported("no fence is configured, so nobody can tell whether the host still runs its servers: see "
                           "that it is off and say so")

    def release(self, host: str) -> None:
        """Nothing was held."""
