"""Configuration of single domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.drivers.identity import PasswordRules
from ....core.errors import Forbidden
from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from ..domain_config import default
from ..service import Identity

VALUE = {"type": ["string", "integer", "number", "boolean", "null", "array"], "maxLength": 65535, "maxItems": 500,
         "items": {"type": "string", "maxLength": 4096}}
OPTIONS = {"type": "object", "additionalProperties": VALUE, "maxProperties": 500}
BODY = {"type": "object", "required": ["config"], "properties": {
    "config": {"type": "object", "additionalProperties": OPTIONS, "maxProperties": 50}}}
ONE_OPTION = {"type": "object", "required": ["config"], "properties": {"config": OPTIONS}}
COMPLIANCE = "security_compliance"
TOLD = ("password_regex", "password_regex_description")


def _place(service: Identity, call: Call) -> tuple[str, str, str]:
    """The domain, group and option that a path names. :raises NotFound: there is no such domain."""
    path = call.path
    return service.projects.find_domain(path["domain_id"]).id, path.get("group", ""), path.get("option", "")


def _view(config: Mapping[str, Mapping[str, Any]], group: str, option: str) -> dict[str, Any]:
    """A configuration as the API shows it: an option alone stands without its group."""
    return {"config": {option: config[group][option]} if option else config}


def create(service: Identity, call: Call) -> Reply:
    """Configure a domain anew: what it had is gone."""
    domain_id, _, _ = _place(service, call)
    new = service.domain_configurations.replace(call.context, domain_id, call.body["config"])
    return Reply(_shown(service, domain_id), 201 if new else 200)


def _shown(service: Identity, domain_id: str) -> dict[str, Any]:
    """What may be shown after a change; nothing when all that there is is secret."""
    return {"config": service.domain_configurations.visible(domain_id)}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a domain's configuration, or a group or option of it."""
    if call.path.get("group") == COMPLIANCE:
        return _compliance(service, call)
    domain_id, group, option = _place(service, call)
    return _view(service.domain_configurations.show(domain_id, group, option), group, option)


def _compliance(service: Identity, call: Call) -> Mapping[str, Any]:
    """What passwords have to be like, which is one for all domains and told of the default one."""
    if call.path["domain_id"] != service.store.options.default_domain_id:
        raise Forbidden("What passwords have to be like is told of the default domain only.")
    backend = service.store.backend
    told = backend.told() if isinstance(backend, PasswordRules) else {}
    options = {name: told.get(name) or None for name in TOLD}
    option = call.path.get("option", "")
    if not option:
        return {"config": {COMPLIANCE: options}}
    if option not in options:
        raise Forbidden(f"Invalid domain specific configuration: Option {option} in group {COMPLIANCE} is not shown.")
    return {"config": {option: options[option]}}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Change options of a domain's configuration and leave the others."""
    domain_id, group, option = _place(service, call)
    given = call.body["config"]
    config = {group: given} if option else given
    service.domain_configurations.update(call.context, domain_id, config, group, option)
    return _shown(service, domain_id)


def delete(service: Identity, call: Call) -> None:
    """Take a domain's configuration back, or a group or option of it."""
    domain_id, group, option = _place(service, call)
    service.domain_configurations.delete(call.context, domain_id, group, option)


def show_default(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show what domains are configured with where nothing else is said."""
    group, option = call.path.get("group", ""), call.path.get("option", "")
    return _view(default(group, option), group, option)


def _rule(service: Identity, call: Call) -> str:
    told = call.path.get("group") == COMPLIANCE
    return "identity:get_security_compliance_domain_config" if told else "identity:get_domain_config"


ALL = "/domains/{domain_id}/config"
GROUP = ALL + "/{group}"
OPTION = GROUP + "/{option}"
READ, WRITE = "identity:get_domain_config", "identity:update_domain_config"
OPERATIONS = (
    Operation("PUT", ALL, create, "identity:create_domain_config", body=BODY, status=201,
              summary="Configure a domain"),
    *(Operation("GET", path, show, READ, rule_of=_rule, summary=f"Show {what}") for path, what in (
        (ALL, "a domain's configuration"), (GROUP, "a group of a domain's configuration"),
        (OPTION, "an option of a domain's configuration"))),
    Operation("PATCH", ALL, update, WRITE, body=BODY, summary="Change a domain's configuration"),
    Operation("PATCH", GROUP, update, WRITE, body=BODY, summary="Change a group of a domain's configuration"),
    Operation("PATCH", OPTION, update, WRITE, body=ONE_OPTION, summary="Change an option of a domain's configuration"),
    *(Operation("DELETE", path, delete, "identity:delete_domain_config", status=204, summary=f"Remove {what}")
      for path, what in ((ALL, "a domain's configuration"), (GROUP, "a group of a domain's configuration"),
                         (OPTION, "an option of a domain's configuration"))),
    *(Operation("GET", f"/domains/config{path}/default", show_default, "identity:get_domain_config_default",
                summary=f"Show {what}")
      for path, what in (("", "the usual configuration of domains"),
                         ("/{group}", "a group of the usual configuration of domains"),
                         ("/{group}/{option}", "an option of the usual configuration of domains"))),
)
