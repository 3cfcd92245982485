"""What a new cloud gets at its first start, and again at each start, so that it is whole."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from ..clock import Clock
from .cloud import Cloud

log = logging.getLogger("stratolith.bootstrap")
ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


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
        file.touch(mode=0o600)
        file.write_text(json.dumps(dataclasses.asdict(made)))
        return made


def _password(clock: Clock) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in clock.random_bytes(20))


def catalog(cloud: Cloud, base: str) -> list[tuple[str, str, str]]:
    """(type, name, address) of every service the catalog should list."""
    return [(kind, name, base + one.face.prefix + path)
            for one in cloud.slices if one.face is not None for kind, name, path in one.catalog]


def bootstrap(cloud: Cloud, secrets: Secrets, base: str) -> None:
    """Give the cloud its users, catalog, flavors and first networks; what is there stays.

    Each slice that has a ``bootstrap`` method gets what it asks for; identity comes first.
    """
    services: dict[str, Any] = cloud.services
    identity = services["identity"]
    identity.bootstrap(cloud.kits["identity"].context(), admin_password=secrets.admin, demo_password=secrets.demo,
                       region=cloud.options.region, public_url=base, catalog=catalog(cloud, base))
    demo = identity.project_named(cloud.kits["identity"].context(), "demo")
    for name in ("network", "compute", "volume", "image"):
        if hasattr(services.get(name), "bootstrap"):
            services[name].bootstrap(cloud.kits[name].context(), demo.id)


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
