"""What the nouns of identity share: database, backend, token format, revision and memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ...core.clock import Clock
from ...core.config import option
from ...core.context import Context
from ...core.db.engine import Database, Row, Transaction
from ...core.drivers.identity import WritableGroups, WritableUsers
from ...core.drivers.token import TokenFormat
from ...core.errors import NotFound
from ...core.process.slice import Kit
from .directories import Directories
from .keys import Seal
from .revision import Memory, Revision

BATCH = 500


@dataclasses.dataclass(frozen=True)
class IdentityOptions:
    """Options of ``[identity]``."""

    backend: str = option("sql", "identity backend of all domains that have no directory of their own")
    domain_config_dir: str = option("", "folder with NAME.ini or keystone.NAME.conf for domains with a directory")
    tokens: str = option("fernet", "token format")
    default_domain_id: str = option("default", "domain of users and projects that name none")
    token_lifetime_s: int = option(3600, "seconds a token is good for")
    allow_expired_window_s: int = option(172800, "seconds after its end in which services may still validate a token")
    memory_ttl_s: int = option(300, "seconds answers are remembered while nothing changes; bounds news from LDAP")
    assertions: tuple[str, ...] = option(("proxy",), "sources of assertions of federated users, in order")
    trusted_dashboards: tuple[str, ...] = option((), "addresses that browsers are sent to with a token (WebSSO)")
    revocation_list_limit: int = option(10000, "most entries of the list of revocations that services fetch")
    login_failures_per_user: int = option(20, "failed logins of one user that are answered in a minute; 0 = any")
    login_failures_per_address: int = option(300, "failed logins from one address answered in a minute; 0 = any")
    unlimited_addresses: tuple[str, ...] = option((), "networks that many users come from, as dashboards': any number")
    trusted_proxies: tuple[str, ...] = option((), "networks of proxies whose X-Forwarded-For is believed")
    allow_rescope_scoped_token: bool = option(True, "whether a token with a scope may be exchanged for another one")
    receipt_lifetime_s: int = option(300, "seconds a receipt is good for: time to prove a second thing")
    totp_previous_windows: int = option(1, "how many passcodes before the present one count, 30 seconds each")
    signature_window_s: int = option(900, "seconds a signed request (EC2, OAuth1) may be older or newer than now")
    oauth1_request_token_lifetime_s: int = option(28800, "seconds to authorize an OAuth1 request token in; 0 = any")
    oauth1_access_token_lifetime_s: int = option(86400, "seconds an OAuth1 access token is good for; 0 = for ever")
    credential_key_repository: str = option("", "folder of the keys of sealed secrets, which identity processes share; "
                                            "empty: identity/credential-keys in the state folder")
    max_active_credential_keys: int = option(3, "keys of sealed secrets kept after a rotation")
    list_limit: int = option(0, "largest number of rows of one list, 0 for no limit")
    max_project_depth: int = option(5, "levels of projects below a domain")
    prohibited_implied_roles: tuple[str, ...] = option(("admin",), "names of roles that none may imply")
    limit_model: str = option("flat", "how limits of domains and projects belong together: flat or strict_two_level")

    @property
    def longest_s(self) -> int:
        """Seconds in which a token may be validated from the moment it is issued."""
        return self.token_lifetime_s + self.allow_expired_window_s


@dataclasses.dataclass(frozen=True)
class Store:
    """The things themselves; one a process."""

    kit: Kit
    options: IdentityOptions
    db: Database
    clock: Clock
    backend: Directories
    """All users and groups, wherever they are."""
    format: TokenFormat
    revision: Revision
    memory: Memory
    seal: Seal
    """Closes and opens the secrets that the database keeps."""

    @property
    def users(self) -> WritableUsers:
        """Where users are changed; what cannot be is refused by each verb."""
        return self.backend

    @property
    def groups(self) -> WritableGroups:
        """Where groups are changed; what cannot be is refused by each verb."""
        return self.backend

    def emit(self, tx: Transaction, context: Context, noun: str, verb: str, id: str, **more: Any) -> None:
        """Write the event ``identity.<noun>.<verb>`` of one resource within ``tx``."""
        name = "".join(part.title() for part in (*noun.split("_"), verb)) + "Payload"
        self.kit.events.emit(tx, context, f"identity.{noun}.{verb}", name, {"resource_info": id, **more})

    def revoke(self, tx: Transaction, *subjects: str) -> None:
        """Make every token of each of ``subjects`` (``user:ID``, ``project:ID``, ``domain:ID``, ``audit:ID``) issued
        before now useless, for good and in all processes."""
        self.revision.trim(tx)
        self.revision.bump(tx, (), subjects)


def found(row: Row | None, noun: str, id: str) -> Row:
    """``row``. :raises NotFound: there is none; the message names what was looked for."""
    if row is None:
        raise NotFound(f"Could not find {noun}: {id}.")
    return row


def in_batches(tx: Transaction, statement: sa.Select[Any], ids: Sequence[str]) -> list[Row]:
    """The rows of ``statement`` for all of ``ids``, bound to its parameter ``ids`` in batches."""
    wanted = list(dict.fromkeys(ids))
    return [row for start in range(0, len(wanted), BATCH)
            for row in tx.rows(statement, {"ids": wanted[start:start + BATCH]})]
