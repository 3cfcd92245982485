"""What a domain may be configured with by API: groups, their options, what each is by default, and which are secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Options = Mapping[str, Any]

IDENTITY: Options = {"driver": "sql", "list_limit": None}
_USERS: Options = {
    "user_tree_dn": None, "user_filter": None, "user_objectclass": "inetOrgPerson", "user_id_attribute": "cn",
    "user_name_attribute": "sn", "user_description_attribute": "description", "user_mail_attribute": "mail",
    "user_pass_attribute": "userPassword", "user_enabled_attribute": "enabled", "user_enabled_invert": False,
    "user_enabled_mask": 0, "user_enabled_default": "True", "user_attribute_ignore": "default_project_id",
    "user_default_project_id_attribute": None, "user_enabled_emulation": False, "user_enabled_emulation_dn": None,
    "user_enabled_emulation_use_group_config": False, "user_additional_attribute_mapping": "",
}
_GROUPS: Options = {
    "group_tree_dn": None, "group_filter": None, "group_objectclass": "groupOfNames", "group_id_attribute": "cn",
    "group_name_attribute": "ou", "group_member_attribute": "member", "group_members_are_ids": False,
    "group_desc_attribute": "description", "group_attribute_ignore": "", "group_additional_attribute_mapping": "",
    "group_ad_nesting": False,
}
_CONNECTION: Options = {
    "url": "ldap://localhost", "randomize_urls": False, "user": None, "suffix": "cn=example,cn=com",
    "query_scope": "one", "page_size": 0, "alias_dereferencing": "default", "debug_level": None,
    "chase_referrals": None, "tls_cacertfile": None, "tls_cacertdir": None, "use_tls": False,
    "tls_req_cert": "demand", "connection_timeout": -1, "use_pool": True, "pool_size": 10, "pool_retry_max": 3,
    "pool_retry_delay": 0.1, "pool_connection_timeout": -1, "pool_connection_lifetime": 600,
    "use_auth_pool": True, "auth_pool_size": 100, "auth_pool_connection_lifetime": 60,
}
DEFAULTS: Mapping[str, Options] = {"identity": IDENTITY, "ldap": {**_CONNECTION, **_USERS, **_GROUPS}}
"""The groups that a domain may configure, with each option that is shown and its value where nothing is said."""
SECRETS: Mapping[str, frozenset[str]] = {"ldap": frozenset(("password",))}
"""Options that are taken and never shown."""


def is_secret(group: str, option: str) -> bool:
    """Tell whether an option is taken and never shown."""
    return option in SECRETS.get(group, frozenset())


def is_known(group: str, option: str) -> bool:
    """Tell whether a domain may be given the option."""
    return option in DEFAULTS.get(group, {}) or is_secret(group, option)
