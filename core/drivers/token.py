"""The token interface: what a token says, turned into text and back."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence

import msgspec

from .base import Driver


@dataclasses.dataclass(frozen=True)
class TokenFacts:
    """What a format is. ``offline``: others can read its tokens with a published key."""

    offline: bool = False
    longest_bytes: int = 255


class Bearer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who bears a token and what it may, as of when the token was made: for those who check tokens offline."""

    user_name: str
    user_domain_id: str
    user_domain_name: str
    project_name: str = ""
    domain_id: str = ""
    """Of the project, or the domain that is the scope itself."""
    domain_name: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    """Id and name of each role, implied ones too."""


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
    access_token_id: str = ""
    """Of OAuth 1.0a."""
    bearer: Bearer | None = None
    """Given where the format is an ``offline`` one; others may leave it out of the text. One that would make the
    token longer than ``longest_bytes`` is left out, and who meets the token asks identity."""


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


class Published(abc.ABC):
    """Facet: tokens are signed with keys whose public halves are told, so that anybody can check them."""

    @abc.abstractmethod
    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Each key that a good token may be signed with, the next one's too, as a JSON Web Key (RFC 7517)."""
