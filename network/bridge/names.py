"""Names of devices, namespaces, chains and folders, all derived from ids.

Every name begins with the prefix of the options, which holds letters and digits only. So two
clouds on one machine never touch each other's devices, whatever their ids.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import string
from pathlib import Path

from ...core.errors import BadConfiguration

PREFIX = re.compile(r"[a-z][a-z0-9]{0,3}")
DIGITS = 10
LETTERS = string.ascii_lowercase + string.digits


def prefix_of(state_dir: Path) -> str:
    """The prefix of the cloud whose driver keeps its state there: the same at each start, rarely another cloud's."""
    digest = hashlib.sha256(str(state_dir.absolute()).encode()).digest()
    return "s" + "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:3])


@dataclasses.dataclass(frozen=True)
class Names:
    """The naming of one cloud on one host. Device names have at most 15 characters, as Linux demands."""

    prefix: str

    def __post_init__(self) -> None:
        if not PREFIX.fullmatch(self.prefix):
            raise BadConfiguration(f"prefix {self.prefix!r} is not one to four small letters and digits")

    def _device(self, kind: str, *ids: str) -> str:
        digest = hashlib.sha256("/".join(ids).encode()).hexdigest()
        return f"{self.prefix}{kind}{digest[:DIGITS]}"

    def bridge(self, network_id: str) -> str:
        """The bridge of a network."""
        return self._device("b", network_id)

    def bridges(self) -> str:
        """A pattern that matches all bridges."""
        return f"{self.prefix}b*"

    def dhcp(self, network_id: str) -> str:
        """The bridge's end of the pair that leads to the network's namespace."""
        return self._device("d", network_id)

    def tunnel(self, network_id: str) -> str:
        """The vxlan device of a network."""
        return self._device("v", network_id)

    def patch(self, network_id: str) -> str:
        """The network's end of the pair that leads to an operator's own bridge."""
        return self._device("p", network_id)

    def patch_peer(self, network_id: str) -> str:
        """The other end of :meth:`patch`, a member of the operator's bridge."""
        return self._device("o", network_id)

    def vlan(self, network_id: str) -> str:
        """The tagging device of a vlan network."""
        return self._device("q", network_id)

    def tap(self, port_id: str) -> str:
        """The device of a guest's interface."""
        return self._device("t", port_id)

    def leg(self, router_id: str, network_id: str, mac: str) -> str:
        """The bridge's end of a router's interface; the router's own end bears the same name."""
        return self._device("r", router_id, network_id, mac)

    def network_namespace(self, network_id: str) -> str:
        """The namespace of a network's DHCP and metadata."""
        return f"{self.prefix}-net-{network_id}"

    def router_namespace(self, router_id: str) -> str:
        """The namespace of a router."""
        return f"{self.prefix}-rtr-{router_id}"

    def id_of(self, namespace: str, kind: str) -> str:
        """The id in a namespace's name when it is ours and of ``kind`` (``net`` or ``rtr``), else nothing."""
        start = f"{self.prefix}-{kind}-"
        return namespace.removeprefix(start) if namespace.startswith(start) else ""
