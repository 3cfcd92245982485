"""Rules of the image proxies of older microversions; the image service's own rules hold behind them."""

from __future__ import annotations

from .base import MEMBER, READER, rules

IMAGE = (
    *rules(READER, {
        "images:index": "List images through compute.",
        "images:show": "Show an image and its metadata through compute.",
    }),
    *rules(MEMBER, {
        "images:update": "Change an image's metadata through compute.",
        "images:delete": "Delete an image through compute.",
    }),
)
