"""What tenants do: each of these is one request or a few at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cradle import TENANTS

if TYPE_CHECKING:
    from .life import Life

SERVERS = "/compute/v2.1/servers"
VOLUMES = "/volume/v3/volumes"
PORTS = "/network/v2.0/ports"
FLOATING_IPS = "/network/v2.0/floatingips"
IDLE = ("active", "stopped")


def boot(life: Life, tenant: str = "") -> str:
    """One to three servers: with a network, a port of their own or neither, from an image or on a volume."""
    tenant = tenant or life.tenant()
    count = life.chance.choice((1, 1, 1, 2, 3))
    body: dict[str, Any] = {
        "name": "life", "flavorRef": life.ids[life.chance.choice(("small", "small", "large"))],
        "networks": _networks(life, tenant, count), "min_count": 1 if life.chance.random() < 0.3 else count,
        "max_count": count}
    if life.chance.random() < 0.2:
        body["block_device_mapping_v2"] = [{
            "uuid": life.ids["image"], "source_type": "image", "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": life.chance.random() < 0.8}]
    else:
        body["imageRef"] = life.ids["image"]
    answer = life.ask("POST", SERVERS, {"server": body}, tenant)
    if answer.status == 202:
        life.acknowledged.add(answer.json["server"]["id"])
    return f"{tenant} {count}: {answer.status}"


def _networks(life: Life, tenant: str, count: int) -> Any:
    network = life.ids[f"network of {tenant}"]
    word = life.chance.choice(("none", "network", "network", "port"))
    if word == "none":
        return "none"
    if word == "port" and count == 1:
        free = life.checks.ports_free(tenant)
        if not free:
            made = life.ask("POST", PORTS, {"port": {"network_id": network, "name": "life"}}, tenant)
            free = [made.json["port"]["id"]] if made.status == 201 else []
        if free:
            return [{"port": life.chance.choice(free)}]
    return [{"uuid": network}]


def delete(life: Life) -> str:
    """A server of any state goes."""
    tenant = life.tenant()
    server = life.pick(tenant)
    if not server:
        return "nobody"
    life.given_up.add(server)
    return f"{server} {life.ask('DELETE', f'{SERVERS}/{server}', as_=tenant).status}"


def power(life: Life) -> str:
    """One of the power verbs."""
    tenant = life.tenant()
    action, state, value = life.chance.choice((
        ("os-stop", "active", None), ("os-start", "stopped", None), ("os-start", "stopped", None),
        ("reboot", "active", {"type": "HARD"}), ("reboot", "active", {"type": "SOFT"}), ("pause", "active", None),
        ("unpause", "paused", None), ("suspend", "active", None), ("resume", "suspended", None)))
    return life.act(tenant, life.pick(tenant, state), action, value)


def rebuild(life: Life) -> str:
    """A server made anew from its image."""
    tenant = life.tenant()
    return life.act(tenant, life.pick(tenant, "active", "stopped", "error"), "rebuild", {"imageRef": life.ids["image"]})


def resize(life: Life) -> str:
    """Another flavor."""
    tenant = life.tenant()
    wanted = life.ids[life.chance.choice(("small", "large"))]
    return life.act(tenant, life.pick(tenant, *IDLE), "resize", {"flavorRef": wanted})


def settle(life: Life) -> str:
    """A resize or move confirmed or taken back."""
    tenant = life.tenant()
    action = life.chance.choice(("confirmResize", "revertResize"))
    return life.act(tenant, life.pick(tenant, "resized"), action)


def shelve(life: Life) -> str:
    """A server on the shelf, or back from it."""
    tenant = life.tenant()
    shelved = life.pick(tenant, "shelved", "shelved_offloaded")
    if shelved and life.chance.random() < 0.6:
        return life.act(tenant, shelved, "unshelve")
    return life.act(tenant, life.pick(tenant, *IDLE), "shelve")


def rescue(life: Life) -> str:
    """A server in rescue, or back from it."""
    tenant = life.tenant()
    rescued = life.pick(tenant, "rescued")
    if rescued and life.chance.random() < 0.6:
        return life.act(tenant, rescued, "unrescue")
    return life.act(tenant, life.pick(tenant, *IDLE), "rescue", {"rescue_image_ref": life.ids["image"]})


def snapshot(life: Life) -> str:
    """An image of a server."""
    tenant = life.tenant()
    return life.act(tenant, life.pick(tenant, *IDLE), "createImage", {"name": "life"})


def volume(life: Life) -> str:
    """A volume made, attached, detached, grown or deleted."""
    tenant = life.tenant()
    choice = life.chance.choice(("make", "attach", "attach", "detach", "grow", "delete"))
    free, held = life.checks.volumes(tenant)
    if choice == "attach" and free and (server := life.pick(tenant, *IDLE)):
        body: Any = {"volumeAttachment": {"volumeId": life.chance.choice(free)}}
        answer = life.ask("POST", f"{SERVERS}/{server}/os-volume_attachments", body, tenant)
    elif choice == "detach" and held:
        server, id = life.chance.choice(held)
        answer = life.ask("DELETE", f"{SERVERS}/{server}/os-volume_attachments/{id}", as_=tenant)
    elif choice == "grow" and free:
        body = {"os-extend": {"new_size": 2}}
        answer = life.ask("POST", f"{VOLUMES}/{life.chance.choice(free)}/action", body, tenant)
    elif choice == "delete" and free:
        answer = life.ask("DELETE", f"{VOLUMES}/{life.chance.choice(free)}", as_=tenant)
    else:
        answer = life.ask("POST", VOLUMES, {"volume": {"size": 1}}, tenant)
    return f"{tenant} {choice} {answer.status}"


def port(life: Life) -> str:
    """A port joined to a server, taken from it, or deleted."""
    tenant = life.tenant()
    choice = life.chance.choice(("join", "join", "leave", "delete"))
    held = life.checks.ports_held(tenant)
    if choice == "join" and (server := life.pick(tenant, *IDLE)):
        body: dict[str, Any] = {"net_id": life.ids[f"network of {tenant}"]}
        answer = life.ask("POST", f"{SERVERS}/{server}/os-interface", {"interfaceAttachment": body}, tenant)
    elif choice == "leave" and held:
        server, id = life.chance.choice(held)
        answer = life.ask("DELETE", f"{SERVERS}/{server}/os-interface/{id}", as_=tenant)
    elif choice == "delete" and (every := [*life.checks.ports_free(tenant), *(one[1] for one in held)]):
        answer = life.ask("DELETE", f"{PORTS}/{life.chance.choice(every)}", as_=tenant)
    else:
        return f"{choice} nobody"
    return f"{tenant} {choice} {answer.status}"


def floating(life: Life) -> str:
    """An address for a server, or back."""
    tenant = life.tenant()
    held = life.checks.ports_held(tenant)
    known = life.ask("GET", FLOATING_IPS, as_=tenant).json["floatingips"]
    if len(known) > 2:
        id = life.chance.choice(sorted(one["id"] for one in known))
        return f"{tenant} drop {life.ask('DELETE', f'{FLOATING_IPS}/{id}', as_=tenant).status}"
    body = {"floating_network_id": life.ids["public"]}
    if held:
        body["port_id"] = life.chance.choice(held)[1]
    return f"{tenant} take {life.ask('POST', FLOATING_IPS, {'floatingip': body}, tenant).status}"


def race(life: Life) -> str:
    """Both tenants ask for more than there is at the same moment, or want two things of the same server."""
    if life.chance.random() < 0.5:
        return " / ".join(boot(life, tenant) for tenant in (*TENANTS, *TENANTS))
    tenant = life.tenant()
    server = life.pick(tenant, *IDLE)
    verbs: list[tuple[str, Any]] = [
        ("os-stop", None), ("reboot", {"type": "HARD"}), ("resize", {"flavorRef": life.ids["large"]}),
        ("shelve", None), ("rebuild", {"imageRef": life.ids["image"]}), ("pause", None)]
    return " / ".join(life.act(tenant, server, *life.chance.choice(verbs)) for _ in range(3))


def look(life: Life) -> str:
    """The lists that tenants look at agree with each other."""
    tenant = life.tenant()
    servers = life.ask("GET", f"{SERVERS}/detail", as_=tenant).json["servers"]
    used = life.ask("GET", "/compute/v2.1/limits", as_=tenant).json["limits"]["absolute"]["totalInstancesUsed"]
    if used != len(servers):
        raise life.broken(f"{len(servers)} servers of {tenant}, but {used} are counted")
    return f"{tenant} {len(servers)}"


def delete_all(life: Life) -> None:
    """Both tenants delete all they have."""
    for row in life.checks.servers():
        life.given_up.add(row.id)
        _drop(life, row.tenant, f"{SERVERS}/{row.id}")
    life.calm_down()
    for tenant in TENANTS:
        for one in life.ask("GET", FLOATING_IPS, as_=tenant).json["floatingips"]:
            _drop(life, tenant, f"{FLOATING_IPS}/{one['id']}")
        for id in life.checks.ports_free(tenant):
            _drop(life, tenant, f"{PORTS}/{id}")
        for one in life.ask("GET", "/volume/v3/snapshots", as_=tenant).json["snapshots"]:
            _drop(life, tenant, f"/volume/v3/snapshots/{one['id']}")
    life.calm_down()
    for tenant in TENANTS:
        for one in life.ask("GET", VOLUMES, as_=tenant).json["volumes"]:
            _drop(life, tenant, f"{VOLUMES}/{one['id']}")
        for one in life.ask("GET", "/image/v2/images?visibility=private", as_=tenant).json["images"]:
            _drop(life, tenant, f"/image/v2/images/{one['id']}")


def _drop(life: Life, tenant: str, path: str) -> None:
    """Delete one thing. At rest nothing may refuse to go."""
    answer = life.ask("DELETE", path, as_=tenant)
    if answer.status not in (202, 204):
        raise life.broken(f"DELETE {path}: {answer}")
