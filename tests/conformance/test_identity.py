"""The shipped identity suite on our own backend."""

from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied

CHEAP = {"password_hash_memory_kib": "64", "password_hash_time_cost": "1"}

TestSql = applied("identity", "sql", Configuration({"identity.sql": CHEAP}))
TestSqlForgetful = applied("identity", "sql", Configuration({"identity.sql": {**CHEAP, "remember_verified_s": "0"}}))
