"""Fencing by Redfish (DMTF DSP0266): the host's controller cuts its power."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

from ...core.config import option
from ...core.drivers.fence import Fence, FenceFacts
from ...core.errors import BackendBusy, BackendFailed, BadConfiguration
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
    allow_http: bool = option(False, "Speak to controllers without TLS, for trials: everybody on the way sees the "
                                     "password.")


class Straight(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: what is asked, and the password with it, is for the controller alone."""

    def redirect_request(self, *asked: Any) -> None:
        """No redirection is followed."""


class Redfish(Fence):
    """Cuts the power and believes only what the controller says afterwards."""

    Options = RedfishOptions

    def open(self) -> None:
        options = cast(RedfishOptions, self.options)
        self._known = addresses(options.systems)
        for host, address in self._known.items():
            parts = urlsplit(address)
            if parts.scheme not in (("https", "http") if options.allow_http else ("https",)) or not parts.hostname:
                raise BadConfiguration(f"the system of {host} needs an address of the form https://controller/path")
        try:
            trust = ssl.create_default_context(cafile=options.ca_file or None)
        except OSError as exc:
            raise BadConfiguration(f"the certificates {options.ca_file} cannot be read: {exc}") from exc
        # No proxy either: controllers are on a network of their own.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Straight(),
                                                   urllib.request.HTTPSHandler(context=trust))

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
        """Where to ask for it, the system says itself (DSP0266, 7.11)."""
        system = address_of(self._known, host)
        actions = self._ask(system).get("Actions")
        reset = actions.get("#ComputerSystem.Reset") if isinstance(actions, dict) else None
        target = reset.get("target") if isinstance(reset, dict) else None
        path = urlsplit(target).path if isinstance(target, str) else ""
        self._ask(urljoin(system, path) if path else f"{system}/Actions/ComputerSystem.Reset", {"ResetType": kind})

    def _ask(self, address: str, body: Any = None) -> dict[str, Any]:
        options = cast(RedfishOptions, self.options)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json",
                                                         "OData-Version": "4.0"})
        if options.user:
            pair = base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        try:
            with self._opener.open(request, timeout=options.timeout_s) as answer:
                text = answer.read(LARGEST)
                found = json.loads(text) if text.strip() else {}
        except (urllib.error.URLError, http.client.HTTPException, OSError) as exc:
            raise BackendBusy("the host's controller refuses or cannot be reached", detail=str(exc)) from exc
        except ValueError as exc:
            raise BackendFailed("the host's controller answers in an unknown form") from exc
        return found if isinstance(found, dict) else {}
