"""The rules of projects and domains."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER, LISTED, OWN_PROJECT, PROJECT, in_domain, manage, read

PROJECTS = (
    ("list_projects", read(LISTED), "List projects."),
    ("get_project", f"{read(PROJECT)} or {OWN_PROJECT}", "Show a project."),
    ("create_project", manage(PROJECT), "Create a project."),
    ("update_project", manage(PROJECT), "Change a project."),
    ("delete_project", manage(PROJECT), "Delete a project."),
    ("list_project_tags", f"{read(PROJECT)} or {OWN_PROJECT}", "List the tags of a project."),
    ("get_project_tag", f"{read(PROJECT)} or {OWN_PROJECT}", "Tell whether a project has a tag."),
    ("update_project_tags", manage(PROJECT), "Replace the tags of a project."),
    ("create_project_tag", manage(PROJECT), "Give a project a tag."),
    ("delete_project_tag", manage(PROJECT), "Take a tag off a project."),
    ("delete_project_tags", manage(PROJECT), "Take all tags off a project."),
)
DOMAINS = (
    ("list_domains", f"{ADMIN_OR_READER} or {in_domain('domain.id', 'reader')}", "List domains."),
    ("get_domain", f"{ADMIN_OR_READER} or {in_domain('domain.id', 'reader')} or "
                   "project_domain_id:%(target.domain.id)s or user_domain_id:%(target.domain.id)s", "Show a domain."),
    ("create_domain", ADMIN, "Create a domain."),
    ("update_domain", ADMIN, "Change a domain."),
    ("delete_domain", ADMIN, "Delete a domain."),
)
