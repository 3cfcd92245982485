"""A body that the schema takes for each operation that changes something of a project's."""

import json

from .tenants import FEDERATED

GONE = "11111111-2222-4333-8444-555555555555"


def compute(estate):
    server = "/v2.1/servers/{server_id}"
    act = f"POST {server}/action "
    return {
        f"PUT {server}": {"server": {"name": "taken"}},
        "PUT /v2.1/os-volumes_boot/{server_id}": {"server": {"name": "taken"}},
        **{act + name: {name: value} for name, value in {
            "os-start": None, "os-stop": None, "reboot": {"type": "SOFT"}, "pause": None, "unpause": None,
            "suspend": None, "resume": None, "rebuild": {"imageRef": estate.open_image},
            "resize": {"flavorRef": estate.flavor}, "confirmResize": None, "revertResize": None, "migrate": None,
            "os-migrateLive": {"host": None, "block_migration": "auto"}, "evacuate": {},
            "createImage": {"name": "taken"}, "lock": None, "unlock": None,
            "addSecurityGroup": {"name": "default"}, "removeSecurityGroup": {"name": "default"},
            "addFloatingIp": {"address": "172.24.4.200"}, "removeFloatingIp": {"address": "172.24.4.200"},
            "addFixedIp": {"networkId": estate.network}, "removeFixedIp": {"address": "192.0.2.1"},
            "shelve": None, "shelveOffload": None, "unshelve": None, "rescue": None, "unrescue": None, "restore": None,
            "createBackup": {"name": "taken", "backup_type": "daily", "rotation": 1}, "trigger_crash_dump": None,
            "resetNetwork": None, "injectNetworkInfo": None,
            "changePassword": {"adminPass": "taken"}, "os-resetState": {"state": "error"}, "forceDelete": None,
            "os-getConsoleOutput": {"length": 10}, "os-getVNCConsole": {"type": "novnc"},
            "os-getSPICEConsole": {"type": "spice-html5"}, "os-getRDPConsole": {"type": "rdp-html5"},
            "os-getSerialConsole": {"type": "serial"}}.items()},
        f"POST {server}/remote-consoles": {"remote_console": {"protocol": "vnc", "type": "novnc"}},
        f"POST {server}/migrations/{{migration_id}}/action force_complete": {"force_complete": None},
        f"POST {server}/metadata": {"metadata": {"taken": "x"}},
        f"PUT {server}/metadata": {"metadata": {"taken": "x"}},
        f"PUT {server}/metadata/{{key}}": {"meta": {"marked-key": "taken"}},
        f"PUT {server}/tags": {"tags": ["taken"]},
        f"POST {server}/os-volume_attachments": {"volumeAttachment": {"volumeId": estate.volume}},
        f"PUT {server}/os-volume_attachments/{{volume_id}}": {"volumeAttachment": {"volumeId": estate.volume}},
        f"POST {server}/shares": {"share": {"share_id": GONE, "tag": "taken"}},
        f"POST {server}/os-interface": {"interfaceAttachment": {"net_id": estate.network}},
        "POST /v2.1/os-assisted-volume-snapshots": {"snapshot": {"volume_id": estate.attached, "create_info": {
            "snapshot_id": GONE, "type": "qcow2", "new_file": "taken"}}},
        "PUT /v2.1/os-security-groups/{group_id}": {"security_group": {"name": "taken", "description": "taken"}},
        "PUT /v2.1/flavors/{flavor_id}": {"flavor": {"description": "taken"}},
        "POST /v2.1/flavors/{flavor_id}/os-extra_specs": {"extra_specs": {"hw:mem_page_size": "large"}},
        "PUT /v2.1/flavors/{flavor_id}/os-extra_specs/{key}": {"hw:mem_page_size": "large"},
        "POST /v2.1/flavors/{flavor_id}/action addTenantAccess": {"addTenantAccess": {"tenant": GONE}},
        "POST /v2.1/flavors/{flavor_id}/action removeTenantAccess": {
            "removeTenantAccess": {"tenant": estate.people.project}},
        "PUT /v2.1/os-quota-sets/{project_id}": {"quota_set": {"cores": 1}},
        "PUT /v2.1/os-quota-class-sets/{name}": {"quota_class_set": {"cores": 1}},
        "PUT /v2.1/os-aggregates/{aggregate_id}": {"aggregate": {"name": "taken"}},
        "POST /v2.1/os-aggregates/{aggregate_id}/action add_host": {"add_host": {"host": "host1"}},
        "POST /v2.1/os-aggregates/{aggregate_id}/action remove_host": {"remove_host": {"host": "host1"}},
        "POST /v2.1/os-aggregates/{aggregate_id}/action set_metadata": {"set_metadata": {"metadata": {"a": "b"}}},
        "POST /v2.1/os-aggregates/{aggregate_id}/images": {"cache": [{"id": estate.image}]},
        "PUT /v2.1/os-services/{service_id}": {"status": "disabled"},
        "PUT /v2.1/os-hosts/{host_name}": {"status": "disable"},
        "POST /v2.1/os-hosts/{host_name}/recovery": {"recovery": {}},
        "POST /v2.1/images/{image_id}/metadata": {"metadata": {"taken": "x"}},
        "PUT /v2.1/images/{image_id}/metadata": {"metadata": {"taken": "x"}},
        "PUT /v2.1/images/{image_id}/metadata/{key}": {"meta": {"marked-key": "taken"}},
    }


def identity(estate):
    return {
        "PATCH /v3/users/{user_id}": {"user": {"email": "taken"}},
        "PATCH /v3/groups/{group_id}": {"group": {"name": "taken"}},
        "PATCH /v3/projects/{project_id}": {"project": {"description": "taken"}},
        "PATCH /v3/projects/{project_id}/cascade": {"project": {"enabled": False}},
        "PUT /v3/projects/{project_id}/tags": {"tags": ["taken"]},
        "PATCH /v3/domains/{domain_id}": {"domain": {"description": "taken"}},
        "PATCH /v3/roles/{role_id}": {"role": {"name": "taken"}},
        "PUT /v3/regions/{region_id}": {"region": {"description": "taken"}},
        "PATCH /v3/regions/{region_id}": {"region": {"description": "taken"}},
        "PATCH /v3/services/{service_id}": {"service": {"name": "taken"}},
        "PATCH /v3/endpoints/{endpoint_id}": {"endpoint": {"url": "http://taken"}},
        "PATCH /v3/credentials/{credential_id}": {"credential": {"blob": "taken"}},
        "POST /v3/users/{user_id}/application_credentials": {"application_credential": {"name": "taken"}},
        "POST /v3/users/{user_id}/credentials/OS-EC2": {"tenant_id": estate.people.project},
        "PATCH /v3/OS-OAUTH1/consumers/{consumer_id}": {"consumer": {"description": "taken"}},
        "PUT /v3/OS-OAUTH1/authorize/{request_token_id}": {"roles": [{"name": "member"}]},
        "PATCH /v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}": {"endpoint_group": {"name": "taken"}},
        **{f"{method} /v3/OS-FEDERATION/{path}": body for method in ("PUT", "PATCH") for path, body in (
            ("mappings/{mapping_id}", {"mapping": {"rules": FEDERATED}}),
            ("identity_providers/{idp_id}", {"identity_provider": {"description": "taken"}}),
            ("identity_providers/{idp_id}/protocols/{protocol_id}", {"protocol": {"mapping_id": "taken"}}),
            ("service_providers/{sp_id}", {"service_provider": {"auth_url": "http://c", "sp_url": "http://d"}}))},
        "PATCH /v3/policies/{policy_id}": {"policy": {"blob": "taken"}},
        "PATCH /v3/registered_limits/{registered_limit_id}": {"registered_limit": {"default_limit": 9}},
        "PATCH /v3/limits/{limit_id}": {"limit": {"resource_limit": 9}},
        **{f"{method} /v3/domains/{{domain_id}}/config": {"config": {"ldap": {"url": "ldap://taken"}}}
           for method in ("PUT", "PATCH")},
        "PATCH /v3/domains/{domain_id}/config/{group}": {"config": {"ldap": {"url": "ldap://taken"}}},
        "PATCH /v3/domains/{domain_id}/config/{group}/{option}": {"config": {"url": "ldap://taken"}},
        "POST /v3/users/{user_id}/password": {"user": {"original_password": "guess", "password": "taken"}},
    }


def image(estate):
    return {
        "PATCH /v2/images/{image_id}": json.dumps([{"op": "replace", "path": "/name", "value": "taken"}]).encode(),
        "PUT /v2/images/{image_id}/file": b"taken", "PUT /v2/images/{image_id}/stage": b"taken",
        "POST /v2/images/{image_id}/import": {"method": {"name": "glance-direct"}},
        "POST /v2/images/{image_id}/members": {"member": GONE.replace("-", "")},
        "PUT /v2/images/{image_id}/members/{member_id}": {"status": "accepted"},
    }


def network(estate):
    found = {}
    for plural, noun in (("networks", "network"), ("subnets", "subnet"), ("subnetpools", "subnetpool"),
                         ("ports", "port"), ("security-groups", "security_group"), ("routers", "router"),
                         ("floatingips", "floatingip")):
        found[f"PUT /v2.0/{plural}/{{id}}"] = {noun: {"description": "taken"}}
        found[f"PUT /v2.0/{plural}/{{id}}/tags"] = {"tags": ["taken"]}
    route = {"router": {"routes": [{"destination": "10.1.0.0/24", "nexthop": "10.66.0.9"}]}}
    return found | {
        "PUT /v2.0/routers/{id}/add_router_interface": {"subnet_id": estate.subnet},
        "PUT /v2.0/routers/{id}/remove_router_interface": {"subnet_id": estate.subnet},
        "PUT /v2.0/routers/{id}/add_extraroutes": route, "PUT /v2.0/routers/{id}/remove_extraroutes": route,
        "PUT /v2.0/quotas/{project_id}": {"quota": {"network": 1}},
        "PUT /v2.0/agents/{id}": {"agent": {"admin_state_up": False}},
    }


def placement(estate):
    claim = {"allocations": {estate.ids["uuid"]: {"resources": {"VCPU": 1}}}, "project_id": "taken",
             "user_id": "taken", "consumer_generation": None, "consumer_type": "INSTANCE"}
    return {
        "PUT /resource_providers/{uuid}": {"name": "taken"}, "PUT /resource_classes/{name}": {"name": "CUSTOM_TAKEN"},
        "POST /resource_providers/{uuid}/inventories": {
            "resource_class": "VGPU", "total": 1, "resource_provider_generation": 1},
        "PUT /resource_providers/{uuid}/inventories": {"inventories": {}, "resource_provider_generation": 1},
        "PUT /resource_providers/{uuid}/inventories/{resource_class}": {
            "total": 1, "resource_provider_generation": 1},
        "PUT /resource_providers/{uuid}/aggregates": {"aggregates": [], "resource_provider_generation": 1},
        "PUT /resource_providers/{uuid}/traits": {"traits": [], "resource_provider_generation": 1},
        "PUT /allocations/{consumer}": claim,
    }


def volume(estate):
    act = "POST /v3/volumes/{volume_id}/action "
    snap = "POST /v3/snapshots/{snapshot_id}/action "
    connector = {"connector": {"host": "evil", "initiator": "iqn.1993-08.org.debian:01:evil", "ip": "10.0.0.9"}}
    found = {act + name: {name: value} for name, value in {
        "os-attach": {"instance_uuid": GONE, "mountpoint": "/dev/vdc", "mode": "rw"}, "os-detach": {},
        "os-force_detach": {}, "os-reserve": None, "os-unreserve": None, "os-begin_detaching": None,
        "os-roll_detaching": None, "os-extend": {"new_size": 9}, "os-reset_status": {"status": "error"},
        "os-force_delete": {}, "os-set_bootable": {"bootable": True}, "os-update_readonly_flag": {"readonly": True},
        "os-retype": {"new_type": "taken"}, "os-initialize_connection": connector,
        "os-terminate_connection": connector, "os-volume_upload_image": {"image_name": "taken"},
        "os-set_image_metadata": {"metadata": {"taken": "x"}}, "os-show_image_metadata": None,
        "os-unset_image_metadata": {"key": "marked-key"}, "os-migrate_volume": {"host": "host1@simulated#simulated"},
        "os-migrate_volume_completion": {"new_volume": estate.volume}, "os-extend_volume_completion": {"error": False},
        "os-unmanage": None, "revert": {"snapshot_id": estate.snapshot}, "os-reimage": {"image_id": estate.image},
        }.items()}
    found |= {snap + name: {name: value} for name, value in {
        "os-reset_status": {"status": "error"}, "os-update_snapshot_status": {"status": "error"},
        "os-force_delete": None, "os-unmanage": None}.items()}
    found |= {f"POST /v3/{path}/action {name}": {name: value} for path, name, value in (
        ("backups/{backup_id}", "os-reset_status", {"status": "error"}),
        ("backups/{backup_id}", "os-force_delete", None), ("groups/{group_id}", "delete", {"delete-volumes": True}),
        ("groups/{group_id}", "reset_status", {"status": "error"}), ("groups/{group_id}", "enable_replication", {}),
        ("groups/{group_id}", "disable_replication", {}), ("groups/{group_id}", "failover_replication", {}),
        ("groups/{group_id}", "list_replication_targets", {}),
        ("group_snapshots/{group_snapshot_id}", "reset_status", {"status": "error"}))}
    for noun in ("volumes/{volume_id}", "snapshots/{snapshot_id}"):
        found[f"POST /v3/{noun}/metadata"] = found[f"PUT /v3/{noun}/metadata"] = {"metadata": {"taken": "x"}}
        found[f"PUT /v3/{noun}/metadata/{{key}}"] = {"meta": {"marked-key": "taken"}}
    for root in ("os-volume-transfer", "volume-transfers"):
        found[f"POST /v3/{root}/{{transfer_id}}/accept"] = {"accept": {"auth_key": "guessed"}}
    encryption = {"encryption": {"provider": "luks", "control_location": "front-end", "cipher": "aes", "key_size": 256}}
    project = {"project": GONE}
    return found | {
        "PUT /v3/backups/{backup_id}": {"backup": {"name": "taken"}},
        "POST /v3/backups/{backup_id}/restore": {"restore": {}},
        "PUT /v3/groups/{group_id}": {"group": {"name": "taken"}},
        "PUT /v3/group_snapshots/{group_snapshot_id}": {"group_snapshot": {"name": "taken"}},
        "PUT /v3/consistencygroups/{consistencygroup_id}/update": {"consistencygroup": {"name": "taken"}},
        "POST /v3/consistencygroups/{consistencygroup_id}/delete": {"consistencygroup": {"force": True}},
        "PUT /v3/group_types/{group_type_id}": {"group_type": {"description": "taken"}},
        "POST /v3/group_types/{group_type_id}/group_specs": {"group_specs": {"taken": "x"}},
        "PUT /v3/group_types/{group_type_id}/group_specs/{key}": {"marked-key": "taken"},
        "PUT /v3/qos-specs/{qos_id}": {"qos_specs": {"taken": "x"}},
        "PUT /v3/qos-specs/{qos_id}/delete_keys": {"keys": ["marked-key"]},
        "PUT /v3/default-types/{project_id}": {"default_type": {"volume_type": estate.ids["type_id"]}},
        "PUT /v3/volumes/{volume_id}": {"volume": {"name": "taken"}},
        "PUT /v3/snapshots/{snapshot_id}": {"snapshot": {"name": "taken"}},
        "PUT /v3/attachments/{attachment_id}": {"attachment": connector},
        "POST /v3/attachments/{attachment_id}/action os-complete": {"os-complete": None},
        "PUT /v3/types/{type_id}": {"volume_type": {"description": "taken"}},
        "POST /v3/types/{type_id}/extra_specs": {"extra_specs": {"taken": "x"}},
        "PUT /v3/types/{type_id}/extra_specs/{key}": {"marked-key": "taken"},
        "POST /v3/types/{type_id}/action addProjectAccess": {"addProjectAccess": project},
        "POST /v3/types/{type_id}/action removeProjectAccess": {"removeProjectAccess": project},
        "POST /v3/types/{type_id}/encryption": encryption,
        "PUT /v3/types/{type_id}/encryption/{key}": encryption,
        "PUT /v3/os-quota-sets/{project_id}": {"quota_set": {"volumes": 1}},
        "PUT /v3/os-quota-class-sets/{name}": {"quota_class_set": {"volumes": 1}},
    }


def bodies(estate):
    """By name of the service and of the operation."""
    tables = {"compute": compute, "identity": identity, "image": image, "network": network, "placement": placement,
              "block-storage": volume}
    return {(name, operation): body for name, table in tables.items() for operation, body in table(estate).items()}


def creations(estate):
    """A body for each operation that makes something; all are things that a member may make or an administrator."""
    body = {
        ("compute", "POST /v2.1/servers"): {"server": {
            "name": "x", "flavorRef": "1", "imageRef": estate.image, "networks": "none"}},
        ("compute", "POST /v2.1/os-volumes_boot"): {"server": {
            "name": "x", "flavorRef": "1", "imageRef": estate.image, "networks": "none"}},
        ("compute", "POST /v2.1/os-security-groups"): {"security_group": {"name": "x", "description": "x"}},
        ("compute", "POST /v2.1/os-security-group-rules"): {"security_group_rule": {
            "parent_group_id": estate.group, "ip_protocol": "tcp", "from_port": 1, "to_port": 2}},
        ("compute", "POST /v2.1/os-volumes"): {"volume": {"size": 1}},
        ("compute", "POST /v2.1/os-snapshots"): {"snapshot": {"volume_id": estate.volume}},
        ("compute", "POST /v2.1/os-floating-ips"): {"pool": "public"},
        ("compute", "POST /v2.1/flavors"): {"flavor": {"name": "x", "ram": 1, "vcpus": 1, "disk": 1}},
        ("compute", "POST /v2.1/os-server-groups"): {"server_group": {"name": "x", "policy": "affinity"}},
        ("compute", "POST /v2.1/os-aggregates"): {"aggregate": {"name": "x"}},
        ("compute", "POST /v2.1/os-server-external-events"): {"events": [
            {"name": "network-changed", "server_uuid": estate.server}]},
        ("scheduling", "POST /v1/explanations"): {"trial": {"flavor": "1", "image": estate.image}},
        ("identity", "POST /v3/users"): {"user": {"name": "x"}},
        ("identity", "POST /v3/groups"): {"group": {"name": "x"}},
        ("identity", "POST /v3/projects"): {"project": {"name": "x"}},
        ("identity", "POST /v3/domains"): {"domain": {"name": "x"}},
        ("identity", "POST /v3/roles"): {"role": {"name": "x"}},
        ("identity", "POST /v3/OS-EP-FILTER/endpoint_groups"): {"endpoint_group": {"name": "x", "filters": {}}},
        ("identity", "POST /v3/policies"): {"policy": {"type": "x", "blob": "x"}},
        ("identity", "POST /v3/registered_limits"): {"registered_limits": [{
            "service_id": GONE.replace("-", ""), "resource_name": "x", "default_limit": 1}]},
        ("identity", "POST /v3/limits"): {"limits": [{
            "service_id": GONE.replace("-", ""), "resource_name": "x", "resource_limit": 1,
            "project_id": estate.people.project}]},
        ("identity", "POST /v3/OS-STRATOLITH/explanations"): {"explanation": {
            "user": {"id": estate.people.user}, "rule": "identity:get_user"}},
        ("identity", "POST /v3/regions"): {"region": {"description": "x"}},
        ("identity", "POST /v3/OS-TRUST/trusts"): {"trust": {
            "trustor_user_id": estate.people.user, "trustee_user_id": estate.people.user, "impersonation": True}},
        ("identity", "POST /v3/OS-OAUTH1/consumers"): {"consumer": {"description": "x"}},
        ("identity", "POST /v3/ec2tokens"): {"credentials": {"access": "x", "signature": "x"}},
        ("identity", "POST /v3/s3tokens"): {"credentials": {"access": "x", "signature": "x", "token": "x"}},
        ("identity", "POST /v3/services"): {"service": {"type": "x"}},
        ("identity", "POST /v3/endpoints"): {"endpoint": {
            "service_id": GONE.replace("-", ""), "interface": "public", "url": "http://x"}},
        ("image", "POST /v2/images"): {"name": "x"},
        ("network", "POST /v2.0/networks"): {"network": {"name": "x"}},
        ("network", "POST /v2.0/subnets"): {"subnet": {
            "network_id": estate.network, "ip_version": 4, "cidr": "10.4.0.0/24"}},
        ("network", "POST /v2.0/subnetpools"): {"subnetpool": {"name": "x", "prefixes": ["10.5.0.0/16"]}},
        ("network", "POST /v2.0/ports"): {"port": {"network_id": estate.network}},
        ("network", "POST /v2.0/security-groups"): {"security_group": {"name": "x"}},
        ("network", "POST /v2.0/security-group-rules"): {"security_group_rule": {
            "security_group_id": estate.group, "direction": "egress"}},
        ("network", "POST /v2.0/routers"): {"router": {"name": "x"}},
        ("network", "POST /v2.0/floatingips"): {"floatingip": {"floating_network_id": estate.public}},
        ("placement", "POST /resource_providers"): {"name": "x"},
        ("placement", "POST /resource_classes"): {"name": "CUSTOM_X"},
        ("placement", "POST /allocations"): {GONE: {
            "allocations": {}, "project_id": "x", "user_id": "x", "consumer_generation": None,
            "consumer_type": "INSTANCE"}},
        ("placement", "POST /reshaper"): {"inventories": {}, "allocations": {}},
        ("block-storage", "POST /v3/volumes"): {"volume": {"size": 1}},
        ("block-storage", "POST /v3/backups"): {"backup": {"volume_id": estate.volume}},
        ("block-storage", "POST /v3/backups/import_record"): {"backup-record": {"backup_service": "x",
                                                                                "backup_url": "x"}},
        ("block-storage", "POST /v3/groups"): {"group": {"group_type": estate.ids["group_type_id"],
                                                         "volume_types": [GONE]}},
        ("block-storage", "POST /v3/groups/action create-from-src"): {"create-from-src": {
            "source_group_id": estate.volume_group}},
        ("block-storage", "POST /v3/group_types"): {"group_type": {"name": "x"}},
        ("block-storage", "POST /v3/group_snapshots"): {"group_snapshot": {"group_id": estate.volume_group}},
        ("block-storage", "POST /v3/consistencygroups"): {"consistencygroup": {"volume_types": GONE}},
        ("block-storage", "POST /v3/consistencygroups/create_from_src"): {"consistencygroup-from-src": {
            "cgsnapshot_id": GONE}},
        ("block-storage", "POST /v3/cgsnapshots"): {"cgsnapshot": {"consistencygroup_id": estate.volume_group}},
        ("block-storage", "POST /v3/qos-specs"): {"qos_specs": {"name": "x"}},
        ("block-storage", "POST /v3/workers/cleanup"): {},
        ("block-storage", "PUT /v3/os-services/failover_host"): {"host": "host1@simulated"},
        ("block-storage", "PUT /v3/os-services/failover"): {"host": "host1@simulated"},
        ("block-storage", "PUT /v3/os-services/get-log"): {}, ("block-storage", "PUT /v3/os-services/set-log"): {
            "level": "info", "prefix": "nothing"},
        ("block-storage", "PUT /v3/clusters/enable"): {"name": "x"},
        ("block-storage", "PUT /v3/clusters/disable"): {"name": "x"},
        **{("block-storage", f"POST /v3/{path}"): {"volume": {"host": "host1@simulated", "ref": {"source-name": "x"}}}
           for path in ("os-volume-manage", "manageable_volumes")},
        **{("block-storage", f"POST /v3/{path}"): {"snapshot": {"volume_id": estate.volume,
                                                                "ref": {"source-name": "x"}}}
           for path in ("os-snapshot-manage", "manageable_snapshots")},
        ("block-storage", "POST /v3/snapshots"): {"snapshot": {"volume_id": estate.volume}},
        ("block-storage", "POST /v3/attachments"): {"attachment": {
            "volume_uuid": estate.volume, "instance_uuid": estate.server}},
        ("block-storage", "POST /v3/types"): {"volume_type": {"name": "x"}},
        ("block-storage", "POST /v3/os-volume-transfer"): {"transfer": {"volume_id": estate.volume}},
        ("block-storage", "POST /v3/volume-transfers"): {"transfer": {"volume_id": estate.volume}},
    }
    for verb, words in (("enable", {}), ("disable", {}), ("disable-log-reason", {"disabled_reason": "x"}),
                        ("force-down", {"forced_down": True}), ("freeze", {}), ("thaw", {})):
        for service, root in (("compute", "/v2.1"), ("block-storage", "/v3")):
            if (verb == "force-down") <= (service == "compute") and (verb not in ("freeze", "thaw") or root == "/v3"):
                body[service, f"PUT {root}/os-services/{verb}"] = {
                    "host": "host1", "binary": "nova-compute" if service == "compute" else "cinder-volume", **words}
    return body


def foreign(estate):
    """Requests of a stranger that name what project demo has, as (method, path, body); each must be refused.

    The paths and bodies have places for what the stranger has: ``{own_server}`` and the like.
    """
    net, volume, compute = "/network/v2.0/", "/volume/v3/", "/compute/v2.1/"
    server = {"name": "x", "flavorRef": "1", "imageRef": "{own_image}", "networks": "none"}

    def boot(**more):
        return "POST", compute + "servers", {"server": {**server, **more}}

    def make(noun, plural, **values):
        return "POST", net + plural, {noun: values}

    def put(noun, path, **values):
        return "PUT", net + path, {noun: values}
    project = estate.people.project
    block = {"boot_index": 0, "source_type": "volume", "destination_type": "volume", "uuid": estate.volume}
    return [
        boot(imageRef=estate.image), boot(flavorRef=estate.flavor), boot(key_name="marked-of-demo"),
        boot(networks=[{"uuid": estate.network}]), boot(networks=[{"port": estate.port}]),
        boot(networks=[{"uuid": "{own_network}"}], security_groups=[{"name": estate.group}]),
        boot(imageRef="", block_device_mapping_v2=[block]),
        boot(imageRef="", block_device_mapping_v2=[{**block, "source_type": "snapshot", "uuid": estate.snapshot,
                                                    "volume_size": 1}]),
        boot(imageRef="", block_device_mapping_v2=[{**block, "source_type": "image", "uuid": estate.image,
                                                    "volume_size": 1}]),
        ("POST", compute + "servers", {"server": server, "os:scheduler_hints": {"group": estate.server_group}}),
        ("POST", compute + "servers/{own_server}/os-volume_attachments",
         {"volumeAttachment": {"volumeId": estate.volume}}),
        ("POST", compute + "servers/{own_server}/os-interface", {"interfaceAttachment": {"port_id": estate.port}}),
        ("POST", compute + "servers/{own_server}/os-interface", {"interfaceAttachment": {"net_id": estate.network}}),
        ("POST", compute + "servers/{own_server}/action", {"rebuild": {"imageRef": estate.image}}),
        ("POST", compute + "servers/{own_server}/action", {"resize": {"flavorRef": estate.flavor}}),
        ("POST", compute + "servers/{own_server}/action", {"addSecurityGroup": {"name": estate.group}}),
        ("POST", compute + "os-keypairs", {"keypair": {"name": "x", "user_id": estate.people.user}}),
        ("GET", compute + f"os-keypairs?user_id={estate.people.user}", None),
        ("GET", compute + f"limits?tenant_id={project}", None),
        ("POST", compute + "os-security-group-rules", {"security_group_rule": {
            "parent_group_id": estate.group, "ip_protocol": "tcp", "from_port": 1, "to_port": 2}}),
        ("POST", compute + "servers/{own_server}/action", {"addFloatingIp": {"address": estate.floating_address}}),
        ("POST", compute + "servers/{own_server}/action", {"removeFloatingIp": {"address": estate.floating_address}}),
        ("POST", compute + "os-volumes", {"volume": {"size": 1, "snapshot_id": estate.snapshot}}),
        ("POST", compute + "os-snapshots", {"snapshot": {"volume_id": estate.volume}}),
        ("POST", volume + "volumes", {"volume": {"size": 1, "source_volid": estate.volume}}),
        ("POST", volume + "volumes", {"volume": {"size": 1, "snapshot_id": estate.snapshot}}),
        ("POST", volume + "volumes", {"volume": {"size": 1, "imageRef": estate.image}}),
        ("POST", volume + "volumes", {"volume": {"size": 1, "volume_type": estate.ids["type_id"]}}),
        ("POST", volume + "snapshots", {"snapshot": {"volume_id": estate.volume}}),
        ("POST", volume + "volumes", {"volume": {"size": 1, "backup_id": estate.ids["backup_id"]}}),
        ("POST", volume + "volumes", {"volume": {"size": 1, "group_id": estate.volume_group}}),
        ("POST", volume + "backups", {"backup": {"volume_id": estate.volume}}),
        ("POST", volume + "backups", {"backup": {"volume_id": "{own_volume}", "snapshot_id": estate.snapshot}}),
        ("POST", volume + "group_snapshots", {"group_snapshot": {"group_id": estate.volume_group}}),
        ("POST", volume + "cgsnapshots", {"cgsnapshot": {"consistencygroup_id": estate.ids["consistencygroup_id"]}}),
        ("POST", volume + "groups/action", {"create-from-src": {"source_group_id": estate.volume_group}}),
        ("POST", volume + "groups/action", {"create-from-src": {
            "group_snapshot_id": estate.ids["group_snapshot_id"]}}),
        ("POST", volume + "volumes/{own_volume}/action", {"revert": {"snapshot_id": estate.snapshot}}),
        ("POST", volume + "volumes/{own_volume}/action", {"os-reimage": {"image_id": estate.image}}),
        ("POST", volume + "volume-transfers", {"transfer": {"volume_id": estate.volume}}),
        ("POST", volume + "attachments", {"attachment": {"volume_uuid": estate.volume,
                                                         "instance_uuid": "{own_server}"}}),
        ("POST", volume + "volumes/{own_volume}/action",
         {"os-retype": {"new_type": estate.ids["type_id"], "migration_policy": "never"}}),
        *(make(noun, noun + "s", project_id=project, **more) for noun, more in (
            ("network", {"name": "x"}), ("router", {"name": "x"}),
            ("subnetpool", {"name": "x", "prefixes": ["10.3.0.0/16"]}),
            ("floatingip", {"floating_network_id": estate.public}), ("port", {"network_id": "{own_network}"}))),
        make("security_group", "security-groups", name="x", tenant_id=project),
        make("subnet", "subnets", network_id=estate.network, ip_version=4, cidr="10.2.0.0/24"),
        make("subnet", "subnets", network_id="{own_network}", ip_version=4, subnetpool_id=estate.pool),
        make("port", "ports", network_id=estate.network),
        make("port", "ports", network_id="{own_network}", fixed_ips=[{"subnet_id": estate.subnet}]),
        make("port", "ports", network_id="{own_network}", security_groups=[estate.group]),
        make("port", "ports", network_id="{own_network}", device_id=estate.router,
             device_owner="network:router_interface"),
        put("port", "ports/{own_port}", security_groups=[estate.group]),
        put("port", "ports/{own_port}", fixed_ips=[{"subnet_id": estate.subnet}]),
        make("floatingip", "floatingips", floating_network_id=estate.public, port_id=estate.port),
        make("floatingip", "floatingips", floating_network_id=estate.network),
        put("floatingip", "floatingips/{own_floating}", port_id=estate.port),
        make("router", "routers", external_gateway_info={"network_id": estate.network}),
        ("PUT", net + "routers/{own_router}/add_router_interface", {"subnet_id": estate.subnet}),
        ("PUT", net + "routers/{own_router}/add_router_interface", {"port_id": estate.port}),
        ("PUT", net + "routers/{own_router}/remove_router_interface", {"subnet_id": estate.subnet}),
        make("security_group_rule", "security-group-rules", security_group_id=estate.group, direction="egress"),
        make("security_group_rule", "security-group-rules", security_group_id="{own_group}", direction="ingress",
             remote_group_id=estate.group),
        ("POST", "/image/v2/images", {"name": "x", "owner": project}),
        ("POST", "/image/v2/images", {"name": "x", "visibility": "public"}),
        ("POST", "/identity/v3/credentials", {"credential": {"type": "cert", "blob": "x",
                                                             "user_id": estate.people.user}}),
        ("GET", f"/identity/v3/credentials?user_id={estate.people.user}", None),
        ("GET", f"/identity/v3/role_assignments?user.id={estate.people.user}", None),
        ("GET", f"/placement/usages?project_id={project}", None),
        *(("GET", path + f"?all_tenants=1&project_id={project}&tenant_id={project}", None) for path in (
            compute + "servers/detail", volume + "volumes/detail", volume + "snapshots/detail",
            volume + "attachments/detail", volume + "volume-transfers/detail")),
        ("GET", compute + "os-server-groups?all_projects=1", None),
        ("GET", compute + "flavors/detail?is_public=none", None), ("GET", volume + "types?is_public=none", None),
        *(("GET", net + plural + f"?project_id={project}", None) for plural in (
            "networks", "subnets", "ports", "routers", "security-groups", "security-group-rules", "floatingips")),
        *(("GET", f"/image/v2/images?{query}", None) for query in (
            f"owner={project}", "visibility=private", "visibility=all", "member_status=all", "visibility=shared",
            "os_hidden=true")),
    ]
