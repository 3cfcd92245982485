"""What a cloud that ends has of guests on this host."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import cast

from ...core.process.slice import Belonging, Kit
from .agent import on_host
from .options import Options
from .verbs import HYPERVISORS


def guests(kit: Kit) -> Iterator[Belonging]:
    """The guests of each host that this process plays, whatever the records say of them."""
    options = cast(Options, kit.options)
    for host in options.hosts or (kit.host,):
        driver = on_host(kit, host).driver(HYPERVISORS, options.hypervisor)
        for one in driver.observe():
            yield Belonging("server", one.guest, functools.partial(driver.destroy, one.guest))
