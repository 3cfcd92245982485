"""Rules for passwords and accounts: what Keystone calls security compliance (NIST, PCI DSS).

The options have Keystone's names, and so have the user options that exempt from them:
``ignore_change_password_upon_first_use``, ``ignore_password_expiry``, ``ignore_lockout_failure_attempts``,
``ignore_user_inactivity`` and ``lock_password``.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import sqlalchemy as sa

from ...core.clock import Clock
from ...core.db.engine import Row, Transaction
from ...core.errors import BadConfiguration, BadRequest
from .options import SqlOptions
from .passwords import Passwords
from .tables import passwords, users

EARLIER = (sa.select(passwords.c.id, passwords.c.password_hash)
           .where(passwords.c.user_id == sa.bindparam("user_id")).order_by(passwords.c.id.desc()))


class Compliance:
    """What the options ask of passwords and accounts. It judges rows, and keeps what must be remembered of users."""

    def __init__(self, options: SqlOptions, clock: Clock, hashes: Passwords) -> None:
        self._options = options
        self._clock = clock
        self._hashes = hashes
        try:
            self._regex = re.compile(options.password_regex) if options.password_regex else None
        except re.error as exc:
            raise BadConfiguration(f"[identity.sql] password_regex cannot be read: {exc}") from exc

    # Accounts.

    def is_locked(self, row: Row) -> bool:
        """Tell whether too many logins failed lately."""
        limit, duration = self._options.lockout_failure_attempts, self._options.lockout_duration
        if not limit or row.failed_count < limit or row.options.get("ignore_lockout_failure_attempts"):
            return False
        return not duration or row.failed_at > self._clock.now() - datetime.timedelta(seconds=duration)

    def is_enabled(self, row: Row) -> bool:
        """Tell whether an account is enabled: told so, not asleep for too long, and not locked for good."""
        return bool(row.enabled) and not self.is_asleep(row) and (
            self._options.lockout_duration > 0 or not self.is_locked(row))

    def is_asleep(self, row: Row) -> bool:
        """Tell whether an account was not used for so long that it counts as disabled."""
        days = self._options.disable_user_account_days_inactive
        if not days or row.active_at is None or row.options.get("ignore_user_inactivity"):
            return False
        return bool(row.active_at < self._clock.now() - datetime.timedelta(days=days))

    def is_expired(self, row: Row) -> bool:
        """Tell whether the password must be changed before it is good for anything else."""
        return (row.password_expires_at is not None and row.password_expires_at <= self._clock.now()
                and not row.options.get("ignore_password_expiry"))

    def failed(self, tx: Transaction, user_id: str) -> None:
        """Count a failed login; after the end of a lock the count begins anew."""
        count: Any = users.c.failed_count + 1
        if duration := self._options.lockout_duration:
            since = self._clock.now() - datetime.timedelta(seconds=duration)
            count = sa.case((users.c.failed_at <= since, 1), else_=count)
        tx.execute(users.update().where(users.c.id == user_id).values(failed_count=count, failed_at=self._clock.now()))

    def succeeded(self, row: Row) -> dict[str, Any]:
        """What a good login changes of a row; nothing, most times."""
        changes: dict[str, Any] = {}
        if row.failed_count:
            changes.update(failed_count=0, failed_at=None)
        if self._options.disable_user_account_days_inactive:
            today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
            if row.active_at is None or row.active_at < today:
                changes["active_at"] = today
        return changes

    def counts_failures(self) -> bool:
        """Tell whether failed logins matter."""
        return self._options.lockout_failure_attempts > 0

    # Passwords.

    def check(self, password: str) -> None:
        """See that a password is good enough. :raises BadRequest: it is not."""
        if self._regex is not None and not self._regex.match(password):
            told = self._options.password_regex_description or self._options.password_regex
            raise BadRequest(f"The password does not match the requirements: {told}.")

    def check_own(self, tx: Transaction, row: Row, password: str) -> None:
        """See that a user may change its password to this one now. :raises BadRequest: it may not."""
        if row.options.get("lock_password"):
            raise BadRequest("Users who have the option lock_password cannot change their password.")
        self.check(password)
        days = self._options.minimum_password_age
        if days and row.password_own and row.password_changed_at and not self.is_expired(row):
            if row.password_changed_at + datetime.timedelta(days=days) > self._clock.now():
                raise BadRequest(f"A password cannot be changed again before it is {days} day(s) old. "
                                 "An administrator can set a new one.")
        count = self._options.unique_last_password_count
        if count:
            earlier = [one.password_hash for one in tx.rows(EARLIER, {"user_id": row.id})]
            known = dict.fromkeys([row.password_hash, *earlier])
            if any(self._hashes.matches("", stored, password) for stored in list(known)[:count]):
                raise BadRequest(f"The new password is one of the last {count} passwords of this user.")

    def values(self, prepared: str | None, options: Any, own: bool) -> dict[str, Any]:
        """The columns of a user whose password is set now, by itself or by an administrator."""
        now = self._clock.now()
        return {"password_hash": prepared, "password_changed_at": now if prepared else None, "password_own": own,
                "password_expires_at": self._expiry(options, own, now) if prepared else None,
                "failed_count": 0, "failed_at": None}

    def _expiry(self, options: Any, own: bool, now: datetime.datetime) -> datetime.datetime | None:
        if (not own and self._options.change_password_upon_first_use
                and not options.get("ignore_change_password_upon_first_use")):
            return now
        days = self._options.password_expires_days
        if not days or options.get("ignore_password_expiry"):
            return None
        return now + datetime.timedelta(days=days)

    def remember(self, tx: Transaction, user_id: str, prepared: str | None) -> None:
        """Keep a new hash among the user's earlier ones, and no more of them than count."""
        count = self._options.unique_last_password_count
        known = [one.id for one in tx.rows(EARLIER, {"user_id": user_id})]
        if count and prepared:
            tx.insert(passwords, {"user_id": user_id, "password_hash": prepared})
        for old in known[max(0, count - 1):]:
            tx.execute(passwords.delete().where(passwords.c.id == old))
