"""The checks that most rules of block storage are made of: who administers, reads and writes."""

from __future__ import annotations

ADMIN = "role:admin"
READ = "role:admin or (role:reader and project_id:%(project_id)s)"
WRITE = "role:admin or (role:member and project_id:%(project_id)s)"
ANY_READER = "role:admin or role:reader"
