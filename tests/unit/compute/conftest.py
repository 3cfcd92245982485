"""Compute's HTTP face without the other services: an in-memory database and peers that know every project."""

from __future__ import annotations

import logging
import types

import pytest
import sqlalchemy as sa
from stratolith.core.bus.events import Events
from stratolith.core.clock import Virtual
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.context import Context
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.errors import NotFound
from stratolith.core.executor import Seeded
from stratolith.core.http.app import Application, Edge
from stratolith.core.http.mount import Mount
from stratolith.core.operations import tables as operations
from stratolith.core.policy.engine import Policy
from stratolith.plugins.compute import flavors
from stratolith.plugins.compute.api import FACE
from stratolith.plugins.compute.fleet import Fleet
from stratolith.plugins.compute.options import Options
from stratolith.plugins.compute.rules import RULES
from stratolith.plugins.compute.tables import hosts, metadata, servers, services, usage

PEOPLE = {
    "admin": Context(request_id="r", user_id="u-admin", project_id="p-admin", is_admin=True,
                     roles=("admin", "manager", "member", "reader")),
    "demo": Context(request_id="r", user_id="u-demo", project_id="p-demo", roles=("member", "reader")),
    "other": Context(request_id="r", user_id="u-other", project_id="p-other", roles=("member", "reader")),
    "reader": Context(request_id="r", user_id="u-reader", project_id="p-demo", roles=("reader",)),
}


class Everyone:
    """An identity and placement that know every project but ``unknown``, and remember what is changed and forgotten."""

    def __init__(self):
        self.forgotten, self.changed = [], []

    def project(self, context, project_id):
        if project_id == "unknown":
            raise NotFound()
        return types.SimpleNamespace(id=project_id)

    def change_provider(self, context, provider, traits, aggregates):
        self.changed.append((provider, traits, aggregates))

    def delete_provider(self, context, provider):
        self.forgotten.append(provider)


class Alone:
    """The face and what is behind it; :meth:`request` as :class:`InProcess` has it."""

    BASE = "http://cloud.test"
    request = InProcess.request
    _wsgi = InProcess._wsgi

    def __init__(self):
        self.clock = Virtual(0)
        self.executor = Seeded(self.clock)
        self.everyone = Everyone()
        self.db = Database(DatabaseOptions(), "sqlite://")
        for tables in (metadata, operations.metadata):
            tables.create_all(self.db.engine)
        bus = types.SimpleNamespace(publish=lambda topic, data: None)
        peers = types.SimpleNamespace(of=lambda kind: self.everyone, local=lambda: {"scheduler": None})
        self.kit = types.SimpleNamespace(
            name="compute", clock=self.clock, executor=self.executor, db=self.db, options=Options(), host="host1",
            log=logging.getLogger("test"), peers=peers, policy=Policy(RULES),
            events=Events("compute", "nova", self.db, bus, self.executor, self.clock))
        self.service = types.SimpleNamespace(kit=self.kit, fleet=Fleet(self.kit))
        edge = Edge(lambda token, request_id: PEOPLE[token], self.kit.policy, self.clock)
        self.cloud = types.SimpleNamespace(wsgi=Mount([Application(FACE, self.service, edge)]))
        self.statements = 0
        sa.event.listen(self.db.engine, "after_cursor_execute", self._count)

    def _count(self, *_):
        self.statements += 1

    def token(self, user, project):
        return user

    def call(self, method, path, body=None, as_="admin", version="2.1"):
        """A request below ``/compute/v2.1`` at a microversion."""
        return self.request(method, "/compute/v2.1" + path, body, as_=as_, version="compute " + version)

    def add_host(self, name, number=1):
        """A compute host that has just beaten."""
        now = self.clock.now()
        with self.db.write() as tx:
            tx.insert(services, {"id": self.clock.uuid(), "binary": "nova-compute", "host": name, "disabled": False,
                                 "forced_down": False, "beat_at": self.clock.time(), "created_at": now})
            tx.insert(hosts, {"id": self.clock.uuid(), "host": name, "node": name + ".local", "created_at": now,
                              "failures": 0, "facts": {
                                  "kind": "fake", "version": 1000, "hostname": name, "vcpus": 8, "memory_mib": 16384,
                                  "disk_gib": 100, "architecture": "x86_64", "cpu_model": "any",
                                  "cpu_features": ["sse2"]}})
        self.service.fleet.changed()

    def add_server(self, host="", project="p-demo", user="u-demo", **more):
        """A server of 2 CPUs, 1024 MiB and 10 GiB; returns its id."""
        values = {"id": self.clock.uuid(), "project_id": project, "user_id": user, "name": "s", "hostname": "s",
                  "vm_state": "active", "host": host, "flavor_id": "1", "flavor": {"name": "m1.tiny"}, "vcpus": 2,
                  "memory_mib": 1024, "root_gib": 10, "ephemeral_gib": 0, "metadata": {}, "tags": [], "nics": [],
                  "security_groups": [], "volumes": [], "created_at": self.clock.now(),
                  "launched_at": self.clock.now(), **more}
        with self.db.write() as tx:
            tx.insert(servers, values)
        self.service.fleet.changed()
        return values["id"]

    def use(self, project, instances, cores, ram):
        """Count servers to a project."""
        with self.db.write() as tx:
            tx.insert(usage, {"project_id": project, "instances": instances, "cores": cores, "ram": ram})


@pytest.fixture
def alone():
    """Compute's face alone, with the customary flavors."""
    made = Alone()
    flavors.bootstrap(made.kit, PEOPLE["admin"])
    return made
