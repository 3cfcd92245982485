"""The rules of users and groups."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER, GROUP, LISTED, OWN_USER, USER, in_domain, manage, read

USERS = (
    ("list_users", read(LISTED), "List users."),
    ("get_user", f"{read(USER)} or {OWN_USER}", "Show a user."),
    ("create_user", manage(USER), "Create a user."),
    ("update_user", manage(USER), "Change a user."),
    ("delete_user", manage(USER), "Delete a user."),
    ("list_user_projects", f"{read(USER)} or {OWN_USER}", "List the projects of a user."),
    ("list_groups_for_user", f"{read(USER)} or {OWN_USER}", "List the groups of a user."),
)
MEMBER_READ = (f"{ADMIN_OR_READER} or ({in_domain(GROUP, 'reader')} and {in_domain(USER, 'reader')})")
MEMBER_WRITE = f"{ADMIN} or ({in_domain(GROUP, 'manager')} and {in_domain(USER, 'manager')})"
GROUPS = (
    ("list_groups", read(GROUP), "List groups."),
    ("get_group", read(GROUP), "Show a group."),
    ("create_group", manage(GROUP), "Create a group."),
    ("update_group", manage(GROUP), "Change a group."),
    ("delete_group", manage(GROUP), "Delete a group."),
    ("list_users_in_group", read(GROUP), "List the members of a group."),
    ("check_user_in_group", MEMBER_READ, "Tell whether a user is in a group."),
    ("add_user_to_group", MEMBER_WRITE, "Put a user into a group."),
    ("remove_user_from_group", MEMBER_WRITE, "Take a user out of a group."),
)
