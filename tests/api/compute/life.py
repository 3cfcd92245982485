"""One life of a cloud that is killed: what is photographed, and what must be whole after a restart."""

from collections import Counter

import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.drivers.hypervisor import Power
from stratolith.core.operations.tables import operations

HYPERVISOR_VERBS = ("spawn", "destroy", "act", "stop", "snapshot", "resize", "confirm_resize", "revert_resize",
                    "attach_volume", "detach_volume", "grow_volume", "attach_interface", "detach_interface",
                    "rescue", "unrescue", "crash_dump", "swap_volume", "unlock", "plain_snapshot",
                    "depart", "arrive", "stay", "prepare_live", "migrate_live")
NETWORK_VERBS = ("apply_network", "remove_network", "apply_port", "remove_port")
VOLUME_VERBS = ("create", "delete", "connect", "disconnect", "extend", "snapshot")
RESTING = "('finished', 'confirmed', 'reverted', 'error', 'completed', 'cancelled', 'done')"


class Started:
    """One life of the cloud in a folder."""

    def __init__(self, folder, clock=None, options=None):
        self.made = InProcess(folder, persistent=True, clock=clock, options=options)
        self.made.start()
        self.made.run(1)

    @property
    def database(self):
        return self.made.cloud.kits["compute"].db

    def ask(self, method, path, body=None, version="2.79"):
        return self.made.request(method, "/compute/v2.1" + path, body, version=f"compute {version}")

    def watch(self, film):
        """Have all that changes something photographed."""
        for database in self.made.cloud.databases.all():
            database.probe = film
        for host in self.made.cloud.agents["compute"].hosts:
            film.guard(host.driver, [verb for verb in HYPERVISOR_VERBS if hasattr(host.driver, verb)])
        network = self.made.cloud.agents["network"]
        for host in getattr(network, "hosts", [network]):
            film.guard(host.driver, NETWORK_VERBS)

    def end(self):
        """Stop it; nothing is photographed any more."""
        for database in self.made.cloud.databases.all():
            database.probe = None
        self.made.cloud.stop()

    def servers(self):
        return self.ask("GET", "/servers/detail?all_tenants=1", version="2.46").json["servers"]

    def volumes(self):
        return self.made.request("GET", "/volume/v3/volumes/detail?all_tenants=1").json["volumes"]

    def images(self):
        return self.made.request("GET", "/image/v2/images").json["images"]

    def guests(self):
        return sorted(one.guest for host in self.made.cloud.agents["compute"].hosts
                      for one in host.driver.observe())

    def running(self):
        """Guests that run, once for each host that runs them."""
        return sorted(one.guest for host in self.made.cloud.agents["compute"].hosts
                      for one in host.driver.observe() if one.power is Power.RUNNING)

    def departed(self):
        """Servers whose old host keeps a guest until their move is confirmed."""
        return self.firsts("SELECT server_id FROM migrations WHERE status = 'finished' "
                           "AND source_compute <> dest_compute")

    def firsts(self, statement):
        return sorted(row[0] for row in self.rows(statement))

    def rows(self, statement):
        with self.database.read() as tx:
            return tx.rows(sa.text(statement))

    def consumers(self):
        return sorted(row[0] for row in self.rows("SELECT DISTINCT consumer_id FROM placement_allocations"))

    def port_owners(self):
        ports = self.made.request("GET", "/network/v2.0/ports").json["ports"]
        return sorted(one["device_id"] for one in ports if one["device_owner"].startswith("compute:"))

    def unfinished(self):
        with self.database.read() as tx:
            return tx.values(sa.select(operations.c.kind).where(operations.c.state.not_in(("done", "failed"))))

    def used(self):
        return tuple(self.rows("SELECT coalesce(sum(instances), 0), coalesce(sum(cores), 0), coalesce(sum(ram), 0) "
                               "FROM compute_usage")[0])

    def whole(self, context):
        """See that nothing is stuck, leaked or doubled; returns the servers."""
        servers = self.servers()
        assert self.unfinished() == [], context
        for one in servers:
            assert one["status"] in ("ACTIVE", "VERIFY_RESIZE", "ERROR", "SHELVED", "SHELVED_OFFLOADED", "RESCUE"), (
                context, one["status"])
            assert one["OS-EXT-STS:task_state"] is None, context
            assert one["status"] != "ERROR" or one["fault"]["message"], context
        living = [one for one in servers if one["status"] != "ERROR"]
        housed = [one for one in living if one["status"] != "SHELVED_OFFLOADED"]
        assert self.guests() == sorted([*(one["id"] for one in housed), *self.departed()]), context
        assert len(set(self.running())) == len(self.running()), context
        assert self.firsts(f"SELECT status FROM migrations WHERE status NOT IN {RESTING}") == [], context
        assert len(self.consumers()) == sum(1 + (one["status"] == "VERIFY_RESIZE") for one in housed), context
        assert {one["id"] for one in housed} <= set(self.consumers()), context
        assert Counter(self.port_owners()) == Counter(
            {one["id"]: len(one["addresses"].get("private", ())) for one in living}), context
        self._usage(servers, context)
        self._disks(living, context)
        assert {one["status"] for one in self.images()} <= {"active"}, context
        return servers

    def _usage(self, servers, context):
        flavors = {one["id"]: one for one in self.ask("GET", "/flavors/detail").json["flavors"]}
        sizes = [flavors[one["flavor"]["id"]] for one in servers]
        wanted = (len(servers), sum(one["vcpus"] for one in sizes), sum(one["ram"] for one in sizes))
        assert self.used() == wanted, context

    def _disks(self, living, context):
        held = {disk["id"]: one["id"] for one in living for disk in one["os-extended-volumes:volumes_attached"]}
        shelved = {one["id"] for one in living if one["status"] == "SHELVED_OFFLOADED"}
        for volume in self.volumes():
            owner = held.pop(volume["id"], None)
            wanted = "available" if owner is None else "reserved" if owner in shelved else "in-use"
            assert volume["status"] == wanted, (context, volume["status"])
            shown = [owner] if wanted == "in-use" else []
            assert [one["server_id"] for one in volume["attachments"]] == shown, context
        assert held == {}, context
