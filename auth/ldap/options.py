"""Options of the LDAP backend. Names are Keystone's where it has one; empty means: as the layout has it."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class LdapOptions:
    """Options of ``[identity.ldap]``, and of ``[ldap]`` in the file of a domain."""

    layout: str = option("openldap", "preset of what is left empty: openldap, freeipa, active_directory or keystone")
    url: tuple[str, ...] = option(("ldap://localhost",), "servers, the first that answers is used")
    randomize_urls: bool = option(False, "try the servers in random order")
    user: str = option("", "DN that searches are made as; empty searches anonymously")
    password: str = option("", "password of that DN", secret=True)
    suffix: str = option("", "DN below which the trees are, where they are not named")
    writable: bool = option(False, "let users and groups be changed through the API")

    use_tls: bool = option(False, "begin TLS on ldap:// connections (StartTLS)")
    tls_req_cert: str = option("demand", "demand, allow or never: what the server's certificate is worth")
    tls_cacertfile: str = option("", "file with the certificates of the authorities; empty for the system's")
    tls_cacertdir: str = option("", "folder with such files (*.pem, *.crt)")

    connect_timeout_s: float = option(0.7, "seconds a server may take to accept a connection and the first bind")
    timeout_s: float = option(10.0, "seconds one operation may take")
    fail_over_s: float = option(0.9, "seconds one lookup or bind may take while there are several servers")
    dead_for_s: float = option(30.0, "seconds a server that failed is tried after all others")
    pool_size: int = option(10, "connections for searches, for each process")
    pool_lifetime_s: float = option(600.0, "seconds after which a connection is replaced")
    auth_pool_size: int = option(20, "connections on which users' passwords are tried, for each process")
    auth_pool_lifetime_s: float = option(60.0, "seconds after which such a connection is replaced")
    page_size: int = option(1000, "entries asked for at a time (RFC 2696)")
    search_limit: int = option(1_000_000, "entries after which a search is given up")
    chase_referrals: bool = option(False, "follow referrals to other servers")
    alias_dereferencing: str = option("never", "never, searching, always or finding")
    query_scope: str = option("", "one: entries right below the tree's DN; sub: the whole tree")
    remember_s: float = option(5.0, "seconds for which an entry that was just logged in as is not read again")
    list_memory_s: float = option(60.0, "seconds for which the order of a list that is read in pages is kept")

    user_tree_dn: str = option("", "where users are")
    user_filter: str = option("", "further condition on users, an LDAP filter")
    user_objectclass: str = option("", "object class of users")
    user_id_attribute: str = option("", "attribute that names a user for ever; one that survives renames")
    user_name_attribute: str = option("", "attribute of the name to log in with")
    user_rdn_attribute: str = option("", "attribute that the DN of a new user begins with")
    user_description_attribute: str = option("", "attribute of the description")
    user_mail_attribute: str = option("", "attribute of the mail address")
    user_default_project_id_attribute: str = option("", "attribute of the default project's id")
    user_pass_attribute: str = option("", "attribute that is removed with a password; unicodePwd is also written")
    user_additional_attribute_mapping: tuple[str, ...] = option((), "further attributes: LDAP attribute:name, ...")
    user_attribute_ignore: tuple[str, ...] = option((), "attributes of users that are not shown")
    user_create_objectclasses: tuple[str, ...] = option((), "object classes of new users")
    user_enabled_attribute: str = option("", "attribute that tells whether a user is enabled; - for none")
    user_enabled_default: str = option("", "its value where an entry has none")
    user_enabled_mask: int = option(-1, "bit of a number that means disabled (2 of userAccountControl), 0 for none")
    user_enabled_invert: str = option("", "true: the attribute says that the user is locked")
    user_enabled_emulation: bool = option(False, "who is in a group is enabled, all others are not")
    user_enabled_emulation_dn: str = option("", "that group; empty for cn=enabled_users below the users")
    user_enabled_emulation_use_group_config: bool = option(False, "that group has members as all groups have")

    group_tree_dn: str = option("", "where groups are")
    group_filter: str = option("", "further condition on groups, an LDAP filter")
    group_objectclass: str = option("", "object class of groups")
    group_id_attribute: str = option("", "attribute that names a group for ever")
    group_name_attribute: str = option("", "attribute of a group's name")
    group_desc_attribute: str = option("", "attribute of the description")
    group_additional_attribute_mapping: tuple[str, ...] = option((), "further attributes: LDAP attribute:name, ...")
    group_attribute_ignore: tuple[str, ...] = option((), "attributes of groups that are not shown")
    group_member_attribute: str = option("", "attribute that names the members")
    group_members_are_ids: bool = option(False, "members are named by an attribute of theirs, not by DN (posixGroup)")
    group_member_user_attribute: str = option("", "that attribute of users; empty for their name")
    group_create_objectclasses: tuple[str, ...] = option((), "object classes of new groups")
    group_empty_member: str = option("", "member of groups that may not be empty; - for none")
    nested_groups: str = option("", "off, breadth_first, member_of or in_chain: how groups in groups are followed")
    nested_depth: int = option(8, "levels of groups in groups that breadth_first follows")
    group_ad_nesting: bool = option(False, "as nested_groups = in_chain")
