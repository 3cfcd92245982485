"""The end of a guest's serial console log."""

from __future__ import annotations

import os
from pathlib import Path


def tail(path: Path, max_bytes: int) -> bytes:
    """The last ``max_bytes`` of the log at ``path``, with what its writer moved to ``path.0`` when it was full."""
    newest = _last(path, max_bytes)
    if len(newest) < max_bytes:
        return _last(path.with_name(path.name + ".0"), max_bytes - len(newest)) + newest
    return newest


def _last(path: Path, max_bytes: int) -> bytes:
    if max_bytes <= 0:
        return b""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - max_bytes))
            return file.read(max_bytes)
    except FileNotFoundError:
        return b""
