"""What guests read of themselves: the metadata service and the config drive."""

import base64
import hashlib
import hmac
import io
import json

import pytest

SCRIPT = b"#!/bin/sh\necho hello\n"


@pytest.fixture(scope="module")
def page(world):
    return world.cloud.cloud.pages["/metadata"]


@pytest.fixture
def guest(world):
    """A server with everything, and the headers of its requests."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMMXLcT0ubGQmLKXnAMwVrOu4cJ8WnCKdQ0vAhTzmDN2 me"
    world.ask("POST", "/os-keypairs", {"keypair": {"name": "mine", "public_key": key}})
    server = world.boot(user_data=base64.b64encode(SCRIPT).decode(), key_name="mine", metadata={"role": "web"},
                        config_drive=True)
    address = world.show(server)["addresses"]["private"][0]["addr"]
    network = world.ask("GET", f"/servers/{server}/os-interface").json["interfaceAttachments"][0]["net_id"]
    yield server, {"HTTP_X_FORWARDED_FOR": address, "HTTP_X_NEUTRON_NETWORK_ID": network}
    world.ask("DELETE", "/os-keypairs/mine")


def get(page, path, headers, trusted=True, method="GET"):
    answered = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, **headers}
    if trusted:
        environ["stratolith.trusted"] = True
    data = b"".join(page(environ, lambda status, headers: answered.append((status, dict(headers)))))
    return int(answered[0][0][:3]), answered[0][1]["Content-Type"], data


def test_openstack_form(page, guest):
    server, headers = guest
    status, kind, data = get(page, "/openstack/latest/meta_data.json", headers)
    document = json.loads(data)
    assert (status, kind) == (200, "application/json")
    assert (document["uuid"], document["name"], document["hostname"]) == (server, "one", "one")
    assert document["meta"] == {"role": "web"}
    assert document["public_keys"]["mine"].startswith("ssh-ed25519")
    assert get(page, "/openstack/2012-08-10/user_data", headers)[2] == SCRIPT
    network = json.loads(get(page, "/openstack/latest/network_data.json", headers)[2])
    assert network["networks"] and network["links"]
    assert get(page, "/openstack/latest/vendor_data.json", headers)[2] == b"{}"
    assert b"latest" in get(page, "/openstack", headers)[2].split(b"\n")
    assert set(get(page, "/openstack/latest/", headers)[2].decode().split("\n")) == {
        "meta_data.json", "network_data.json", "password", "user_data", "vendor_data.json", "vendor_data2.json"}
    assert get(page, "/openstack/latest/none", headers)[0] == 404


def test_a_password_that_the_guest_tells(world, page, guest):
    server, headers = guest
    path, shown = "/openstack/2013-10-17/password", f"/servers/{server}/os-server-password"

    def tell(text):
        body = {"CONTENT_LENGTH": str(len(text)), "wsgi.input": io.BytesIO(text)}
        return get(page, path, {**headers, **body}, method="POST")[0]

    assert get(page, path, headers)[2] == b""
    assert world.ask("GET", shown).json == {"password": ""}
    assert tell(b"x" * 1021) == 400
    assert tell(b"c2VjcmV0") == 200
    assert tell(b"another") == 409
    assert get(page, path, headers)[2] == b"c2VjcmV0"
    assert world.ask("GET", shown).json == {"password": "c2VjcmV0"}
    assert world.ask("DELETE", shown).status == 204
    assert world.ask("GET", shown).json == {"password": ""}
    assert tell(b"later") == 200
    assert get(page, "/openstack/latest/meta_data.json", headers, method="POST")[0] == 405
    assert get(page, path, {**headers, "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, method="POST")[0] == 404


def test_the_administrators_password(world, page, guest):
    server, headers = guest
    drives = []
    original = world.driver().spawn
    world.driver().spawn = lambda spec: (drives.append(spec.config_drive), original(spec))
    world.act(server, "rebuild", {"imageRef": world.image, "adminPass": "secret"})
    refused = world.act(server, "rebuild", {"imageRef": server, "adminPass": "refused"})
    world.act(server, "rebuild", {"imageRef": world.image})
    del world.driver().spawn
    told = [json.loads(one["openstack/latest/meta_data.json"])["admin_pass"] for one in drives]
    assert refused.status == 400
    assert told[0] == "secret" and len(told[1]) == 12
    assert "admin_pass" not in json.loads(get(page, "/openstack/latest/meta_data.json", headers)[2])


def test_ec2_form(page, guest):
    server, headers = guest
    assert b"2009-04-04" in get(page, "/", headers)[2].split(b"\n")
    assert get(page, "/latest", headers)[2] == b"meta-data\nuser-data"
    names = get(page, "/latest/meta-data/", headers)[2].decode().split("\n")
    assert {"hostname", "instance-id", "local-ipv4", "placement/", "public-keys/"} <= set(names)
    assert get(page, "/2009-04-04/meta-data/local-ipv4", headers)[2].decode() == headers["HTTP_X_FORWARDED_FOR"]
    assert get(page, "/2009-04-04/meta-data/hostname", headers)[2] == b"one"
    assert get(page, "/latest/meta-data/public-keys/0/openssh-key", headers)[2].startswith(b"ssh-ed25519")
    assert get(page, "/latest/user-data", headers)[2] == SCRIPT
    assert get(page, "/latest/moon", headers)[0] == 404
    assert get(page, "/ec2", headers)[0] == 404


def test_only_the_owner_is_told(page, guest):
    _, headers = guest
    path = "/openstack/latest/meta_data.json"
    assert get(page, path, headers, trusted=False)[0] == 403
    assert get(page, path, {**headers, "HTTP_X_FORWARDED_FOR": "10.0.0.250"})[0] == 404
    assert get(page, path, {})[0] == 404
    assert get(page, path, headers, method="POST")[0] == 405


def test_signed_requests(page, guest, world):
    _, headers = guest
    text = f"{headers['HTTP_X_NEUTRON_NETWORK_ID']}/{headers['HTTP_X_FORWARDED_FOR']}"
    signature = hmac.new(b"", text.encode(), hashlib.sha256).hexdigest()
    signed = {**headers, "HTTP_X_INSTANCE_ID_SIGNATURE": signature}
    assert get(page, "/openstack/latest/meta_data.json", signed, trusted=False)[0] == 403


def test_config_drive_is_the_same(guest, world):
    server, _ = guest
    service = world.cloud.cloud.services["compute"]
    files = service.metadata(service.kit.context(), server)
    assert json.loads(files["openstack/latest/meta_data.json"])["uuid"] == server
    assert files["ec2/latest/user-data"] == SCRIPT
    assert world.show(server)["config_drive"] == "True"
