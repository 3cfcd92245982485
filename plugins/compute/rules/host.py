"""Rules of server groups, and of what the cloud's inside shows: hosts, services, aggregates, zones."""

from __future__ import annotations

from ....core.policy.rules import Rule
from .base import ADMIN, MEMBER, READER, rules

HOST = (
    *rules("@", {
        "extensions": "List the API's extensions.",
        "os-availability-zone:list": "List availability zones.",
    }),
    *rules(READER, {
        "os-server-groups:index": "List server groups.",
        "os-server-groups:show": "Show a server group.",
    }),
    *rules(MEMBER, {
        "os-server-groups:create": "Create a server group.",
        "os-server-groups:delete": "Delete a server group.",
    }),
    *rules(ADMIN, {
        "os-server-groups:index:all_projects": "List the server groups of all projects.",
        "os-availability-zone:detail": "List availability zones with their hosts.",
        "os-hypervisors:list": "List hypervisors.",
        "os-hypervisors:list-detail": "List hypervisors with details.",
        "os-hypervisors:show": "Show a hypervisor.",
        "os-hypervisors:statistics": "Show the sums of all hypervisors.",
        "os-hypervisors:uptime": "Show how long a hypervisor has been up.",
        "os-hypervisors:search": "Find hypervisors by name.",
        "os-hypervisors:servers": "List the servers of hypervisors found by name.",
        "os-instance-usage-audit-log:list": "Show the usage audit of the last month.",
        "os-instance-usage-audit-log:show": "Show the usage audit of a month.",
        "os-services:list": "List the processes of compute.",
        "os-services:update": "Enable, disable or force down a compute process.",
        "os-services:delete": "Forget a compute process.",
        "os-hosts:list": "List hosts.",
        "os-hosts:show": "Show a host.",
        "os-hosts:update": "Enable or disable a host.",
        "os-hosts:start": "Switch a host on.",
        "os-hosts:shutdown": "Switch a host off.",
        "os-hosts:reboot": "Reboot a host.",
        "os-hosts:recover": "Recover a dead host.",
        "os-aggregates:index": "List aggregates.",
        "os-aggregates:show": "Show an aggregate.",
        "os-aggregates:create": "Create an aggregate.",
        "os-aggregates:update": "Change an aggregate.",
        "os-aggregates:delete": "Delete an aggregate.",
        "os-aggregates:add_host": "Put a host into an aggregate.",
        "os-aggregates:remove_host": "Take a host out of an aggregate.",
        "os-aggregates:set_metadata": "Set an aggregate's metadata.",
    }),
    Rule("compute:aggregates:images", ADMIN, "Fetch images to the hosts of an aggregate."),
)
