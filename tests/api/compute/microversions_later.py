"""Cases of microversions 2.49 on."""

import base64

from tests.api.compute.microversions import NOBODY, OWN, case

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMMXLcT0ubGQmLKXnAMwVrOu4cJ8WnCKdQ0vAhTzmDN2 me"
EVENTS = "/os-server-external-events"
ATTACHMENTS = "/os-volume_attachments"
NAMED = {"server": {"name": "x"}}


def event(name, **more):
    return {"events": [{"name": name, "server_uuid": NOBODY, **more}]}


def attachment(**fields):
    return {"volumeAttachment": {"volumeId": NOBODY, **fields}}


@case("2.49")
def tagged_attachments(probe):
    probe.taken("POST", OWN + ATTACHMENTS, attachment(tag="disk"))
    probe.taken("POST", OWN + "/os-interface", {"interfaceAttachment": {"tag": "nic"}})


@case("2.50")
def quota_classes(probe):
    sets = probe.documents("/os-quota-class-sets/default", "quota_class_set", as_="admin")
    probe.comes("server_groups", sets)
    probe.goes("floating_ips", sets)


@case("2.51")
def events_of_actions(probe):
    probe.taken("POST", EVENTS, event("volume-extended", tag=NOBODY), "admin")
    path = f"/servers/{probe.server}/os-instance-actions"
    request = probe.world.ask("GET", path, version="2.51").json["instanceActions"][0]["request_id"]
    probe.comes("events", probe.documents(f"{path}/{request}", "instanceAction"))


@case("2.52")
def tags_of_new_servers(probe):
    probe.creates(tags=["red"])


@case("2.53")
def uuids_of_hosts(probe):
    for path, noun in (("/os-services", "services"), ("/os-hypervisors", "hypervisors")):
        before, since = [one[0]["id"] for one in probe.documents(path, noun, as_="admin")]
        assert isinstance(before, int) and len(since) == 36
    probe.ends("GET", "/os-hypervisors/host/search", "admin")
    body = {"host": "none", "binary": "nova-compute"}
    before, since = probe.both("PUT", "/os-services/disable", body, "admin")
    assert "binary" in before.json["itemNotFound"]["message"] and since.status in (400, 404)


@case("2.54")
def keys_of_rebuilt_servers(probe):
    probe.taken("POST", OWN + "/action", {"rebuild": {"imageRef": probe.world.image, "key_name": None}})


@case("2.55")
def descriptions_of_flavors(probe):
    probe.comes("description", probe.documents(f"/flavors/{probe.world.flavor}", "flavor"))
    before, since = probe.statuses("PUT", "/flavors/none", {"flavor": {"description": "d"}}, "admin")
    assert before in (404, 405) and since == 404


@case("2.56")
def migration_to_a_host(probe):
    # Whatever stood there was not looked at before.
    probe.refused("POST", OWN + "/action", {"migrate": {"other": "h"}}, "admin")


@case("2.57")
def no_personality(probe):
    files = [{"path": "/etc/motd", "contents": base64.b64encode(b"x").decode()}]
    assert probe.create("2.56", personality=files) and not probe.create("2.57", personality=files)
    probe.taken("POST", OWN + "/action", {"rebuild": {"imageRef": probe.world.image, "user_data": None}})
    probe.goes("maxPersonality", probe.documents("/limits", "limits", "absolute"))
    probe.goes("injected_files", probe.documents(f"/os-quota-sets/{probe.world.project()}", "quota_set"))


@case("2.58")
def actions_in_pages(probe):
    path = f"/servers/{probe.server}/os-instance-actions"
    assert [len(one) for one in probe.documents(path + "?limit=1", "instanceActions")][1] == 1
    assert probe.statuses("GET", path + "?marker=none") == [200, 400]
    probe.comes("updated_at", probe.documents(path, "instanceActions", 0))


@case("2.59")
def migrations_in_pages(probe):
    assert probe.statuses("GET", "/os-migrations?marker=" + NOBODY, as_="admin") == [200, 400]


@case("2.60")
def volumes_for_many(probe):
    cloud, world = probe.world.cloud, probe.world
    kind = cloud.request("POST", "/volume/v3/types", {"volume_type": {"name": "many", "extra_specs": {
        "multiattach": "<is> True"}}}).json["volume_type"]["id"]
    made = cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1, "volume_type": kind}}, as_="demo").json
    volume = made["volume"]["id"]
    cloud.run(3)
    disk = {"source_type": "volume", "uuid": volume, "destination_type": "volume", "boot_index": None}
    body = {"server": {"name": "many", "flavorRef": world.flavor, "imageRef": world.image, "networks": "none",
                       "block_device_mapping_v2": [disk]}}
    refused, made = probe.both("POST", "/servers", body)
    assert (refused.status, made.status) == (400, 202)
    cloud.run(5)
    world.delete(made.json["server"]["id"])
    path = f"/servers/{probe.server}{ATTACHMENTS}"
    assert probe.statuses("POST", path, attachment(volumeId=volume)) == [400, 200]
    cloud.run(5)
    world.ask("DELETE", f"{path}/{volume}")
    cloud.run(5)


@case("2.61")
def specs_of_flavors(probe):
    probe.comes("extra_specs", probe.documents(f"/flavors/{probe.world.flavor}", "flavor", as_="admin"))


@case("2.62")
def hosts_of_events(probe):
    path = f"/servers/{probe.server}/os-instance-actions"
    request = probe.world.ask("GET", path, version="2.62").json["instanceActions"][0]["request_id"]
    events = [one["events"][0] for one in probe.documents(f"{path}/{request}", "instanceAction", as_="admin")]
    assert probe.comes("host", events) == "host1"
    assert probe.comes("hostId", events)


@case("2.63")
def image_certificates(probe):
    assert probe.comes("trusted_image_certificates", probe.servers()) is None
    body = {"rebuild": {"imageRef": probe.world.image, "trusted_image_certificates": None}}
    probe.taken("POST", OWN + "/action", body)


@case("2.64")
def rules_of_groups(probe):
    probe.taken("POST", "/os-server-groups", {"server_group": {"name": "g", "policy": "anti-affinity", "rules": {
        "max_server_per_host": 2}}})
    group = probe.world.ask("GET", "/os-server-groups", version="2.64").json["server_groups"][0]["id"]
    shown = probe.documents(f"/os-server-groups/{group}", "server_group")
    probe.goes("policies", shown)
    probe.goes("metadata", shown)
    assert probe.comes("policy", shown) == "anti-affinity"
    probe.world.ask("DELETE", f"/os-server-groups/{group}")


@case("2.66")
def lists_until_a_moment(probe):
    counts = [len(one) for one in probe.documents("/servers?changes-before=2001-01-01T00:00:00Z", "servers")]
    assert counts == [1, 0]
    before, since = probe.statuses("GET", f"/servers/{probe.server}/os-instance-actions?changes-before=x")
    assert before == since == 400
    path = f"/servers/{probe.server}/os-instance-actions?changes-before=2001-01-01T00:00:00Z"
    before, since = probe.both("GET", path)
    assert before.status == 400 and since.json["instanceActions"] == []


@case("2.67")
def volume_types(probe):
    probe.creates(block_device_mapping_v2=[{"source_type": "blank", "destination_type": "volume", "volume_size": 1,
                                            "volume_type": "fast"}])


@case("2.68")
def nothing_is_forced(probe):
    probe.refused("POST", OWN + "/action", {"evacuate": {"host": "h", "force": True}}, "admin")
    body = {"os-migrateLive": {"block_migration": "auto", "host": "h", "force": True}}
    probe.refused("POST", OWN + "/action", body, "admin")


@case("2.70")
def tags_of_attachments(probe):
    probe.comes("tag", probe.documents(f"/servers/{probe.server}{ATTACHMENTS}", "volumeAttachments", 0))
    probe.comes("tag", probe.documents(f"/servers/{probe.server}/os-interface", "interfaceAttachments", 0))


@case("2.71")
def groups_of_servers(probe):
    assert probe.comes("server_groups", probe.servers()) == []


@case("2.73")
def reasons_of_locks(probe):
    probe.comes("locked_reason", probe.servers())
    # Whatever stood there was not looked at before.
    probe.refused("POST", OWN + "/action", {"lock": {"other": "r"}})
    counts = [len(one) for one in probe.documents("/servers?locked=true", "servers")]
    assert counts == [1, 0]


@case("2.74")
def hosts_of_new_servers(probe):
    probe.creates(host="host1")
    probe.creates(hypervisor_hostname="host1")


@case("2.75")
def nothing_unknown(probe):
    assert probe.statuses("GET", "/servers?none=1") == [200, 400]
    assert probe.statuses("GET", "/flavors?none=1") == [200, 400]
    assert [one["swap"] for one in probe.documents(f"/flavors/{probe.world.flavor}", "flavor")] == ["", 0]
    before, since = [one.json["server"] for one in probe.both(
        "PUT", f"/servers/{probe.server}", {"server": {"name": "one"}})]
    probe.comes("OS-EXT-STS:vm_state", (before, since))


@case("2.76")
def power_updates(probe):
    probe.taken("POST", EVENTS, event("power-update", tag="POWER_ON"), "admin")


@case("2.77")
def zones_of_unshelved_servers(probe):
    # Whatever stood there was not looked at before.
    probe.refused("POST", OWN + "/action", {"unshelve": {"other": "nova"}})


@case("2.78")
def topologies(probe):
    probe.begins("GET", f"/servers/{probe.server}/topology")


@case("2.79")
def volumes_that_go_with_servers(probe):
    probe.taken("POST", OWN + ATTACHMENTS, attachment(delete_on_termination=True))
    shown = probe.documents(f"/servers/{probe.server}{ATTACHMENTS}", "volumeAttachments", 0)
    assert probe.comes("delete_on_termination", shown) is False


@case("2.80")
def owners_of_migrations(probe):
    assert probe.statuses("GET", "/os-migrations?project_id=" + NOBODY, as_="admin") == [400, 200]


@case("2.81")
def images_of_aggregates(probe):
    path, body = "/os-aggregates/1000/images", {"cache": [{"id": probe.world.image}]}
    before, since = probe.both("POST", path, body, "admin")
    assert before.status == since.status == 404
    assert "1000" not in before.json["itemNotFound"]["message"] and "1000" in since.json["itemNotFound"]["message"]


@case("2.82")
def accelerators(probe):
    probe.taken("POST", EVENTS, event("accelerator-request-bound", tag=NOBODY), "admin")


@case("2.83")
def filters_for_all(probe):
    for query in ("availability_zone=none", "config_drive=1", "key_name=none", "created_at=2001-01-01T00:00:00Z",
                  "launched_at=2001-01-01T00:00:00Z", "terminated_at=2001-01-01T00:00:00Z", "power_state=4",
                  "task_state=none", "vm_state=stopped", "progress=7", "user_id=none"):
        assert [len(one) for one in probe.documents(f"/servers?{query}", "servers")] == [1, 0], query


@case("2.84")
def details_of_failed_events(probe):
    world = probe.world
    world.driver().fail("pause", times=-1)
    world.act(probe.server, "pause", run_s=60)
    world.driver().heal()
    path = f"/servers/{probe.server}/os-instance-actions"
    request = world.ask("GET", path).json["instanceActions"][0]["request_id"]
    events = [one["events"][-1] for one in probe.documents(f"{path}/{request}", "instanceAction", as_="admin")]
    assert probe.comes("details", events)
    told = world.ask("GET", f"{path}/{request}", version=probe.version).json["instanceAction"]["events"][-1]
    assert not {"details", "traceback", "host"} & set(told)


@case("2.85")
def attachments_changed(probe):
    volume = probe.world.show(probe.server)["os-extended-volumes:volumes_attached"][0]["id"]
    path = f"/servers/{probe.server}{ATTACHMENTS}/{volume}"
    body = attachment(volumeId=volume, delete_on_termination=False)
    assert probe.statuses("PUT", path, body) == [400, 202]
    assert probe.statuses("PUT", path, attachment(volumeId=volume))[0] == 403


@case("2.86")
def specs_checked(probe):
    path = f"/flavors/{probe.world.flavor}/os-extra_specs"
    assert probe.statuses("POST", path, {"extra_specs": {"hw:cpu_policy": "sharrred"}}, "admin") == [200, 400]
    assert probe.statuses("PUT", path + "/hw:foo", {"hw:foo": "bar"}, "admin") == [200, 400]
    for name in ("hw:cpu_policy", "hw:foo"):
        probe.world.ask("DELETE", f"{path}/{name}", as_="admin")


@case("2.87")
def root_volumes_rescued(probe):
    world = probe.world
    disk = {"source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    server = world.boot(block_device_mapping_v2=[disk], imageRef="", run_s=10)
    answers = [world.act(server, "rescue", {"rescue_image_ref": world.image}, version=version)
               for version in ("2.86", "2.87")]
    world.delete(server)
    said = [one.json["badRequest"]["message"] for one in answers]
    assert "volume-backed" in said[0] and "hw_rescue" in said[1]


@case("2.88")
def hypervisors_in_short(probe):
    shown = probe.documents("/os-hypervisors/detail", "hypervisors", 0, as_="admin")
    for name in ("current_workload", "cpu_info", "vcpus", "vcpus_used", "free_disk_gb", "local_gb", "local_gb_used",
                 "disk_available_least", "free_ram_mb", "memory_mb", "memory_mb_used", "running_vms"):
        probe.goes(name, shown)
    assert "up" in probe.comes("uptime", shown)
    probe.ends("GET", "/os-hypervisors/statistics", "admin")
    probe.ends("GET", f"/os-hypervisors/{shown[1]['id']}/uptime", "admin")


@case("2.89")
def attachments_by_their_own_ids(probe):
    shown = probe.documents(f"/servers/{probe.server}{ATTACHMENTS}", "volumeAttachments", 0)
    probe.goes("id", shown)
    assert probe.comes("attachment_id", shown) and probe.comes("bdm_uuid", shown)


@case("2.90")
def host_names(probe):
    assert probe.comes("OS-EXT-SRV-ATTR:hostname", probe.servers()) == "one"
    probe.taken("PUT", OWN, {"server": {"hostname": "web"}})
    probe.taken("POST", OWN + "/action", {"rebuild": {"imageRef": probe.world.image, "hostname": "web"}})
    probe.creates(hostname="web")


@case("2.91")
def hosts_of_unshelved_servers(probe):
    probe.taken("POST", OWN + "/action", {"unshelve": {"host": "host1"}})
    probe.taken("POST", OWN + "/action", {"unshelve": {"availability_zone": None}})


@case("2.92")
def keypairs_only_imported(probe):
    probe.refused("POST", "/os-keypairs", {"keypair": {"name": "made"}})
    probe.taken("POST", "/os-keypairs", {"keypair": {"name": "me@home.example", "public_key": KEY}})
    for name in ("made", "me@home.example"):
        probe.world.ask("DELETE", f"/os-keypairs/{name}")


@case("2.93")
def root_volumes_rebuilt(probe):
    probe.taken("POST", EVENTS, event("volume-reimaged", tag=NOBODY), "admin")


@case("2.94")
def full_host_names(probe):
    probe.taken("PUT", OWN, {"server": {"hostname": "web.example.org"}})
    probe.taken("POST", OWN + "/action", {"rebuild": {"imageRef": probe.world.image, "hostname": "web.example.org"}})
    probe.creates(hostname="web.example.org")


@case("2.96")
def pinned_zones(probe):
    assert probe.comes("pinned_availability_zone", probe.servers()) is None
    probe.comes("pinned_availability_zone", probe.documents("/servers/detail", "servers", 0))


@case("2.97")
def shares(probe):
    own = f"/servers/{probe.server}/shares"
    probe.begins("GET", own)
    assert probe.world.ask("GET", own, version="2.97").json == {"shares": []}
    assert probe.world.ask("GET", f"{own}/{NOBODY}", version="2.97").status == 404
    body = {"share": {"share_id": NOBODY, "tag": "data"}}
    assert probe.statuses("POST", own, body) == [404, 409]
    assert probe.statuses("DELETE", f"{own}/{NOBODY}") == [404, 409]
    probe.world.act(probe.server, "os-stop")
    for method, path, given in (("POST", own, body), ("DELETE", f"{own}/{NOBODY}", None)):
        answer = probe.world.ask(method, path, given, "2.97")
        assert (answer.status, NOBODY in answer.json["itemNotFound"]["message"]) == (404, True)
    assert probe.world.ask("POST", own, {"share": {"tag": "data"}}, "2.97").status == 400
    probe.world.act(probe.server, "os-start")


@case("2.98")
def properties_of_images(probe):
    world = probe.world
    path = f"/image/v2/images/{world.image}"
    world.cloud.request("PATCH", path, [{"op": "add", "path": "/os_distro", "value": "debian"}], as_="demo",
                        headers={"Content-Type": "application/openstack-images-v2.1-json-patch"})
    server = world.boot()
    shown = [one["image"] for one in probe.documents(f"/servers/{server}", "server")]
    properties = probe.comes("properties", shown)
    assert properties["os_distro"] == "debian"
    assert properties["base_image_ref"] == world.image
    assert (properties["disk_format"], properties["container_format"], properties["min_ram"]) == ("raw", "bare", "0")
    assert all(isinstance(one, str) for one in properties.values())
    pages = probe.documents("/servers/detail", "servers")
    assert probe.comes("properties", [next(one["image"] for one in page if one["id"] == server) for page in pages])
    changed = [one.json["server"]["image"] for one in probe.both("PUT", f"/servers/{server}", NAMED)]
    assert probe.comes("properties", changed) == properties
    rebuilt = [world.act(server, "rebuild", {"imageRef": world.image}, version=version).json["server"]["image"]
               for version in (probe.before, probe.version)]
    assert probe.comes("properties", rebuilt) == properties
    world.delete(server)


@case("2.99")
def spice_direct(probe):
    path = f"/servers/{probe.server}/remote-consoles"
    before, since = probe.both("POST", path, {"remote_console": {"protocol": "spice", "type": "spice-direct"}})
    assert before.status == since.status == 400
    assert since.json["badRequest"]["message"] == "Unavailable console type spice-direct."
    assert before.json != since.json
    url = probe.world.ask("POST", path, {"remote_console": {"protocol": "serial", "type": "serial"}}, "2.99")
    token = url.json["remote_console"]["url"].rpartition("token=")[2]
    assert probe.comes("tls_port", probe.documents(f"/os-console-auth-tokens/{token}", "console", as_="admin")) is None


@case("2.100")
def hints_of_servers(probe):
    world, hints = probe.world, {"different_host": [NOBODY, probe.server], "build_near_host_ip": "192.0.2.1"}
    server = world.post(hints={**hints, "same_host": [probe.server]}).json["server"]["id"]
    world.cloud.run(5)
    wanted = {**hints, "same_host": [probe.server], "build_near_host_ip": ["192.0.2.1"]}
    assert probe.comes("scheduler_hints", probe.documents(f"/servers/{server}", "server")) == wanted
    assert probe.comes("scheduler_hints", probe.servers()) == {}
    pages = probe.documents("/servers/detail", "servers")
    assert probe.comes("scheduler_hints", [next(one for one in page if one["id"] == server) for page in pages])
    changed = [one.json["server"] for one in probe.both("PUT", f"/servers/{server}", NAMED)]
    assert probe.comes("scheduler_hints", changed) == wanted
    rebuilt = [one.json["server"] for one in (
        world.act(probe.server, "rebuild", {"imageRef": world.image}, version=version)
        for version in (probe.before, probe.version))]
    assert probe.comes("scheduler_hints", rebuilt) == {}
    world.delete(server)


@case("2.101")
def volumes_attached_behind_the_answer(probe):
    world, path = probe.world, f"/servers/{probe.server}{ATTACHMENTS}"
    for version, status in ((probe.before, 200), (probe.version, 202)):
        volume = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]
        world.cloud.run(3)
        answer = world.ask("POST", path, attachment(volumeId=volume["id"]), version)
        assert (answer.status, bool(answer.data)) == (status, status == 200)
        world.cloud.run(5)
        assert volume["id"] in [one["volumeId"] for one in world.ask("GET", path, version=version).json[
            "volumeAttachments"]]
        world.ask("DELETE", f"{path}/{volume['id']}")
        world.cloud.run(5)


@case("2.102")
def flavors_in_short_and_strict_queries(probe):
    world, old = probe.world, {"flavor": {"name": "old", "ram": 64, "vcpus": 1, "disk": 0, "rxtx_factor": 1.5}}
    made = [one.json.get("flavor") for one in probe.both("POST", "/flavors", old, "admin")]
    assert made[0]["rxtx_factor"] == 1.5 and made[1] is None
    path = f"/flavors/{made[0]['id']}"
    lists = [next(one for one in page if one["name"] == "old")
             for page in probe.documents("/flavors/detail", "flavors")]
    for shown in (probe.documents(path, "flavor"), lists):
        for name in ("rxtx_factor", "OS-FLV-DISABLED:disabled"):
            probe.goes(name, shown)
    named = [[one["name"] for one in page["flavors"]] for page in (
        world.ask("GET", f"/flavors{at}?name={name}", version=probe.version).json
        for at in ("", "/detail") for name in ("%5Eol", "l[d]$"))]
    assert named == [["old"]] * 4
    assert probe.statuses("GET", "/flavors?name=old") == [400, 200]
    assert probe.statuses("GET", "/flavors?sort_key=rxtx_factor") == [200, 400]
    for strict in (path, f"/servers/{probe.server}", f"/servers/{probe.server}/metadata", "/os-availability-zone",
                   f"/servers/{probe.server}/ips"):
        assert probe.statuses("GET", strict + "?what=1") == [200, 400], strict
        assert probe.statuses("GET", strict) == [200, 200], strict
    world.ask("DELETE", path, as_="admin")


@case("2.103")
def no_second_path_of_servers(probe):
    for path in ("", "/detail", f"/{probe.server}"):
        probe.ends("GET", "/os-volumes_boot" + path)
    assert probe.create(probe.version)
    body = {"server": {"name": "s", "flavorRef": "none", "imageRef": probe.world.image, "networks": "none"}}
    assert probe.statuses("POST", "/os-volumes_boot", body) == [400, 404]


@case("2.104")
def pins_changed(probe):
    world, server = probe.world, probe.world.boot("2.96", availability_zone="nova")

    def pinned(zone):
        return world.ask("PUT", f"/servers/{server}", {"server": {"pinned_availability_zone": zone}}, probe.version)
    probe.taken("PUT", OWN, {"server": {"pinned_availability_zone": None}})
    assert pinned("nova").status == 200
    assert pinned("east").status == 409
    for zone in (None, None, "nova", "nova"):
        assert pinned(zone).json["server"]["pinned_availability_zone"] == zone
        shown = world.show(server, probe.version)
        assert (shown["pinned_availability_zone"], shown["OS-EXT-AZ:availability_zone"]) == (zone, "nova")
    assert pinned(None).status == 200
    assert pinned("east").status == 409
    assert pinned("").status == 400
    assert world.show(server, probe.version)["pinned_availability_zone"] is None
    world.delete(server)
