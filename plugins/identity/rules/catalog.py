"""The rules of regions, services and endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from .base import ADMIN, ADMIN_OR_READER


def entry(noun: str, read: str) -> Iterator[tuple[str, str, str]]:
    yield f"list_{noun}s", read, f"List {noun}s."
    yield f"get_{noun}", read, f"Show a {noun}."
    yield f"create_{noun}", ADMIN, f"Create a {noun}."
    yield f"update_{noun}", ADMIN, f"Change a {noun}."
    yield f"delete_{noun}", ADMIN, f"Delete a {noun}."


CATALOG = (*entry("region", ""), *entry("service", ADMIN_OR_READER), *entry("endpoint", ADMIN_OR_READER))
