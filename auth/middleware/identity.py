"""Identity as a service sees it: logged in to with the service's own credentials, asked over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3

from ...core.drivers.revocation import Part
from ...core.errors import BackendBusy, BadConfiguration, Unauthorized
from .settings import Settings

MOST_BYTES = 16 << 20


class Identity:
    """Asks identity. Any thread may call; calls block for ``timeout_s`` at most, and twice that with a new login.

    All raise BackendBusy when identity cannot be reached or cannot answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.auth_url.rstrip("/")
        certificates: dict[str, Any] = {}
        if self._url.startswith("https"):
            certificates = ({"cert_reqs": "CERT_NONE"} if settings.insecure
                            else {"cert_reqs": "CERT_REQUIRED", "ca_certs": settings.cafile or None})
        self._pool = urllib3.PoolManager(
            maxsize=16, retries=urllib3.Retry(1, redirect=0, status=0, other=0, raise_on_redirect=False),
            timeout=urllib3.Timeout(total=settings.timeout_s), **certificates)
        self._token = ""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that wait for the next question."""
        self._pool.clear()

    def validate(self, token: str, allow_expired: bool = False) -> Mapping[str, Any]:
        """What identity says of a token. :raises Unauthorized: it is none that is good."""
        query = [] if self._settings.include_service_catalog else ["nocatalog"]
        query += ["allow_expired=1"] if allow_expired else []
        answer = self._asked("/auth/tokens" + ("?" + "&".join(query) if query else ""), {
            "X-Subject-Token": token, "OpenStack-Identity-Access-Rules": "1.0"})
        if answer.status == 404:
            raise Unauthorized()
        found = _object(_good(answer))["token"]
        return dict(found)

    def keys(self) -> list[Mapping[str, Any]]:
        """The public keys of signed tokens."""
        answer = self._request("GET", "/auth/jwks", {})
        return [] if answer.status == 404 else list(_object(_good(answer))["keys"])

    def revocations(self, since: int) -> Part:
        """What was revoked or changed after the change of the number ``since``."""
        answer = _good(self._asked(f"/auth/revocations?since={since}", {}))
        try:
            return msgspec.convert(_object(answer)["revocations"], Part)
        except (msgspec.ValidationError, KeyError) as exc:
            raise BackendBusy("identity gave a list of revocations that cannot be read") from exc

    def _asked(self, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Ask with the service's own token, and once more with a new one when that is good no more."""
        known = self._token or self._login("")
        answer = self._request("GET", path, {**headers, "X-Auth-Token": known})
        if answer.status == 401:
            answer = self._request("GET", path, {**headers, "X-Auth-Token": self._login(known)})
        if answer.status in (401, 403):
            raise BackendBusy("identity does not let this service ask: its user needs the role service")
        return answer

    def _login(self, useless: str) -> str:
        """A token of the service's own, a new one unless another thread had one made in place of ``useless``."""
        with self._lock:
            if self._token == useless:
                answer = self._request("POST", "/auth/tokens?nocatalog", {"Content-Type": "application/json"},
                                       json.dumps(self._credentials()).encode())
                if answer.status == 401:
                    raise BackendBusy("identity refuses this service's own credentials")
                self._token = _good(answer).headers.get("X-Subject-Token", "")
            return self._token

    def _credentials(self) -> Mapping[str, Any]:
        own = self._settings
        if own.application_credential_id:
            credential = {"id": own.application_credential_id, "secret": own.application_credential_secret}
            return {"auth": {"identity": {"methods": ["application_credential"],
                                          "application_credential": credential}}}
        user = {"name": own.username, "password": own.password, "domain": {"name": own.user_domain_name}}
        return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
                         "scope": {"project": {"name": own.project_name,
                                               "domain": {"name": own.project_domain_name}}}}}

    def _request(self, method: str, path: str, headers: Mapping[str, str],
                 body: bytes | None = None) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, self._url + path, headers={"Accept": "application/json", **headers},
                                      body=body)
        except urllib3.exceptions.LocationValueError as exc:
            raise BadConfiguration(f"auth_url is no address: {self._url}") from exc
        except urllib3.exceptions.HTTPError as exc:
            raise BackendBusy("identity cannot be reached", retry_after_s=1) from exc


def _good(answer: urllib3.BaseHTTPResponse) -> urllib3.BaseHTTPResponse:
    if answer.status >= 300 or len(answer.data) > MOST_BYTES:
        raise BackendBusy(f"identity answers with status {answer.status}", retry_after_s=1)
    return answer


def _object(answer: urllib3.BaseHTTPResponse) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.data)
    except ValueError as exc:
        raise BackendBusy("identity gave an answer that cannot be read") from exc
    if not isinstance(found, dict):
        raise BackendBusy("identity gave an answer that cannot be read")
    return found
