"""Rules of servers, their actions and what belongs to them."""

from __future__ import annotations

from ....core.policy.rules import Rule
from .base import ADMIN, MEMBER, READER

PREFIX = "os_compute_api:"


def _rules(check: str, sentences: dict[str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(PREFIX + name, check, sentence) for name, sentence in sentences.items())


SERVER = (
    *_rules(READER, {
        "servers:index": "List servers.",
        "servers:detail": "List servers with details.",
        "servers:show": "Show a server.",
        "server-metadata:index": "List a server's metadata.",
        "server-metadata:show": "Show an item of a server's metadata.",
        "ips:index": "List a server's addresses.",
        "ips:show": "Show a server's addresses in one network.",
        "os-attach-interfaces:list": "List a server's interfaces.",
        "os-attach-interfaces:show": "Show an interface of a server.",
        "os-volumes-attachments:index": "List a server's volume attachments.",
        "os-volumes-attachments:show": "Show a volume attachment of a server.",
        "os-server-tags:index": "List a server's tags.",
        "os-server-tags:show": "Tell whether a server has a tag.",
        "os-instance-actions:list": "List what was done to a server.",
        "os-instance-actions:show": "Show something that was done to a server.",
        "os-security-groups:list": "List a server's security groups.",
        "os-server-password:show": "Show a server's encrypted password.",
    }),
    *_rules(MEMBER, {
        "servers:create": "Create a server.",
        "servers:create:attach_volume": "Create a server with volumes.",
        "servers:create:attach_network": "Create a server with networks or ports of one's choice.",
        "servers:create:trusted_certs": "Create a server with trusted image certificates.",
        "servers:update": "Change a server's name, description or access addresses.",
        "servers:delete": "Delete a server.",
        "servers:start": "Start a server.",
        "servers:stop": "Stop a server.",
        "servers:reboot": "Reboot a server.",
        "servers:rebuild": "Rebuild a server from an image.",
        "servers:resize": "Give a server another flavor.",
        "servers:confirm_resize": "Keep a resized server.",
        "servers:revert_resize": "Take a resize back.",
        "servers:create_image": "Make an image of a server.",
        "os-pause-server:pause": "Pause a server.",
        "os-pause-server:unpause": "Let a paused server go on.",
        "os-suspend-server:suspend": "Suspend a server to disk.",
        "os-suspend-server:resume": "Resume a suspended server.",
        "os-lock-server:lock": "Lock a server.",
        "os-lock-server:unlock": "Unlock a server.",
        "os-admin-password": "Change a server's administrator password.",
        "os-console-output": "Show a server's console output.",
        "os-security-groups:add": "Add a security group to a server.",
        "os-security-groups:remove": "Remove a security group from a server.",
        "os-deferred-delete:force": "Delete a server at once.",
        "server-metadata:create": "Add to a server's metadata.",
        "server-metadata:update": "Set an item of a server's metadata.",
        "server-metadata:update_all": "Replace a server's metadata.",
        "server-metadata:delete": "Delete an item of a server's metadata.",
        "os-attach-interfaces:create": "Attach an interface to a server.",
        "os-attach-interfaces:delete": "Detach an interface from a server.",
        "os-volumes-attachments:create": "Attach a volume to a server.",
        "os-volumes-attachments:update": "Change a volume attachment of a server.",
        "os-volumes-attachments:delete": "Detach a volume from a server.",
        "os-server-tags:update": "Add a tag to a server.",
        "os-server-tags:update_all": "Replace a server's tags.",
        "os-server-tags:delete": "Remove a tag from a server.",
        "os-server-tags:delete_all": "Remove all tags from a server.",
        "os-server-password:clear": "Forget a server's encrypted password.",
        "os-shelve:shelve": "Shelve a server.",
        "os-shelve:unshelve": "Bring a shelved server back.",
        "os-rescue": "Boot a server from a rescue image.",
        "os-unrescue": "Leave rescue mode.",
    }),
    *_rules(ADMIN, {
        "servers:index:get_all_tenants": "List the servers of all projects.",
        "servers:detail:get_all_tenants": "List the servers of all projects with details.",
        "servers:allow_all_filters": "List servers with filters that reveal the cloud's inside.",
        "servers:show:host_status": "See the state of a server's host.",
        "servers:create:forced_host": "Create a server on a host of one's choice.",
        "servers:create:zero_disk_flavor": "Boot an image with a flavor that has no root disk.",
        "os-extended-server-attributes": "See where a server runs and how it was made.",
        "os-admin-actions:reset_state": "Set a server's state by hand.",
        "os-admin-actions:inject_network_info": "Wire a server anew.",
        "os-lock-server:unlock:unlock_override": "Unlock a server that an administrator locked.",
        "os-instance-actions:events": "See the steps of what was done to a server.",
        "os-instance-actions:events:details": "See on which host a step ran and why it failed.",
        "os-server-diagnostics": "See a server's diagnostics.",
        "os-volumes-attachments:swap": "Put another volume in an attachment's place.",
    }),
    Rule("compute:servers:create:requested_destination", ADMIN, "Ask the scheduler for a host or node."),
)
