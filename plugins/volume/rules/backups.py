"""Rules of backups and messages."""

from __future__ import annotations

from ....core.policy.rules import Rule
from .checks import ADMIN, READ, WRITE

RULES: tuple[Rule, ...] = (
    Rule("backup:create", WRITE, "Create a backup."),
    Rule("backup:get", READ, "Show a backup."),
    Rule("backup:get_all", READ, "List backups."),
    Rule("backup:update", WRITE, "Update a backup."),
    Rule("backup:delete", WRITE, "Delete a backup."),
    Rule("backup:restore", WRITE, "Restore a backup."),
    Rule("backup:backup-import", ADMIN, "Import a backup's record."),
    Rule("backup:export-import", ADMIN, "Export a backup's record."),
    Rule("backup:backup_project_attribute", ADMIN, "See the project of a backup."),
    Rule("volume_extension:backup_admin_actions:reset_status", ADMIN, "Set a backup's state."),
    Rule("volume_extension:backup_admin_actions:force_delete", ADMIN, "Delete a backup by force."),
    Rule("message:get", READ, "Show a message."),
    Rule("message:get_all", READ, "List messages."),
    Rule("message:delete", WRITE, "Delete a message."),
)
