"""identity: ids of users and groups of outside directories."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nothing yet."""
