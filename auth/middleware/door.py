"""The decision on one request, whatever kind of server it comes through."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from ...core.clock import Clock, System
from ...core.errors import BackendBusy, Unauthorized
from .bearer import Identified
from .headers import told
from .identity import Identity
from .judge import Judge, allowed
from .push import listen
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Passed:
    """A request may go on, with these headers; ``user`` and ``service`` are who sent it, where that is known."""

    headers: Mapping[str, str]
    user: Identified | None
    service: Identified | None


@dataclasses.dataclass(frozen=True)
class Refused:
    """A request is answered at once: with a status, headers and a body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Door:
    """Decides by the tokens of a request. Any thread may call; calls may block while identity is asked."""

    def __init__(self, settings: Settings, clock: Clock | None = None, identity: Identity | None = None) -> None:
        self._settings = settings
        self.judge = Judge(settings, clock or System(), identity)
        self.bus = listen(settings.bus_url, self.judge.revocations.hear) if settings.bus_url else None

    def close(self) -> None:
        """Close all connections; nothing more is decided afterwards."""
        self.judge.close()
        if self.bus is not None:
            self.bus.close()
            if self.bus.surroundings.executor is not None:
                self.bus.surroundings.executor.stop()

    def decide(self, token: str, service_token: str, method: str, path: str) -> Passed | Refused:
        """What becomes of a request with these values of ``X-Auth-Token`` and ``X-Service-Token``."""
        try:
            service = self._service(service_token)
            user = self._user(token, service, method, path)
        except BackendBusy:
            return _refused(503, "Service Unavailable", "The service cannot check the token just now.",
                            {"Retry-After": "1"})
        bad = user is None or (bool(service_token) and service is None)
        if bad and not self._settings.delay_auth_decision:
            uri = self._settings.www_authenticate_uri or self._settings.auth_url
            return _refused(401, "Unauthorized", "The request you have made requires authentication.",
                            {"WWW-Authenticate": f'Keystone uri="{uri}"'})
        return Passed(told(user, service, bool(service_token)), user, service)

    def _service(self, token: str) -> Identified | None:
        if not token:
            return None
        try:
            found = self.judge.judge(token)
        except Unauthorized:
            return None
        wanted = set(self._settings.service_token_roles)
        if self._settings.service_token_roles_required and not wanted & {name for _, name in found.roles}:
            return None
        return found

    def _user(self, token: str, service: Identified | None, method: str, path: str) -> Identified | None:
        """Who asks. Services vouch for work that takes longer than its token lasts, and are not bound by rules that
        bind the user's own requests."""
        if not token:
            return None
        trusted = service is not None and bool(set(self._settings.service_token_roles) & {
            name for _, name in service.roles})
        try:
            found = self.judge.judge(token, allow_expired=trusted)
        except Unauthorized:
            return None
        if found.access_rules is not None and not trusted and not allowed(
                found.access_rules, self._settings.service_type, method, path):
            return None
        return found


def _refused(status: int, reason: str, message: str, headers: Mapping[str, str]) -> Refused:
    body = json.dumps({"error": {"code": status, "title": reason, "message": message}}).encode()
    return Refused(status, reason, {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers},
                   body)
