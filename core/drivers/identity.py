"""The identity interface: where users and groups live, and who can prove to be one of them."""

from __future__ import annotations

import abc
import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from .base import Driver

COMPARATORS = ("equals", "contains", "startswith", "endswith", "icontains", "istartswith", "iendswith", "iequals")


@dataclasses.dataclass(frozen=True)
class IdentityFacts:
    """What a backend is.

    ``many_domains``: one instance may hold users of any number of domains. One that may not answers whatever
    domain it is asked for with all it has; what it gives has no domain (an empty ``domain_id``), and its ids may
    be up to 255 characters long and known to nobody else: the service gives out others for them.
    """

    many_domains: bool
    longest_name: int = 255
    exact_names: bool = True
    """Names that differ in case or in spaces only are different names."""
    keeps: tuple[str, ...] | None = None
    """What is kept of a user that is written, besides its name and password (``enabled``, ``options``,
    ``default_project_id``, and keys of ``extra``); none for all."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user as its backend knows it. Moments are naive and in UTC.

    ``extra`` holds attributes the interface does not know; they come back as they were given.
    """

    id: str
    domain_id: str
    name: str
    enabled: bool = True
    default_project_id: str = ""
    options: Mapping[str, Any] = {}
    extra: Mapping[str, Any] = {}
    password_changed_at: datetime.datetime | None = None
    password_expires_at: datetime.datetime | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group as its backend knows it."""

    id: str
    domain_id: str
    name: str
    description: str = ""
    extra: Mapping[str, Any] = {}


class Condition(msgspec.Struct, frozen=True):
    """One condition of a search: ``comparator`` is one of :data:`COMPARATORS`.

    Users are searched by ``name``, ``domain_id``, ``enabled``, ``default_project_id`` and
    ``password_expires_at`` (comparators ``lt``, ``lte``, ``gt``, ``gte``, ``eq``, ``neq`` there), groups by
    ``name`` and ``domain_id``.
    """

    attribute: str
    comparator: str
    value: Any


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What part of a list is wanted: rows that meet all conditions, behind the row ``marker``, in the
    order of the ids, at most ``limit`` of them."""

    conditions: tuple[Condition, ...] = ()
    limit: int | None = None
    marker: str = ""


class Identity(Driver):
    """One directory of users and groups.

    Calls block. Any thread may call. After a failure nothing has changed. Ids are at most
    64 characters long, those of the directory of one domain 255. A backend that has users only answers questions
    about groups with nothing.
    """

    @abc.abstractmethod
    def facts(self) -> IdentityFacts:
        """What this backend is."""

    @abc.abstractmethod
    def authenticate(self, password: str, *, user_id: str = "", name: str = "", domain_id: str = "") -> User:
        """The user of this id, or of this name in this domain, if the password is theirs.

        An unknown user, one without a password and a wrong password cost the same work and raise
        the same error. Whether the user is enabled is the caller's question.
        :raises Unauthorized: for each of these reasons, without a word on which.
        """

    @abc.abstractmethod
    def user(self, user_id: str) -> User:
        """A user by id. :raises NotFound: there is none."""

    @abc.abstractmethod
    def user_named(self, domain_id: str, name: str) -> User:
        """A user by name, which is unique in its domain. :raises NotFound: there is none."""

    @abc.abstractmethod
    def users(self, search: Search) -> Sequence[User]:
        """The users that ``search`` wants. :raises BadRequest: the marker names no user."""

    @abc.abstractmethod
    def users_by_id(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        """Those of ``user_ids`` that exist, in a constant number of queries."""

    @abc.abstractmethod
    def group(self, group_id: str) -> Group:
        """A group by id. :raises NotFound: there is none."""

    @abc.abstractmethod
    def group_named(self, domain_id: str, name: str) -> Group:
        """A group by name, which is unique in its domain. :raises NotFound: there is none."""

    @abc.abstractmethod
    def groups(self, search: Search) -> Sequence[Group]:
        """The groups that ``search`` wants. :raises BadRequest: the marker names no group."""

    @abc.abstractmethod
    def groups_by_id(self, group_ids: Sequence[str]) -> Mapping[str, Group]:
        """Those of ``group_ids`` that exist, in a constant number of queries."""

    @abc.abstractmethod
    def groups_of(self, user_id: str) -> Sequence[str]:
        """Ids of the groups a user is in, sorted; none for an unknown user."""

    @abc.abstractmethod
    def members(self, group_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Ids of the members of each group, sorted; a group without members may be left out."""


class WritableUsers(abc.ABC):
    """Facet: users are made, changed and removed here."""

    @abc.abstractmethod
    def prepared(self, password: str) -> str:
        """A password in the form that the verbs below take: hashed, where the backend does so itself.

        It may take its time, which the other verbs may not: they run inside of transactions.
        """

    @abc.abstractmethod
    def create_user(self, user: User, prepared: str | None) -> User:
        """Make a user with the id and values given; without a password nobody can log in as it.

        What is returned may have another id: that of a directory that makes ids of its own.

        :raises AlreadyExists: the id, or the name in its domain, is taken.
        """

    @abc.abstractmethod
    def update_user(self, user: User) -> User:
        """Make name, enabled, default project, options and extra of the user with this id as given.

        :raises NotFound: there is none. :raises AlreadyExists: the name is taken.
        """

    @abc.abstractmethod
    def set_password(self, user_id: str, prepared: str | None) -> None:
        """Give a user a new password, or none at all. :raises NotFound: there is no such user."""

    @abc.abstractmethod
    def delete_user(self, user_id: str) -> None:
        """Remove a user and its memberships; nothing when it is gone."""


class PasswordRules(abc.ABC):
    """Facet: passwords must meet rules of the backend's own, and users change theirs by them."""

    @abc.abstractmethod
    def check_password(self, password: str) -> None:
        """See that a password that an administrator gives is good enough. :raises BadRequest: it is not."""

    @abc.abstractmethod
    def told(self) -> Mapping[str, str]:
        """What users may know of the rules: ``password_regex`` and ``password_regex_description``, empty without."""

    @abc.abstractmethod
    def prepared_change(self, user_id: str, original: str, password: str) -> str:
        """The new password of a user who knows the old one, which may have expired, in the form of
        :meth:`set_own_password`; it may take its time.

        :raises Unauthorized: the user is unknown or locked, or the original is wrong, without a word on which.
        :raises BadRequest: the new password breaks a rule, or the user may not change it now.
        """

    @abc.abstractmethod
    def set_own_password(self, user_id: str, prepared: str) -> None:
        """Keep a password that its user chose. :raises NotFound: there is no such user."""


class WritableGroups(abc.ABC):
    """Facet: groups and their members are made, changed and removed here."""

    @abc.abstractmethod
    def create_group(self, group: Group) -> Group:
        """Make a group; what is returned may have another id, as with users.

        :raises AlreadyExists: the id, or the name in its domain, is taken.
        """

    @abc.abstractmethod
    def update_group(self, group: Group) -> Group:
        """Make name, description and extra of the group with this id as given.

        :raises NotFound: there is none. :raises AlreadyExists: the name is taken.
        """

    @abc.abstractmethod
    def delete_group(self, group_id: str) -> None:
        """Remove a group and its memberships; nothing when it is gone."""

    @abc.abstractmethod
    def add_member(self, group_id: str, user_id: str) -> None:
        """Put a user into a group; nothing when it is there. :raises NotFound: one of them is unknown."""

    @abc.abstractmethod
    def remove_member(self, group_id: str, user_id: str) -> None:
        """Take a user out of a group; nothing when it is not in it."""


class Stored(abc.ABC):
    """Facet: the backend keeps its users in the database of the identity service.

    Its writes join the caller's transaction, so that the service's rows and the backend's appear together.
    """

    schema: ClassVar[Any]
    """Its tables and revisions (:class:`stratolith.core.db.schema.Schema`): the process brings them to their newest
    form with all others, and the commands of the database know of them."""

    @abc.abstractmethod
    def attach(self, database: Any) -> None:
        """Use ``database`` (:class:`stratolith.core.db.engine.Database`); called once, after ``open``."""
