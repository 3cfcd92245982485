"""identity: application credentials, access rules, trusts, OAuth1; when a TOTP secret was used last."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("identity_credentials", sa.Column("used_step", sa.BigInteger(), nullable=True))
    op.create_index("ix_identity_credentials_project", "identity_credentials", ["project_id"])
    _application_credentials()
    _trusts()
    _oauth1()


def _application_credentials() -> None:
    op.create_table(
        "identity_application_credentials",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("project_id", columns.key(), nullable=False),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("secret_hash", columns.text(), nullable=False),
        sa.Column("description", columns.BigText, nullable=True),
        sa.Column("expires_at", columns.Moment, nullable=True),
        sa.Column("unrestricted", sa.Boolean(), nullable=False),
        sa.Column("role_ids", columns.Json(), nullable=False),
        sa.UniqueConstraint("user_id", "name", name="uq_identity_application_credentials_name"),
    )
    op.create_index("ix_identity_application_credentials_project", "identity_application_credentials", ["project_id"])
    op.create_table(
        "identity_access_rules",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("service", columns.text(64), nullable=False),
        sa.Column("method", columns.text(16), nullable=False),
        sa.Column("path", columns.text(128), nullable=False),
        sa.UniqueConstraint("user_id", "service", "method", "path", name="uq_identity_access_rules"),
    )
    op.create_table(
        "identity_application_credential_rules",
        sa.Column("application_credential_id", columns.key(), primary_key=True),
        sa.Column("access_rule_id", columns.key(), primary_key=True),
    )
    op.create_index("ix_identity_application_credential_rules_rule", "identity_application_credential_rules",
                    ["access_rule_id"])


def _trusts() -> None:
    op.create_table(
        "identity_trusts",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("trustor_user_id", columns.key(), nullable=False),
        sa.Column("trustee_user_id", columns.key(), nullable=False),
        sa.Column("project_id", columns.key(), nullable=False),
        sa.Column("impersonation", sa.Boolean(), nullable=False),
        sa.Column("expires_at", columns.Moment, nullable=True),
        sa.Column("remaining_uses", sa.Integer(), nullable=True),
        sa.Column("redelegated_trust_id", columns.key(), nullable=False),
        sa.Column("redelegation_count", sa.Integer(), nullable=False),
        sa.Column("role_ids", columns.Json(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_trusts_trustor", "identity_trusts", ["trustor_user_id"])
    op.create_index("ix_identity_trusts_trustee", "identity_trusts", ["trustee_user_id"])
    op.create_index("ix_identity_trusts_project", "identity_trusts", ["project_id"])
    op.create_index("ix_identity_trusts_redelegated", "identity_trusts", ["redelegated_trust_id"])


def _oauth1() -> None:
    op.create_table(
        "identity_consumers",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("description", columns.BigText, nullable=True),
        sa.Column("sealed_secret", columns.BigText, nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_table(
        "identity_request_tokens",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("sealed_secret", columns.BigText, nullable=False),
        sa.Column("consumer_id", columns.key(), nullable=False),
        sa.Column("project_id", columns.key(), nullable=False),
        sa.Column("verifier_hash", columns.key(), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("role_ids", columns.Json(), nullable=False),
        sa.Column("expires_at", columns.Moment, nullable=True),
    )
    op.create_index("ix_identity_request_tokens_consumer", "identity_request_tokens", ["consumer_id"])
    op.create_table(
        "identity_access_tokens",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("sealed_secret", columns.BigText, nullable=False),
        sa.Column("consumer_id", columns.key(), nullable=False),
        sa.Column("project_id", columns.key(), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("role_ids", columns.Json(), nullable=False),
        sa.Column("expires_at", columns.Moment, nullable=True),
    )
    op.create_index("ix_identity_access_tokens_user", "identity_access_tokens", ["user_id"])
    op.create_index("ix_identity_access_tokens_consumer", "identity_access_tokens", ["consumer_id"])
    op.create_index("ix_identity_access_tokens_project", "identity_access_tokens", ["project_id"])
    op.create_table(
        "identity_nonces",
        sa.Column("digest", columns.key(), primary_key=True),
        sa.Column("expires_at", columns.Moment, nullable=False),
    )
    op.create_index("ix_identity_nonces_expires", "identity_nonces", ["expires_at"])
