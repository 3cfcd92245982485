"""``stratolith host``: hosts that died, recovered and let back in, through the cloud's own API."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from ...core.cli.command import Command, add_state
from ...core.errors import BackendBusy, BadConfiguration, CloudError, Conflict, NotFound

CLOUD = "stratolith-admin"
TIMEOUT_S = 30.0
KINDS: Mapping[int, type[CloudError]] = {404: NotFound, 409: Conflict}


class Session:
    """An administrator of a cloud, as a file of clouds says."""

    def __init__(self, file: Path, cloud: str) -> None:
        self._auth = self._read(file, cloud)
        self._token = ""
        self._compute = ""

    def _read(self, file: Path, cloud: str) -> Mapping[str, str]:
        try:
            found = yaml.safe_load(file.read_text())["clouds"][cloud]["auth"]
        except FileNotFoundError as exc:
            raise BadConfiguration(f"there is no {file}: is --state the cloud's folder?") from exc
        except (yaml.YAMLError, KeyError, TypeError) as exc:
            raise BadConfiguration(f"{file} says nothing of a cloud {cloud}") from exc
        return cast(Mapping[str, str], found)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to compute. :raises CloudError: what the cloud says against it."""
        if not self._token:
            self._login()
        return self._send(method, self._compute + path, body, {"X-Auth-Token": self._token})[0]

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
        self._compute = next(endpoint["url"] for service in body["token"]["catalog"] if service["type"] == "compute"
                             for endpoint in service["endpoints"] if endpoint["interface"] == "public")

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


class Host(Command):
    """Show hosts, and give the servers of dead ones a new home.

    recover: once it is certain that nothing runs on HOST (a fence proves it, or you do by --confirmed-off), its
    servers are made anew on other hosts; volumes go with them, local disks begin anew from their images. The host
    counts as down until it is released.  status: how far that has come.  release: let HOST run servers again.
    """

    help = "show hosts; recover and release dead ones"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "recover", "status", "release"))
        parser.add_argument("host", nargs="?", default="", help="name of the host")
        parser.add_argument("--confirmed-off", action="store_true",
                            help="you vouch that nothing runs on the host: no fence is asked")
        parser.add_argument("--volume-backed-only", action="store_true",
                            help="leave the servers whose disks are on the host")
        parser.add_argument("--clouds", type=Path, help="file of clouds (default: clouds.yaml in the cloud's folder)")
        parser.add_argument("--cloud", default=CLOUD, help=f"which of its clouds (default: {CLOUD})")
        add_state(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and print what came of it."""
        session = Session(arguments.clouds or arguments.state / "clouds.yaml", arguments.cloud)
        if arguments.action == "list":
            print("\n".join(listed(session.ask("GET", "/os-services?binary=nova-compute")["services"])))
            return 0
        if not arguments.host:
            raise BadConfiguration(f"{arguments.action} needs the name of a host")
        path = f"/os-hosts/{arguments.host}/recovery"
        if arguments.action == "release":
            session.ask("DELETE", path)
            print(f"{arguments.host} may run servers again")
            return 0
        body = {"recovery": {"confirmed_off": arguments.confirmed_off,
                             "volume_backed_only": arguments.volume_backed_only}}
        recovering = arguments.action == "recover"
        found = session.ask("POST" if recovering else "GET", path, body if recovering else None)["recovery"]
        print("\n".join(told(found)))
        return 1 if found["state"] == "failed" else 0


def listed(services: list[Mapping[str, Any]]) -> Iterator[str]:
    """A line a host."""
    for one in sorted(services, key=lambda one: str(one["host"])):
        reason = f" ({one['disabled_reason']})" if one.get("disabled_reason") else ""
        yield f"{one['host']}  {one['state']}  {one['status']}{reason}  {one['zone']}"


def told(recovery: Mapping[str, Any]) -> Iterator[str]:
    """How far a recovery has come, line by line."""
    yield f"{recovery['host']}: {recovery['state']}" + (f": {recovery['error']}" if recovery["error"] else "")
    for server in recovery["moved"]:
        yield f"  {server} moves"
    for server, reason in sorted(recovery["left"].items()):
        yield f"  {server} stays: {reason}"
