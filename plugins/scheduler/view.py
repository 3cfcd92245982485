"""What the scheduler derives once from a list of hosts and asks often."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from ...core.drivers.filter import Aggregate, Host, Request
from ...core.services.placement import Candidate


class View:
    """One list of hosts, as compute gave it; nothing in it is looked at before it is needed."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = hosts
        self._images: Mapping[str, Mapping[str, int]] | None = None

    @functools.cached_property
    def by_provider(self) -> Mapping[str, Host]:
        """The hosts by their providers' ids."""
        return {host.provider: host for host in self.hosts}

    @functools.cached_property
    def aggregates(self) -> Sequence[Aggregate]:
        """The aggregates that have hosts, each once."""
        return list({one.uuid: one for host in self.hosts for one in host.aggregates}.values())

    @functools.cached_property
    def exclusive(self) -> bool:
        """Whether a host is for one project alone at a time."""
        return any(one.exclusive for one in self.aggregates)

    @functools.cached_property
    def disabled(self) -> bool:
        """Whether an administrator has disabled a host."""
        return not all(host.enabled for host in self.hosts)

    def named(self, request: Request) -> list[str]:
        """The providers of the host, or of its node, that the request forces."""
        return [host.provider for host in self.hosts
                if request.forced_host in ("", host.host) and request.forced_node in ("", host.node)]

    def count(self, images: Mapping[str, Mapping[str, int]]) -> None:
        """Tell each host of the images of its servers."""
        if images is not self._images:
            self._images = images
            for host in self.hosts:
                host.images = images.get(host.host, {})

    def joined(self, candidates: Sequence[Candidate]) -> list[Host]:
        """The hosts of the candidates, with what they have and what is used of it."""
        by_provider, found = self.by_provider, []
        for one in candidates:
            host = by_provider.get(one.provider)
            if host is not None:
                host.capacity, host.used = one.capacity, one.used
                found.append(host)
        return found
