"""The shipped identity suite on real directories: OpenLDAP, FreeIPA and Active Directory layouts."""

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.identity import IdentitySuite
from stratolith.core.conformance.runner import opened, registry

from .directory import ACTIVE_DIRECTORY, FREEIPA, SUFFIX, entry, slapd, tree

pytestmark = pytest.mark.live
MEMBER_OF = """overlay memberof
memberof-group-oc {0}
memberof-member-ad member
memberof-memberof-ad memberOf
"""


class OnDirectory(IdentitySuite):
    """The suite on a server of its own; subclasses say what it holds and how it is read."""

    branches = ("ou=people", "ou=groups")
    ldif = ""
    schema = ""
    more = ""
    options = {}

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls, tmp_path_factory):
        with slapd(tree(*cls.branches) + cls.ldif, schema=cls.schema, more=cls.more) as directory:
            given = Configuration({"identity.ldap": directory.options(writable="true", list_memory_s="0",
                                                                     **cls.options)}, {})
            yield from opened(registry("identity").load("ldap"), "identity.ldap", given,
                              tmp_path_factory.mktemp("ldap"))


class TestOpenLdap(OnDirectory):
    """inetOrgPerson and groupOfNames, nested groups level by level, enabled by membership of a group."""

    ldif = entry(f"cn=enabled_users,ou=people,{SUFFIX}", objectClass=["groupOfNames"], cn="enabled_users",
                 member="cn=nobody")
    options = {"user_enabled_emulation": "true", "user_default_project_id_attribute": "departmentNumber"}


class TestFreeIpa(OnDirectory):
    """A lock instead of a switch, memberOf kept by the server, groups that may be empty."""

    branches = ("cn=accounts", "cn=users,cn=accounts", "cn=groups,cn=accounts")
    schema = FREEIPA
    more = MEMBER_OF.format("ipaUserGroup")
    options = {"layout": "freeipa", "group_objectclass": "ipaUserGroup", "user_id_attribute": "entryUUID",
               "group_id_attribute": "entryUUID", "group_create_objectclasses": "ipaUserGroup",
               "user_create_objectclasses": "inetOrgPerson, ipaObject"}


class TestActiveDirectory(OnDirectory):
    """sAMAccountName, a bit of userAccountControl, memberOf kept by the server."""

    branches = ("cn=Users",)
    schema = ACTIVE_DIRECTORY
    more = MEMBER_OF.format("group")
    options = {"layout": "active_directory", "user_id_attribute": "entryUUID", "group_id_attribute": "entryUUID",
               "user_pass_attribute": "userPassword", "nested_groups": "member_of"}


class TestIdsOfOurOwn(OnDirectory):
    """Ids that the service chooses, in an attribute of the entry; small pages."""

    options = {"user_id_attribute": "employeeNumber", "group_id_attribute": "businessCategory", "page_size": "2",
               "nested_groups": "off"}
