"""The policy rules of block storage, by OpenStack's own names."""

from __future__ import annotations

from ....core.policy.rules import Rule
from . import backups, groups, operators, volumes

RULES: tuple[Rule, ...] = (*volumes.RULES, *backups.RULES, *groups.RULES, *operators.RULES)
