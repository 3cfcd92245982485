"""What operators do, and what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .wires import CUTS, TROUBLES, Trouble

if TYPE_CHECKING:
    from .life import Life

HYPERVISOR = ("spawn", "destroy", "start", "stop", "reboot", "pause", "suspend", "resume", "attach_volume",
              "detach_volume", "attach_interface", "detach_interface", "depart", "arrive", "stay", "snapshot", "resize",
              "prepare_live", "migrate_live", "rescue", "unrescue", "confirm_resize", "revert_resize", "observe")
NETWORK = ("apply_network", "apply_port", "remove_port", "remove_network", "apply_router", "observe")
VOLUME = ("create", "delete", "connect", "disconnect", "extend", "write")
SILENT_S = 70.0
"""Longer than a host may be silent before it counts as down."""


# What operators do.

def migrate(life: Life) -> str:
    """A server to another host, running or not."""
    tenant = life.tenant()
    if life.chance.random() < 0.5:
        return life.act(tenant, life.pick(tenant, "active", "stopped"), "migrate", as_="admin")
    wish = {"host": None, "block_migration": "auto"}
    return life.act(tenant, life.pick(tenant, "active", "paused"), "os-migrateLive", wish, as_="admin")


def evacuate(life: Life) -> str:
    """The servers of a host that has been without power for a while get a new home."""
    dead = sorted(host for host, since in life.down.items() if life.time - since > SILENT_S)
    if not dead:
        return "nobody"
    host = life.chance.choice(dead)
    found = sorted(row.id for row in life.checks.servers() if row.host == host)
    return f"{host} " + ", ".join(life.act("admin", one, "evacuate", {}) for one in found)


def recover(life: Life) -> str:
    """A host that is silent is fenced and emptied; or one that was is allowed to run servers again."""
    if life.fenced and life.chance.random() < 0.6:
        host = life.chance.choice(sorted(life.fenced))
        status = life.release(host)
        if status == 204 and host in life.down:
            life.power_on(host)
        return f"release {host} {status}"
    host = life.chance.choice(life.cradle.hosts)
    path = f"/compute/v2.1/os-hosts/{host}/recovery"
    return f"{host} {life.ask('POST', path, {'recovery': {}}, 'admin').status}"


def close(life: Life) -> str:
    """A host takes no more servers, or takes some again."""
    host = life.chance.choice(life.cradle.hosts)
    services = life.ask("GET", "/compute/v2.1/os-services?binary=nova-compute", as_="admin").json["services"]
    found: Any = next((one for one in services if one["host"] == host), None)
    if found is None:
        return f"{host} is not there"
    word = "enabled" if found["status"] == "disabled" else "disabled"
    path = f"/compute/v2.1/os-services/{found['id']}"
    return f"{host} {word} {life.ask('PUT', path, {'status': word}, 'admin').status}"


# What goes wrong.

def crash(life: Life) -> str:
    """A host loses its power, or gets it back. One of the hosts always stays."""
    dark = sorted(host for host in life.down if host not in life.fenced)
    if dark and life.chance.random() < 0.6:
        host = life.chance.choice(dark)
        life.power_on(host)
        return f"{host} is back"
    alive = [host for host in life.cradle.hosts if host not in life.down]
    return "" if alive and life.crash(life.chance.choice(alive)) else "nobody"


def part(life: Life) -> str:
    """A host, which goes on to run its guests, and the control side do not hear each other, or do again."""
    cuts = life.wires.cuts
    if cuts and life.chance.random() < 0.5:
        host = life.chance.choice(sorted(cuts))
        return f"{host} hears again, was {cuts.pop(host)}"
    host, how = life.chance.choice(life.cradle.hosts), life.chance.choice(CUTS)
    cuts[host] = how
    return f"{host} {how}"


def driver(life: Life) -> str:
    """A verb of a driver fails once or twice, or its answer is lost."""
    kind, verbs = life.chance.choice((("compute", HYPERVISOR), ("compute", HYPERVISOR), ("network", NETWORK),
                                      ("volume", VOLUME)))
    verb, times, lost = life.chance.choice(verbs), life.chance.choice((1, 1, 2)), life.chance.random() < 0.5
    drivers = life.volume_drivers() if kind == "volume" else [one.driver for one in life.agents(kind)]
    life.chance.choice(drivers).fail(verb, times, lost=lost)
    return f"{kind} {verb} {times} {'lost' if lost else 'failed'}"


def message(life: Life) -> str:
    """One of the next messages is lost, answered for nobody, delivered twice or late, or the last of its host."""
    trouble = Trouble(life.chance.choice(TROUBLES), life.chance.randrange(12), life.chance.choice((2.0, 30.0, 70.0)))
    life.wires.troubles.append(trouble)
    return f"{trouble.kind} in {trouble.before}"


def kill(life: Life) -> str:
    """The process is killed at one of its next writes."""
    life.writes_left = life.chance.randrange(60)
    return f"in {life.writes_left} writes"


def restart(life: Life) -> str:
    """The process ends and starts again."""
    life.end()
    return ""
