"""Levels of this process's loggers, as administrators read and set them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")


def _under(prefix: str) -> list[str]:
    """The names of all loggers below ``prefix``, in order."""
    return sorted(name for name, one in logging.root.manager.loggerDict.items()
                  if isinstance(one, logging.Logger) and name.startswith(prefix))


def levels(prefix: str) -> Mapping[str, str]:
    """The level in force of each logger whose name begins with ``prefix``."""
    return {name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) for name in _under(prefix)}


def set_level(prefix: str, level: str) -> None:
    """Give each logger whose name begins with ``prefix`` one of :data:`LEVELS`; an empty prefix means all of ours."""
    for name in _under(prefix or "stratolith"):
        logging.getLogger(name).setLevel(level)
