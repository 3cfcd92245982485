"""What the middleware is told: a dataclass, or words of a file as filter factories get them."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from ...core.errors import BadConfiguration

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the middleware. Only ``auth_url`` and the service's own credentials are needed."""

    auth_url: str
    """Address of identity with its version, e.g. ``https://cloud.example.org/identity/v3``."""
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    user_domain_name: str = "Default"
    project_name: str = "service"
    project_domain_name: str = "Default"
    application_credential_id: str = ""
    """Instead of a user name and password; with ``application_credential_secret``."""
    application_credential_secret: str = dataclasses.field(default="", repr=False)
    delay_auth_decision: bool = False
    """Let requests without a good token pass, with ``X-Identity-Status: Invalid``: the service decides."""
    service_token_roles: tuple[str, ...] = ("service",)
    """Roles of which the bearer of a service token needs one."""
    service_token_roles_required: bool = True
    """Whether a service token without such a role is none."""
    service_type: str = ""
    """The service's type in the catalog, to which access rules of application credentials refer."""
    include_service_catalog: bool = False
    """Set ``X-Service-Catalog``; identity is asked for every new token then."""
    www_authenticate_uri: str = ""
    """Where a client that is refused is sent to; ``auth_url`` when empty."""
    offline: bool = True
    """Check signed tokens with identity's public keys; else ask for every token."""
    cache_s: float = 300.0
    """Longest time for which an answer is believed while identity tells of no change."""
    cache_size: int = 10_000
    refused_s: float = 5.0
    """How long a token stays refused without asking again."""
    revocation_interval_s: float = 0.5
    """How often identity is asked what has changed, while requests come; with ``bus_url`` it tells by itself."""
    revocation_patience_s: float = 10.0
    """How long nothing may be heard of changes before nobody is believed without asking."""
    keys_interval_s: float = 300.0
    timeout_s: float = 5.0
    cafile: str = ""
    insecure: bool = False
    """Do not check identity's certificate."""
    bus_url: str = ""
    """The cloud's bus (``amqp://…``), to hear of changes at once."""
    memcached_servers: tuple[str, ...] = ()
    """``host:port`` of memcached, where answers are shared by the service's processes, sealed."""
    memcache_secret_key: str = dataclasses.field(default="", repr=False)
    """Secret that the service's processes share, for what is in memcached."""

    def __post_init__(self) -> None:
        """:raises BadConfiguration: something is missing."""
        if not self.auth_url:
            raise BadConfiguration("the middleware needs auth_url")
        if not (self.username or self.application_credential_id):
            raise BadConfiguration("the middleware needs username and password, or an application credential")
        if self.memcached_servers and len(self.memcache_secret_key) < 16:
            raise BadConfiguration("memcached needs a memcache_secret_key of at least 16 characters")


def settings(given: Mapping[str, Any]) -> Settings:
    """Settings of texts, as Paste and other loaders hand them over, or of values.

    :raises BadConfiguration: a name is unknown, or a text cannot be read.
    """
    kinds = typing.get_type_hints(Settings)
    strays = sorted(set(given) - set(kinds))
    if strays:
        raise BadConfiguration(f"the middleware knows no setting {', '.join(strays)}")
    if "auth_url" not in given:
        raise BadConfiguration("the middleware needs auth_url")
    return Settings(**{name: _read(name, kinds[name], value) for name, value in given.items()})


def _read(name: str, kind: Any, value: Any) -> Any:
    if not isinstance(value, str) or kind is str:
        return tuple(value) if isinstance(value, list) else value
    try:
        if kind is bool:
            return _flag(value)
        if typing.get_origin(kind) is tuple:
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return kind(value)
    except ValueError as exc:
        raise BadConfiguration(f"the middleware's setting {name} cannot be read: {value!r}") from exc


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered not in (*TRUE, *FALSE):
        raise ValueError(text)
    return lowered in TRUE
