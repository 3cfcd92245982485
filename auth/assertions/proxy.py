"""Assertions in the header fields of a web server in front of us, which has authenticated the user itself.

The web server (mod_auth_openidc, mod_auth_mellon, mod_shib, oauth2-proxy, ...) has to remove such fields from what
clients send. Nobody is believed by default: peers are named by address, or know a secret.
"""

from __future__ import annotations

import dataclasses
import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from typing import cast

from ...core.config import option
from ...core.drivers.assertion import AssertionFacts, AssertionSource, Presented, Vouching
from ...core.errors import Unauthorized

SECRET = "x-proxy-secret"
OWN = frozenset((SECRET, "authorization", "cookie", "host", "content-length", "content-type", "accept",
                 "accept-encoding", "connection", "user-agent", "x-auth-token"))
"""Fields of HTTP itself, which say nothing of the user."""


@dataclasses.dataclass(frozen=True)
class ProxyOptions:
    """Options of ``[assertions.proxy]``."""

    trusted_addresses: tuple[str, ...] = option((), "addresses or networks of believed web servers")
    secret: str = option("", "secret that a believed web server sends as X-Proxy-Secret", secret=True)
    prefix: str = option("", "only header fields that begin so are taken; empty takes all")


class Proxy(AssertionSource):
    """Believes the header fields of some peers."""

    Options = ProxyOptions

    def open(self) -> None:
        options = cast(ProxyOptions, self.options)
        self._networks = [ipaddress.ip_network(one, strict=False) for one in options.trusted_addresses]

    def facts(self) -> AssertionFacts:
        return AssertionFacts()

    def read(self, presented: Presented, vouching: Vouching) -> Mapping[str, Sequence[str]] | None:
        if not self._believed(presented):
            return None
        prefix = cast(ProxyOptions, self.options).prefix.lower()
        return {name: split(value) for name, value in presented.headers.items()
                if name not in OWN and name.startswith(prefix)}

    def _believed(self, presented: Presented) -> bool:
        secret = cast(ProxyOptions, self.options).secret
        shown = presented.headers.get(SECRET, "")
        if secret and shown:
            if not hmac.compare_digest(shown.encode(), secret.encode()):
                raise Unauthorized()
            return True
        try:
            address = ipaddress.ip_address(presented.address)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def split(value: str) -> list[str]:
    """The values of one field, parted by semicolons; ``\\;`` is a semicolon within a value."""
    parts = [part.replace("\0", ";") for part in value.replace("\\;", "\0").split(";")]
    return [part for part in parts if part]
