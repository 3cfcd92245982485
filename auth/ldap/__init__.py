"""Users and groups of an LDAP directory: OpenLDAP, FreeIPA, Active Directory."""
