"""Rules of the network proxies of older microversions; the network service's own rules hold behind them."""

from __future__ import annotations

from .base import MEMBER, READER, rules

NETWORK = (
    *rules(READER, {
        "os-security-groups:get": "List security groups through compute.",
        "os-security-groups:show": "Show a security group through compute.",
        "os-floating-ips:list": "List floating IPs through compute.",
        "os-floating-ips:show": "Show a floating IP through compute.",
        "os-floating-ip-pools": "List the networks that floating IPs come from.",
        "os-networks:list": "List networks through compute.",
        "os-networks:show": "Show a network through compute.",
        "os-tenant-networks:list": "List a project's networks through compute.",
        "os-tenant-networks:show": "Show one of a project's networks through compute.",
    }),
    *rules(MEMBER, {
        "os-security-groups:create": "Create a security group through compute.",
        "os-security-groups:update": "Change a security group through compute.",
        "os-security-groups:delete": "Delete a security group through compute.",
        "os-security-groups:rule:create": "Create a security group rule through compute.",
        "os-security-groups:rule:delete": "Delete a security group rule through compute.",
        "os-floating-ips:create": "Take a floating IP through compute.",
        "os-floating-ips:delete": "Give a floating IP back through compute.",
        "os-floating-ips:add": "Give a server a floating IP.",
        "os-floating-ips:remove": "Take a floating IP from a server.",
        "os-multinic:add": "Give a server a fixed address.",
        "os-multinic:remove": "Take a fixed address from a server.",
    }),
)
