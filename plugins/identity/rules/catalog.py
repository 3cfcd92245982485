"""The rules of regions, services and endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from .base import ADMIN, ADMIN_OR_READER


def entry(noun: str, read: str, many: str = "") -> Iterator[tuple[str, str, str]]:
    """The five rules of a noun of the catalog."""
    yield f"list_{many or noun + 's'}", read, f"List {(many or noun + 's').replace('_', ' ')}."
    yield f"get_{noun}", read, f"Show a {noun.replace('_', ' ')}."
    yield f"create_{noun}", ADMIN, f"Create a {noun.replace('_', ' ')}."
    yield f"update_{noun}", ADMIN, f"Change a {noun.replace('_', ' ')}."
    yield f"delete_{noun}", ADMIN, f"Delete a {noun.replace('_', ' ')}."


CATALOG = (*entry("region", ""), *entry("service", ADMIN_OR_READER), *entry("endpoint", ADMIN_OR_READER))
ENDPOINT_GROUPS = (
    *entry("endpoint_group", ADMIN_OR_READER),
    ("list_projects_associated_with_endpoint_group", ADMIN_OR_READER, "List the projects that use an endpoint group."),
    ("list_endpoints_associated_with_endpoint_group", ADMIN_OR_READER, "List the endpoints of an endpoint group."),
    ("get_endpoint_group_in_project", ADMIN_OR_READER, "Tell whether a project uses an endpoint group."),
    ("list_endpoint_groups_for_project", ADMIN_OR_READER, "List the endpoint groups of a project."),
    ("add_endpoint_group_to_project", ADMIN, "Give a project an endpoint group."),
    ("remove_endpoint_group_from_project", ADMIN, "Take an endpoint group from a project."),
    ("list_projects_for_endpoint", ADMIN_OR_READER, "List the projects that were given an endpoint."),
    ("add_endpoint_to_project", ADMIN, "Give a project an endpoint."),
    ("check_endpoint_in_project", ADMIN_OR_READER, "Tell whether a project was given an endpoint."),
    ("list_endpoints_for_project", ADMIN_OR_READER, "List the endpoints of a project."),
    ("remove_endpoint_from_project", ADMIN, "Take an endpoint from a project."),
)


def _associations() -> Iterator[tuple[str, str, str]]:
    for noun in ("endpoint", "service", "region_and_service"):
        words = noun.replace("_", " ")
        yield f"create_policy_association_for_{noun}", ADMIN, f"Give a policy to a {words}."
        yield f"check_policy_association_for_{noun}", ADMIN_OR_READER, f"Tell whether a {words} has a policy."
        yield f"delete_policy_association_for_{noun}", ADMIN, f"Take a policy from a {words}."


POLICIES = (
    *entry("policy", ADMIN_OR_READER, "policies"),
    *_associations(),
    ("get_policy_for_endpoint", ADMIN_OR_READER, "Show the policy in force for an endpoint."),
    ("list_endpoints_for_policy", ADMIN_OR_READER, "List the endpoints that a policy is in force for."),
)
