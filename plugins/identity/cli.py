"""``stratolith identity``: what an operator does to identity from outside of the API.

Each action is a row of ``ACTIONS``: its word, one sentence, its arguments and what it does.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...core.cli.command import Command, add_configuration, add_state, configuration
from ...core.clock import System
from ...core.errors import BadRequest

if TYPE_CHECKING:
    from ...core.db.engine import Database
    from .keys import Seal


@dataclasses.dataclass(frozen=True)
class Action:
    """One word behind ``stratolith identity``."""

    sentence: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None


def rotate_keys(arguments: argparse.Namespace) -> int:
    """Rotate the keys of the token format that the configuration names.

    New tokens are made with the next key; running processes notice within a second, and tokens issued so far
    stay good until their key is retired by later rotations.
    """
    from ...core.drivers.base import Surroundings, make
    from .backends import FORMATS
    from .store import IdentityOptions
    options = configuration(arguments)
    name = options.section("identity", IdentityOptions).tokens
    section = f"tokens.{name}"
    state = arguments.state / section
    surroundings = Surroundings(System(), logging.getLogger("stratolith.identity"), state_dir=state, run_dir=state)
    tokens = make(FORMATS.load(name), section, options, surroundings)
    tokens.open()
    tokens.rotate()
    tokens.close()
    print(f"{name}: keys rotated")
    return 0


def test_mapping(arguments: argparse.Namespace) -> int:
    """Print what the rules of a mapping make of an assertion, without a cloud.

    The rules are JSON as the API takes them; the assertion holds lines ``attribute: value; value``.
    :raises BadRequest: a file does not hold what it should. :raises Unauthorized: no rule counts.
    """
    from ...core.http.validation import validate
    from .api.federation import RULES
    from .federation import mapping
    try:
        rules = json.loads(arguments.rules.read_text())
    except ValueError as exc:
        raise BadRequest(f"{arguments.rules} is no JSON: {exc}") from exc
    rules = rules.get("rules", rules) if isinstance(rules, dict) else rules
    validate(RULES, rules)
    found = mapping.evaluate(rules, _asserted(arguments.assertion))
    print(json.dumps(msgspec.to_builtins(found), indent=2))
    return 0


def rotate_credential_keys(arguments: argparse.Namespace) -> int:
    """Rotate the keys that secrets in the database are sealed with.

    Running processes notice within a second. Secrets sealed so far can be opened until their key is retired by a
    later rotation, which is refused as long as there are some: ``reseal-credentials`` comes first.
    :raises BadRequest: a secret would be lost.
    """
    from . import sealed
    with _sealed(arguments) as (database, seal):
        left = sealed.of_older_keys(database, seal)
        if left:
            raise BadRequest(f"{left} secrets are sealed with an older key; run reseal-credentials first")
        seal.rotate()
    print("credential keys rotated")
    return 0


def reseal_credentials(arguments: argparse.Namespace) -> int:
    """Seal all secrets in the database with the newest key."""
    from . import sealed
    with _sealed(arguments) as (database, seal):
        print(f"{sealed.seal_anew(database, seal)} secrets sealed with the newest key")
    return 0


@contextlib.contextmanager
def _sealed(arguments: argparse.Namespace) -> Iterator[tuple[Database, Seal]]:
    """The database of the cloud of a folder, and the seal of its secrets."""
    from ...core.db.engine import Databases
    from ...core.db.upgrade import check
    from .keys import seal
    from .store import IdentityOptions
    from .tables import SCHEMA
    options = configuration(arguments)
    databases = Databases(options, arguments.state)
    try:
        database = databases.of("identity")
        check(database, SCHEMA)
        yield database, seal(arguments.state, options.section("identity", IdentityOptions), System())
    finally:
        databases.close()


def _asserted(file: Path) -> dict[str, list[str]]:
    from .federation import mapping
    found = {}
    for number, line in enumerate(file.read_text().splitlines(), 1):
        name, colon, values = line.partition(":")
        if line.strip() and not colon:
            raise BadRequest(f"{file}, line {number}: there is no colon behind an attribute's name")
        if line.strip():
            found[mapping.folded(name.strip())] = [one.strip() for one in values.split(";") if one.strip()]
    return found


def _mapping_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rules", type=Path, help="file with the mapping's rules")
    parser.add_argument("assertion", type=Path, help="file with the attributes that a provider asserts")


def purge_mappings(arguments: argparse.Namespace) -> int:
    """Forget the ids of users and groups that are in no directory any more.

    Who comes back gets the same id. With --rights their role assignments, credentials and trusts go, too, which
    otherwise wait for them.
    """
    from .purging import run
    return run(arguments)


def reset_password(arguments: argparse.Namespace) -> int:
    """Give a user a new password and enable it: the way back in when nobody else can help.

    The password is read from the terminal, or from a pipe. All tokens of the user end.
    """
    from .offline import reset_password as run
    return run(arguments)


def _user_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", default="admin", help="name of the user")
    parser.add_argument("--domain", default="Default", help="name of its domain")


def _purge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domain", default="", help="name or id of one domain; without it all with a directory")
    parser.add_argument("--all", action="store_true", help="forget all ids, without asking the directory")
    parser.add_argument("--rights", action="store_true", help="their role assignments, credentials and trusts, too")


ACTIONS: Mapping[str, Action] = {
    "rotate-keys": Action("make new tokens with the next key", rotate_keys),
    "rotate-credential-keys": Action("seal new secrets with the next key", rotate_credential_keys),
    "reseal-credentials": Action("seal all secrets with the newest key", reseal_credentials),
    "reset-password": Action("give a user a new password: the way back in", reset_password, _user_arguments),
    "purge-mappings": Action("forget who has left a directory", purge_mappings, _purge_arguments),
    "test-mapping": Action("show what a mapping makes of an assertion", test_mapping, _mapping_arguments),
}


class IdentityCommand(Command):
    """Rotate keys and try out mappings."""

    help = "rotate keys, try out mappings"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="action")
        for name, action in ACTIONS.items():
            words = actions.add_parser(name, help=action.sentence, description=action.run.__doc__)
            action.arguments(words)
            add_state(words)
            add_configuration(words)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do one action."""
        return ACTIONS[arguments.action].run(arguments)
