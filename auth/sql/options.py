"""Options of the SQL backend: hashes, and the rules for passwords and accounts under Keystone's names."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class SqlOptions:
    """Options of ``[identity.sql]``."""

    password_hash: str = option("argon2id", "algorithm of new password hashes; those of all others are verified")
    password_hash_memory_kib: int = option(19456, "memory of one hash in KiB (argon2id, scrypt)")
    password_hash_time_cost: int = option(2, "passes of one argon2id hash over its memory")
    password_hash_rounds: int = option(0, "cost of a bcrypt hash as power of two, rounds of pbkdf2; 0: its default")
    remember_verified_s: int = option(300, "seconds a verified password is remembered in this process; 0 = never")
    password_regex: str = option("", "regular expression that passwords must match; empty for none")
    password_regex_description: str = option("", "what password_regex asks for, in words for users")
    unique_last_password_count: int = option(0, "how many of a user's last passwords it may not choose again")
    minimum_password_age: int = option(0, "days before a user may change a password that it chose itself")
    password_expires_days: int = option(0, "days a password is good for; 0 = for ever")
    change_password_upon_first_use: bool = option(False, "whether users must change what an administrator set")
    lockout_failure_attempts: int = option(0, "failed logins after which an account is locked; 0 = never")
    lockout_duration: int = option(1800, "seconds an account stays locked; 0 = until it is enabled again")
    disable_user_account_days_inactive: int = option(0, "days without a login that disable an account; 0 = never")
