"""What a guest may know of itself: the files of the metadata service and of the config drive.

Source: the compute user guide's page on metadata, and Amazon's list of instance metadata categories.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...core.db.engine import Row

VERSIONS = ("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22",
            "2018-08-27", "latest")
"""Folders of the OpenStack form, oldest first."""
EC2_VERSIONS = ("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01",
                "2008-09-01", "2009-04-04", "latest")
PASSWORD_SINCE = "2013-10-17"
NETWORK_SINCE, VENDOR_SINCE, VENDOR2_SINCE = "2015-10-15", "2013-10-17", "2016-10-06"
encode = msgspec.json.Encoder().encode


def files(row: Row, details: Row, network_data: Mapping[str, Any], password: str = "",
          disks: Sequence[Row] = ()) -> dict[str, bytes]:
    """All files by path: ``openstack/latest/meta_data.json`` and so on. A ``password`` is its administrator's."""
    document = encode({**meta_data(row, details, password), "devices": tagged(row, disks)})
    user_data = base64.b64decode(details.user_data) if details.user_data else None
    network = encode(network_data)
    found: dict[str, bytes] = {}
    for version in VERSIONS:
        folder = f"openstack/{version}/"
        found[folder + "meta_data.json"] = document
        if user_data is not None:
            found[folder + "user_data"] = user_data
        if version >= NETWORK_SINCE:
            found[folder + "network_data.json"] = network
        if version >= VENDOR_SINCE:
            found[folder + "vendor_data.json"] = b"{}"
        if version >= VENDOR2_SINCE:
            found[folder + "vendor_data2.json"] = b'{"static": {}}'
    for number, one in enumerate(details.personality):
        found[f"openstack/content/{number:04}"] = base64.b64decode(one["contents"])
    for version in EC2_VERSIONS:
        found.update({f"ec2/{version}/meta-data/{path}": text.encode() for path, text in ec2(row, details).items()})
        if user_data is not None:
            found[f"ec2/{version}/user-data"] = user_data
    for version in ("2009-04-04", "latest"):
        found[f"ec2/{version}/meta-data.json"] = encode(_tree(ec2(row, details)))
    return found


def password_files(details: Row) -> dict[str, bytes]:
    """What the guest told of its password; only the metadata service shows it."""
    told = details.encrypted_password.encode()
    return {f"openstack/{version}/password": told for version in VERSIONS if version >= PASSWORD_SINCE}


def meta_data(row: Row, details: Row, password: str = "") -> dict[str, Any]:
    """The document ``meta_data.json``."""
    found: dict[str, Any] = {
        "uuid": row.id, "name": row.name, "hostname": row.hostname, "launch_index": row.launch_index,
        "availability_zone": row.zone, "project_id": row.project_id, "meta": row.metadata,
        "random_seed": _seed(row), "dedicated_cpus": []}
    if details.key:
        key = details.key
        found["public_keys"] = {key["name"]: key["public_key"]}
        found["keys"] = [{"name": key["name"], "type": key["type"], "data": key["public_key"]}]
    if password:
        found["admin_pass"] = password
    if details.personality:
        found["files"] = [{"path": one["path"], "content_path": f"/content/{number:04}"}
                          for number, one in enumerate(details.personality)]
    return found


def tagged(row: Row, disks: Sequence[Row]) -> list[dict[str, Any]]:
    """The interfaces and disks that have a tag. Where they are plugged in only the guest's host knows."""
    where = {"bus": "none", "address": "none"}
    nics = [{"type": "nic", **where, "mac": nic["mac"], "tags": [nic["tag"]]} for nic in row.nics if nic.get("tag")]
    return [*nics, *({"type": "disk", **where, "serial": one.volume_id, "path": one.device, "tags": [one.tag]}
                     for one in disks if one.tag)]


def _seed(row: Row) -> str:
    """Bytes that differ from server to server; the same each time, so that a config drive can be made twice."""
    return base64.b64encode(b"".join(hashlib.sha512(f"{row.id}/{number}".encode()).digest()
                                     for number in range(8))).decode()


def ec2(row: Row, details: Row) -> dict[str, str]:
    """The EC2 form's leaves by path below ``meta-data``."""
    fixed = [one["address"] for nic in row.nics for one in nic["addresses"]
             if one["version"] == 4 and one.get("kind", "fixed") == "fixed"]
    floating = [one["address"] for nic in row.nics for one in nic["addresses"] if one.get("kind") == "floating"]
    number = int(row.id.replace("-", "")[:8], 16)
    found = {
        "ami-id": f"ami-{(row.image_id or '0' * 8)[:8]}", "ami-launch-index": str(row.launch_index),
        "ami-manifest-path": "(unknown)", "block-device-mapping/ami": "vda",
        "block-device-mapping/root": row.root_device or "/dev/vda", "hostname": row.hostname,
        "instance-action": "none", "instance-id": f"i-{number:08x}", "instance-type": row.flavor["name"],
        "local-hostname": row.hostname, "local-ipv4": fixed[0] if fixed else "",
        "placement/availability-zone": row.zone, "public-hostname": row.hostname,
        "public-ipv4": floating[0] if floating else "", "reservation-id": row.reservation_id,
        "security-groups": "\n".join(row.security_groups)}
    if details.key:
        found["public-keys/0/openssh-key"] = details.key["public_key"]
    return found


def _tree(leaves: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, text in leaves.items():
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = text
    return tree
