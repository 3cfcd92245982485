"""What a new cloud gets at its first start, and again at each start, so that it is whole."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from pathlib import Path
from typing import Any

import msgspec

from ..clock import Clock
from ..config import option
from ..errors import BackendBusy, NotFound
from ..services.identity import IdentityService, Project
from .cloud import Cloud
from .slice import SERVICES

log = logging.getLogger("stratolith.bootstrap")
ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


PATIENCE_S = 120.0


@dataclasses.dataclass(frozen=True)
class EndpointOptions:
    """Options of ``[endpoint.<service>]``."""

    public_url: str = option("", "address of this service's process in the catalog; empty: that of the process "
                                 "with identity")


@dataclasses.dataclass(frozen=True)
class Secrets:
    """The passwords of the cloud's first users; kept in a file that only its owner can read."""

    admin: str
    demo: str

    @classmethod
    def load(cls, file: Path, clock: Clock) -> Secrets:
        """Those of ``file``, or new random ones written there with mode 0600."""
        if file.exists():
            return cls(**json.loads(file.read_text()))
        made = cls(admin=_password(clock), demo=_password(clock))
        file.parent.mkdir(parents=True, exist_ok=True)
        passing = file.with_name(f".{file.name}.{clock.hex_id()}")
        passing.touch(mode=0o600)
        passing.write_text(json.dumps(dataclasses.asdict(made)))
        try:
            os.link(passing, file)
        except FileExistsError:
            # Of processes that start together, the passwords of the first stay.
            return cls(**json.loads(file.read_text()))
        finally:
            passing.unlink()
        return made


def _password(clock: Clock) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in clock.random_bytes(20))


def catalog(cloud: Cloud, base: str) -> list[tuple[str, str, str]]:
    """(type, name, address) of every service the catalog should list; the bus may lead to more than run here."""
    slices = [SERVICES.load(name) for name in SERVICES.names()] if cloud.bus.facts().remote else cloud.slices
    return [(kind, name, _address(cloud, one.name, base) + one.face.prefix + path)
            for one in slices if one.face is not None for kind, name, path in one.catalog]


def _address(cloud: Cloud, name: str, base: str) -> str:
    return cloud.configuration.section(f"endpoint.{name}", EndpointOptions).public_url.rstrip("/") or base


def bootstrap(cloud: Cloud, secrets: Secrets, base: str) -> None:
    """Give the cloud its users, catalog, flavors and first networks; what is there stays.

    Each slice that has a ``bootstrap`` method gets what it asks for; identity comes first.
    """
    services: dict[str, Any] = cloud.services
    identity = services["identity"]
    identity.bootstrap(cloud.kits["identity"].context(), admin_password=secrets.admin, demo_password=secrets.demo,
                       region=cloud.options.region, public_url=base, catalog=catalog(cloud, base))
    bootstrap_services(cloud)


def bootstrap_services(cloud: Cloud) -> None:
    """Give the services of this process, but for identity, what a new cloud has of them.

    What is for all projects belongs to that of the administrators. Identity may be in another process; it is
    waited for.
    """
    services: dict[str, Any] = cloud.services
    if not any(hasattr(service, "bootstrap") for name, service in services.items() if name != "identity"):
        return
    demo, admin = _project(cloud, "demo"), _project(cloud, "admin")
    for name in ("network", "compute", "volume", "image"):
        if hasattr(services.get(name), "bootstrap"):
            voice = msgspec.structs.replace(cloud.kits[name].context(), project_id=admin.id)
            services[name].bootstrap(voice, demo.id)


def _project(cloud: Cloud, name: str) -> Project:
    """One of the first projects. :raises BackendBusy: identity did not have it within the time."""
    context = next(iter(cloud.kits.values())).context()
    until = cloud.clock.monotonic() + PATIENCE_S
    while True:
        try:
            return cloud.peers.of(IdentityService).project_named(context, name)
        except (BackendBusy, NotFound) as error:
            if cloud.clock.monotonic() >= until:
                raise BackendBusy(f"identity has no project {name} yet: {error}") from error
            log.info("waiting for identity: %s", error)
            cloud.clock.sleep(1.0)


def write_clouds(file: Path, secrets: Secrets, base: str, region: str) -> None:
    """Write ``clouds.yaml`` with the clouds ``stratolith`` (member of demo) and ``stratolith-admin``."""
    import yaml
    clouds = {name: {"auth": {"auth_url": f"{base}/identity/v3", "username": user, "password": password,
                              "project_name": project, "user_domain_name": "Default",
                              "project_domain_name": "Default"},
                     "region_name": region, "identity_api_version": 3}
              for name, user, password, project in (("stratolith", "demo", secrets.demo, "demo"),
                                                    ("stratolith-admin", "admin", secrets.admin, "admin"))}
    text = yaml.safe_dump({"clouds": clouds}, sort_keys=False)
    temporary = file.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(text)
    temporary.replace(file)
