"""Receipts: who has to prove more than one thing and has proven some of it gets one, and goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ...core.drivers.identity import User
from ...core.errors import NotFound, Unauthorized
from .methods import Proof
from .store import Store
from .tokens import Begin, Tokens, iso

PURPOSE = "receipt"


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a receipt says. Moments are seconds since the epoch."""

    user_id: str
    methods: tuple[str, ...]
    issued_at: float
    expires_at: float


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Receipt).decode


class MoreNeeded(Unauthorized):
    """Additional authentications steps required."""

    def __init__(self, text: str, receipt: dict[str, Any], required: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.text = text
        self.receipt = receipt
        self.required = required


class Receipts:
    """Makes receipts and takes them."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self._seal = store.seal

    def check(self, begun: Begin, user: User, methods: Sequence[str]) -> None:
        """See that a user has proven enough. :raises MoreNeeded: it has not, and goes on with the receipt."""
        rules = needed(user)
        if not rules or any(set(rule) <= set(methods) for rule in rules):
            return
        grant = self._tokens.check_since(user.id, begun.at)
        receipt = Receipt(user_id=user.id, methods=tuple(methods), issued_at=begun.at,
                          expires_at=round(begun.at + self._store.options.receipt_lifetime_s, 6))
        shown = {"methods": list(methods), "issued_at": iso(receipt.issued_at), "expires_at": iso(receipt.expires_at),
                 "user": {"id": user.id, "name": user.name,
                          "domain": {"id": user.domain_id, "name": grant.user_domain_name}}}
        raise MoreNeeded(self._seal.close(encode(receipt).decode(), PURPOSE), shown, rules)

    def proof(self, text: str) -> Proof:
        """What a receipt proves. :raises Unauthorized: it is none of ours, has expired, or its user has changed."""
        try:
            receipt = decode(self._seal.open(text, PURPOSE))
        except (NotFound, msgspec.MsgspecError) as exc:
            raise Unauthorized() from exc
        if receipt.expires_at <= self._store.clock.time():
            raise Unauthorized()
        return Proof(user=self._tokens.check_since(receipt.user_id, receipt.issued_at).user, methods=receipt.methods)


def needed(user: User) -> list[list[str]]:
    """The combinations of methods of which a user has to prove one; none where one method will do.

    Rules that are no lists of names, or empty, are passed over, as in Keystone.
    """
    if user.options.get("multi_factor_auth_enabled") is not True:
        return []
    rules = user.options.get("multi_factor_auth_rules")
    return [list(rule) for rule in (rules if isinstance(rules, list) else [])
            if isinstance(rule, list) and rule and all(isinstance(name, str) for name in rule)]
