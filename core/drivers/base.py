"""What all driver interfaces share: construction, surroundings, and the question of facets."""

from __future__ import annotations

import abc
import dataclasses
import logging
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from ..clock import Clock
from ..config import Configuration
from ..errors import NotSupported
from ..executor import Executor

D = TypeVar("D", bound="Driver")
F = TypeVar("F")


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """Options of a driver that has none."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What the process hands a driver besides its options.

    ``state_dir`` is a folder of the driver's own that survives restarts (made on first use by
    the driver); ``run_dir`` is one that need not survive a reboot of the machine.
    """

    clock: Clock
    log: logging.Logger
    state_dir: Path
    run_dir: Path
    host: str = "localhost"
    executor: Executor | None = None
    """Where a driver that needs loops of its own (a bus) runs them."""


class Driver(abc.ABC):
    """Base of every driver interface.

    ``api`` is the version of the interface a class was written against: the major number
    must equal the core's. ``Options`` is the dataclass of its configuration section.
    """

    api: ClassVar[tuple[int, int]] = (1, 0)
    Options: ClassVar[type] = NoOptions

    @classmethod
    def chosen(cls, options: Any) -> type[Any]:
        """The class that serves with these options: this one, unless it stands for several kinds of a backend.

        What is chosen is of the same interface and has the same ``Options``; facets are its own.
        :raises BadConfiguration: none serves with them.
        """
        return cls

    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        self.options = options
        self.surroundings = surroundings
        self.clock = surroundings.clock
        self.log = surroundings.log

    def open(self) -> None:
        """Get ready: called once before any verb. Do nothing when ready already."""

    def close(self) -> None:
        """Let go of connections and processes of the driver's own; guests and data stay."""


def make(kind: type[D], section: str, configuration: Configuration,
                    surroundings: Surroundings) -> D:
    """An instance of the driver class ``kind``, or of that which it chooses, with the options of ``section``.

    :raises BadConfiguration: an option is wrong.
    """
    options: Any = configuration.section(section, kind.Options)
    made: D = kind.chosen(options)(options, surroundings)
    return made


def require(driver: object, facet: type[F]) -> F:
    """``driver`` typed as ``facet``.

    :raises NotSupported: the driver does not have the facet.
    """
    if not isinstance(driver, facet):
        raise NotSupported(f"this backend has no {facet.__name__.lower()}")
    return driver
