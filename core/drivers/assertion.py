"""The assertion interface: what somebody else says of a user who knocks, and whether that is to be believed."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence

from .base import Driver


@dataclasses.dataclass(frozen=True)
class AssertionFacts:
    """What a source of assertions is. ``protocols`` are those it can tell of; empty means any."""

    protocols: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Presented:
    """What a client, or the proxy before us, sent: header fields by lower-case name, and the peer's address."""

    headers: Mapping[str, str]
    address: str


@dataclasses.dataclass(frozen=True)
class Vouching:
    """Who is to vouch: a provider by its id and the ids it calls itself by, and the protocol used."""

    provider: str
    remote_ids: tuple[str, ...]
    protocol: str


class AssertionSource(Driver):
    """One way in which assertions reach us: headers of a trusted proxy, a signed token, ...

    Any thread may call. Calls may block while keys are fetched. What is presented is hostile until proved.
    """

    @abc.abstractmethod
    def facts(self) -> AssertionFacts:
        """What this source is."""

    @abc.abstractmethod
    def read(self, presented: Presented, vouching: Vouching) -> Mapping[str, Sequence[str]] | None:
        """What is asserted: values by attribute, names in any spelling; none when nothing of this kind was sent.

        :raises Unauthorized: something was sent that is not to be believed.
        :raises BackendBusy: what proves it cannot be reached now.
        """
