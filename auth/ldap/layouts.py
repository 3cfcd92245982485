"""Layouts: what a kind of directory calls its things. An option that is given wins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...core.config import nearest
from ...core.errors import BadConfiguration
from .options import LdapOptions

NONE = "-"
_COMMON: Mapping[str, Any] = {
    "query_scope": "sub", "user_name_attribute": "uid", "user_description_attribute": "description",
    "user_mail_attribute": "mail", "user_pass_attribute": "userPassword",
    "user_enabled_attribute": NONE, "user_enabled_default": "true",
    "user_enabled_invert": "false", "group_name_attribute": "cn", "group_desc_attribute": "description",
    "group_member_attribute": "member", "group_empty_member": NONE}
LAYOUTS: Mapping[str, Mapping[str, Any]] = {
    "openldap": {
        **_COMMON, "user_tree_dn": "ou=people", "group_tree_dn": "ou=groups",
        "user_objectclass": "inetOrgPerson", "user_id_attribute": "entryUUID", "user_rdn_attribute": "uid",
        "user_create_objectclasses": ("inetOrgPerson",),
        "group_objectclass": "groupOfNames", "group_id_attribute": "entryUUID",
        "group_create_objectclasses": ("groupOfNames",), "group_empty_member": "cn=nobody",
        "nested_groups": "breadth_first"},
    "freeipa": {
        **_COMMON, "user_tree_dn": "cn=users,cn=accounts", "group_tree_dn": "cn=groups,cn=accounts",
        "user_objectclass": "person", "user_id_attribute": "ipaUniqueID", "user_rdn_attribute": "uid",
        "user_create_objectclasses": ("inetOrgPerson",),
        "user_enabled_attribute": "nsAccountLock", "user_enabled_default": "false", "user_enabled_invert": "true",
        "group_objectclass": "groupOfNames", "group_id_attribute": "ipaUniqueID",
        "group_create_objectclasses": ("groupOfNames",), "nested_groups": "member_of"},
    "active_directory": {
        **_COMMON, "user_tree_dn": "cn=Users", "group_tree_dn": "cn=Users",
        "user_objectclass": "user", "user_filter": "(!(objectClass=computer))", "user_id_attribute": "objectGUID",
        "user_name_attribute": "sAMAccountName", "user_rdn_attribute": "cn", "user_create_objectclasses": ("user",),
        "user_pass_attribute": "unicodePwd",
        "user_enabled_attribute": "userAccountControl", "user_enabled_default": "512", "user_enabled_mask": 2,
        "group_objectclass": "group", "group_id_attribute": "objectGUID", "group_name_attribute": "sAMAccountName",
        "group_create_objectclasses": ("group",), "nested_groups": "in_chain"},
    "keystone": {
        **_COMMON, "query_scope": "one", "user_tree_dn": "ou=Users", "group_tree_dn": "ou=UserGroups",
        "user_objectclass": "inetOrgPerson", "user_id_attribute": "cn", "user_name_attribute": "sn",
        "user_rdn_attribute": "cn", "user_create_objectclasses": ("inetOrgPerson",),
        "user_enabled_attribute": "enabled", "group_objectclass": "groupOfNames", "group_id_attribute": "cn",
        "group_name_attribute": "ou", "group_create_objectclasses": ("groupOfNames",),
        "group_empty_member": "cn=nobody", "nested_groups": "off"},
}
"""What each layout says of the options that are left empty; trees are below the suffix."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "layout": tuple(LAYOUTS), "query_scope": ("one", "sub"), "tls_req_cert": ("demand", "allow", "never"),
    "alias_dereferencing": ("never", "searching", "always", "finding", "default"),
    "nested_groups": ("off", "breadth_first", "member_of", "in_chain"), "user_enabled_invert": ("true", "false")}


def resolved(options: LdapOptions) -> LdapOptions:
    """``options`` with what the layout says in the place of what is empty.

    :raises BadConfiguration: a word is none of those that may be; the message names them.
    """
    _check(options, "layout")
    layout = LAYOUTS[options.layout]
    found: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        given = getattr(options, field.name)
        found[field.name] = layout.get(field.name, given) if given in ("", (), -1) else given
    for name in ("user_tree_dn", "group_tree_dn"):
        if not getattr(options, name) and options.suffix:
            found[name] = f"{found[name]},{options.suffix}"
    if options.group_ad_nesting:
        found["nested_groups"] = "in_chain"
    if not found["user_enabled_emulation_dn"]:
        found["user_enabled_emulation_dn"] = f"cn=enabled_users,{found['user_tree_dn']}"
    cleared: dict[str, Any] = {name: "" if value == NONE else value for name, value in found.items()}
    made = LdapOptions(**cleared)
    for name in CHOICES:
        _check(made, name)
    return made


def _check(options: LdapOptions, name: str) -> None:
    value = str(getattr(options, name)).lower()
    if value not in CHOICES[name]:
        raise BadConfiguration(f"[identity.ldap] {name} = {value}: it is one of {', '.join(CHOICES[name])}"
                               f"{nearest(value, CHOICES[name])}")
