"""Operations by their name as people write it: ``POST /identity/v3/users``, with or without ids in the path."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .table import Api, Operation

NAME = re.compile(r"\\\{\w+\\\}")


def find(apis: Iterable[Api], text: str) -> Operation | None:
    """The operation of ``text``, a method, a path with the service's prefix, and at need an action; none if unknown.

    Of several that fit, the one whose path leaves least open, and of that the newest.
    """
    method, _, rest = text.strip().partition(" ")
    path, _, action = rest.strip().partition(" ")
    fitting = [operation for api in apis for operation in api.operations
               if operation.method == method.upper() and operation.action == action.strip()
               and _fits(api.prefix + operation.path, path)]
    return min(reversed(fitting), key=lambda one: one.path.count("{"), default=None)


def _fits(template: str, path: str) -> bool:
    pattern = NAME.sub(r"[^/]+", re.escape(template))
    return path.rstrip("/") in (template, template.rstrip("/")) or re.fullmatch(pattern, path) is not None
