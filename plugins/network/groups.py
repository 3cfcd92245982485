"""Security groups: the default one of each project, and what is in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from . import faults, tables
from .desk import GroupNoun
from .noun import Document, Shown, decode

groups, rules, memberships, defaults = tables.security_groups, tables.rules, tables.memberships, tables.default_groups
_DEFAULT = sa.select(defaults.c.group_id).where(defaults.c.project_id == sa.bindparam("project_id"))
_RULES_OF = sa.select(rules.c.security_group_id, rules.c.document).where(
    rules.c.security_group_id.in_(sa.bindparam("groups", expanding=True))).order_by(rules.c.created_at, rules.c.id)
_EXISTING = sa.select(groups.c.id, groups.c.project_id, groups.c.shared, groups.c.stateful).where(
    groups.c.id.in_(sa.bindparam("groups", expanding=True)))
_USED = sa.select(memberships.c.port_id).where(memberships.c.group_id == sa.bindparam("group_id")).limit(1)
OWN_RULES = 2
"""Rules a new group has."""
_ID = msgspec.json.Decoder(dict[str, Any])


class Groups(GroupNoun):
    """The security groups. Their rules are read beside them, one query a list."""

    name, plural, table = "security_group", "security_groups", groups
    target_columns = ("shared",)
    flags = ("stateful",)

    def target(self, tx: Transaction, row: Any) -> dict[str, Any]:
        """With ``shared``."""
        shared = row["shared"] if isinstance(row, dict) else row.shared
        return {**super().target(tx, row), "shared": bool(shared)}

    def visible(self, context: Context) -> sa.ColumnElement[bool]:
        """Own and shared ones."""
        return sa.or_(groups.c.project_id == sa.bindparam("scope"), groups.c.shared)

    def default(self, tx: Transaction, context: Context, project_id: str) -> str:
        """The id of the project's default group, which is made when there is none."""
        found = tx.value(_DEFAULT, {"project_id": project_id})
        if found is not None:
            return str(found)
        document = self.write(tx, {"name": "default", "description": "Default security group"}, project_id)
        tx.insert(defaults, {"project_id": project_id, "group_id": document["id"]})
        for ethertype in ("IPv4", "IPv6"):
            self.service.rules.write(tx, {"security_group_id": document["id"], "direction": "ingress",
                                          "ethertype": ethertype, "remote_group_id": document["id"]}, project_id)
        self.tell(tx, context, "create", document)
        return str(document["id"])

    def write(self, tx: Transaction, body: Document, project_id: str) -> Document:
        """A group with the two rules that let everything out."""
        document = {**self.begin(body, project_id), "stateful": body.get("stateful", True), "shared": False}
        self.insert(tx, document)
        for ethertype in ("IPv4", "IPv6"):
            self.service.rules.write(tx, {"security_group_id": document["id"], "direction": "egress",
                                          "ethertype": ethertype}, project_id)
        return document

    def ensure_default(self, context: Context) -> None:
        """See that the caller's project has its default group."""
        if not context.project_id:
            return
        with self.kit.db.read() as tx:
            if tx.value(_DEFAULT, {"project_id": context.project_id}) is not None:
                return

        def work() -> None:
            with self.kit.db.write() as tx:
                self.default(tx, context, context.project_id)
        from .noun import retried
        retried(work)

    def make(self, tx: Transaction, context: Context, body: Document, project_id: str) -> Document:
        """A group; only the cloud itself makes those named ``default``."""
        self.default(tx, context, project_id)
        if body.get("name") == "default":
            raise faults.exists("SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
        self.service.quotas.take(tx, project_id, "security_group_rule", self.service.rules.counting, OWN_RULES)
        document = self.write(tx, body, project_id)
        return self.with_rules(tx, document)

    def with_rules(self, tx: Transaction, document: Document) -> Document:
        """The document and its rules."""
        found = [decode(row.document) for row in tx.rows(_RULES_OF, {"groups": [document["id"]]})]
        return {**document, "security_group_rules": found}

    def change(self, tx: Transaction, context: Context, old: Document, changes: Document) -> Document:
        """Attributes; the default group keeps its name, a group in use its statefulness."""
        if old["name"] == "default" and changes.get("name", "default") != "default":
            raise faults.conflict("SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
        if old["name"] != "default" and changes.get("name") == "default":
            raise faults.exists("SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
        if changes.get("stateful", old["stateful"]) != old["stateful"] and tx.value(_USED, {"group_id": old["id"]}):
            raise faults.in_use("SecurityGroupInUse", f"Security Group {old['id']} in use.")
        return self.with_rules(tx, self.save(tx, old, {**old, **changes}))

    def unmake(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete a group that no port has; the default one only by an administrator."""
        if old["name"] == "default" and not self.is_admin(context):
            raise faults.conflict("SecurityGroupCannotRemoveDefault",
                                  "Insufficient rights for removing default security group.")
        if tx.value(_USED, {"group_id": old["id"]}):
            raise faults.in_use("SecurityGroupInUse", f"Security Group {old['id']} in use.")
        tx.execute(rules.delete().where(sa.or_(rules.c.security_group_id == old["id"],
                                               rules.c.remote_group_id == old["id"])))
        tx.execute(defaults.delete().where(defaults.c.group_id == old["id"]))
        self.remove(tx, old["id"])

    def dressed(self, tx: Transaction, items: list[Shown], fields: Sequence[str]) -> list[Shown]:
        """Add each group's rules."""
        if fields and "security_group_rules" not in fields or not items:
            return items
        if fields and "id" not in fields:
            return items
        full = [item if isinstance(item, dict) else _ID.decode(item) for item in items]
        by_group: dict[str, list[Any]] = {}
        for row in tx.rows(_RULES_OF, {"groups": [item["id"] for item in full]}):
            by_group.setdefault(row.security_group_id, []).append(msgspec.Raw(row.document.encode()))
        return [{**item, "security_group_rules": by_group.get(item["id"], [])} for item in full]

    def check(self, tx: Transaction, context: Context, project_id: str, ids: Sequence[str]) -> None:
        """See that a project's ports may have these groups. :raises NotFound: one is not there for it."""
        rows = {row.id: row for row in tx.rows(_EXISTING, {"groups": list(ids)})}
        for id in ids:
            row = rows.get(id)
            if row is None or not (row.project_id == project_id or row.shared or self.is_admin(context)):
                raise faults.missing("security_group", id)
        if len({bool(row.stateful) for row in rows.values()}) > 1:
            raise faults.conflict("SecurityGroupConflict", "Cannot apply both stateful and stateless security groups "
                                  "on the same port while respecting their statefulness.")

    def by_name(self, tx: Transaction, project_id: str, names: Sequence[str]) -> list[str]:
        """Ids of a project's groups from ids or names.

        :raises BadRequest: a group is unknown, or several have the name.
        """
        rows = tx.rows(sa.select(groups.c.id, groups.c.name).where(
            sa.or_(groups.c.project_id == project_id, groups.c.shared),
            sa.or_(groups.c.id.in_(names), groups.c.name.in_(names))))
        found = []
        for name in names:
            matching = [row.id for row in rows if row.id == name] or [row.id for row in rows if row.name == name]
            if not matching:
                raise faults.invalid(f"Security group {name} not found for project {project_id}.",
                                     "SecurityGroupNotFound")
            if len(matching) > 1:
                raise faults.conflict("NoUniqueMatch", f"Multiple security groups found matching '{name}'. Use an ID "
                                      "to be more specific.")
            found.append(matching[0])
        return found
