"""Where the controllers of hosts are: ``host=address`` in an option."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.errors import BadConfiguration, NotSupported


def addresses(items: Iterable[str]) -> dict[str, str]:
    """The controller's address by host. :raises BadConfiguration: an item is no ``host=address``."""
    found = {}
    for item in items:
        host, sign, address = item.partition("=")
        if not sign or not host.strip() or not address.strip():
            raise BadConfiguration(f"{item!r} is not of the form host=address")
        found[host.strip()] = address.strip()
    return found


def address_of(known: dict[str, str], host: str) -> str:
    """The address for ``host``. :raises NotSupported: none is known."""
    if host not in known:
        raise NotSupported(f"no controller is known for the host {host}")
    return known[host]
