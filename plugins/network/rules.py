"""Who may do what: Networking's policy names with their defaults of today."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.policy.rules import Rule

ADMIN = "role:admin"
OWN = "project_id:%(project_id)s"
READER = f"role:admin or (role:reader and {OWN})"
MEMBER = f"role:admin or (role:member and {OWN})"
NETWORK_OWNER = "role:admin or (role:member and project_id:%(network:project_id)s)"
NETWORK_READER = "(role:reader and project_id:%(network:project_id)s)"
SHARED = "(role:reader and 'True':%(shared)s)"
EXTERNAL = "(role:reader and 'True':%(router:external)s)"

NOUNS = {"network": "a network", "subnet": "a subnet", "subnetpool": "a subnet pool", "port": "a port",
         "router": "a router", "floatingip": "a floating IP", "security_group": "a security group",
         "security_group_rule": "a security group rule"}
READ = {"network": f"{READER} or {SHARED} or {EXTERNAL}", "subnet": f"{READER} or {SHARED} or {NETWORK_READER}",
        "subnetpool": f"{READER} or {SHARED}", "security_group": f"{READER} or {SHARED}",
        "port": f"{READER} or {NETWORK_READER}",
        "security_group_rule": f"{READER} or (role:reader and project_id:%(security_group:project_id)s)"}
WRITE = {"subnet": f"{MEMBER} or {NETWORK_OWNER}", "port": f"{MEMBER} or {NETWORK_OWNER}"}
CREATE = {"subnet": NETWORK_OWNER}
PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
BINDING = ("binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details")


def _nouns() -> Iterator[Rule]:
    for noun, words in NOUNS.items():
        write = WRITE.get(noun, MEMBER)
        yield Rule(f"create_{noun}", CREATE.get(noun, MEMBER), f"Create {words}.")
        yield Rule(f"get_{noun}", READ.get(noun, READER), f"Show {words}.")
        yield Rule(f"update_{noun}", write, f"Update {words}.")
        yield Rule(f"delete_{noun}", write, f"Delete {words}.")
        if noun != "security_group_rule":
            yield Rule(f"get_{noun}s_tags", READ.get(noun, READER), f"Show the tags of {words}.")
            yield Rule(f"update_{noun}s_tags", write, f"Replace the tags of {words}.")
            yield Rule(f"delete_{noun}s_tags", write, f"Delete the tags of {words}.")


def _network_attributes() -> Iterator[Rule]:
    for verb in ("create", "update"):
        for name in ("shared", "router:external", "is_default", *PROVIDER):
            yield Rule(f"{verb}_network:{name}", ADMIN, f"Set {name} of a network ({verb}).")
        yield Rule(f"{verb}_network:port_security_enabled", MEMBER, f"Set port security of a network ({verb}).")
        for name in ("shared", "is_default"):
            yield Rule(f"{verb}_subnetpool:{name}", ADMIN, f"Set {name} of a subnet pool ({verb}).")
    for name in PROVIDER:
        yield Rule(f"get_network:{name}", ADMIN, f"See {name} of a network.")


def _port_attributes() -> Iterator[Rule]:
    shared = f"{NETWORK_OWNER} or (role:member and 'True':%(shared)s)"
    for verb, addresses in (("create", shared), ("update", NETWORK_OWNER)):
        for name, check in (("device_owner", NETWORK_OWNER), ("fixed_ips", addresses),
                            ("mac_address", NETWORK_OWNER if verb == "create" else ADMIN),
                            ("port_security_enabled", NETWORK_OWNER), ("allowed_address_pairs", NETWORK_OWNER),
                            ("binding:host_id", ADMIN), ("binding:profile", ADMIN), ("binding:vnic_type", MEMBER)):
            yield Rule(f"{verb}_port:{name}", check, f"Set {name} of a port ({verb}).")
    for name in BINDING:
        yield Rule(f"get_port:{name}", ADMIN, f"See {name} of a port.")


def _routing() -> Iterator[Rule]:
    for name in ("distributed", "ha"):
        for verb in ("create", "update", "get"):
            yield Rule(f"{verb}_router:{name}", ADMIN, f"The attribute {name} of a router ({verb}).")
    for verb in ("create", "update"):
        yield Rule(f"{verb}_router:external_gateway_info:enable_snat", ADMIN, f"Switch translation ({verb}).")
        yield Rule(f"{verb}_router:external_gateway_info:external_fixed_ips", ADMIN,
                   f"Choose a router's outside addresses ({verb}).")
    yield Rule("add_router_interface", MEMBER, "Lead a router into a subnet.")
    yield Rule("remove_router_interface", MEMBER, "Take a router out of a subnet.")
    yield Rule("add_extraroutes", MEMBER, "Add routes to a router.")
    yield Rule("remove_extraroutes", MEMBER, "Remove routes from a router.")
    yield Rule("create_floatingip:floating_ip_address", ADMIN, "Choose the address of a floating IP.")


RULES: tuple[Rule, ...] = (
    Rule("context_is_admin", ADMIN, "Who sees all projects."),
    *_nouns(), *_network_attributes(), *_port_attributes(), *_routing(),
    Rule("get_auto_allocated_topology", READER, "Have a project's first network made and shown."),
    Rule("delete_auto_allocated_topology", MEMBER, "Delete a project's network that was made by itself."),
    Rule("get_quota", READER, "Show a project's quotas."),
    Rule("update_quota", ADMIN, "Change a project's quotas."),
    Rule("delete_quota", ADMIN, "Give a project the default quotas again."),
    Rule("list_agents", "@", "Ask for the list of agents, which is empty for those who may not see agents."),
    Rule("get_agent", ADMIN, "Show agents."),
    Rule("update_agent", ADMIN, "Change an agent."),
    Rule("delete_agent", ADMIN, "Forget an agent."),
    Rule("get_availability_zone", "role:reader or role:admin", "Show availability zones."),
    Rule("get_extension", "@", "Show extensions."),
    Rule("get_network_ip_availability", ADMIN, "Show how many addresses of networks are taken."),
)
