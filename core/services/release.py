"""Verbs of an interface that the release before does not have, said in those that it has.

While a cloud is upgraded its processes are of two releases, and the newer may ask the older.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def in_older_words(verb: F) -> F:
    """Mark an abstract verb whose own body says the same in verbs of the release before, or what that would answer.

    A proxy runs the body when its peer does not know the verb. Without it the caller is told
    :class:`~stratolith.core.errors.UnknownVerb`. Verbs that take or give streams cannot be marked.
    """
    verb.in_older_words = True  # type: ignore[attr-defined]
    return verb


def has_older_words(verb: Callable[..., Any]) -> bool:
    """Tell whether ``verb`` is marked so."""
    return bool(getattr(verb, "in_older_words", False))
