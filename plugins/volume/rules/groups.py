"""Rules of groups, their types and their snapshots, also under the older words."""

from __future__ import annotations

from ....core.policy.rules import Rule
from .checks import ADMIN, ANY_READER, READ, WRITE

RULES: tuple[Rule, ...] = (
    Rule("group:create", WRITE, "Create a group."),
    Rule("group:get", READ, "Show a group."),
    Rule("group:get_all", READ, "List groups."),
    Rule("group:update", WRITE, "Update a group."),
    Rule("group:delete", WRITE, "Delete a group."),
    Rule("group:reset_status", ADMIN, "Set a group's state."),
    Rule("group:enable_replication", WRITE, "Enable a group's replication."),
    Rule("group:disable_replication", WRITE, "Disable a group's replication."),
    Rule("group:failover_replication", WRITE, "Fail a group's replication over."),
    Rule("group:list_replication_targets", WRITE, "List where a group is replicated to."),
    Rule("group:group_project_attribute", ADMIN, "See the project of a group."),
    Rule("group:create_group_snapshot", WRITE, "Create a group snapshot."),
    Rule("group:get_group_snapshot", READ, "Show a group snapshot."),
    Rule("group:get_all_group_snapshots", READ, "List group snapshots."),
    Rule("group:update_group_snapshot", WRITE, "Update a group snapshot."),
    Rule("group:delete_group_snapshot", WRITE, "Delete a group snapshot."),
    Rule("group:reset_group_snapshot_status", ADMIN, "Set a group snapshot's state."),
    Rule("group:group_snapshot_project_attribute", ADMIN, "See the project of a group snapshot."),
    Rule("group:group_types:get", ANY_READER, "Show a group type."),
    Rule("group:group_types:get_all", ANY_READER, "List group types."),
    Rule("group:group_types:create", ADMIN, "Create a group type."),
    Rule("group:group_types:update", ADMIN, "Update a group type."),
    Rule("group:group_types:delete", ADMIN, "Delete a group type."),
    Rule("group:access_group_types_specs", ADMIN, "See the specs of a group type."),
    Rule("group:group_types_specs:get", ADMIN, "Show a group spec."),
    Rule("group:group_types_specs:get_all", ADMIN, "List group specs."),
    Rule("group:group_types_specs:create", ADMIN, "Create group specs."),
    Rule("group:group_types_specs:update", ADMIN, "Update a group spec."),
    Rule("group:group_types_specs:delete", ADMIN, "Delete a group spec."),
    Rule("consistencygroup:create", WRITE, "Create a consistency group."),
    Rule("consistencygroup:get", READ, "Show a consistency group."),
    Rule("consistencygroup:get_all", READ, "List consistency groups."),
    Rule("consistencygroup:update", WRITE, "Update a consistency group."),
    Rule("consistencygroup:delete", WRITE, "Delete a consistency group."),
    Rule("consistencygroup:create_cgsnapshot", WRITE, "Create a snapshot of a consistency group."),
    Rule("consistencygroup:get_cgsnapshot", READ, "Show a snapshot of a consistency group."),
    Rule("consistencygroup:get_all_cgsnapshots", READ, "List snapshots of consistency groups."),
    Rule("consistencygroup:delete_cgsnapshot", WRITE, "Delete a snapshot of a consistency group."),
)
