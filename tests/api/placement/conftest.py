"""Placement alone: a cloud of one slice, with an identity that believes what a token says."""

import pytest
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
    """A cloud of one service. ``as_`` is a token such as ``p:member``, ``version`` a number such as ``39``."""

    def start(self):
        self.cloud.peers.add("identity", Believer())
        self.cloud.prepare()
        self.cloud.start()
        return self

    def ask(self, method, path, body=None, *, version=39, as_="p:admin", headers=None):
        sent = {"OpenStack-API-Version": f"placement 1.{version}", **({"X-Auth-Token": as_} if as_ else {}),
                **(headers or {})}
        return self.request(method, "/placement" + path, body, as_=None, headers=sent)

    def provider(self, name, inventories=None, **more):
        """A provider with inventories; its id."""
        id = self.ask("POST", "/resource_providers", {"name": name, **more}).json["uuid"]
        if inventories:
            body = {"resource_provider_generation": 0, "inventories": {c: {"total": n} for c, n in inventories.items()}}
            assert self.ask("PUT", f"/resource_providers/{id}/inventories", body).status == 200
        return id

    def claimed(self, consumer, amounts, generation=None, version=39, **more):
        """The answer to a claim of amounts by provider."""
        body = {"allocations": {id: {"resources": of} for id, of in amounts.items()}, "project_id": "p", "user_id": "u",
                "consumer_generation": generation, "consumer_type": "INSTANCE", **more}
        return self.ask("PUT", f"/allocations/{consumer}", body, version=version)


@pytest.fixture
def cloud(tmp_path):
    """An empty placement."""
    made = Alone(tmp_path, services=["placement"]).start()
    yield made
    made.stop()
