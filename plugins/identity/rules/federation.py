"""The rules of federation."""

from __future__ import annotations

from collections.abc import Iterator

from .base import ADMIN, ADMIN_OR_READER


def _entry(noun: str, words: str) -> Iterator[tuple[str, str, str]]:
    yield f"list_{noun}s", ADMIN_OR_READER, f"List {words}s."
    yield f"get_{noun}", ADMIN_OR_READER, f"Show a {words}."
    yield f"create_{noun}", ADMIN, f"Create a {words}."
    yield f"update_{noun}", ADMIN, f"Change a {words}."
    yield f"delete_{noun}", ADMIN, f"Delete a {words}."


FEDERATION = (
    *_entry("identity_provider", "provider of identities"), *_entry("mapping", "mapping"),
    *_entry("protocol", "protocol of a provider"), *_entry("service_provider", "service provider"))
