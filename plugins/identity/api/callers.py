"""What handlers have to know of a caller beyond its context: by what its token was made."""

from __future__ import annotations

from ....core.http.call import Call
from ..service import Identity
from ..tokens import Grant


def caller(service: Identity, call: Call) -> Grant:
    """What the caller's token gives."""
    return service.tokens.entry(call.context.token).grant
