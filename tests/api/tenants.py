"""Two projects and one of everything in the first: what the tests of isolation share."""

import itertools
import re

NUMBERS = itertools.count(1)
MARK = "marked-of-demo"
"""Part of the name or content of all that the first project has; nobody else may ever read it."""
OCTETS = {"Content-Type": "application/octet-stream"}
FEDERATED = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]
"""The rules of a mapping."""
GONE = "11111111-2222-4333-8444-555555555555"


class Person:
    """A user with a token; sends requests with the newest microversion of each service."""

    def __init__(self, cloud, token):
        self.cloud = cloud
        self.token = token

    def ask(self, method, path, body=None, **more):
        headers = {"X-Auth-Token": self.token, **more.pop("headers", {})}
        more.setdefault("version", newest(path))
        return self.cloud.request(method, path, body, as_=None, headers=headers, **more)

    def ok(self, method, path, body=None, **more):
        answer = self.ask(method, path, body, **more)
        assert answer.status < 300, f"{method} {path} {body}: {answer}"
        return answer.json if answer.data else None


def newest(path):
    """The value of the microversion's header for a path."""
    service = path.split("/")[1]
    return {"compute": "compute 2.79", "volume": "volume 3.71", "placement": "placement 1.39"}.get(service, "")


class People:
    """Makes users, projects and tokens."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.admin = Person(cloud, cloud.token("admin", "admin"))
        self.demo = Person(cloud, cloud.token("demo", "demo"))
        self.roles = {role["name"]: role["id"] for role in self.get("/identity/v3/roles")["roles"]}
        self.project = self.get("/identity/v3/projects?name=demo")["projects"][0]["id"]
        self.user = self.get("/identity/v3/users?name=demo")["users"][0]["id"]

    def get(self, path):
        return self.admin.ok("GET", path)

    def new_project(self):
        body = {"project": {"name": f"project-{next(NUMBERS)}", "domain_id": "default"}}
        return self.admin.ok("POST", "/identity/v3/projects", body)["project"]["id"]

    def new_user(self, **places):
        """A new user's id; ``places`` is a role by ``project``, ``domain`` or ``system``: (id, role)."""
        name = f"user-{next(NUMBERS)}"
        body = {"user": {"name": name, "password": "secret", "domain_id": "default"}}
        user = self.admin.ok("POST", "/identity/v3/users", body)["user"]["id"]
        for place, (where, role) in places.items():
            inside = "system" if place == "system" else f"{place}s/{where}"
            self.admin.ok("PUT", f"/identity/v3/{inside}/users/{user}/roles/{self.roles[role]}")
        return user

    def login(self, user, scope=None):
        auth = {"identity": {"methods": ["password"], "password": {"user": {"id": user, "password": "secret"}}}}
        if scope is not None:
            auth["scope"] = scope
        answer = self.cloud.request("POST", "/identity/v3/auth/tokens", {"auth": auth}, as_=None)
        assert answer.status == 201, answer
        return Person(self.cloud, answer.headers["x-subject-token"])

    def member_of(self, project, role="member"):
        """A new person with a role in a project."""
        return self.login(self.new_user(project=(project, role)), {"project": {"id": project}})


class Estate:
    """One of every kind of thing, owned by project demo. ``ids`` names them as paths do."""

    def __init__(self, people):
        self.people = people
        self.demo, self.admin = people.demo, people.admin
        self.ids = {"project_id": people.project, "user_id": people.user, "domain_id": "default",
                    "role_id": people.roles["member"], "implied_role_id": people.roles["reader"],
                    "tag": "marked-tag", "key": "marked-key", "label": MARK, "name": MARK, "alias": "router",
                    "store": "file", "token": GONE, "region_id": "RegionOne", "host": "host1", "host_name": "host1"}
        self.nouns = {}
        self.images()
        self.networks()
        self.volumes()
        self.servers()
        self.identity()

    def images(self):
        body = {"name": MARK, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
        self.image = self.ids["image_id"] = self.demo.ok("POST", "/image/v2/images", body)["id"]
        path = f"/image/v2/images/{self.image}"
        self.demo.ok("PUT", path + "/file", bytes(65536), headers=OCTETS)
        self.demo.ok("PUT", path + "/tags/marked-tag")
        openly = {**body, "name": "open", "visibility": "public"}
        self.open_image = self.admin.ok("POST", "/image/v2/images", openly)["id"]
        self.admin.ok("PUT", f"/image/v2/images/{self.open_image}/file", bytes(65536), headers=OCTETS)
        shared = self.demo.ok("POST", "/image/v2/images", {**body, "visibility": "shared"})["id"]
        friend = self.people.new_project()
        self.demo.ok("POST", f"/image/v2/images/{shared}/members", {"member": friend})
        self.shared_image, self.ids["member_id"] = shared, friend

    def net(self, noun, plural=None, who=None, **attributes):
        plural = plural or noun + "s"
        made = (who or self.demo).ok("POST", f"/network/v2.0/{plural.replace('_', '-')}", {noun: attributes})[noun]
        path = f"/network/v2.0/{plural.replace('_', '-')}/{made['id']}"
        if noun != "security_group_rule":
            self.demo.ok("PUT", path + "/tags/marked-tag")
        self.nouns[plural.replace("_", "-")] = made["id"]
        return made["id"]

    def networks(self):
        self.network = self.net("network", name=MARK)
        self.pool = self.net("subnetpool", name=MARK, prefixes=["10.77.0.0/16"], default_prefixlen=24)
        self.subnet = self.net("subnet", name=MARK, network_id=self.network, ip_version=4, cidr="10.66.0.0/24")
        self.group = self.net("security_group", name=MARK, description=MARK)
        self.rule = self.net("security_group_rule", security_group_id=self.group, direction="ingress",
                             ethertype="IPv4", protocol="tcp", description=MARK)
        self.port = self.net("port", name=MARK, network_id=self.network, security_groups=[self.group])
        public = self.people.get("/network/v2.0/networks?router:external=true")["networks"][0]["id"]
        self.router = self.net("router", name=MARK, external_gateway_info={"network_id": public})
        self.demo.ok("PUT", f"/network/v2.0/routers/{self.router}/add_router_interface", {"subnet_id": self.subnet})
        self.floating = self.net("floatingip", floating_network_id=public, port_id=self.port, description=MARK)
        self.public = public
        self.floating_address = self.demo.ok("GET", f"/network/v2.0/floatingips/{self.floating}")["floatingip"][
            "floating_ip_address"]

    def volumes(self):
        kind = {"volume_type": {"name": MARK, "os-volume-type-access:is_public": False}}
        self.ids["type_id"] = self.admin.ok("POST", "/volume/v3/types", kind)["volume_type"]["id"]
        path = f"/volume/v3/types/{self.ids['type_id']}"
        self.admin.ok("POST", path + "/action", {"addProjectAccess": {"project": self.people.project}})
        self.admin.ok("POST", path + "/extra_specs", {"extra_specs": {"marked-key": "x"}})
        self.volume, self.offered, self.attached = (self.new_volume() for _ in range(3))
        body = {"snapshot": {"volume_id": self.volume, "name": MARK, "metadata": {"marked-key": "x"}}}
        self.snapshot = self.demo.ok("POST", "/volume/v3/snapshots", body)["snapshot"]["id"]
        body = {"transfer": {"volume_id": self.offered, "name": MARK}}
        made = self.demo.ok("POST", "/volume/v3/volume-transfers", body)["transfer"]
        self.transfer, self.transfer_key = made["id"], made["auth_key"]
        self.people.cloud.run()
        self.ids.update(volume_id=self.volume, snapshot_id=self.snapshot, transfer_id=self.transfer)
        self.kept()

    def kept(self):
        """A backup, a group with a snapshot, QoS specs, and a message about a volume that no back end takes."""
        root, types = "/volume/v3", {}
        body = {"backup": {"volume_id": self.volume, "name": MARK}}
        self.ids["backup_id"] = self.demo.ok("POST", root + "/backups", body)["backup"]["id"]
        for noun, body in (("group_type", {"name": "for all", "group_specs": {"marked-key": "x"}}),
                           ("volume_type", {"name": "nowhere", "extra_specs": {"vendor_name": "nobody"}}),
                           ("qos_specs", {"name": MARK, "marked-key": "x"})):
            path = {"group_type": "/group_types", "volume_type": "/types", "qos_specs": "/qos-specs"}[noun]
            types[noun] = self.admin.ok("POST", root + path, {noun: body})[noun]["id"]
        self.demo.ok("POST", root + "/volumes", {"volume": {"size": 1, "volume_type": types["volume_type"]}})
        plain = self.demo.ok("GET", root + "/types/default")["volume_type"]["id"]
        body = {"name": MARK, "group_type": types["group_type"], "volume_types": [plain]}
        self.volume_group = self.demo.ok("POST", root + "/groups", {"group": body})["group"]["id"]
        self.demo.ok("POST", root + "/volumes", {"volume": {"size": 1, "name": MARK, "group_id": self.volume_group}})
        self.people.cloud.run()
        body = {"group_snapshot": {"group_id": self.volume_group, "name": MARK}}
        frozen = self.demo.ok("POST", root + "/group_snapshots", body)["group_snapshot"]["id"]
        body = {"consistencygroup": {"name": MARK, "volume_types": plain}}
        older = self.demo.ok("POST", root + "/consistencygroups", body)["consistencygroup"]["id"]
        self.people.cloud.run()
        message = self.demo.ok("GET", root + "/messages")["messages"][0]["id"]
        self.ids.update(group_snapshot_id=frozen, cgsnapshot_id=frozen, consistencygroup_id=older, message_id=message,
                        group_type_id=types["group_type"], qos_id=types["qos_specs"])

    def new_volume(self):
        body = {"volume": {"size": 1, "name": MARK, "metadata": {"marked-key": "x"}}}
        made = self.demo.ok("POST", "/volume/v3/volumes", body)["volume"]["id"]
        self.people.cloud.run()
        return made

    def servers(self):
        body = {"flavor": {"name": MARK, "ram": 64, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}}
        self.flavor = self.ids["flavor_id"] = self.admin.ok("POST", "/compute/v2.1/flavors", body)["flavor"]["id"]
        path = f"/compute/v2.1/flavors/{self.flavor}"
        self.admin.ok("POST", path + "/action", {"addTenantAccess": {"tenant": self.people.project}})
        self.admin.ok("POST", path + "/os-extra_specs", {"extra_specs": {"hw:mem_page_size": "small"}})
        key = self.demo.ok("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": MARK, "public_key": PUBLIC_KEY}})
        self.ids["keypair_name"] = key["keypair"]["name"]
        body = {"server_group": {"name": MARK, "policy": "soft-anti-affinity"}}
        self.server_group = self.demo.ok("POST", "/compute/v2.1/os-server-groups", body)["server_group"]["id"]
        self.ids["group_id"] = self.server_group
        body = {"server": {"name": MARK, "flavorRef": self.flavor, "imageRef": self.image, "key_name": MARK,
                           "networks": [{"port": self.port}], "metadata": {"marked-key": "x"},
                           "tags": ["marked-tag"]},
                "os:scheduler_hints": {"group": self.server_group}}
        self.server = self.demo.ok("POST", "/compute/v2.1/servers", body)["server"]["id"]
        self.people.cloud.run(5)
        path = f"/compute/v2.1/servers/{self.server}"
        self.demo.ok("POST", path + "/os-volume_attachments", {"volumeAttachment": {"volumeId": self.attached}})
        self.people.cloud.run(5)
        assert self.demo.ok("GET", path)["server"]["status"] == "ACTIVE"
        actions = self.demo.ok("GET", path + "/os-instance-actions")["instanceActions"]
        attachment = self.demo.ok("GET", f"/volume/v3/attachments?volume_id={self.attached}")["attachments"][0]["id"]
        provider = self.people.get("/placement/resource_providers")["resource_providers"][0]["uuid"]
        self.ids.update(server_id=self.server, port_id=self.port, attachment_id=attachment, consumer=self.server,
                        request_id=actions[0]["request_id"], uuid=provider, resource_class="VCPU",
                        before="2026-01-01%2000:00:00",
                        rule_id=self.rule, floating_ip_id=self.floating, network_id=self.network, aggregate_id="1",
                        hypervisor_id=provider, service_id=GONE, migration_id="1", share_id=GONE)

    def identity(self):
        body = {"credential": {"type": "cert", "blob": MARK, "project_id": self.people.project}}
        self.ids["credential_id"] = self.demo.ok("POST", "/identity/v3/credentials", body)["credential"]["id"]
        endpoint = self.people.get("/identity/v3/endpoints")["endpoints"][0]
        self.ids["endpoint_id"] = endpoint["id"]
        made = {}
        for noun, body in (("endpoint_group", {"name": MARK, "filters": {"interface": "public"}}),
                           ("policy", {"type": "text/plain", "blob": MARK})):
            path = "policies" if noun == "policy" else "OS-EP-FILTER/endpoint_groups"
            made[f"{noun}_id"] = self.admin.ok("POST", f"/identity/v3/{path}", {noun: body})[noun]["id"]
        what = {"service_id": endpoint["service_id"], "resource_name": "open"}
        for noun, body in (("registered_limit", {"default_limit": 1}),
                           ("limit", {"resource_limit": 1, "project_id": self.people.project})):
            answer = self.admin.ok("POST", f"/identity/v3/{noun}s", {noun + "s": [{**what, **body}]})
            made[f"{noun}_id"] = answer[noun + "s"][0]["id"]
        self.ids.update(made, group="ldap", option="url")
        self.lent()
        self.federated()

    def federated(self):
        """Whom the cloud trusts to name users."""
        names = {"mappings": "mapping_id", "identity_providers": "idp_id", "service_providers": "sp_id"}
        bodies = {"mappings": {"mapping": {"rules": FEDERATED}}, "identity_providers": {"identity_provider": {}},
                  "service_providers": {"service_provider": {"auth_url": "http://a", "sp_url": "http://b"}}}
        root = "/identity/v3/OS-FEDERATION"
        for plural, body in bodies.items():
            self.admin.ok("PUT", f"{root}/{plural}/{MARK}", body)
        self.admin.ok("PUT", f"{root}/identity_providers/{MARK}/protocols/{MARK}", {"protocol": {"mapping_id": MARK}})
        self.ids.update(dict.fromkeys((*names.values(), "protocol_id"), MARK))

    def lent(self):
        """What user demo lends, and may be lent."""
        root = f"/identity/v3/users/{self.people.user}"
        rule = {"service": "compute", "method": "GET", "path": f"/{MARK}"}
        made = self.demo.ok("POST", root + "/application_credentials", {"application_credential": {
            "name": MARK, "access_rules": [rule]}})["application_credential"]
        trust = self.demo.ok("POST", "/identity/v3/OS-TRUST/trusts", {"trust": {
            "trustor_user_id": self.people.user, "trustee_user_id": self.people.user, "impersonation": True,
            "project_id": self.people.project, "roles": [{"name": "member"}], "purpose": MARK}})["trust"]
        key = self.demo.ok("POST", root + "/credentials/OS-EC2", {"tenant_id": self.people.project})["credential"]
        consumer = self.admin.ok("POST", "/identity/v3/OS-OAUTH1/consumers", {"consumer": {"description": MARK}})
        self.ids.update(application_credential_id=made["id"], access_rule_id=made["access_rules"][0]["id"],
                        trust_id=trust["id"], access=key["access"], consumer_id=consumer["consumer"]["id"],
                        request_token_id=GONE.replace("-", ""), access_token_id=GONE.replace("-", ""))

    def path(self, api, operation):
        """The path of an operation on what project demo has."""
        ids = dict(self.ids)
        plural = operation.path.split("/")[2] if operation.path.count("/") > 1 else ""
        ids["id"] = self.nouns.get(plural, GONE)
        if "os-volume_attachments" in operation.path:
            ids["volume_id"] = self.attached
        if "/members" in operation.path:
            ids["image_id"] = self.shared_image
        if api.name == "identity":
            ids.update(group_id=GONE.replace("-", ""), service_id=GONE.replace("-", ""))
        if api.name == "block-storage":
            ids["group_id"] = self.volume_group
        if "os-extra_specs/" in operation.path:
            ids["key"] = "hw:mem_page_size"
        if operation.path.startswith("/v2.1/os-security-groups"):
            ids["group_id"] = self.group
        if operation.path.startswith("/v2/schemas"):
            ids["name"] = "image"
        return api.prefix + re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], operation.path)

    def view(self):
        """All that project demo has, as it and the administrator see it."""
        found = {}
        for path in VIEW:
            found[path] = self.demo.ok("GET", path.format(user=self.people.user))
        for path in ADMIN_VIEW:
            found[path] = self.admin.ok("GET", path.format(project=self.people.project, user=self.people.user))
        return found


PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Qbq7sYtR0mO6VvQ1mQd3Wv1gkQ2Zy3b7c8d9e0f1a marked-of-demo"
VIEW = ("/compute/v2.1/servers/detail", "/compute/v2.1/os-server-groups", "/compute/v2.1/os-keypairs",
        "/image/v2/images", "/volume/v3/volumes/detail", "/volume/v3/snapshots/detail",
        "/volume/v3/attachments/detail", "/volume/v3/volume-transfers/detail", "/volume/v3/backups/detail",
        "/volume/v3/groups/detail", "/volume/v3/group_snapshots/detail", "/volume/v3/messages",
        "/identity/v3/credentials",
        "/identity/v3/users/{user}/application_credentials", "/identity/v3/users/{user}/access_rules",
        *(f"/network/v2.0/{plural}" for plural in ("networks", "subnets", "subnetpools", "ports", "routers",
                                                   "security-groups", "security-group-rules", "floatingips")))
ADMIN_VIEW = ("/compute/v2.1/flavors/detail?is_public=none", "/volume/v3/types?is_public=none",
              "/identity/v3/OS-TRUST/trusts", "/identity/v3/OS-OAUTH1/consumers",
              "/identity/v3/users/{user}/credentials/OS-EC2",
              "/identity/v3/users/{user}", "/identity/v3/projects/{project}", "/identity/v3/domains",
              "/identity/v3/roles", "/identity/v3/role_assignments?user.id={user}",
              "/compute/v2.1/os-quota-sets/{project}", "/volume/v3/os-quota-sets/{project}",
              "/network/v2.0/quotas/{project}", "/identity/v3/regions",
              "/identity/v3/services", "/identity/v3/endpoints", "/compute/v2.1/os-services",
              "/volume/v3/os-services", "/compute/v2.1/os-aggregates")
