"""The shipped identity suite on the SQL backend, on PostgreSQL and MariaDB."""

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied

from .backing import mariadb, postgresql

pytestmark = pytest.mark.live
CHEAP = Configuration({"identity.sql": {"password_hash_memory_kib": "64", "password_hash_time_cost": "1"}})


class TestPostgresql(applied("identity", "sql", CHEAP)):
    """On PostgreSQL."""

    @pytest.fixture(scope="class")
    @classmethod
    def database_url(cls):
        with postgresql() as make:
            yield make("directory")


class TestMariadb(applied("identity", "sql", CHEAP)):
    """On MariaDB."""

    @pytest.fixture(scope="class")
    @classmethod
    def database_url(cls):
        with mariadb() as make:
            yield make("directory")
