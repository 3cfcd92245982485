"""The weigher interface: which of the hosts that a server may go to is the best."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from ..config import option
from .base import Driver
from .filter import Host, Request


@dataclasses.dataclass(frozen=True)
class WeigherOptions:
    """Options that each weigher has; a weigher with more of them subclasses this."""

    multiplier: float = option(1.0, "how much this weigher counts; negative prefers its lightest hosts, 0 turns it off")


@dataclasses.dataclass(frozen=True)
class WeigherFacts:
    """What a weigher prefers, as a sentence."""

    sentence: str


class Weigher(Driver):
    """One preference among hosts; an instance stands for the preference.

    Calls must not block: no file, network or database is read. Any thread may call, several
    at once, so a weigher keeps no state between calls. It changes neither hosts nor request;
    after an exception the decision has failed and nothing else has happened.
    """

    Options: ClassVar[type] = WeigherOptions
    aggregate_key: ClassVar[str] = ""
    """The metadata of aggregates that, on their hosts, takes the multiplier's place; the smallest of several."""

    reads_images: ClassVar[bool] = False
    """Whether it looks at the images of the servers on a host, which are counted only where it does."""

    @property
    def multiplier(self) -> float:
        """How much the weigher counts beside the others, once each is brought to 0 to 1."""
        return float(self.options.multiplier)

    @abc.abstractmethod
    def facts(self) -> WeigherFacts:
        """What this weigher prefers. Always the same."""

    def relevant(self, request: Request) -> bool:
        """Tell whether the request can tell hosts apart here; when not, :meth:`weights` is not asked."""
        return True

    @abc.abstractmethod
    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """One finite number a host, in their order; more is better. The scale is free:
        the scheduler brings the smallest to 0 and the largest to 1."""
