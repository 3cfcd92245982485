"""Fencing by IPMI 2.0: the host's baseboard controller cuts its power. Speaks through ``ipmitool``."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from typing import cast

from ...core.config import option
from ...core.drivers.fence import Fence, FenceFacts
from ...core.errors import BackendBusy, BackendFailed, NotSupported
from .address import address_of, addresses

ANSWER_S, TRIES = 2, 4
"""Controllers are slow machines behind a protocol that may lose packets: each packet is sent so often, so far apart."""


@dataclasses.dataclass(frozen=True)
class IpmiOptions:
    """Options of the IPMI fence."""

    controllers: tuple[str, ...] = option((), "Controllers of hosts: host=address or host=address:port, ...")
    user: str = option("", "Name to log in with.")
    password: str = option("", "Password to log in with.", secret=True)
    cipher: int = option(0, "Cipher suite: 17 (new controllers), 3 (old ones); 0: ipmitool finds out, which may take "
                            "seconds for each question.")
    timeout_s: float = option(20.0, "Seconds that one question may take.")
    command: str = option("ipmitool", "The program.")


class Ipmi(Fence):
    """Cuts the power and believes only what the controller says afterwards."""

    Options = IpmiOptions

    def open(self) -> None:
        self._known = addresses(cast(IpmiOptions, self.options).controllers)

    def facts(self) -> FenceFacts:
        return FenceFacts(proves=True)

    def fence(self, host: str) -> bool:
        if self._off(host):
            return True
        self._ask(host, "chassis", "power", "off")
        return self._off(host)

    def release(self, host: str) -> None:
        """The power is switched on."""
        self._ask(host, "chassis", "power", "on")

    def _off(self, host: str) -> bool:
        said = self._ask(host, "chassis", "power", "status").strip().lower()
        if said.endswith("is off"):
            return True
        if said.endswith("is on"):
            return False
        raise BackendFailed("the host's controller does not say whether the power is on")

    def _ask(self, host: str, *words: str) -> str:
        options = cast(IpmiOptions, self.options)
        address, _, port = address_of(self._known, host).partition(":")
        call = [options.command, "-I", "lanplus", "-H", address, *(["-p", port] if port else []),
                *(["-C", str(options.cipher)] if options.cipher else []), "-U", options.user, "-E",
                "-N", str(ANSWER_S), "-R", str(TRIES), *words]
        # The password goes through the environment: arguments can be read by everybody on the machine.
        surroundings = {"PATH": os.environ.get("PATH", ""), "IPMI_PASSWORD": options.password}
        try:
            done = subprocess.run(call, env=surroundings, capture_output=True, text=True, timeout=options.timeout_s,
                                  check=False)
        except FileNotFoundError as exc:
            raise NotSupported("ipmitool is not installed") from exc
        except subprocess.TimeoutExpired as exc:
            raise BackendBusy("the host's controller does not answer") from exc
        if done.returncode:
            raise BackendBusy("the host's controller refuses or cannot be reached", detail=done.stderr[-500:])
        return done.stdout
