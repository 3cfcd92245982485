"""identity: application credentials, access rules, trusts, receipts, OAuth1."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing yet."""
