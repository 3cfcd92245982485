"""Cases of microversions 2.2 to 2.48."""

from urllib.parse import unquote

from tests.api.compute.microversions import NOBODY, OWN, case

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMMXLcT0ubGQmLKXnAMwVrOu4cJ8WnCKdQ0vAhTzmDN2 me"
SHARED = {"evacuate": {"host": "h", "onSharedStorage": False}}
LIVE = {"block_migration": False, "host": None}


@case("2.2")
def keypair_types(probe):
    made = [probe.world.ask("POST", "/os-keypairs", {"keypair": {"name": f"k{version}".replace(".", ""),
                                                                 "public_key": KEY}}, version).status
            for version in ("2.1", "2.2")]
    assert made == [200, 201]
    probe.comes("type", probe.documents("/os-keypairs/k22", "keypair"))
    gone = [probe.world.ask("DELETE", f"/os-keypairs/{name}", version=version).status
            for name, version in (("k21", "2.1"), ("k22", "2.2"))]
    assert gone == [202, 204]


@case("2.3")
def server_attributes(probe):
    for name in ("reservation_id", "launch_index", "ramdisk_id", "kernel_id", "hostname", "root_device_name",
                 "user_data"):
        probe.comes(f"OS-EXT-SRV-ATTR:{name}", probe.servers("admin"))
    before, since = [one["os-extended-volumes:volumes_attached"][0] for one in probe.servers()]
    assert set(before) == {"id"} and since["delete_on_termination"] is False


@case("2.5")
def list_by_ip6(probe):
    counts = [len(one["servers"]) for one in (answer.json for answer in probe.both("GET", "/servers?ip6=ffff::1"))]
    assert counts == [1, 0]


@case("2.6")
def remote_consoles(probe):
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    assert probe.world.ask("POST", f"/servers/{probe.server}/remote-consoles", body, "2.5").status == 404
    assert probe.world.ask("POST", f"/servers/{probe.server}/remote-consoles", body, "2.6").status != 404
    assert probe.world.act(probe.server, "os-getVNCConsole", {"type": "novnc"}, version="2.6").status == 404


@case("2.7")
def access_to_public_flavors(probe):
    path, body = f"/flavors/{probe.world.flavor}/action", {"addTenantAccess": {"tenant": probe.world.project()}}
    assert probe.statuses("POST", path, body, "admin") == [200, 409]
    probe.world.ask("POST", path, {"removeTenantAccess": {"tenant": probe.world.project()}}, "2.6", "admin")


@case("2.8")
def mks_consoles(probe):
    probe.taken("POST", OWN + "/remote-consoles", {"remote_console": {"protocol": "mks", "type": "webmks"}})


@case("2.9")
def locked(probe):
    assert probe.comes("locked", probe.servers()) is False


@case("2.10")
def keypairs_of_users(probe):
    probe.taken("POST", "/os-keypairs", {"keypair": {"name": "mine", "public_key": KEY, "user_id": NOBODY}}, "admin")
    probe.world.ask("DELETE", f"/os-keypairs/mine?user_id={NOBODY}", version="2.10", as_="admin")


@case("2.11")
def forced_down(probe):
    probe.comes("forced_down", probe.documents("/os-services", "services", 0, as_="admin"))
    probe_body = {"host": "none", "binary": "nova-compute", "forced_down": True}
    found = [one.json for one in probe.both("PUT", "/os-services/force-down", probe_body, "admin")]
    assert "binary" not in str(found[0]) and "binary" in str(found[1])


@case("2.13")
def owners_of_groups(probe):
    body = {"server_group": {"name": "g", "policies": ["affinity"]}}
    group = probe.world.ask("POST", "/os-server-groups", body, "2.12").json["server_group"]["id"]
    probe.comes("project_id", probe.documents(f"/os-server-groups/{group}", "server_group"))
    probe.world.ask("DELETE", f"/os-server-groups/{group}")


@case("2.14")
def evacuation_finds_shared_storage(probe):
    probe.refused("POST", OWN + "/action", SHARED, "admin")


@case("2.15")
def soft_policies(probe):
    body = {"server_group": {"name": "soft", "policies": ["soft-affinity"]}}
    probe.taken("POST", "/os-server-groups", body)
    for one in probe.world.ask("GET", "/os-server-groups").json["server_groups"]:
        probe.world.ask("DELETE", f"/os-server-groups/{one['id']}")


@case("2.16")
def host_status(probe):
    assert probe.comes("host_status", probe.servers("admin")) == "UP"


@case("2.17")
def crash_dumps(probe):
    probe.begins("POST", f"/servers/{probe.server}/action", "admin", {"trigger_crash_dump": None})


@case("2.19")
def descriptions(probe):
    probe.comes("description", probe.servers())
    probe.taken("PUT", OWN, {"server": {"description": "d"}})
    probe.taken("POST", OWN + "/action", {"rebuild": {"imageRef": probe.world.image, "description": "d"}})
    probe.creates(description="d")


@case("2.20")
def volumes_of_shelved_servers(probe):
    world = probe.world
    server = world.boot()
    world.act(server, "shelve")
    path = f"/servers/{server}/os-volume_attachments"
    answers = [world.ask("POST", path, {"volumeAttachment": {"volumeId": NOBODY}}, version).status
               for version in ("2.19", "2.20")]
    world.delete(server)
    assert answers == [409, 404]


@case("2.21")
def actions_of_deleted_servers(probe):
    server = probe.world.boot()
    probe.world.delete(server)
    probe.begins("GET", f"/servers/{server}/os-instance-actions")


@case("2.22")
def forced_completion(probe):
    path, body = f"/servers/{probe.server}/migrations/7/action", {"force_complete": None}
    assert probe.statuses("POST", path, body, "admin") == [404, 409]


@case("2.23")
def migrations_of_servers(probe):
    probe.begins("GET", f"/servers/{probe.server}/migrations", "admin")


@case("2.24")
def live_migrations_aborted(probe):
    assert probe.statuses("DELETE", f"/servers/{probe.server}/migrations/7", as_="admin") == [404, 409]


@case("2.25")
def block_migration_chosen(probe):
    probe.taken("POST", OWN + "/action", {"os-migrateLive": {"block_migration": "auto", "host": None}}, "admin")
    probe.refused("POST", OWN + "/action", {"os-migrateLive": {**LIVE, "disk_over_commit": False}}, "admin")


@case("2.26")
def tags(probe):
    assert probe.comes("tags", probe.servers()) == ["blue"]
    probe.begins("GET", f"/servers/{probe.server}/tags")
    counts = [len(one.json["servers"]) for one in probe.both("GET", "/servers?tags=red")]
    assert counts == [1, 0]


@case("2.27")
def the_new_header(probe):
    answer = probe.world.ask("GET", "/servers", version="2.27")
    assert answer.headers["openstack-api-version"] == "compute 2.27"
    assert answer.headers["x-openstack-nova-api-version"] == "2.27"


@case("2.28")
def cpu_info(probe):
    before, since = [one[0]["cpu_info"] for one in probe.documents("/os-hypervisors/detail", "hypervisors",
                                                                   as_="admin")]
    assert isinstance(before, str) and isinstance(since, dict)


@case("2.29")
def evacuation_forced(probe):
    probe.taken("POST", OWN + "/action", {"evacuate": {"host": "h", "force": True}}, "admin")


@case("2.30")
def live_migration_forced(probe):
    body = {"os-migrateLive": {"block_migration": "auto", "host": "h", "force": True}}
    probe.taken("POST", OWN + "/action", body, "admin")


@case("2.31")
def all_console_tokens(probe):
    made = probe.world.ask("POST", f"/servers/{probe.server}/remote-consoles",
                           {"remote_console": {"protocol": "vnc", "type": "novnc"}}, "2.6").json
    token = unquote(made["remote_console"]["url"]).rpartition("token=")[2]
    assert probe.statuses("GET", f"/os-console-auth-tokens/{token}", as_="admin") == [401, 200]


@case("2.32")
def device_tags(probe):
    probe.creates(networks=[{"uuid": NOBODY, "tag": "nic"}])
    probe.creates(block_device_mapping_v2=[{"source_type": "blank", "destination_type": "local", "tag": "disk"}])


@case("2.33")
def hypervisors_in_pages(probe):
    before, since = probe.both("GET", "/os-hypervisors?limit=1&marker=none", as_="admin")
    assert (before.status, since.status) == (200, 400)
    mapping = [{"source_type": "blank", "destination_type": "local", "tag": "disk"}]
    assert probe.create("2.32", block_device_mapping_v2=mapping)
    assert not probe.create("2.33", block_device_mapping_v2=mapping)


@case("2.34")
def checked_behind_the_answer(probe):
    body = {"os-migrateLive": {"block_migration": "auto", "host": "host1"}}
    assert probe.statuses("POST", f"/servers/{probe.server}/action", body, "admin") == [400, 202]
    probe.world.cloud.run(10)


@case("2.35")
def keypairs_in_pages(probe):
    assert probe.statuses("GET", "/os-keypairs?marker=none") == [200, 400]


@case("2.36")
def no_proxies(probe):
    for path in ("/images", "/os-networks", "/os-floating-ips", "/os-security-groups", "/os-volumes", "/os-snapshots"):
        probe.ends("GET", path)
    probe.goes("maxSecurityGroups", probe.documents("/limits", "limits", "absolute"))
    project = probe.world.project()
    probe.goes("floating_ips", probe.documents(f"/os-quota-sets/{project}", "quota_set"))


@case("2.37")
def networks_asked_for(probe):
    body = {"server": {"name": "s", "flavorRef": "none", "imageRef": probe.world.image}}
    before, since = [one.json["badRequest"]["message"] for one in probe.both("POST", "/servers", body)]
    assert "Flavor none" in before and "networks" in since
    probe.creates(networks="auto")
    assert not probe.create("2.37", networks=[{"uuid": NOBODY, "tag": "nic"}])


@case("2.38")
def unknown_statuses(probe):
    assert probe.statuses("GET", "/servers?status=none") == [200, 400]


@case("2.39")
def no_image_metadata(probe):
    probe.ends("GET", f"/images/{probe.world.image}/metadata")
    probe.goes("maxImageMeta", probe.documents("/limits", "limits", "absolute"))


@case("2.40")
def usage_in_pages(probe):
    assert probe.statuses("GET", "/os-simple-tenant-usage?marker=none&detailed=1", as_="admin") == [200, 400]


@case("2.41")
def uuids_of_aggregates(probe):
    made = probe.world.ask("POST", "/os-aggregates", {"aggregate": {"name": "a"}}, as_="admin").json["aggregate"]["id"]
    probe.comes("uuid", probe.documents(f"/os-aggregates/{made}", "aggregate", as_="admin"))
    probe.world.ask("DELETE", f"/os-aggregates/{made}", as_="admin")


@case("2.42")
def device_tags_again(probe):
    probe.creates(networks=[{"uuid": NOBODY, "tag": "nic"}])
    probe.creates(block_device_mapping_v2=[{"source_type": "blank", "destination_type": "local", "tag": "disk"}])


@case("2.43")
def no_hosts(probe):
    probe.ends("GET", "/os-hosts", "admin")


@case("2.44")
def no_addresses(probe):
    probe.ends("POST", OWN + "/action", body={"removeFloatingIp": {"address": "none"}})


@case("2.45")
def images_in_the_body(probe):
    world = probe.world
    for action, more in (("createImage", {}), ("createBackup", {"backup_type": "daily", "rotation": 1})):
        before, since = [world.act(probe.server, action, {"name": "i", **more}, version=version)
                         for version in ("2.44", "2.45")]
        assert "location" in before.headers and not before.data
        assert "location" not in since.headers and since.json["image_id"]


@case("2.47")
def flavors_in_servers(probe):
    before, since = [one["flavor"] for one in probe.servers()]
    assert set(before) == {"id", "links"}
    assert since["original_name"] == "small" and since["vcpus"] == 1


@case("2.48")
def diagnostics_of_one_form(probe):
    before, since = probe.documents(f"/servers/{probe.server}/diagnostics", as_="admin")
    assert "cpu0_time" in before and "cpu0_time" not in since and since["cpu_details"]
