"""The identity service in a process of its own, beside those that serve: for what has no API, and for emergencies."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.cli.command import configuration
from ...core.clock import System
from ...core.errors import BadRequest

if TYPE_CHECKING:
    from .service import Identity


@contextlib.contextmanager
def service(arguments: argparse.Namespace) -> Iterator[Identity]:
    """The service on the database of the configuration, which must be at this release's revision."""
    from ...core.executor import Threads
    from ...core.process.cloud import Cloud, Place
    clock = System()
    place = Place(state_dir=arguments.state, run_dir=arguments.state / "run", services=["identity"], agents=[],
                  migrate=False)
    cloud = Cloud(configuration(arguments), clock, Threads(clock), place)
    try:
        cloud.prepare()
        found: Identity = cloud.services["identity"]
        yield found
        found.store.backend.close()
    finally:
        cloud.stop()


def reset_password(arguments: argparse.Namespace) -> int:
    """``stratolith identity reset-password``: the way back in. The password comes from the terminal or from a pipe."""
    password = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not password:
        raise BadRequest("an empty password lets nobody in")
    with service(arguments) as identity:
        domain = identity.projects.named("", arguments.domain)
        user = identity.store.backend.user_named(domain.id, arguments.user)
        identity.users.update(identity.store.kit.context(), user.id, {"enabled": True}, password)
    print(f"{arguments.user}: enabled, with the new password; tokens issued so far are useless")
    return 0
