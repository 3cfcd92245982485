"""The policy of this process: all slices' rules, an operator's file over them, and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..context import Context
from ..errors import BadConfiguration, Forbidden
from .rules import Check, Rule, Target, never, parse, scope_of


class Policy:
    """Decides who may do what. A rule nobody declared denies."""

    def __init__(self, rules: Iterable[Rule] = (), overrides: Mapping[str, str] | None = None) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self._overrides = dict(overrides or {})
        self._checks: dict[str, Check] = {}
        self._gates: dict[str, Check] = {}

    def text(self, name: str) -> str:
        """The check in force for ``name``: the operator's, else the declared one, else ``!``."""
        if name in self._overrides:
            return self._overrides[name]
        rule = self.rules.get(name)
        return "!" if rule is None else rule.check

    def check(self, name: str) -> Check:
        """The rule ``name`` as a function; :func:`never` when nobody declared it."""
        found = self._checks.get(name)
        if found is None:
            known = name in self.rules or name in self._overrides
            found = parse(self.text(name), self.check) if known else never
            self._checks[name] = found
        return found

    def _gate(self, name: str) -> Check:
        """The rule ``name`` with the scopes it takes: what decides about an operation, as opposed to a part of it."""
        check = self.check(name)
        scopes = self.scopes(name)
        if scopes:
            inner = check

            def check(context: Context, target: Target) -> bool:
                return scope_of(context) in ("", *scopes) and inner(context, target)
        self._gates[name] = check
        return check

    def scopes(self, name: str) -> frozenset[str]:
        """The kinds of token that the rule takes, none for all. Tokens without a scope are left to the check."""
        rule = self.rules.get(name)
        return frozenset() if rule is None else rule.scopes

    def allows(self, context: Context, name: str, target: Target) -> bool:
        """Tell whether ``context`` may do ``name`` to ``target``."""
        return (self._gates.get(name) or self._gate(name))(context, target)

    def enforce(self, context: Context, name: str, target: Target) -> None:
        """See that ``context`` may do ``name`` to ``target``. :raises Forbidden: it may not."""
        check = self._gates.get(name) or self._gate(name)
        if not check(context, target):
            raise Forbidden(f"Policy doesn't allow {name} to be performed.", rule=name)

    def source(self, name: str) -> str:
        """Where the rule is from: ``default``, ``policy file``, or ``not declared``."""
        return "policy file" if name in self._overrides else "default" if name in self.rules else "not declared"

    def explain(self, context: Context, name: str, target: Target) -> list[str]:
        """Why: the rule's text, then each rule it names, with what it gives for this caller."""
        lines: list[str] = []
        self._explain(context, name, target, 0, lines, set())
        return lines

    def _explain(self, context: Context, name: str, target: Target, depth: int,
                 lines: list[str], seen: set[str]) -> None:
        verdict = "allows" if self.allows(context, name, target) else "denies"
        lines.append(f"{'  ' * depth}{name}: {verdict}: {self.text(name) or '@'} ({self.source(name)})")
        if name in seen:
            return
        seen.add(name)
        for word in self.text(name).replace("(", " ").replace(")", " ").split():
            if word.startswith("rule:"):
                self._explain(context, word[5:], target, depth + 1, lines, seen)

    def validate(self) -> None:
        """Parse every rule now. :raises BadConfiguration: one cannot be read or names an unknown rule."""
        for name in {*self.rules, *self._overrides}:
            parse(self.text(name), self._known)
            for word in self.text(name).replace("(", " ").replace(")", " ").split():
                if word.startswith("rule:"):
                    self._known(word[5:])

    def _known(self, name: str) -> Check:
        if name not in self.rules and name not in self._overrides:
            raise BadConfiguration(f"policy names the unknown rule {name!r}")
        return self.check(name)


def read_file(path: Path) -> dict[str, str]:
    """The rules of an operator's policy file, YAML or JSON.

    :raises BadConfiguration: the file cannot be read.
    """
    import yaml
    try:
        found = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as exc:
        raise BadConfiguration(f"cannot read the policy file {path}: {exc}") from exc
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadConfiguration(f"{path}: a policy file maps names to checks, both texts")
    return {str(name): value for name, value in found.items()}
