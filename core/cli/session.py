"""An administrator's commands speak to a cloud as its clients do: through its API, as a file of clouds says."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from ..errors import BackendBusy, BadConfiguration, BadRequest, CloudError, Conflict, NotFound
from .command import add_state

CLOUD = "stratolith-admin"
TIMEOUT_S = 30.0
KINDS: Mapping[int, type[CloudError]] = {400: BadRequest, 404: NotFound, 409: Conflict}


class Session:
    """An administrator of a cloud, as a file of clouds says, before one of its services."""

    def __init__(self, file: Path, cloud: str, service: str) -> None:
        self._auth = self._read(file, cloud)
        self._service = service
        self._token = ""
        self._address = ""

    def _read(self, file: Path, cloud: str) -> Mapping[str, str]:
        try:
            found = yaml.safe_load(file.read_text())["clouds"][cloud]["auth"]
        except FileNotFoundError as exc:
            raise BadConfiguration(f"there is no {file}: is --state the cloud's folder?") from exc
        except (yaml.YAMLError, KeyError, TypeError) as exc:
            raise BadConfiguration(f"{file} says nothing of a cloud {cloud}") from exc
        return cast(Mapping[str, str], found)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the service. :raises CloudError: what the cloud says against it."""
        if not self._token:
            self._login()
        return self._send(method, self._address + path, body, {"X-Auth-Token": self._token})[0]

    def _login(self) -> None:
        auth = self._auth
        user = {"name": auth["username"], "password": auth["password"],
                "domain": {"name": auth.get("user_domain_name", "Default")}}
        scope = {"project": {"name": auth["project_name"],
                             "domain": {"name": auth.get("project_domain_name", "Default")}}}
        wanted = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        address = auth["auth_url"].rstrip("/")
        address += "" if address.endswith("/v3") else "/v3"
        body, headers = self._send("POST", address + "/auth/tokens", wanted, {})
        self._token = headers["X-Subject-Token"]
        found = (str(endpoint["url"]) for service in body["token"]["catalog"] if service["type"] == self._service
                 for endpoint in service["endpoints"] if endpoint["interface"] == "public")
        self._address = next(found, "")
        if not self._address:
            raise NotFound(f"the cloud's catalog has no service of the type {self._service}")

    def _send(self, method: str, address: str, body: Any, headers: Mapping[str, str]) -> tuple[Any, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json", **headers}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                text = answer.read()
                return (json.loads(text) if text else None), answer.headers
        except urllib.error.HTTPError as error:
            raise KINDS.get(error.code, CloudError)(_said(error)) from error
        except OSError as error:
            raise BackendBusy(f"the cloud does not answer at {address}: {error}") from error


def _said(error: urllib.error.HTTPError) -> str:
    """The sentence in a fault's body."""
    try:
        fault = next(iter(json.loads(error.read()).values()))
        return str(fault["message"])
    except (ValueError, StopIteration, KeyError, TypeError):
        return f"the cloud answers {error.code} {error.reason}"


def add_cloud(parser: argparse.ArgumentParser) -> None:
    """Give a command the options by which :func:`opened` finds its cloud."""
    parser.add_argument("--clouds", type=Path, help="file of clouds (default: clouds.yaml in the cloud's folder)")
    parser.add_argument("--cloud", default=CLOUD, help=f"which of its clouds (default: {CLOUD})")
    add_state(parser)


def opened(arguments: argparse.Namespace, service: str) -> Session:
    """The session that the options of :func:`add_cloud` name. :raises BadConfiguration: there is no such cloud."""
    return Session(arguments.clouds or arguments.state / "clouds.yaml", arguments.cloud, service)
