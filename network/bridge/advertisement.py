"""Router advertisements: how guests learn of their IPv6 default route (RFC 4861).

A dnsmasq in the router's namespace sends them. It says that addresses come from DHCP, and is
kept from answering DHCP itself: that is the network's own server's part.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv6Interface
from pathlib import Path

from .options import Options
from .process import running, stop
from .program import run
from .record import write

INTERVAL_S, LIFETIME_S = 30, 1800


class Advertisement:
    """The announcing dnsmasq of one router, with its files in ``folder``; used inside its namespace."""

    def __init__(self, options: Options, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._conf = folder / "dnsmasq.conf"
        self._pid_file = folder / "dnsmasq.pid"

    def apply(self, inside: Mapping[str, Sequence[str]]) -> None:
        """Announce the router on these devices for their IPv6 addresses (with prefix length)."""
        served = {device: [IPv6Interface(text) for text in addresses if ":" in text]
                  for device, addresses in inside.items()}
        served = {device: addresses for device, addresses in served.items() if addresses}
        if not served:
            self.remove()
            return
        moved = write(self._conf, "".join(self._lines(served)))
        pid = running(self._pid_file, f"--conf-file={self._conf}")
        if pid and moved:
            stop(pid)
            pid = 0
        if not pid:
            run([self._options.dnsmasq, f"--conf-file={self._conf}"], self._options.timeout_s)

    def remove(self) -> None:
        """End it and remove its files; nothing if there are none."""
        pid = running(self._pid_file, f"--conf-file={self._conf}")
        if pid:
            stop(pid)
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def _lines(self, served: Mapping[str, Sequence[IPv6Interface]]) -> Iterator[str]:
        yield from ("port=0\n", "no-hosts\n", "no-resolv\n", "bind-dynamic\n", "except-interface=lo\n",
                    f"user={self._options.dnsmasq_user}\n", "quiet-dhcp6\n", "quiet-ra\n", "enable-ra\n",
                    "leasefile-ro\n", f"pid-file={self._pid_file}\n")
        for device, addresses in served.items():
            yield f"interface={device}\nra-param={device},{INTERVAL_S},{LIFETIME_S}\n"
            for address in addresses:
                yield f"dhcp-range={address.network.network_address},static,{address.network.prefixlen}\n"
