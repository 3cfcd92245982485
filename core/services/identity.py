"""What identity promises the other services."""

from __future__ import annotations

import abc

import msgspec

from ..context import Context
from .base import ServiceInterface


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, as others need it."""

    id: str
    name: str
    domain_id: str
    enabled: bool = True


class IdentityService(ServiceInterface):
    """Tokens turned into contexts, and facts of projects and users."""

    service = "identity"

    @abc.abstractmethod
    def authenticate(self, token: str, request_id: str) -> Context:
        """Who holds ``token``. :raises Unauthorized: the token is unknown, expired or revoked."""

    @abc.abstractmethod
    def standing(self, token: str, request_id: str) -> Context:
        """Who holds ``token``, though its time be over, and what roles that gives now.

        :raises Unauthorized: the token is unknown, revoked or expired long ago, or its user has no role there any more.
        """

    @abc.abstractmethod
    def project(self, context: Context, project_id: str) -> Project:
        """A project by id. :raises NotFound: there is none."""

    @abc.abstractmethod
    def project_named(self, context: Context, name: str, domain_id: str = "") -> Project:
        """A project by name, of the default domain unless another is given. :raises NotFound: there is none."""

    @abc.abstractmethod
    def endpoint(self, context: Context, kind: str, region: str = "") -> str:
        """The public address of a service in the caller's catalog, by its type; empty when it has none.

        ``region`` prefers that of a region.
        """
