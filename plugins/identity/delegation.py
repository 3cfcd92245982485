"""Delegation: what a token is and may that somebody lent: by a trust, an application credential or an access token."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ...core.errors import Forbidden

TRUST, APPLICATION_CREDENTIAL, ACCESS_TOKEN = "trust", "application_credential", "access_token"


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """One delegation as it is now.

    ``lender_id`` is the user whose roles are lent, ``user_id`` the one that tokens name, ``parties`` all users
    that must be there and enabled for it to hold. Lent are those of ``role_ids`` that the lender still has in the
    project, or, where it is ``whole``, all of them or nothing. ``facts`` is what tokens tell of it.
    """

    kind: str
    id: str
    lender_id: str
    user_id: str
    project_id: str
    role_ids: frozenset[str]
    parties: tuple[str, ...]
    facts: Mapping[str, Any]
    whole: bool = True
    expires_at: float = math.inf
    """Seconds since the epoch."""
    access_rules: tuple[tuple[str, str, str], ...] = ()
    restricted: bool = True
    """Whether who comes by it may make no lasting thing out of it: another delegation, or a secret to log in with."""


Find = Callable[[str], Delegation]
"""Takes the id of a delegation. Raises NotFound: it is there no more."""


def refuse(delegation: Delegation | None, what: str) -> None:
    """See that ``what`` is not done by way of a delegation that is restricted. :raises Forbidden: it is."""
    if delegation is not None and delegation.restricted:
        raise Forbidden(f"{what} is not allowed by a token that was lent.")
