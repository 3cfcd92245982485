"""Policy rules of placement: only administrators and services may do most of it."""

from __future__ import annotations

from ...core.policy.rules import Rule

ADMIN = "rule:placement:admin_or_service"
READER = "rule:placement:admin_or_service or (role:reader and project_id:%(project_id)s)"


def _rule(name: str, sentence: str, check: str = ADMIN) -> Rule:
    return Rule(f"placement:{name}", check, sentence)


RULES: tuple[Rule, ...] = (
    _rule("admin_or_service", "Holds for administrators and for the cloud's own services.",
          "role:admin or role:service"),
    _rule("resource_providers:list", "List resource providers."),
    _rule("resource_providers:create", "Create a resource provider."),
    _rule("resource_providers:show", "Show a resource provider."),
    _rule("resource_providers:update", "Rename a resource provider or give it another parent."),
    _rule("resource_providers:delete", "Delete a resource provider."),
    _rule("resource_providers:inventories:list", "List the inventories of a resource provider."),
    _rule("resource_providers:inventories:create", "Add an inventory to a resource provider."),
    _rule("resource_providers:inventories:show", "Show an inventory of a resource provider."),
    _rule("resource_providers:inventories:update", "Change inventories of a resource provider."),
    _rule("resource_providers:inventories:delete", "Delete inventories of a resource provider."),
    _rule("resource_providers:aggregates:list", "List the aggregates a resource provider is a member of."),
    _rule("resource_providers:aggregates:update", "Change the aggregates a resource provider is a member of."),
    _rule("resource_providers:usages", "Show how much of a resource provider is used."),
    _rule("resource_providers:traits:list", "List the traits of a resource provider."),
    _rule("resource_providers:traits:update", "Change the traits of a resource provider."),
    _rule("resource_providers:traits:delete", "Remove all traits of a resource provider."),
    _rule("resource_providers:allocations:list", "List the allocations of a resource provider."),
    _rule("resource_classes:list", "List resource classes."),
    _rule("resource_classes:create", "Create a custom resource class."),
    _rule("resource_classes:show", "Show a resource class."),
    _rule("resource_classes:update", "Create or rename a custom resource class."),
    _rule("resource_classes:delete", "Delete a custom resource class."),
    _rule("traits:list", "List traits."),
    _rule("traits:show", "Show whether a trait exists."),
    _rule("traits:update", "Create a custom trait."),
    _rule("traits:delete", "Delete a custom trait."),
    _rule("usages", "Show what a project uses; its own readers may ask.", READER),
    _rule("allocations:manage", "Claim and release for many consumers at once."),
    _rule("allocations:list", "Show the allocations of a consumer."),
    _rule("allocations:update", "Claim for a consumer."),
    _rule("allocations:delete", "Release all that a consumer has."),
    _rule("allocation_candidates:list", "List the ways a request for resources can be met."),
    _rule("reshaper:reshape", "Change inventories and allocations together."),
)
