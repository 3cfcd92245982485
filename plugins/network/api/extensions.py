"""The extensions of Networking that this service implements, by alias."""

from __future__ import annotations

from typing import Any

_KNOWN = (
    ("agent", "agent", "The agents of the network and whether they live."),
    ("allowed-address-pairs", "Allowed Address Pairs", "Further addresses a port may use."),
    ("auto-allocated-topology", "Auto Allocated Topology Services", "A project's first network, made when needed."),
    ("availability_zone", "Availability Zone", "Zones of agents."),
    ("binding", "Port Binding", "The host of a port and how it is wired there."),
    ("default-subnetpools", "Default Subnetpools", "Subnet pools used when none is named."),
    ("empty-string-filtering", "Empty String Filtering Extension", "Filters that match empty texts."),
    ("ext-gw-mode", "Neutron L3 Configurable external gateway mode", "Translation at a router's gateway, or none."),
    ("external-net", "Neutron external network", "Networks that lead outside."),
    ("extra_dhcp_opt", "Neutron Extra DHCP options", "DHCP options of single ports."),
    ("extraroute", "Neutron Extra Route", "Static routes of routers."),
    ("extraroute-atomic", "Atomically add/remove extra routes", "Single static routes added and removed."),
    ("filter-validation", "Filter parameters validation", "Unknown filters are refused."),
    ("ip-substring-filtering", "IP address substring filtering", "Ports found by a part of an address."),
    ("net-mtu", "Network MTU", "The MTU of networks."),
    ("net-mtu-writable", "Network MTU (writable)", "The MTU of networks, chosen by users."),
    ("network-ip-availability", "Network IP Availability", "How many addresses are taken."),
    ("network_availability_zone", "Network Availability Zone", "Zones of networks."),
    ("pagination", "Pagination support", "Lists in pages."),
    ("port-security", "Port Security", "Filtering of ports switched off and on."),
    ("project-id", "project_id field enabled", "project_id beside tenant_id."),
    ("provider", "Provider Network", "The type and segment of networks."),
    ("quotas", "Quota management support", "Quotas of projects."),
    ("quota_details", "Quota details management support", "Quotas with what is used."),
    ("router", "Neutron L3 Router", "Routers and floating IPs."),
    ("security-group", "security-group", "Security groups."),
    ("sorting", "Sorting support", "Lists in the order asked for."),
    ("standard-attr-description", "standard-attr-description", "Descriptions."),
    ("standard-attr-revisions", "Resource revision numbers", "Revision numbers."),
    ("standard-attr-tag", "Tag support for resources with standard attribute", "Tags."),
    ("standard-attr-timestamp", "Resource timestamps", "Times of creation and change."),
    ("stateful-security-group", "Stateful security group", "Security groups that keep no state."),
    ("subnet-service-types", "Subnet service types", "Subnets for ports of some owners only."),
    ("subnet_allocation", "Subnet Allocation", "Subnet pools."),
)
UPDATED = "2026-01-01T00:00:00-00:00"
EXTENSIONS: dict[str, dict[str, Any]] = {
    alias: {"alias": alias, "name": name, "description": description, "updated": UPDATED, "links": []}
    for alias, name, description in _KNOWN}
