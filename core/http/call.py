"""What a handler is given and what it may return."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import falcon

from ..context import Context
from ..errors import BadRequest, TooLarge
from ..policy.engine import Policy
from .table import Operation, Version

CHUNK = 1 << 20
LARGEST = 10 ** 18 - 1


class Call:
    """One request on its way to a handler.

    ``path`` holds the values of the path's names, ``query`` the query parameters (each a list
    of texts, checked), ``body`` the decoded and checked JSON. ``version`` is the microversion
    asked for, (0, 0) where the API has none.
    """

    __slots__ = ("body", "context", "operation", "path", "policy", "query", "request", "response", "version")

    def __init__(self, request: falcon.Request, response: falcon.Response, context: Context,
                 operation: Operation, path: Mapping[str, str], version: Version, policy: Policy) -> None:
        self.request = request
        self.response = response
        self.context = context
        self.operation = operation
        self.path = path
        self.version = version
        self.policy = policy
        self.query: Mapping[str, list[str]] = {}
        self.body: Any = None

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query parameter, or ``default``."""
        values = self.query.get(name)
        return values[-1] if values else default

    def many(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return self.query.get(name, [])

    def number(self, name: str) -> int | None:
        """A query parameter of an integer kind as a number, or none; one that no database takes is the largest."""
        values = self.query.get(name)
        return min(int(values[-1]), LARGEST) if values else None

    def flag(self, name: str, default: bool = False) -> bool:
        """A query parameter of kind boolean; one given without a value is true."""
        values = self.query.get(name)
        return default if not values else values[-1].lower() in ("", "1", "true", "t", "yes", "y", "on")

    def since(self, text: str) -> bool:
        """Tell whether the request's microversion is ``text`` (``"2.26"``) or later."""
        major, _, minor = text.partition(".")
        return self.version >= (int(major), int(minor))

    @property
    def base(self) -> str:
        """The service's own address as the client sees it, without a slash at the end."""
        return str(self.request.prefix)

    def address(self, path: str) -> str:
        """A link to ``path`` of this service."""
        return self.base + path

    def allows(self, rule: str, target: Mapping[str, Any] | None = None) -> bool:
        """Tell whether the caller may do ``rule`` to ``target``, by default to its own."""
        return self.policy.allows(self.context, rule, own(self.context) if target is None else target)

    def enforce(self, rule: str, target: Mapping[str, Any]) -> None:
        """See that the caller may do ``rule`` to ``target``. :raises Forbidden: it may not."""
        self.policy.enforce(self.context, rule, target)

    def header(self, name: str) -> str:
        """A request header, or nothing."""
        return self.request.get_header(name) or ""

    def chunks(self, limit_bytes: int) -> Iterable[bytes]:
        """The raw body in chunks of at most 1 MiB.

        :raises BadRequest: it ends before its announced length.
        :raises TooLarge: it is longer than ``limit_bytes``.
        """
        length = self.request.content_length
        if length is not None and length > limit_bytes:
            raise TooLarge()
        stream = self.request.bounded_stream if length is not None else self.request.stream
        seen = 0
        while chunk := stream.read(CHUNK if length is None else min(CHUNK, length - seen)):
            seen += len(chunk)
            if seen > limit_bytes:
                raise TooLarge()
            yield chunk
            if length is not None and seen >= length:
                return
        if length is not None and seen < length:
            raise BadRequest("the request body ended too early")


def own(context: Context) -> Mapping[str, Any]:
    """The target of operations that name none: the caller's own."""
    return {"project_id": context.project_id, "tenant_id": context.project_id,
            "user_id": context.user_id, "domain_id": context.domain_id}


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer that is more than a body with the operation's status.

    ``stream`` yields bytes and is sent with ``length`` bytes announced (none: chunked).
    """

    body: Any = None
    status: int = 0
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    stream: Iterable[bytes] | None = None
    length: int | None = None
    content_type: str = ""
