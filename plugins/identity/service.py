"""The identity service: its nouns, and what it promises the other services."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.context import Context
from ...core.drivers.base import Surroundings
from ...core.drivers.identity import Stored, User
from ...core.errors import BadConfiguration, NotFound
from ...core.process.slice import Kit
from ...core.services.identity import IdentityService, Project
from .application_credentials import ApplicationCredentials
from .assignment_lists import AssignmentLists
from .assignments import SYSTEM, Assignment, Assignments
from .authentication import Authentication
from .backends import ASSERTIONS, BACKENDS, FORMATS
from .catalog import Catalog
from .credentials import Credentials
from .delegation import ACCESS_TOKEN, APPLICATION_CREDENTIAL, TRUST
from .directories import Directories
from .directory_config import DirectoryConfigurations
from .domain_config import DomainConfigurations
from .ec2 import Ec2
from .endpoint_groups import EndpointGroups
from .explanations import Explanations
from .federation.login import Login
from .federation.providers import Mappings, Providers, ServiceProviders
from .guard import Guard
from .keys import seal
from .limits import Limits, RegisteredLimits
from .methods import Naming
from .oauth1 import OAuth1
from .outside import Outside
from .policies import Policies
from .projects import Projects
from .receipts import Receipts
from .revision import Memory, Revision
from .revoke_events import Revocations, teller
from .roles import Roles
from .secret_hash import SecretHashes
from .store import Store
from .tokens import Tokens
from .totp import Totp
from .trusts import Trusts
from .users import Groups, Users

FIRST = {"ignore_change_password_upon_first_use": True, "ignore_password_expiry": True}
"""Options of the first users: their passwords are the operator's, whatever the rules for people's are."""
PERSONAS = (("demo", "member"), ("demo_reader", "reader"), ("demo_manager", "manager"))


def directories(kit: Kit) -> Directories:
    """The backend that the options name, as the backend of all domains."""
    section = f"identity.{kit.options.backend}"
    common = kit.driver(BACKENDS, kit.options.backend, section)
    if not common.facts().many_domains:
        raise BadConfiguration(f"[identity] backend = {kit.options.backend}: this is the directory of one domain. Name "
                               "a backend of all domains here (sql), and give the domain a file in domain_config_dir")
    if isinstance(common, Stored):
        common.attach(kit.db)
    return Directories(common, kit.db, Surroundings(
        clock=kit.clock, log=kit.log.getChild("identity"), state_dir=kit.state_dir / section,
        run_dir=kit.run_dir / section, host=kit.host, executor=kit.executor))


class Identity(IdentityService):
    """Users, projects, roles, the catalog and tokens."""

    def __init__(self, kit: Kit) -> None:
        options = kit.options
        backend = directories(kit)
        revision = Revision(kit.db, kit.clock, options.longest_s, teller(kit))
        self.store = store = Store(
            kit=kit, options=options, db=kit.db, clock=kit.clock, backend=backend,
            format=kit.driver(FORMATS, options.tokens), revision=revision,
            memory=Memory(revision, kit.clock, options.memory_ttl_s), seal=seal(kit.state_dir, options, kit.clock))
        self.roles = Roles(store)
        self.projects = Projects(store)
        self.endpoint_groups = EndpointGroups(store, self.projects)
        self.catalog = Catalog(store, self.endpoint_groups)
        self.assignments = Assignments(store, self.projects, self.roles)
        self.assignment_lists = AssignmentLists(store, self.projects, self.roles)
        self.explanations = Explanations(store, self.projects, self.assignments)
        self.users = Users(store, self.projects, self.assignments)
        self.groups = Groups(store, self.projects, self.assignments)
        self.tokens = Tokens(store, self.projects, self.assignments, self.catalog)
        self.credentials = Credentials(store)
        self._delegate(store)
        self.revocations = Revocations(store)
        self.guard = Guard(kit.clock, options)
        self.domain_configurations = DomainConfigurations(store)
        backend.use(Outside(kit, BACKENDS, DirectoryConfigurations(store, self.domain_configurations,
                                                                   options.domain_config_dir, kit.log)))
        self.policies = Policies(store)
        self.registered_limits = RegisteredLimits(store)
        self.limits = Limits(store, self.projects)
        self.providers = Providers(store, self.projects)
        self.mappings = Mappings(store)
        self.service_providers = ServiceProviders(store)
        self.login = Login(store, [kit.driver(ASSERTIONS, name) for name in options.assertions], self.providers,
                           self.mappings, self.projects, self.roles, self.assignments, self.tokens)

    def _delegate(self, store: Store) -> None:
        """The ways to a token, and those to lend what one may."""
        naming = Naming(store, self.projects)
        hashes = SecretHashes(store.clock, store.memory)
        self.application_credentials = ApplicationCredentials(store, self.roles, hashes)
        self.trusts = Trusts(store, self.projects, self.roles, self.assignments)
        self.oauth1 = OAuth1(store, self.projects, self.roles, self.assignments, self.tokens)
        self.ec2 = Ec2(store, self.projects, self.credentials, self.tokens)
        self.tokens.delegations.update({
            TRUST: self.trusts.delegation, APPLICATION_CREDENTIAL: self.application_credentials.delegation,
            ACCESS_TOKEN: self.oauth1.delegation})
        self.authentication = Authentication(store, self.projects, self.tokens, Receipts(store, self.tokens),
                                             self.trusts, self.application_credentials, naming)
        self.authentication.methods.update({"totp": Totp(store, naming, self.credentials).prove,
                                            "oauth1": self.oauth1.prove})

    # What it promises the other services.

    def authenticate(self, token: str, request_id: str) -> Context:
        return self.tokens.context(token, request_id)

    def standing(self, token: str, request_id: str) -> Context:
        return self.tokens.context(token, request_id, allow_expired=True)

    def project(self, context: Context, project_id: str) -> Project:
        row = self.projects.find(project_id)
        return Project(id=row.id, name=row.name, domain_id=row.domain_id, enabled=row.enabled)

    def project_named(self, context: Context, name: str, domain_id: str = "") -> Project:
        row = self.projects.named(domain_id or self.store.options.default_domain_id, name)
        return Project(id=row.id, name=row.name, domain_id=row.domain_id, enabled=row.enabled)

    def endpoint(self, context: Context, kind: str, region: str = "") -> str:
        found = [one for entry in self.catalog.entries(context.project_id, context.user_id) if entry["type"] == kind
                 for one in entry["endpoints"] if one["interface"] == "public"]
        found.sort(key=lambda one: one["region"] != region)
        return str(found[0]["url"]) if found else ""

    # The first start.

    def seed(self, context: Context) -> None:
        """Make the default domain and the default roles."""
        with self.store.db.write():
            domain_id = self.store.options.default_domain_id
            if domain_id not in self.projects.by_id([domain_id]):
                self.projects.create(context, {"id": domain_id, "name": "Default", "is_domain": True,
                                               "description": "The default domain"})
            self.roles.seed(context)

    def bootstrap(self, context: Context, *, admin_password: str, demo_password: str, region: str, public_url: str,
                  catalog: Sequence[tuple[str, str, str]], reset_passwords: bool = False) -> None:
        """Let there be an administrator, a demo project with its personas, and this cloud's catalog.

        What is there stays as it is, but for addresses: those of the services in ``catalog`` (type, name,
        address; one that begins with a slash is below ``public_url``) follow the cloud. Users that exist keep
        their passwords unless they are to be reset: the way back in for who has lost them.
        """
        self.seed(context)
        with self.store.db.write():
            admin = self._user(context, "admin", admin_password, reset_passwords)
            project = self._project(context, "admin", "The administrators' project")
            self._grant(context, admin, "admin", "project", project)
            self._grant(context, admin, "admin", "domain", self.store.options.default_domain_id)
            self._grant(context, admin, "admin", SYSTEM, SYSTEM)
            demo = self._project(context, "demo", "The demo project")
            for name, role in PERSONAS:
                self._grant(context, self._user(context, name, demo_password, reset_passwords), role, "project", demo)
            self.catalog.seed(context, region, [(kind, name, url if "://" in url else public_url + url)
                                                for kind, name, url in catalog])

    def _user(self, context: Context, name: str, password: str, reset: bool) -> str:
        domain_id = self.store.options.default_domain_id
        try:
            user = self.store.backend.user_named(domain_id, name)
        except NotFound:
            user = self.users.create(context, User(id="", domain_id=domain_id, name=name, options=FIRST), None)
            self.store.users.set_password(user.id, self.store.users.prepared(password))
        else:
            if reset:
                self.users.update(context, user.id, {"enabled": True}, None)
                self.store.users.set_password(user.id, self.store.users.prepared(password))
                with self.store.db.write() as tx:
                    self.store.revoke(tx, f"user:{user.id}")
        return user.id

    def _project(self, context: Context, name: str, description: str) -> str:
        domain_id = self.store.options.default_domain_id
        try:
            return str(self.projects.named(domain_id, name).id)
        except NotFound:
            return str(self.projects.create(context, {"name": name, "domain_id": domain_id,
                                                      "description": description}).id)

    def _grant(self, context: Context, user_id: str, role: str, kind: str, target: str) -> None:
        self.assignments.grant(context, Assignment(actor_kind="user", actor_id=user_id, target_kind=kind,
                                                   target_id=target, role_id=self.roles.named(role).id))


