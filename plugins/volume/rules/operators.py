"""Rules of what operators do: QoS specs, defaults, taking over, moving, services and clusters."""

from __future__ import annotations

from ....core.policy.rules import Rule
from .checks import ADMIN, WRITE

ACTION = "volume_extension:volume_admin_actions:"
QOS = "volume_extension:qos_specs_manage:"
RULES: tuple[Rule, ...] = (
    Rule("volume:revert_to_snapshot", WRITE, "Give a volume the content of its latest snapshot."),
    Rule("volume:reimage", WRITE, "Fill a volume anew from an image."),
    Rule("volume:reimage_reserved", WRITE, "Fill a reserved volume anew from an image."),
    Rule(ACTION + "migrate_volume", ADMIN, "Move a volume to another back end."),
    Rule(ACTION + "migrate_volume_completion", ADMIN, "Say that a server has copied a volume."),
    Rule(ACTION + "extend_volume_completion", ADMIN, "Say that a server has extended a volume."),
    Rule("volume_extension:volume_manage", ADMIN, "Take over a volume that lies in a pool."),
    Rule("volume_extension:volume_unmanage", ADMIN, "Forget a volume, which stays in its pool."),
    Rule("volume_extension:list_manageable", ADMIN, "List volumes that lie in a pool."),
    Rule("snapshot_extension:snapshot_manage", ADMIN, "Take over a snapshot that lies in a pool."),
    Rule("snapshot_extension:snapshot_unmanage", ADMIN, "Forget a snapshot, which stays in its pool."),
    Rule("snapshot_extension:list_manageable", ADMIN, "List snapshots that lie in a pool."),
    Rule("volume:freeze_host", ADMIN, "Freeze a back end."),
    Rule("volume:thaw_host", ADMIN, "Thaw a back end."),
    Rule("volume:failover_host", ADMIN, "Fail a back end over."),
    Rule("clusters:get_all", ADMIN, "List clusters."),
    Rule("clusters:get", ADMIN, "Show a cluster."),
    Rule("clusters:update", ADMIN, "Enable and disable clusters."),
    Rule("workers:cleanup", ADMIN, "Take up the unfinished work of services."),
    Rule(QOS + "get_all", ADMIN, "List QoS specs and what has them."),
    Rule(QOS + "get", ADMIN, "Show QoS specs."),
    Rule(QOS + "create", ADMIN, "Create QoS specs."),
    Rule(QOS + "update", ADMIN, "Change QoS specs and what has them."),
    Rule(QOS + "delete", ADMIN, "Delete QoS specs."),
    Rule("volume_extension:default_set_or_update", ADMIN, "Set a project's default volume type."),
    Rule("volume_extension:default_get", ADMIN, "Show a project's default volume type."),
    Rule("volume_extension:default_get_all", ADMIN, "List the default volume types of projects."),
    Rule("volume_extension:default_unset", ADMIN, "Unset a project's default volume type."),
)
