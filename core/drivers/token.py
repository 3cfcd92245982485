"""The token interface: what a token says, turned into text and back."""

from __future__ import annotations

import abc
import dataclasses

import msgspec

from .base import Driver


@dataclasses.dataclass(frozen=True)
class TokenFacts:
    """What a format is. ``offline``: others can read its tokens with a published key."""

    offline: bool = False
    longest_bytes: int = 255


class TokenPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a token says. Moments are seconds since the epoch, to the microsecond.

    At most one of ``project_id``, ``domain_id`` and ``system`` is set. ``audit_id`` is this token's own: 16 bytes
    as 22 characters of URL-safe base64. ``parent_audit_id`` is that of the first of the chain of tokens it was
    made from, or nothing.
    """

    user_id: str
    methods: tuple[str, ...]
    issued_at: float
    expires_at: float
    audit_id: str
    parent_audit_id: str = ""
    project_id: str = ""
    domain_id: str = ""
    system: str = ""
    trust_id: str = ""
    application_credential_id: str = ""


class TokenFormat(Driver):
    """One form of tokens with the keys behind it.

    Calls do not block beyond reading a key file. Any thread may call. Who holds no key can neither
    make nor change a token that ``read`` accepts; what a token means (expiry, revocation) is the
    caller's question.
    """

    @abc.abstractmethod
    def facts(self) -> TokenFacts:
        """What this format is."""

    @abc.abstractmethod
    def issue(self, payload: TokenPayload) -> str:
        """``payload`` as text of ASCII letters, digits, ``-``, ``_``, ``.`` and ``=``, fit for an HTTP header."""

    @abc.abstractmethod
    def read(self, text: str) -> TokenPayload:
        """The payload that :meth:`issue` was given, with any key not retired yet.

        :raises Unauthorized: the text is no token of ours, or was changed.
        """

    @abc.abstractmethod
    def rotate(self) -> None:
        """Issue with a new key from now on; tokens of the keys that are kept can still be read."""
