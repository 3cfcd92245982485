"""What images and flavors may ask of guests for which this package keeps next to nothing."""

from __future__ import annotations

import re
from collections.abc import Collection

from ...core.errors import NotSupported
from .wish import FALSE, Wishes

IMAGE = re.compile(r"hw_.*|os_secure_boot|os_require_quiesce|img_hide_hypervisor_id")
FLAVOR = re.compile(r"hw:.*|hw_rng:.*|hw_video:.*|os:.*|quota:.*|accel:.*|pci_passthrough:.*")
ARCHITECTURE = "hw_architecture"
"""Which one a guest needs, a host's facts say; its scheduler has looked."""
IDLE = FALSE | {"disabled", "optional", "shared", "share", "prefer", "preferred", "legacy", "small", "any", "bios"}
"""Words that ask for nothing."""


def refuse_all(wishes: Wishes, kept: Collection[str] = ()) -> None:
    """:raises NotSupported: something is asked for of a machine, or of its share of the host, that is not ``kept``."""
    asked = {name: value for name, value in wishes.properties.items() if IMAGE.fullmatch(name) and name != ARCHITECTURE}
    asked |= {name: value for name, value in wishes.specs.items() if FLAVOR.fullmatch(name)}
    for name, value in sorted(asked.items()):
        if name not in kept and str(value or "").strip().lower() not in IDLE:
            raise NotSupported(f"this hypervisor cannot keep {name}={str(value)[:30]}")
