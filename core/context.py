"""Who asks: the user, project, roles and request behind a call."""

from __future__ import annotations

import msgspec


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The identity and limits of one request; it travels with every call between services.

    Exactly one of ``project_id``, ``domain_id`` and ``system`` is set for a scoped token,
    none for an unscoped one. ``deadline`` is in seconds since the epoch, 0 for none.
    """

    request_id: str
    user_id: str = ""
    user_name: str = ""
    user_domain_id: str = ""
    user_domain_name: str = ""
    project_id: str = ""
    project_name: str = ""
    project_domain_id: str = ""
    project_domain_name: str = ""
    domain_id: str = ""
    domain_name: str = ""
    system: str = ""
    roles: tuple[str, ...] = ()
    """Names of all roles held, implied ones too, in lower case."""
    role_ids: tuple[str, ...] = ()
    is_admin: bool = False
    token: str = ""
    audit_id: str = ""
    access_rules: tuple[tuple[str, str, str], ...] = ()
    """The only requests that the token is good for: service, method and pattern of the path; none bound it not at all.
    Enforced where requests come in; what follows from a request within the cloud is not a request of its own."""
    expires: float = 0.0
    deadline: float = 0.0
    faults: tuple[tuple[str, str], ...] = ()
    """Faults asked for by request header in an ephemeral cloud: (driver call, what happens)."""


def service_context(request_id: str, name: str = "stratolith") -> Context:
    """The cloud's own voice: what the core and the agents use when no user asked."""
    return Context(request_id=request_id, user_id=name, user_name=name, system="all",
                   roles=("admin", "service"), is_admin=True)
