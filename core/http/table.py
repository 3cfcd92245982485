"""Operations as data: one row an operation of the API.

From the same rows come the routes, the version check, the policy sample, the OpenAPI document
and the tests that each operation has a rule and refuses nonsense.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Handler = Callable[[Any, Any], Any]
"""Takes the slice's service and the :class:`~.call.Call`; returns the body (a mapping or a list), a
:class:`~.call.Reply`, or none for an empty body."""

Version = tuple[int, int]
Schema = Mapping[str, Any]
ByVersion = Mapping[str, Schema]
"""A schema for each first microversion it holds from: ``{"2.1": A, "2.19": B}``."""


def version(text: str) -> Version:
    """``"2.53"`` as (2, 53). :raises ValueError: it is no microversion."""
    major, _, minor = text.partition(".")
    if not (major.isdigit() and minor.isdigit() and major.isascii() and minor.isascii()):
        raise ValueError(text)
    return int(major), int(minor)


@dataclasses.dataclass(frozen=True)
class Query:
    """The query parameters an operation knows: name to kind. ``strict`` refuses others.

    Kinds: ``text``, ``uuid``, ``integer``, ``natural`` (0 or more), ``boolean``, ``moment`` and
    ``one of: a, b, c``; a ``*`` in front lets the parameter be given many times.
    ``patterns`` are regular expressions of further names that are taken as text.
    """

    known: Mapping[str, str] = dataclasses.field(default_factory=dict)
    strict: bool = False
    patterns: Sequence[str] = ()
    since: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """First microversion of single parameters; before it they count as unknown."""


ANY_QUERY = Query()


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of an API.

    ``path`` is below the API's prefix, with ``{names}``. ``rule`` is enforced before the handler
    against ``target`` (of the service and the call), by default the caller's own project and
    user; ``public`` operations need no token. ``body`` is a JSON schema, or one for each
    microversion; without one the operation takes no body. ``raw`` bodies are read by the
    handler as a stream. ``action`` is the single key of the body that selects this row among
    those of one path. ``since`` and ``until`` bound the microversions it exists in.
    """

    method: str
    path: str
    handler: Handler
    rule: str = ""
    body: Schema | ByVersion | None = None
    query: Query | Mapping[str, Query] = ANY_QUERY
    status: int = 200
    since: str = ""
    until: str = ""
    action: str = ""
    public: bool = False
    raw: bool = False
    target: Handler | None = None
    summary: str = ""
    rule_of: Callable[[Any, Any], str] | None = None
    """Chooses the rule by service and call where it depends on what is asked for; ``rule`` is the usual one."""
    absent: int = 404
    """The status of requests with a microversion outside of ``since`` and ``until``: 404, or 405 where the path is
    there all the same."""
    gone: bool = False
    """It answers 410; what tells of all that is offered leaves it out."""

    @property
    def name(self) -> str:
        """A label for logs, metrics and tests: ``POST /servers/{server_id}/action os-start``."""
        return f"{self.method} {self.path}" + (f" {self.action}" if self.action else "")


def Action(path: str, action: str, handler: Handler, rule: str, body: Schema | ByVersion | None = None,
           **more: Any) -> Operation:
    """A POST told from others of its path by the single key of its body.

    ``body`` describes the value behind that key; by default any value.
    """
    status = more.pop("status", 202)
    return Operation("POST", path, handler, rule, body=_wrapped(action, body), status=status, action=action, **more)


def _wrapped(action: str, body: Schema | ByVersion | None) -> Schema | ByVersion:
    if body is not None and is_versioned(body):
        return {since: _wrapped_one(action, schema) for since, schema in body.items()}
    return _wrapped_one(action, body or {})


def _wrapped_one(action: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {action: schema}, "required": [action], "additionalProperties": False}


def is_versioned(body: Mapping[str, Any]) -> bool:
    """Tell whether ``body`` maps microversions to schemas."""
    return bool(body) and all(key[:1].isdigit() for key in body)


def under(root: str, *tables: Iterable[Operation]) -> Iterator[Operation]:
    """All operations of ``tables`` with ``root`` before their path."""
    for table in tables:
        for operation in table:
            yield dataclasses.replace(operation, path=root + operation.path)


@dataclasses.dataclass(frozen=True)
class Microversions:
    """The microversions an API implements: from ``first`` to ``last``, all of them.

    ``name`` is the word before the version in ``OpenStack-API-Version``; ``legacy`` an older
    header that carries the version alone. ``lenient`` takes any two numbers for a version, as placement does: one from
    before the first, such as 0.9, is not offered, while others refuse it as none at all.
    """

    name: str
    first: str
    last: str
    legacy: str = ""
    lenient: bool = False


@dataclasses.dataclass(frozen=True)
class Api:
    """The HTTP face of one service."""

    name: str
    """The service's type in the catalog."""
    prefix: str
    """Where it lives when the whole cloud answers on one port, e.g. ``/compute``."""
    operations: Sequence[Operation]
    fault: Callable[[int, Any], Mapping[str, Any]]
    """The body of a fault: takes the status and the :class:`~stratolith.core.errors.CloudError`."""
    microversions: Microversions | None = None
    project_in_path: str = ""
    """A version root (``/v3``) that may be followed by the caller's project id, which is cut out."""
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Older version roots served by a newer one without its microversions: ``{"/v2": "/v2.1"}``."""
    request_id_header: str = ""
    """An older name under which answers carry the request id too, e.g. ``X-Compute-Request-Id``."""
    statuses: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Statuses that differ from the errors' own, by error code: ``{"quota-exceeded": 413}``."""
    max_body_bytes: int = 1 << 20
    """Largest body of operations that are not ``raw``."""
    domain_scope: bool = False
    """Whether tokens for a domain are taken. Rules of services that know no domains say ``role:admin`` and mean
    the whole cloud, so that who administers one domain must not come so far as their rules."""
    admit: Callable[[Any, Any], None] | None = None
    """Looks at each request to a known operation before its body is checked, given the service and the call; raises
    what is wrong with it, such as a media type that the service refuses."""
    present: Callable[[Any, Any], None] | None = None
    """Sees that what the path names is there, given the service and the call. It is asked only when a body or a query
    is wrong and the service's clients learn first that a thing is missing; who succeeds pays nothing for it."""
    listed_methods: bool = False
    """Whether a path knows the methods of its operations only; HEAD and OPTIONS are not allowed unless listed."""
    page: Callable[[int, Any], str] | None = None
    """A fault as a page of HTML, for who takes that and no JSON; none sends JSON all the same."""
