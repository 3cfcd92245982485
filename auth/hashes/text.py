"""Pieces of hashes as text: Base64 in the dialects passlib made customary, and parameters."""

from __future__ import annotations

import base64
import binascii


def encoded(data: bytes) -> str:
    """Base64 without padding."""
    return base64.b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """What :func:`encoded` was given. :raises ValueError: the text is something else."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as exc:
        raise ValueError(text) from exc


def parameters(text: str) -> dict[str, int]:
    """``ln=16,r=8`` as numbers by name. :raises ValueError: the text is something else."""
    return {name: int(value) for name, _, value in (part.partition("=") for part in text.split(","))}
