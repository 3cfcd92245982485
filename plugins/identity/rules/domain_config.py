"""The rules of domain configuration."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER

DOMAIN_CONFIG = (
    ("get_domain_config", ADMIN_OR_READER, "Show the configuration of a domain."),
    ("get_security_compliance_domain_config", "", "Show what passwords have to be like."),
    ("get_domain_config_default", ADMIN_OR_READER, "Show the configuration of domains that have none of their own."),
    ("create_domain_config", ADMIN, "Configure a domain."),
    ("update_domain_config", ADMIN, "Change the configuration of a domain."),
    ("delete_domain_config", ADMIN, "Take the configuration of a domain back."),
)
