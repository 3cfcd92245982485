"""Clouds of a few services, with an identity that believes what a token says."""

from stratolith.core.conformance.cloud import InProcess
from stratolith.core.context import Context
from stratolith.core.errors import Unauthorized

ROLES = {"admin": ("admin", "manager", "member", "reader"), "service": ("service",), "member": ("member", "reader"),
         "reader": ("reader",)}


class Believer:
    """Takes tokens of the form ``project:role``."""

    def authenticate(self, token, request_id):
        project, _, role = token.partition(":")
        if role not in ROLES:
            raise Unauthorized
        return Context(request_id=request_id, user_id=f"user-{project}", project_id=project, roles=ROLES[role],
                       is_admin=role == "admin")


class Alone(InProcess):
    """A cloud of a few services; ``as_`` is a token such as ``alpha:member``."""

    def start(self):
        self.cloud.peers.add("identity", Believer())
        self.cloud.prepare()
        self.cloud.start()
        self.executor.run()
        return self

    def request(self, method, path, body=None, *, as_="alpha:member", headers=None, **more):
        sent = {"X-Auth-Token": as_} if as_ else {}
        return super().request(method, path, body, as_=None, headers={**sent, **(headers or {})}, **more)
