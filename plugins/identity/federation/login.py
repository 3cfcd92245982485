"""From an assertion to a token: who vouches, what the mapping makes of it, and the user that it names."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from ....core.context import Context
from ....core.db.engine import Transaction
from ....core.drivers.assertion import AssertionSource, Presented, Vouching
from ....core.drivers.identity import User
from ....core.errors import AlreadyExists, Forbidden, NotFound, Unauthorized
from ..assignments import Assignment, Assignments
from ..projects import Projects
from ..roles import Roles
from ..store import Store
from ..tables.federation import federated_memberships, federated_users
from ..tokens import UNSCOPED, Entry, Tokens
from . import mapping
from .mapping import Mapped, folded
from .providers import Mappings, Provider, Providers

KNOWN = sa.select(federated_users.c.user_id).where(
    federated_users.c.provider_id == sa.bindparam("provider"),
    federated_users.c.protocol_id == sa.bindparam("protocol"), federated_users.c.unique_id == sa.bindparam("unique"))
METHODS = ("saml2", "openid", "kerberos", "x509")


class Login:
    """The way in for users of other providers."""

    def __init__(self, store: Store, sources: Sequence[AssertionSource], providers: Providers, mappings: Mappings,
                 project_nouns: Projects, role_nouns: Roles, grants: Assignments, tokens: Tokens) -> None:
        self._store = store
        self._sources = sources
        self._providers = providers
        self._mappings = mappings
        self._projects = project_nouns
        self._roles = role_nouns
        self._assignments = grants
        self._tokens = tokens

    def authenticate(self, context: Context, provider_id: str, protocol_id: str, presented: Presented) -> Entry:
        """An unscoped token for whom the provider vouches for; a new user is made at its first coming.

        :raises Unauthorized: nothing was asserted that is to be believed, or no rule of the mapping counts.
        :raises Forbidden: the provider is disabled, or another one made the assertion.
        :raises NotFound: there is no such provider or protocol.
        """
        begun = self._tokens.begin()
        provider = self._providers.find(provider_id)
        if not provider.enabled:
            raise Forbidden(f"Identity Provider {provider_id} is disabled")
        protocol = self._providers.protocol(provider_id, protocol_id)
        attributes = self._asserted(presented, Vouching(provider_id, tuple(provider.remote_ids), protocol_id))
        self._check_origin(provider, protocol.remote_id_attribute or "", attributes)
        mapped = mapping.evaluate(self._mappings.find(protocol.mapping_id).rules, attributes)
        if mapped.kind == "local":
            user = self._local(mapped)
        else:
            user = self._known_or_new(context, provider, protocol_id, mapped)
        method = protocol_id if protocol_id in METHODS else "mapped"
        return self._tokens.issue(begun, user.id, UNSCOPED, (method,))

    def by_remote_id(self, context: Context, protocol_id: str, presented: Presented) -> Entry:
        """As :meth:`authenticate`, by the provider one of whose remote ids is asserted for this protocol.

        :raises Unauthorized: there is no such provider.
        """
        for provider_id, attribute in self._providers.having(protocol_id):
            provider = self._providers.find(provider_id)
            attributes = self._asserted(presented, Vouching(provider_id, tuple(provider.remote_ids), protocol_id))
            if any(one in provider.remote_ids for one in attributes.get(folded(attribute), ())):
                return self.authenticate(context, provider_id, protocol_id, presented)
        raise Unauthorized()

    def _asserted(self, presented: Presented, vouching: Vouching) -> mapping.Attributes:
        for source in self._sources:
            protocols = source.facts().protocols
            if protocols and vouching.protocol not in protocols:
                continue
            found = source.read(presented, vouching)
            if found is not None:
                return {folded(name): values for name, values in found.items()}
        raise Unauthorized()

    def _check_origin(self, provider: Provider, attribute: str, attributes: mapping.Attributes) -> None:
        """Where the protocol says which attribute names the provider, it has to name this one."""
        if not attribute:
            return
        named = attributes.get(folded(attribute), ())
        if not any(one in provider.remote_ids for one in named):
            raise Forbidden("Incoming identity provider identifier not included among the accepted identifiers.")

    # Users.

    def _local(self, mapped: Mapped) -> User:
        """A user of ours that the assertion names. :raises Unauthorized: there is none."""
        try:
            if mapped.user_id:
                return self._store.backend.user(mapped.user_id)
            return self._store.backend.user_named(self._domain_id(mapped.domain), mapped.user_name)
        except NotFound as exc:
            raise Unauthorized() from exc

    def _domain_id(self, named: dict[str, str]) -> str:
        if "id" in named:
            return named["id"]
        return str(self._projects.named("", named["name"]).id) if "name" in named else ""

    def _known_or_new(self, context: Context, provider: Provider, protocol_id: str, mapped: Mapped) -> User:
        try:
            return self._ephemeral(context, provider, protocol_id, mapped)
        except AlreadyExists:
            # The same user came twice at once for the first time; by now it is known.
            return self._ephemeral(context, provider, protocol_id, mapped)

    def _ephemeral(self, context: Context, provider: Provider, protocol_id: str, mapped: Mapped) -> User:
        groups = self._groups(mapped)
        with self._store.db.write() as tx:
            key = {"provider": provider.id, "protocol": protocol_id, "unique": mapped.user_id[:255]}
            known = tx.row(KNOWN, key)
            if known is not None:
                user = self._store.backend.user(known.user_id)
            else:
                user = self._made(context, provider, mapped)
                tx.insert(federated_users, {"user_id": user.id, "provider_id": provider.id,
                                            "protocol_id": protocol_id, "unique_id": key["unique"]})
            self._join(tx, user.id, groups, provider)
            self._provide(context, provider.domain_id, user.id, mapped)
        return user

    def _made(self, context: Context, provider: Provider, mapped: Mapped) -> User:
        """A new user in the provider's domain; one of its own whose name is taken gets its unique id for a name."""
        wanted = User(id=self._store.clock.hex_id(), domain_id=provider.domain_id, name=mapped.user_name[:255],
                      extra={"email": mapped.email} if mapped.email else {})
        if self._taken(provider.domain_id, wanted.name):
            wanted = msgspec.structs.replace(wanted, name=f"{wanted.name[:200]}@{wanted.id}")
        made = self._store.users.create_user(wanted, None)
        with self._store.db.write() as tx:
            self._store.emit(tx, context, "user", "created", made.id)
        return made

    def _taken(self, domain_id: str, name: str) -> bool:
        try:
            self._store.backend.user_named(domain_id, name)
        except NotFound:
            return False
        return True

    # What the user is in, and may.

    def _groups(self, mapped: Mapped) -> list[str]:
        """Ids of the groups that exist; one that an assertion names and we do not have gives nothing."""
        known = self._store.backend.groups_by_id(list(dict.fromkeys(mapped.group_ids)))
        found = list(known)
        for name, domain in dict.fromkeys((name, tuple(domain.items())) for name, domain in mapped.named_groups):
            try:
                found.append(self._store.backend.group_named(self._domain_id(dict(domain)), name).id)
            except NotFound:
                self._store.kit.log.info("a mapping names the group %r, which there is not", name)
        return list(dict.fromkeys(found))

    def _join(self, tx: Transaction, user_id: str, groups: Sequence[str], provider: Provider) -> None:
        """What this assertion says replaces what earlier ones said, unless those are believed for a time."""
        now = self._store.clock.now()
        ttl_s = provider.authorization_ttl * 60 if provider.authorization_ttl else 0
        until = now + datetime.timedelta(seconds=ttl_s or self._store.options.token_lifetime_s)
        ended = federated_memberships.c.user_id == user_id
        if ttl_s:
            ended = sa.and_(ended, sa.or_(federated_memberships.c.expires_at < now,
                                          federated_memberships.c.group_id.in_(groups)))
        tx.execute(sa.delete(federated_memberships).where(ended))
        tx.insert(federated_memberships, [{"user_id": user_id, "group_id": one, "expires_at": until}
                                          for one in groups])
        self._store.revision.bump(tx)

    def _provide(self, context: Context, domain_id: str, user_id: str, mapped: Mapped) -> None:
        """Let there be the projects that the mapping names, and the user have its roles there."""
        for name, role_names, named in mapped.projects:
            try:
                domain = self._projects.find_domain(self._domain_id(named)).id if named else domain_id
            except NotFound:
                self._store.kit.log.warning("a mapping names the domain %r, which there is not", named)
                continue
            try:
                project = self._projects.named(domain, name)
            except NotFound:
                project = self._projects.create(context, {"name": name, "domain_id": domain})
            for role in role_names:
                self._give(context, user_id, project.id, role)

    def _give(self, context: Context, user_id: str, project_id: str, role: str) -> None:
        try:
            role_id = self._roles.named(role).id
        except NotFound:
            self._store.kit.log.warning("a mapping names the role %r, which there is not", role)
            return
        self._assignments.grant(context, Assignment(actor_kind="user", actor_id=user_id, target_kind="project",
                                                    target_id=project_id, role_id=role_id))
