"""Keeping hosts as the rows say: plugging at once, everything else by durable operations.

What changes under wired ports starts ``network.apply`` on the network, at most one that has
not begun, a moment later; it wires the network anew on all its hosts from the rows of then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.drivers.network import Vif
from ...core.errors import AlreadyExists, CloudError
from ...core.operations.tables import operations
from . import visits
from .control import Expected, NetworkAgent, queue
from .desk import Desk
from .noun import Document, retried
from .specification import Specifications
from .tables import agents, memberships, ports, routers, rules, wirings

SETTLE_S = 0.5
"""Changes within this time are wired together."""
DHCP_OWNER = "network:dhcp"
WIRED = ("fixed_ips", "security_groups", "allowed_address_pairs", "port_security_enabled", "admin_state_up",
         "mac_address", "extra_dhcp_opts")
_HOSTS = sa.select(wirings.c.host).where(wirings.c.network_id == sa.bindparam("network_id"))
_AGENT = sa.select(agents.c.configurations).where(agents.c.host == sa.bindparam("host"))
_PENDING = sa.select(operations.c.number).where(
    operations.c.subject == sa.bindparam("subject"), operations.c.kind == sa.bindparam("kind"),
    operations.c.state.in_(("ready", "waiting"))).limit(1)
_WIRED_WITH = sa.select(wirings.c.network_id).distinct().where(sa.exists().where(
    memberships.c.network_id == wirings.c.network_id,
    memberships.c.group_id.in_(sa.bindparam("groups", expanding=True))))
_LOOKING_AT = sa.select(rules.c.security_group_id).distinct().where(
    rules.c.remote_group_id.in_(sa.bindparam("groups", expanding=True)))
_BOUND = sa.select(ports.c.id).where(
    ports.c.binding_host_id == sa.bindparam("host"), ports.c.network_id == sa.bindparam("network_id"),
    ports.c.device_owner != DHCP_OWNER, ports.c.id.not_in(sa.bindparam("leaving", expanding=True))).limit(1)
_ROUTED = sa.select(ports.c.network_id).join(routers, routers.c.id == ports.c.device_id).where(
    routers.c.host == sa.bindparam("host"), ports.c.network_id.in_(sa.bindparam("networks", expanding=True)))
_BOUND_TO = sa.select(ports.c.binding_host_id).where(ports.c.id == sa.bindparam("id"))
_THERE = sa.select(wirings.c.network_id).where(
    wirings.c.host == sa.bindparam("host"),
    wirings.c.network_id.in_(sa.bindparam("networks", expanding=True))).with_for_update()
"""Waits for whoever forgets one of them."""
_HERE = sa.select(wirings.c.host).where(wirings.c.network_id == sa.bindparam("network_id"),
                                        wirings.c.host == sa.bindparam("host"))


def _at(id: str, host: str) -> str:
    """The subject of what is done with something on one host: hosts do not wait for each other."""
    return f"{id} at {ascii(host)}"[:64]


def _everywhere(hosts: Iterable[str], act: Callable[[str], None]) -> None:
    """Do ``act`` for each host, whoever is away. :raises CloudError: it failed for one, the first such error."""
    failed: CloudError | None = None
    for host in hosts:
        try:
            act(host)
        except CloudError as error:
            failed = failed or error
    if failed is not None:
        raise failed


class Wiring:
    """Between the rows and the hosts' agents."""

    def __init__(self, service: Desk) -> None:
        self.service = service
        self.kit = service.kit
        self.specifications = Specifications(service)
        self._there = service.ports.choice(
            ports.c.binding_host_id == sa.bindparam("host"),
            ports.c.network_id.in_(sa.bindparam("networks", expanding=True)), ports.c.device_owner != DHCP_OWNER,
            sa.or_(ports.c.status == "ACTIVE", ports.c.admin_state_up.is_(False)))
        self._coming = service.ports.choice(ports.c.binding_host_id != sa.bindparam("host"), visits.ARRIVING)

    def agent(self, host: str) -> NetworkAgent:
        """The agent of a host."""
        return self.kit.mesh.reach(queue(host), NetworkAgent)

    def facts(self, tx: Transaction, host: str) -> dict[str, Any]:
        """What a host's agent told of its driver; nothing when it never beat."""
        return tx.value(_AGENT, {"host": host}) or {}

    def binding(self, tx: Transaction, host: str) -> Document:
        """The binding attributes that a host gives its ports."""
        if not host:
            return {"binding:vif_type": "unbound", "binding:vif_details": {}}
        facts = self.facts(tx, host)
        if not facts:
            return {"binding:vif_type": "binding_failed", "binding:vif_details": {}}
        return {"binding:vif_type": facts["vif_type"],
                "binding:vif_details": {"port_filter": facts["port_filter"], "connectivity": "l2"}}

    # What changed.

    def network_changed(self, tx: Transaction, context: Context, network_id: str) -> None:
        """Wire the network anew where it is wired."""
        if tx.value(_HOSTS, {"network_id": network_id}) is not None:
            self._start(tx, "network.apply", network_id)

    def network_gone(self, tx: Transaction, context: Context, network_id: str) -> None:
        """Unwire a network that goes."""
        hosts = tx.values(_HOSTS, {"network_id": network_id})
        if hosts:
            tx.execute(wirings.delete().where(wirings.c.network_id == network_id))
            self.kit.engine.start(tx, "network.remove", network_id, self.kit.context(), {"hosts": hosts})

    def group_changed(self, tx: Transaction, context: Context, groups: Sequence[str]) -> None:
        """Wire the networks anew whose ports have these groups."""
        for network_id in tx.values(_WIRED_WITH, {"groups": list(groups)}):
            self.network_changed(tx, context, network_id)

    def members_changed(self, tx: Transaction, context: Context, groups: Iterable[str]) -> None:
        """Wire the networks anew whose ports let in members of these groups."""
        wanted = sorted(set(groups))
        looking = tx.values(_LOOKING_AT, {"groups": wanted}) if wanted else []
        if looking:
            self.group_changed(tx, context, looking)

    def port_changed(self, tx: Transaction, context: Context, old: Document | None, new: Document | None) -> None:
        """Wire what a new, changed or deleted port touches, and tell compute of its server."""
        if old and new and all(old[name] == new[name] for name in WIRED):
            return self._told(tx, context, old, new)
        known = old or new or {}
        if old and not new:
            self.port_left(tx, old)
        elif old and new and new["binding:host_id"]:
            self.network_changed(tx, context, new["network_id"])
        before = {(group, one["ip_address"]) for group in (old or known)["security_groups"]
                  for one in (old["fixed_ips"] if old else ())}
        after = {(group, one["ip_address"]) for group in (new or known)["security_groups"]
                 for one in (new["fixed_ips"] if new else ())}
        self.members_changed(tx, context, (group for group, _ in before ^ after))
        self._told(tx, context, old, new)

    def port_left(self, tx: Transaction, port: Document) -> None:
        """Unwire a port that is deleted or let go, where it is wired or its network is: an unwiring may have failed.

        Where it is on its way to or from, too.
        """
        host, network_id = port["binding:host_id"], port["network_id"]
        if port["device_owner"] == DHCP_OWNER:
            return
        where = {"host": host, "network_id": network_id}
        hosts = visits.end_all(tx, port["id"])
        if host and host not in hosts and (port["status"] == "ACTIVE" or tx.value(_HERE, where) is not None):
            hosts.append(host)
        for one in hosts:
            self._unplug_soon(tx, port, one)

    def _told(self, tx: Transaction, context: Context, old: Document | None, new: Document | None) -> None:
        known = new or old or {}
        if not known["device_owner"].startswith("compute:") or not known["device_id"] or context.system == "all":
            return
        self.tell_compute(tx, known["device_id"])

    def tell_compute(self, tx: Transaction, server_id: str) -> None:
        """Tell compute, soon after the commit, that a server's addresses changed."""
        # Operations of compute on the server and this one do not wait for each other.
        self.kit.engine.start(tx, "network.tell", f"news of {server_id}", self.kit.context(), {"server": server_id})

    def router_changed(self, tx: Transaction, context: Context, router_id: str) -> None:
        """Wire a router anew on its host."""
        self._start(tx, "network.route", router_id)

    def router_gone(self, tx: Transaction, context: Context, router: Document, host: str) -> None:
        """Unwire a router that goes."""
        if host:
            self.kit.engine.start(tx, "network.unroute", router["id"], self.kit.context(), {"host": host})

    def _start(self, tx: Transaction, kind: str, subject: str, data: dict[str, Any] | None = None) -> None:
        if tx.value(_PENDING, {"subject": subject, "kind": kind}) is None:
            self.kit.engine.start(tx, kind, subject, self.kit.context(), data, delay_s=SETTLE_S)

    # What is done on hosts.

    def plug(self, context: Context, documents: Sequence[Document], host: str) -> list[Vif]:
        """Wire ports on ``host`` and say how their guest joins them, in order."""
        if not documents:
            return []
        networks = list(dict.fromkeys(one["network_id"] for one in documents))
        self.reserve(networks, host)
        self._announce(documents, host)
        with self.kit.db.read() as tx:
            specs = self.specifications.networks(tx, networks, host)
            wanted = self.specifications.ports(tx, documents)
        vifs = self.agent(host).plug(specs, wanted)
        ids = [one["id"] for one in documents]
        there = self._settle(context, ids, "ACTIVE")
        if gone := [one for one in ids if one not in there]:
            # They were deleted while they were being wired, and perhaps unwired before that.
            self.agent(host).unplug(gone, [])
        return [one for one in vifs if one.port_id in there]

    def _announce(self, documents: Sequence[Document], host: str) -> None:
        """Write down of ports that are bound elsewhere that they go to ``host``."""
        def work() -> None:
            with self.kit.db.write() as tx:
                for port in self.service.ports.some(tx, [one["id"] for one in visitors]):
                    visits.note(tx, port, host, arriving=True)
        visitors = [one for one in documents if one["binding:host_id"] != host]
        if visitors:
            retried(work)

    def _settle(self, context: Context, ids: Sequence[str], status: str) -> set[str]:
        """Give ports their status; which of them are there."""
        there: set[str] = set()

        def work() -> None:
            there.clear()
            with self.kit.db.write() as tx:
                for old in self.service.ports.some(tx, ids):
                    there.add(old["id"])
                    wanted = status if old["admin_state_up"] else "DOWN"
                    if old["status"] != wanted:
                        new = self.service.ports.save(tx, old, {**old, "status": wanted})
                        self.service.ports.tell(tx, context, "update", new)
        retried(work)
        return there

    def reserve(self, networks: Sequence[str], host: str) -> None:
        """Write down that networks are wired on ``host``, with a DHCP port where its driver serves DHCP."""
        def work() -> None:
            with self.kit.db.write() as tx:
                there = set(tx.values(_THERE, {"host": host, "networks": networks}))
                serves = self.facts(tx, host).get("vif_type", "other") != "other"
                for network_id in networks:
                    if network_id not in there:
                        self.network_changed(tx, self.kit.context(), network_id)
                        tx.insert(wirings, {"network_id": network_id, "host": host})
                        self.service.zones.wired(tx, [network_id], host)
                    if serves:
                        self._dhcp_port(tx, network_id, host)
        try:
            retried(work)
        except AlreadyExists:
            self.kit.log.info("another process wired these networks on %s first", host)

    def _dhcp_port(self, tx: Transaction, network_id: str, host: str) -> None:
        device = f"dhcp-{host}"[:255]
        subnets = [one["id"] for one, _ in self.service.subnets.of_network(tx, network_id) if one["enable_dhcp"]]
        found = self.service.ports.select(tx, ports.c.network_id == network_id, ports.c.device_id == device)
        context = self.kit.context()
        wanted = [{"subnet_id": id} for id in subnets]
        if not found and subnets:
            network = self.service.networks.load(tx, network_id)
            self.service.ports.write(tx, context, {
                "network_id": network_id, "device_id": device, "device_owner": DHCP_OWNER, "fixed_ips": wanted,
                "binding:host_id": host, "status": "ACTIVE"}, network["project_id"], False)
        elif found and {one["subnet_id"] for one in found[0]["fixed_ips"]} != set(subnets):
            self.service.ports.change(tx, context, found[0], {"fixed_ips": wanted})

    def unplug(self, context: Context, documents: Sequence[Document], host: str) -> None:
        """Unwire ports on ``host``, and networks that nothing there needs any more."""
        if not documents:
            return
        self._settle(context, [one["id"] for one in documents if one["binding:host_id"] == host], "DOWN")
        leaving = [one["id"] for one in documents]
        idle = self._idle(sorted({one["network_id"] for one in documents}), host, leaving)
        self.agent(host).unplug(leaving, idle)
        self._left(leaving, host)
        self._forget(idle, host, leaving)

    def _idle(self, networks: Sequence[str], host: str, leaving: Sequence[str] = ()) -> list[str]:
        """Networks that no router and no port bound to the host needs there, be it wired yet or not."""
        with self.kit.db.read() as tx:
            routed = set(tx.values(_ROUTED, {"host": host, "networks": list(networks)}))
            return [one for one in networks if one not in routed
                    and tx.value(_BOUND, {"host": host, "network_id": one, "leaving": list(leaving)}) is None
                    and not visits.expected(tx, one, host, leaving)]

    def _left(self, port_ids: Sequence[str], host: str) -> None:
        """Forget that ports were on ``host``, where that was written down."""
        with self.kit.db.read() as tx:
            known = visits.known(tx, port_ids, host)
        if known:
            with self.kit.db.write() as tx:
                visits.end(tx, known, host)

    def _forget(self, networks: Sequence[str], host: str, leaving: Sequence[str] = ()) -> None:
        """Forget networks that are wired on ``host`` no more; those that a port has come to meanwhile stay."""
        def work() -> None:
            with self.kit.db.write() as tx:
                # Deleted before anybody looks: who reserves one meanwhile waits for the row.
                tx.execute(wirings.delete().where(wirings.c.host == host, wirings.c.network_id.in_(networks)))
                gone = self._idle(networks, host, leaving)
                for network_id in networks:
                    if network_id not in gone:
                        tx.insert(wirings, {"network_id": network_id, "host": host})
                self.service.zones.unwired(tx, gone, host)
                for port in self.service.ports.select(tx, ports.c.binding_host_id == host,
                                                      ports.c.device_owner == DHCP_OWNER,
                                                      ports.c.network_id.in_(gone)):
                    self.service.ports.drop(tx, self.kit.context(), {**port, "status": "DOWN"})
                for network_id in networks:
                    self.network_changed(tx, self.kit.context(), network_id)
        if networks:
            retried(work)

    def unplug_later(self, documents: Sequence[Document], host: str) -> None:
        """Unwire ports on ``host``, which is away, once it answers: it may restore what it has before they leave it."""
        with self.kit.db.write() as tx:
            for one in documents:
                if one["binding:host_id"] != host:
                    visits.note(tx, one, host, arriving=False)
                self._unplug_soon(tx, one, host)

    def _unplug_soon(self, tx: Transaction, port: Document, host: str) -> None:
        self.kit.engine.start(tx, "network.unplug", _at(port["id"], host), self.kit.context(),
                              {"host": host, "network_id": port["network_id"], "port": port["id"]})

    def unplug_one(self, port_id: str, network_id: str, host: str) -> None:
        """Unwire a port that has left ``host``; nothing when it has come back or does so."""
        with self.kit.db.read() as tx:
            if tx.value(_BOUND_TO, {"id": port_id}) == host or visits.arrives(tx, port_id, host):
                return
        idle = self._idle([network_id], host)
        self.agent(host).unplug([port_id], idle)
        self._left([port_id], host)
        self._forget(idle, host)

    def apply_network(self, network_id: str) -> list[str]:
        """Wire a network anew on all its hosts, from the rows of now; the hosts where that failed."""
        with self.kit.db.read() as tx:
            hosts = tx.values(_HOSTS, {"network_id": network_id})
        failed = []
        for host in hosts:
            try:
                self._apply(network_id, host)
            except CloudError as error:
                self.kit.log.info("network %s is not wired anew on %s yet: %s", network_id, host, error)
                failed.append(host)
        return failed

    def apply_later(self, tx: Transaction, network_id: str, hosts: Sequence[str]) -> None:
        """Wire a network anew on hosts that are away or fail, once each of them can; others are not troubled again."""
        for host in hosts:
            self._start(tx, "network.apply_at", _at(network_id, host), {"network_id": network_id, "host": host})

    def apply_at(self, network_id: str, host: str) -> None:
        """Wire a network anew on one host, if it is wired there still."""
        with self.kit.db.read() as tx:
            there = tx.value(_HERE, {"network_id": network_id, "host": host})
        if there is not None:
            self._apply(network_id, host)

    def _apply(self, network_id: str, host: str) -> None:
        self.reserve([network_id], host)
        with self.kit.db.read() as tx:
            networks = self.specifications.networks(tx, [network_id], host)
            wanted = self.specifications.ports(tx, self._plugged(tx, host, [network_id]))
        self.agent(host).apply(networks, wanted, [])

    def _plugged(self, tx: Transaction, host: str, networks: Sequence[str]) -> list[Document]:
        return self.service.ports.chosen(tx, self._there, {"host": host, "networks": networks})

    def _arriving(self, tx: Transaction, host: str) -> list[Document]:
        return self.service.ports.chosen(tx, self._coming, {"host": host})

    def remove_network(self, network_id: str, hosts: Sequence[str]) -> None:
        """Unwire a network on hosts."""
        _everywhere(hosts, lambda host: self.agent(host).unplug([], [network_id]))

    def route(self, router_id: str) -> None:
        """Wire a router on its host, or unwire one that leads nowhere."""
        placed = self._place(router_id)
        if placed is None:
            return
        router, host = placed
        with self.kit.db.read() as tx:
            spec = self.specifications.routers(tx, [router])[0]
        if not (spec.interfaces and router["admin_state_up"]):
            self.agent(host).remove([router_id], [])
            return
        networks = sorted({one[0] for one in (*spec.interfaces, *((spec.gateway,) if spec.gateway else ()))})
        self.reserve(networks, host)
        with self.kit.db.read() as tx:
            wanted = self.specifications.networks(tx, networks, host)
        self.agent(host).apply(wanted, [], [spec])

    def _place(self, router_id: str) -> tuple[Document, str] | None:
        with self.kit.db.write() as tx:
            row = tx.row(sa.select(routers).where(routers.c.id == router_id))
            if row is None:
                return None
            host = row.host
            if not host:
                hosts = self.service.agents.alive(tx, self.service.routers.full(row)["availability_zone_hints"])
                counts = tx.rows(sa.select(routers.c.host, sa.func.count().label("busy")).group_by(routers.c.host))
                busy = {one.host: int(one.busy) for one in counts}
                host = min(hosts, key=lambda one: (busy.get(one, 0), one), default="")
                if not host:
                    return None
                tx.execute(routers.update().where(routers.c.id == router_id).values(host=host))
                self.service.zones.placed(tx, router_id, host)
            return self.service.routers.full(row), host

    def unroute(self, router_id: str, host: str) -> None:
        """Unwire a router that is gone from the rows."""
        with self.kit.db.read() as tx:
            networks = tx.values(sa.select(wirings.c.network_id).where(wirings.c.host == host))
        idle = self._idle(networks, host) if networks else []
        self.agent(host).remove([router_id], idle)
        self._forget(idle, host)

    def expected(self, host: str) -> Expected:
        """All that should be wired on ``host``."""
        with self.kit.db.read() as tx:
            networks = tx.values(sa.select(wirings.c.network_id).where(wirings.c.host == host))
            return Expected(networks=self.specifications.networks(tx, networks, host),
                            ports=self.specifications.ports(
                                tx, [*self._plugged(tx, host, networks), *self._arriving(tx, host)]),
                            routers=[one for one in self.specifications.routers(
                                tx, self.specifications.routers_on(tx, host)) if one.interfaces])
