"""Fencing by Redfish (DMTF DSP0266): the host's controller cuts its power."""

from __future__ import annotations

import base64
import dataclasses
import json
import ssl
import urllib.error
import urllib.request
from typing import Any, cast

from ...core.config import option
from ...core.drivers.fence import Fence, FenceFacts
from ...core.errors import BackendBusy, BackendFailed
from .address import address_of, addresses

LARGEST = 1 << 20


@dataclasses.dataclass(frozen=True)
class RedfishOptions:
    """Options of the Redfish fence."""

    systems: tuple[str, ...] = option((), "Systems of hosts: host=https://controller/redfish/v1/Systems/ID, ...")
    user: str = option("", "Name to log in with.")
    password: str = option("", "Password to log in with.", secret=True)
    timeout_s: float = option(10.0, "Seconds that one question may take.")
    ca_file: str = option("", "Certificates of authorities to trust; empty: those of this machine.")


class Redfish(Fence):
    """Cuts the power and believes only what the controller says afterwards."""

    Options = RedfishOptions

    def open(self) -> None:
        options = cast(RedfishOptions, self.options)
        self._known = addresses(options.systems)
        self._trust = ssl.create_default_context(cafile=options.ca_file or None)

    def facts(self) -> FenceFacts:
        return FenceFacts(proves=True)

    def fence(self, host: str) -> bool:
        if self._state(host) == "Off":
            return True
        self._reset(host, "ForceOff")
        return self._state(host) == "Off"

    def release(self, host: str) -> None:
        """The power is switched on."""
        if self._state(host) != "On":
            self._reset(host, "On")

    def _state(self, host: str) -> str:
        state = self._ask(address_of(self._known, host)).get("PowerState")
        if not isinstance(state, str):
            raise BackendFailed("the host's controller does not say whether the power is on")
        return state

    def _reset(self, host: str, kind: str) -> None:
        self._ask(address_of(self._known, host) + "/Actions/ComputerSystem.Reset", {"ResetType": kind})

    def _ask(self, address: str, body: Any = None) -> dict[str, Any]:
        options = cast(RedfishOptions, self.options)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        if options.user:
            pair = base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        secured = self._trust if address.startswith("https:") else None
        try:
            with urllib.request.urlopen(request, timeout=options.timeout_s, context=secured) as answer:
                text = answer.read(LARGEST)
                found = json.loads(text) if text.strip() else {}
        except (urllib.error.URLError, OSError) as exc:
            raise BackendBusy("the host's controller refuses or cannot be reached", detail=str(exc)) from exc
        except ValueError as exc:
            raise BackendFailed("the host's controller answers in an unknown form") from exc
        return found if isinstance(found, dict) else {}
