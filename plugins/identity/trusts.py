"""Trusts: a user lends another some of its roles on a project, perhaps to hand on, perhaps in its own name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.errors import BadRequest, Forbidden, NotFound, Unauthorized
from . import departures
from .assignments import Assignments
from .delegation import TRUST, Delegation, refuse
from .moments import ending, seconds
from .projects import Projects
from .roles import Roles
from .store import Store, found
from .tables import trusts
from .tokens import Grant

TRUST_BY_ID = sa.select(trusts).where(trusts.c.id == sa.bindparam("id"))
USE = (trusts.update().where(trusts.c.id == sa.bindparam("trust"), trusts.c.remaining_uses > 0)
       .values(remaining_uses=trusts.c.remaining_uses - 1))
LONGEST_CHAIN = 3
"""How often a trust may be handed on at most."""
KNOWN = ("id", "trustor_user_id", "trustee_user_id", "project_id", "impersonation", "expires_at", "remaining_uses",
         "roles", "allow_redelegation", "redelegation_count", "redelegated_trust_id", "deleted_at", "links",
         "roles_links")


class Trusts:
    """Trusts and what they lend."""

    def __init__(self, store: Store, project_nouns: Projects, role_nouns: Roles, grants: Assignments) -> None:
        self._store = store
        self._projects = project_nouns
        self._roles = role_nouns
        self._assignments = grants

    # Looking.

    def find(self, trust_id: str) -> Row:
        """A trust that can be used. :raises NotFound: there is none, it has expired or is used up."""
        row = self.any(trust_id)
        if row.remaining_uses == 0 or seconds(row.expires_at) <= self._store.clock.time():
            raise NotFound(f"Could not find trust: {trust_id}.")
        return row

    def any(self, trust_id: str) -> Row:
        """A trust, even one that has ended. :raises NotFound: there is none."""
        with self._store.db.read() as tx:
            return found(tx.row(TRUST_BY_ID, {"id": trust_id}), "trust", trust_id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Trusts that meet ``conditions`` and are not used up."""
        statement = sa.select(trusts).where(*conditions, sa.or_(trusts.c.remaining_uses.is_(None),
                                                                trusts.c.remaining_uses > 0))
        with self._store.db.read() as tx:
            return tx.rows(paged(statement, trusts, page, tx))

    def chain(self, row: Row) -> list[Row]:
        """A trust and those it was handed on from, the first one last."""
        rows = [row]
        while rows[-1].redelegated_trust_id:
            rows.append(self.any(rows[-1].redelegated_trust_id))
        return rows

    # Changing.

    def create(self, context: Context, grant: Grant, given: Mapping[str, Any]) -> Row:
        """A new trust of the caller; one handed on when the caller's token was made by a trust itself.

        :raises Forbidden: the trustor is not the caller, the caller's token was lent otherwise, or a trust may not be
            handed on so. :raises NotFound: trustee or project are unknown, or the trustor lacks a role.
        :raises BadRequest: the end has passed, or uses are counted of what may be handed on.
        """
        parent = self._parent(grant, given)
        if given["trustor_user_id"] != grant.user.id:
            raise Forbidden("The trustor of a trust is who makes it.")
        self._store.backend.user(given["trustee_user_id"])
        project_id = given.get("project_id") or ""
        role_ids = list(dict.fromkeys(self._roles.meant(role) for role in given.get("roles") or ()))
        if bool(project_id) != bool(role_ids):
            raise Forbidden("At least one role should be specified, and a project to have it on.")
        values = {"id": self._store.clock.hex_id(), "trustor_user_id": given["trustor_user_id"],
                  "trustee_user_id": given["trustee_user_id"], "project_id": project_id, "role_ids": role_ids,
                  "impersonation": given["impersonation"], "remaining_uses": given.get("remaining_uses"),
                  "expires_at": ending(given.get("expires_at"), self._store.clock.now()),
                  "redelegation_count": self._count(given, parent),
                  "redelegated_trust_id": "" if parent is None else parent.id,
                  "extra": {key: value for key, value in given.items() if key not in KNOWN}}
        _check_own(grant, values)
        self._check_lendable(values, parent)
        with self._store.db.write() as tx:
            if parent is not None:
                self.any(parent.id)
            tx.insert(trusts, values)
            self._store.emit(tx, context, "trust", "created", values["id"])
            return self.any(values["id"])

    def _parent(self, grant: Grant, given: Mapping[str, Any]) -> Row | None:
        """The trust that the caller hands on, if its token was made by one."""
        if grant.delegation is not None and grant.delegation.kind == TRUST:
            if given.get("redelegated_trust_id") not in (None, grant.delegation.id):
                raise Forbidden("A trust is handed on by a token made with it.")
            return self.find(grant.delegation.id)
        refuse(grant.delegation, "Making a trust")
        if grant.delegation is not None and grant.delegation.access_rules:
            raise Forbidden("A token that access rules bound makes no trusts.")
        if given.get("redelegated_trust_id"):
            raise Forbidden("A trust is handed on by a token made with it.")
        return None

    def _count(self, given: Mapping[str, Any], parent: Row | None) -> int:
        """How often the new trust may be handed on."""
        asked = given.get("redelegation_count")
        if asked is not None and asked > LONGEST_CHAIN:
            raise Forbidden(f"Requested redelegation depth of {asked} is greater than allowed {LONGEST_CHAIN}.")
        if not given.get("allow_redelegation") or asked == 0:
            return 0
        if given.get("remaining_uses") is not None:
            raise BadRequest("remaining_uses must not be set if redelegation is allowed")
        left = LONGEST_CHAIN if parent is None else parent.redelegation_count - 1
        if parent is not None and asked is not None and asked != left:
            raise Forbidden('Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is '
                            "advised.")
        return left if asked is None else int(asked)

    def _check_lendable(self, values: Mapping[str, Any], parent: Row | None) -> None:
        """See that the lender has what is lent, and that what is handed on is no more than what was got."""
        lineage = [] if parent is None else self.chain(parent)
        for above in lineage:
            _check_handed_on(values, above)
        if values["project_id"]:
            lender_id = lineage[-1].trustor_user_id if lineage else values["trustor_user_id"]
            project = self._projects.find(values["project_id"])
            held = self._assignments.lent_by(lender_id, project, values["role_ids"]).held
            for role_id in values["role_ids"]:
                if role_id not in held:
                    raise NotFound(f"Could not find role: {role_id}.")

    def delete(self, context: Context, grant: Grant, trust_id: str) -> None:
        """End a trust and all that were handed on from it; tokens made with them end.

        :raises Forbidden: the caller's token was lent, and by another trust.
        """
        own = grant.delegation is not None and grant.delegation.id == trust_id
        refuse(None if own else grant.delegation, "Deleting a trust")
        with self._store.db.write() as tx:
            row = self.any(trust_id)
            for one in departures.trusts_gone(tx, trusts.c.id == trust_id):
                self._store.emit(tx, context, "trust", "deleted", one)
            self._store.revision.bump(tx, (f"user:{row.trustor_user_id}", f"user:{row.trustee_user_id}"))

    # Using.

    def usable(self, trust_id: str, user_id: str) -> Delegation:
        """What a trust lends this user.

        :raises Unauthorized: there is no such trust, or it has ended. :raises Forbidden: it is another's, or its
            trustor has not what it lent any more.
        """
        try:
            row = self.find(trust_id)
            for above in self.chain(row)[1:]:
                self.find(above.id)
        except NotFound as exc:
            raise Unauthorized() from exc
        if row.trustee_user_id != user_id:
            raise Forbidden("User is not a trustee.")
        lent = self.delegation(trust_id)
        if not self._store.backend.user(lent.lender_id).enabled:
            raise Forbidden("Trustor is disabled.")
        if lent.project_id:
            project = self._projects.find(lent.project_id)
            if not lent.role_ids <= self._assignments.lent_by(lent.lender_id, project, lent.role_ids).held:
                raise Forbidden("The trustor has no longer what it delegated.")
        return lent

    def use(self, trust_id: str) -> None:
        """Count one use of a trust whose uses are counted. :raises Unauthorized: none is left."""
        with self._store.db.write() as tx:
            if tx.execute(USE, {"trust": trust_id}) == 0 and self.any(trust_id).remaining_uses is not None:
                raise Unauthorized()

    def delegation(self, trust_id: str) -> Delegation:
        """What a trust lends. :raises NotFound: it, or one it was handed on from, is gone."""
        row = self.any(trust_id)
        chain = self.chain(row)
        facts: dict[str, Any] = {"id": row.id, "impersonation": row.impersonation,
                                 "trustor_user": {"id": row.trustor_user_id},
                                 "trustee_user": {"id": row.trustee_user_id}}
        if row.redelegated_trust_id:
            facts["redelegated_trust_id"] = row.redelegated_trust_id
            facts["redelegation_count"] = row.redelegation_count
        people = [one for each in chain for one in (each.trustor_user_id, each.trustee_user_id)]
        return Delegation(
            kind=TRUST, id=row.id, lender_id=chain[-1].trustor_user_id, parties=tuple(dict.fromkeys(people)),
            user_id=row.trustor_user_id if row.impersonation else row.trustee_user_id, project_id=row.project_id,
            role_ids=frozenset(row.role_ids), expires_at=min(seconds(each.expires_at) for each in chain),
            facts={"OS-TRUST:trust": facts})


def _check_own(grant: Grant, values: Mapping[str, Any]) -> None:
    """See that a token that was lent lends no more than it has. :raises Forbidden: it would."""
    if grant.delegation is None:
        return
    if values["project_id"] != grant.delegation.project_id or not set(values["role_ids"]) <= {
            id for id, _ in grant.roles}:
        raise Forbidden("A token that was lent lends no other project and no other roles than its own.")


def _check_handed_on(values: Mapping[str, Any], above: Row) -> None:
    """See that a trust may be handed on so. :raises Forbidden: it may not."""
    if above.redelegation_count < 1:
        raise Forbidden(f"Remaining redelegation depth of {above.redelegation_count} out of allowed range of "
                        f"[0..{LONGEST_CHAIN}].")
    if values["project_id"] != above.project_id:
        raise Forbidden("A trust is handed on for its own project.")
    if not set(values["role_ids"]) <= set(above.role_ids):
        raise Forbidden("Some of requested roles are not in redelegated trust.")
    if values["impersonation"] and not above.impersonation:
        raise Forbidden('Impersonation is not allowed because redelegated trust does not specify impersonation.')
    if seconds(values["expires_at"]) > seconds(above.expires_at):
        raise Forbidden("Requested expiration time is more than redelegated trust can provide.")
