"""The policy rules of block storage, by OpenStack's own names."""

from __future__ import annotations

from ....core.policy.rules import Rule
from . import volumes

RULES: tuple[Rule, ...] = volumes.RULES
