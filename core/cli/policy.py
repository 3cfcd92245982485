"""``stratolith policy``: the rules in force, and why one allows or denies."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..context import Context
from ..errors import BadConfiguration
from ..policy.engine import Policy, read_file
from ..policy.explanation import explain
from ..policy.rules import Rule
from .command import Command

CHAIN = ("admin", "manager", "member", "reader")
"""The roles of a new cloud, each of which implies the next."""


class Policies(Command):
    """List the policy's rules, print a sample file, or explain a decision.

    explain answers for a caller described by --role, --user, --project, --domain, --system and a
    target described by --target KEY=VALUE. The roles that a role implies in a new cloud are held too.
    The rule is given by its name or by an operation: "POST /identity/v3/users".
    """

    help = "list rules and explain decisions"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "sample", "explain"))
        parser.add_argument("rule", nargs="?", default="",
                            help="a rule's name; list takes its beginning, explain an operation, too")
        parser.add_argument("--file", type=Path, help="policy file over the defaults")
        parser.add_argument("--role", action="append", default=[],
                            help="role the caller holds, with those it implies (repeatable)")
        for word in ("user", "project", "domain"):
            parser.add_argument(f"--{word}", default="", metavar="ID", help=f"the caller's {word}")
        parser.add_argument("--system", action="store_true", help="the caller is scoped to the system")
        parser.add_argument("--target", action="append", default=[], metavar="KEY=VALUE", help="about the target")

    def run(self, arguments: argparse.Namespace) -> int:
        """Print what was asked for; explain exits with 1 when the answer is no."""
        policy = Policy(declared(), read_file(arguments.file) if arguments.file else None)
        policy.validate()
        if arguments.action == "explain":
            return _explain(policy, arguments)
        for key in sorted({*policy.keys(), *(read_file(arguments.file) if arguments.file else ())}):
            if key.startswith(arguments.rule):
                print("\n".join(entry(policy, key, arguments.action == "sample")))
        return 0


def declared() -> list[Rule]:
    """The rules of all installed services."""
    from ..process.slice import SERVICES
    return [dataclasses.replace(rule, service=name) for name in SERVICES.names() for rule in SERVICES.load(name).rules]


def entry(policy: Policy, key: str, sample: bool) -> list[str]:
    """The lines of one rule, as a list or a sample file has them."""
    service, _, name = key.rpartition("/") if "/" in key else (policy.service(key), "", key)
    rule = policy.keys().get(key)
    text = policy.text(name, service)
    if sample:
        return [f"# {rule.sentence if rule else ''}", f'#"{key}": "{text}"', ""]
    return [f"{key}: {text or '@'}"]


def _implied(roles: Sequence[str]) -> tuple[str, ...]:
    """``roles`` with those that each implies in a new cloud."""
    held = [role.lower() for role in roles]
    highest = min((CHAIN.index(role) for role in held if role in CHAIN), default=len(CHAIN))
    return tuple(dict.fromkeys((*held, *CHAIN[highest:])))


def _rule(text: str) -> str:
    """The name of the rule that ``text`` names, by itself or by an operation of a service."""
    if " " not in text:
        return text
    from ..http.naming import find
    from ..process.slice import SERVICES
    faces = (SERVICES.load(name).face for name in SERVICES.names())
    operation = find((face for face in faces if face is not None), text)
    if operation is None:
        raise BadConfiguration(f"no service has the operation {text!r}")
    if operation.public:
        raise BadConfiguration(f"{text!r} is open to everybody, without a token")
    return operation.rule


def _explain(policy: Policy, arguments: argparse.Namespace) -> int:
    roles = _implied(arguments.role)
    rule = _rule(arguments.rule)
    context = Context(request_id="req-explain", user_id=arguments.user, project_id=arguments.project,
                      domain_id=arguments.domain, system="all" if arguments.system else "", roles=roles,
                      is_admin="admin" in roles and not arguments.domain)
    target = dict(pair.partition("=")[::2] for pair in arguments.target)
    print("\n".join(policy.explain(context, rule, target)))
    found = explain(policy, context, rule, target)
    if found.because:
        print("because: " + " and ".join(found.because))
    for way in found.missing:
        print("missing: " + " and ".join(way))
    return 0 if found.allowed else 1
