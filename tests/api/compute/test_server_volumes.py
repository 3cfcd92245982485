"""Volumes in servers: attached, detached, booted from."""

import pytest
from stratolith.core.errors import BackendBusy


@pytest.fixture
def volume(world):
    made = create(world)
    yield made
    world.cloud.run(5)
    world.cloud.request("DELETE", f"/volume/v3/volumes/{made}", as_="demo")
    world.cloud.run(5)


def create(world, **fields):
    answer = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1, **fields}}, as_="demo")
    assert answer.status == 202, answer
    world.cloud.run(5)
    return answer.json["volume"]["id"]


def state(world, volume_id):
    answer = world.cloud.request("GET", f"/volume/v3/volumes/{volume_id}", as_="demo")
    return answer.json["volume"]["status"] if answer.status == 200 else "gone"


def volumes(world):
    return world.cloud.request("GET", "/volume/v3/volumes", as_="demo").json["volumes"]


def test_attach_and_detach(world, volume):
    server = world.boot()
    path = f"/servers/{server}/os-volume_attachments"
    made = world.ask("POST", path, {"volumeAttachment": {"volumeId": volume, "device": "/dev/vdb"}}, "2.79")
    assert made.status == 200, made
    assert made.json["volumeAttachment"] == {"id": volume, "volumeId": volume, "serverId": server,
                                             "device": "/dev/vdb", "tag": None, "delete_on_termination": False}
    world.cloud.run(5)
    assert state(world, volume) == "in-use"
    assert world.ask("GET", path).json["volumeAttachments"][0]["volumeId"] == volume
    assert world.ask("GET", f"{path}/{volume}").status == 200
    assert world.show(server)["os-extended-volumes:volumes_attached"] == [
        {"id": volume, "delete_on_termination": False}]
    assert world.ask("POST", path, {"volumeAttachment": {"volumeId": volume}}).status == 400
    assert world.ask("DELETE", f"{path}/{volume}").status == 202
    assert state(world, volume) == "detaching", "who waits for its end must not see its beginning"
    world.cloud.run(5)
    assert state(world, volume) == "available"
    assert world.ask("GET", path).json["volumeAttachments"] == []
    assert world.ask("DELETE", f"{path}/{volume}").status == 404
    unknown = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"
    assert world.ask("POST", path, {"volumeAttachment": {"volumeId": unknown}}).status == 404


def test_two_servers_detach_one_volume(world):
    types = world.cloud.request("POST", "/volume/v3/types", {"volume_type": {
        "name": "many", "extra_specs": {"multiattach": "<is> True"}}}).json["volume_type"]["id"]
    shared = create(world, volume_type=types)
    servers = [world.boot(), world.boot()]
    for server in servers:
        answer = world.ask("POST", f"/servers/{server}/os-volume_attachments",
                           {"volumeAttachment": {"volumeId": shared}}, "2.60")
        assert answer.status == 200, answer
        world.cloud.run(5)
    for server, after in zip(servers, ("in-use", "available"), strict=True):
        assert world.ask("DELETE", f"/servers/{server}/os-volume_attachments/{shared}").status == 202
        assert state(world, shared) == "detaching"
        world.cloud.run(5)
        assert state(world, shared) == after
    world.cloud.request("DELETE", f"/volume/v3/volumes/{shared}", as_="demo")
    world.cloud.run(5)


def test_failed_attach(world, volume):
    server = world.boot()
    world.driver().fail("attach_volume", times=-1)
    path = f"/servers/{server}/os-volume_attachments"
    assert world.ask("POST", path, {"volumeAttachment": {"volumeId": volume}}).status == 200
    world.cloud.run(120)
    assert state(world, volume) == "available"
    assert world.ask("GET", path).json["volumeAttachments"] == []


def test_failed_detach(world, volume):
    server = world.boot()
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    world.driver().fail("detach_volume", times=-1)
    assert world.ask("DELETE", f"{path}/{volume}").status == 202
    world.cloud.run(120)
    assert state(world, volume) == "in-use"
    assert len(world.ask("GET", path).json["volumeAttachments"]) == 1
    world.driver().heal()
    assert world.ask("DELETE", f"{path}/{volume}").status == 202
    world.cloud.run(5)
    assert state(world, volume) == "available"


def test_a_detach_that_was_begun_is_accepted_though_nobody_hears_of_it_at_once(world, volume, monkeypatch):
    server = world.boot()
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(20)
    storage, deaf = world.cloud.cloud.services["volume"], []
    heard = storage.begin_detach

    def begin_detach(*asked):
        if not deaf:
            deaf.append(asked)
            raise BackendBusy("away")
        heard(*asked)

    monkeypatch.setattr(storage, "begin_detach", begin_detach)
    assert world.ask("DELETE", f"{path}/{volume}").status == 202
    world.cloud.run(20)
    assert deaf and state(world, volume) == "available"


def test_delete_lets_go_of_volumes(world, volume):
    server = world.boot()
    world.ask("POST", f"/servers/{server}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    world.delete(server)
    assert state(world, volume) == "available"


@pytest.mark.parametrize("keeps", [True, False])
def test_boot_from_an_image_volume(world, keeps):
    server = world.boot(imageRef="", block_device_mapping_v2=[{
        "source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
        "boot_index": 0, "delete_on_termination": not keeps}], run_s=60)
    shown = world.show(server)
    assert shown["status"] == "ACTIVE", shown
    assert shown["image"] == ""
    attached = shown["os-extended-volumes:volumes_attached"][0]
    assert state(world, attached["id"]) == "in-use"
    assert world.ask("DELETE", f"/servers/{server}/os-volume_attachments/{attached['id']}").status == 403
    world.delete(server)
    world.cloud.run(10)
    assert state(world, attached["id"]) == ("available" if keeps else "gone")
    if keeps:
        assert world.cloud.request("DELETE", f"/volume/v3/volumes/{attached['id']}", as_="demo").status == 202
        world.cloud.run(5)


def test_boot_from_a_volume(world):
    root = create(world, imageRef=world.image)
    fields = {"imageRef": "", "block_device_mapping_v2": [
        {"source_type": "volume", "uuid": root, "destination_type": "volume", "boot_index": 0},
        {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "delete_on_termination": True}]}
    server = world.boot(**fields, run_s=60)
    assert world.show(server)["status"] == "ACTIVE", world.show(server)
    assert len(world.show(server)["os-extended-volumes:volumes_attached"]) == 2
    assert world.post(**fields).status == 400
    world.delete(server)
    world.cloud.run(10)
    assert [one["id"] for one in volumes(world)] == [root]
    world.cloud.request("DELETE", f"/volume/v3/volumes/{root}", as_="demo")
    world.cloud.run(5)


def test_failed_boot_leaves_no_volume(world):
    world.driver().fail("spawn", times=-1)
    server = world.boot(imageRef="", block_device_mapping_v2=[{
        "source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
        "boot_index": 0, "delete_on_termination": True}], run_s=120)
    assert world.show(server)["status"] == "ERROR"
    assert volumes(world) == []


def test_bad_mappings(world):
    for mapping in ([{"source_type": "volume", "boot_index": 0}],
                    [{"source_type": "image", "uuid": world.image, "destination_type": "volume", "boot_index": 0}],
                    [{"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": 1}],
                    [{"source_type": "nothing"}], [{"boot_index": 0}]):
        assert world.post(imageRef="", block_device_mapping_v2=mapping).status == 400, mapping


def test_image_of_a_server_with_a_root_volume(world):
    server = world.boot(imageRef="", block_device_mapping_v2=[{
        "source_type": "image", "uuid": world.image, "destination_type": "volume", "volume_size": 1,
        "boot_index": 0, "delete_on_termination": True}], run_s=60)
    image_id = world.act(server, "createImage", {"name": "copy"}, run_s=30).json["image_id"]
    image = world.cloud.request("GET", f"/image/v2/images/{image_id}", as_="demo").json
    assert (image["status"], image["size"]) == ("active", 0)
    assert '"source_type":"snapshot"' in image["block_device_mapping"]
    snapshots = world.cloud.request("GET", "/volume/v3/snapshots", as_="demo").json["snapshots"]
    assert [one["status"] for one in snapshots] == ["available"]
    copy = world.boot(imageRef=image_id, run_s=60)
    assert world.show(copy)["status"] == "ACTIVE", world.show(copy)
    assert len(world.show(copy)["os-extended-volumes:volumes_attached"]) == 1


def test_extend_attached(world, volume):
    server = world.boot()
    path = f"/servers/{server}/os-volume_attachments"
    world.ask("POST", path, {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    grow = f"/volume/v3/volumes/{volume}/action"
    refused = world.cloud.request("POST", grow, {"os-extend": {"new_size": 2}}, as_="demo", version="volume 3.41")
    assert refused.status == 400
    begun = world.cloud.request("POST", grow, {"os-extend": {"new_size": 2}}, as_="demo", version="volume 3.42")
    assert begun.status == 202
    world.cloud.run(5)
    assert state(world, volume) == "in-use"
    done = world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [one["action"] for one in done] == ["extend_volume", "attach_volume", "create"]
    shown = world.ask("GET", f"/servers/{server}/os-instance-actions/{done[0]['request_id']}", as_="admin")
    event = shown.json["instanceAction"]["events"][0]
    assert (event["event"], event["result"]) == ("compute_extend_volume", "Success")
    assert event["finish_time"]
    assert world.ask("DELETE", f"{path}/{volume}").status == 202
    world.cloud.run(5)
