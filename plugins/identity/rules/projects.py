"""The rules of projects and domains."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER, LISTED, MANAGE_PROJECT, READ_PROJECT, in_domain, read

PROJECTS = (
    ("list_projects", read(LISTED), "List projects."),
    ("get_project", READ_PROJECT, "Show a project."),
    ("create_project", MANAGE_PROJECT, "Create a project."),
    ("update_project", MANAGE_PROJECT, "Change a project."),
    ("delete_project", MANAGE_PROJECT, "Delete a project."),
    ("list_project_tags", READ_PROJECT, "List the tags of a project."),
    ("get_project_tag", READ_PROJECT, "Tell whether a project has a tag."),
    ("update_project_tags", MANAGE_PROJECT, "Replace the tags of a project."),
    ("create_project_tag", MANAGE_PROJECT, "Give a project a tag."),
    ("delete_project_tag", MANAGE_PROJECT, "Take a tag off a project."),
    ("delete_project_tags", MANAGE_PROJECT, "Take all tags off a project."),
)
DOMAINS = (
    ("list_domains", f"{ADMIN_OR_READER} or {in_domain('domain.id', 'reader')}", "List domains."),
    ("get_domain", f"{ADMIN_OR_READER} or token.domain.id:%(target.domain.id)s or "
                   "token.project.domain.id:%(target.domain.id)s", "Show a domain."),
    ("create_domain", ADMIN, "Create a domain."),
    ("update_domain", ADMIN, "Change a domain."),
    ("delete_domain", ADMIN, "Delete a domain."),
)
