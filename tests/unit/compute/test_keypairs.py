"""Keypairs over HTTP: what is made, what is brought, whose they are, and what is refused."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519


@pytest.fixture(scope="module")
def public_key():
    """A public key in the form of ssh."""
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def make(alone, name="k", as_="demo", version="2.1", **more):
    return alone.call("POST", "/os-keypairs", {"keypair": {"name": name, **more}}, as_=as_, version=version)


def test_a_made_key_is_a_pair(alone):
    made = make(alone)
    assert made.status == 200
    key = made.json["keypair"]
    private = serialization.load_pem_private_key(key["private_key"].encode(), None)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert key["public_key"].startswith(public.decode()) and key["user_id"] == "u-demo"
    assert len(key["fingerprint"].split(":")) == 16 and "type" not in key


def test_a_certificate_is_a_pair(alone):
    key = make(alone, version="2.2", type="x509").json["keypair"]
    private = serialization.load_pem_private_key(key["private_key"].encode(), None)
    certificate = x509.load_pem_x509_certificate(key["public_key"].encode())
    assert certificate.public_key().public_numbers() == private.public_key().public_numbers()
    assert key["type"] == "x509" and len(key["fingerprint"].split(":")) == 20
    again = make(alone, "brought", version="2.2", type="x509", public_key=key["public_key"])
    assert again.json["keypair"]["fingerprint"] == key["fingerprint"]


def test_a_brought_key_by_microversion(alone, public_key):
    assert "private_key" not in make(alone, public_key=public_key).json["keypair"]
    assert make(alone, "later", version="2.2", public_key=public_key).status == 201
    shown = alone.call("GET", "/os-keypairs/k", as_="demo").json["keypair"]
    assert set(shown) == {"name", "public_key", "fingerprint", "user_id", "id", "deleted", "created_at", "updated_at",
                          "deleted_at"}
    assert alone.call("GET", "/os-keypairs/k", as_="demo", version="2.2").json["keypair"]["type"] == "ssh"
    listed = alone.call("GET", "/os-keypairs", as_="demo").json["keypairs"]
    assert [one["keypair"]["name"] for one in listed] == ["k", "later"]
    assert alone.call("DELETE", "/os-keypairs/k", as_="demo").status == 202
    assert alone.call("DELETE", "/os-keypairs/later", as_="demo", version="2.2").status == 204
    assert alone.call("DELETE", "/os-keypairs/later", as_="demo").status == 404


@pytest.mark.parametrize("wrong", [
    {"name": ""}, {"name": "a" * 256}, {"name": r"key_/.\@:"}, {"public_key": " "}, {"public_key": "ssh-rsa JUNK x"},
    {"public_key": "ssh-rsa " + "A" * 2048 + " x"}, {"type": "ssh"}, {"user_id": "u-demo"}, {"stray": 1}])
def test_create_refuses(alone, wrong):
    assert alone.call("POST", "/os-keypairs", {"keypair": {"name": "k", **wrong}}, as_="demo").status == 400


def test_names_are_a_users_own(alone, public_key):
    assert make(alone, public_key=public_key).status == 200
    assert make(alone, public_key=public_key).status == 409
    assert make(alone, as_="other", public_key=public_key).status == 200
    assert alone.call("GET", "/os-keypairs/k", as_="reader").status == 404


def test_admins_manage_others_since_2_10(alone, public_key):
    made = make(alone, as_="admin", version="2.10", public_key=public_key, user_id="u-demo")
    assert made.json["keypair"]["user_id"] == "u-demo"
    assert alone.call("GET", "/os-keypairs/k", as_="demo").status == 200
    assert alone.call("GET", "/os-keypairs/k?user_id=u-demo", version="2.10").status == 200
    assert alone.call("GET", "/os-keypairs/k?user_id=u-demo", version="2.9").status == 404
    assert alone.call("GET", "/os-keypairs?user_id=u-demo", as_="other", version="2.10").status == 403
    assert make(alone, "l", as_="other", version="2.10", public_key=public_key, user_id="u-demo").status == 403


def test_pages_since_2_35(alone, public_key):
    for name in ("b", "a", "c"):
        make(alone, name, public_key=public_key)
    page = alone.call("GET", "/os-keypairs?limit=2", as_="demo", version="2.35").json
    assert [one["keypair"]["name"] for one in page["keypairs"]] == ["a", "b"]
    path = page["keypairs_links"][0]["href"].removeprefix("http://cloud.test/compute/v2.1")
    rest = alone.call("GET", path, as_="demo", version="2.35").json["keypairs"]
    assert [one["keypair"]["name"] for one in rest] == ["c"]
    assert alone.call("GET", "/os-keypairs?marker=x", as_="demo", version="2.35").status == 400
    assert len(alone.call("GET", "/os-keypairs?limit=2", as_="demo").json["keypairs"]) == 3


def test_quota(alone, public_key):
    alone.call("PUT", "/os-quota-sets/p-demo", {"quota_set": {"key_pairs": 1}})
    assert make(alone, public_key=public_key).status == 200
    refused = make(alone, "l", public_key=public_key)
    assert refused.status == 403 and refused.json["forbidden"]["message"] == "Quota exceeded, too many key pairs."
