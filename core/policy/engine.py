"""The policy of this process: all slices' rules, an operator's file over them, and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..context import Context
from ..errors import BadConfiguration, Forbidden
from .rules import Check, Lookup, Rule, Target, never, parse, scope_of


class Policy:
    """Decides who may do what. A rule nobody declared denies.

    ``overrides`` are checks by name, or by ``service/name`` where they are for one service only. What a rule
    names (``rule:owner``) is looked for among its own service's rules first.
    """

    def __init__(self, rules: Iterable[Rule] = (), overrides: Mapping[str, str] | None = None) -> None:
        self.rules: dict[str, Rule] = {}
        self._own: dict[tuple[str, str], Rule] = {}
        for rule in rules:
            self.rules[rule.name] = rule
            self._own[(rule.service, rule.name)] = rule
        self._overrides = dict(overrides or {})
        self._checks: dict[tuple[str, str], Check] = {}
        self._gates: dict[str, Check] = {}

    def service(self, name: str) -> str:
        """Whose rule ``name`` is; nothing for one that nobody declared."""
        rule = self.rules.get(name)
        return "" if rule is None else rule.service

    def text(self, name: str, service: str = "") -> str:
        """The check in force for ``name`` as ``service`` means it: the operator's, else the declared, else ``!``."""
        for key in (f"{service}/{name}", name):
            if key in self._overrides:
                return self._overrides[key]
        rule = self._declared(name, service)
        return "!" if rule is None else rule.check

    def keys(self) -> dict[str, Rule]:
        """All declared rules by the keys that a file gives them: ``service/name`` where others mean something else."""
        return {rule.name if self.rules[name].check == rule.check else f"{service}/{name}": rule
                for (service, name), rule in self._own.items()}

    def _declared(self, name: str, service: str) -> Rule | None:
        return self._own.get((service, name)) or self.rules.get(name)

    def _is_known(self, name: str, service: str) -> bool:
        return (self._declared(name, service) is not None or name in self._overrides
                or f"{service}/{name}" in self._overrides)

    def check(self, name: str, service: str = "") -> Check:
        """The rule ``name`` as a function; :func:`never` when nobody declared it."""
        found = self._checks.get((service, name))
        if found is None:
            known = self._is_known(name, service)
            found = parse(self.text(name, service), self.lookup(service)) if known else never
            self._checks[(service, name)] = found
        return found

    def lookup(self, service: str) -> Lookup:
        """How rules of ``service`` find the rules that they name."""
        return lambda name: self.check(name, service)

    def _gate(self, name: str) -> Check:
        """The rule ``name`` with the scopes it takes: what decides about an operation, as opposed to a part of it."""
        check = self.check(name, self.service(name))
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

    def source(self, name: str, service: str = "") -> str:
        """Where the rule is from: ``default``, ``policy file``, or ``not declared``."""
        if name in self._overrides or f"{service}/{name}" in self._overrides:
            return "policy file"
        return "not declared" if self._declared(name, service) is None else "default"

    def explain(self, context: Context, name: str, target: Target) -> list[str]:
        """Why: the rule's text, then each rule it names, with what it gives for this caller."""
        lines = [self._line(name, self.service(name), self.allows(context, name, target), 0)]
        self._explain(context, name, self.service(name), target, lines, 1, {name})
        return lines

    def _explain(self, context: Context, name: str, service: str, target: Target, lines: list[str], depth: int,
                 seen: set[str]) -> None:
        """The lines of the rules that a rule names."""
        for word in _named(self.text(name, service)):
            lines.append(self._line(word, service, self.check(word, service)(context, target), depth))
            if word not in seen:
                seen.add(word)
                self._explain(context, word, service, target, lines, depth + 1, seen)

    def _line(self, name: str, service: str, allowed: bool, depth: int) -> str:
        verdict = "allows" if allowed else "denies"
        return f"{'  ' * depth}{name}: {verdict}: {self.text(name, service) or '@'} ({self.source(name, service)})"

    def validate(self) -> None:
        """Parse every rule now.

        :raises BadConfiguration: one cannot be read, names an unknown rule, or names itself by way of others.
        """
        services = {service for service, _ in self._own}
        for key in self._overrides:
            service, slash, name = key.partition("/")
            if slash and service not in services:
                raise BadConfiguration(f"there is a policy file of the unknown service {service!r}")
        keys = {*self._own, *((service, name) if slash else (self.service(key), key) for key in self._overrides
                              for service, slash, name in [key.partition("/")])}
        for service, name in sorted(keys):
            text = self.text(name, service)
            parse(text, never_looked_up)
            for word in _named(text):
                if not self._is_known(word, service):
                    raise BadConfiguration(f"policy names the unknown rule {word!r}")
            self._check_circle(name, service, ())

    def _check_circle(self, name: str, service: str, way: tuple[str, ...]) -> None:
        if name in way:
            raise BadConfiguration(f"policy rules name one another in a circle: {' -> '.join((*way, name))}")
        for word in _named(self.text(name, service)):
            self._check_circle(word, service, (*way, name))


def never_looked_up(name: str) -> Check:
    """Stands for other rules where a rule is only read."""
    return never


def _named(text: str) -> list[str]:
    """The rules that a check names."""
    return [word[5:] for word in text.replace("(", " ").replace(")", " ").split() if word.startswith("rule:")]


def read_file(path: Path) -> dict[str, str]:
    """The rules of an operator's policy file, YAML or JSON; of a folder, those of ``SERVICE.yaml`` for that service.

    :raises BadConfiguration: a file cannot be read.
    """
    if not path.is_dir():
        return _read(path)
    files = [file for file in sorted(path.iterdir()) if file.suffix in (".yaml", ".yml", ".json")]
    return {f"{file.stem}/{name}": check for file in files for name, check in _read(file).items()}


def _read(path: Path) -> dict[str, str]:
    import yaml
    try:
        found = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as exc:
        raise BadConfiguration(f"cannot read the policy file {path}: {exc}") from exc
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadConfiguration(f"{path}: a policy file maps names to checks, both texts")
    return {str(name): value for name, value in found.items()}
