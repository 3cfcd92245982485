"""What an image's attributes may be: for checking what comes in, and as the documents the API serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

DISK_FORMATS = (None, "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop", "gpt")
CONTAINER_FORMATS = (None, "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
VISIBILITIES = ("community", "public", "private", "shared")
STATUSES = ("queued", "saving", "active", "killed", "deleted", "uploading", "importing", "pending_delete",
            "deactivated")
MEMBER_STATUSES = ("pending", "accepted", "rejected")
UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"


def _read(kind: Any, words: str, **more: Any) -> Schema:
    return {"type": kind, "readOnly": True, "description": words, **more}


ATTRIBUTES: Mapping[str, Schema] = {
    "id": {"type": "string", "pattern": UUID, "description": "An identifier for the image"},
    "name": {"type": ["null", "string"], "maxLength": 255, "description": "Descriptive name for the image"},
    "status": _read("string", "Status of the image", enum=list(STATUSES)),
    "visibility": {"type": "string", "enum": list(VISIBILITIES), "description": "Scope of image accessibility"},
    "protected": {"type": "boolean", "description": "If true, the image cannot be deleted"},
    "os_hidden": {"type": "boolean", "description": "If true, the image is not in the default list"},
    "checksum": _read(["null", "string"], "MD5 of the data", maxLength=32),
    "os_hash_algo": _read(["null", "string"], "Algorithm of os_hash_value", maxLength=64),
    "os_hash_value": _read(["null", "string"], "Hexadecimal digest of the data", maxLength=128),
    "owner": {"type": ["null", "string"], "maxLength": 255, "description": "Project that owns the image"},
    "size": _read(["null", "integer"], "Size of the data in bytes"),
    "virtual_size": _read(["null", "integer"], "Size of the disk inside in bytes"),
    "container_format": {"type": ["null", "string"], "enum": list(CONTAINER_FORMATS),
                         "description": "Format of the container"},
    "disk_format": {"type": ["null", "string"], "enum": list(DISK_FORMATS), "description": "Format of the disk"},
    "created_at": _read("string", "When the image was made"),
    "updated_at": _read("string", "When the image was last changed"),
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 255}, "description": "Tags of the image"},
    "min_ram": {"type": "integer", "minimum": 0, "maximum": 2147483647, "description": "MiB a server needs at least"},
    "min_disk": {"type": "integer", "minimum": 0, "maximum": 2147483647, "description": "GiB a server needs at least"},
    "self": _read("string", "Address of the image"),
    "file": _read("string", "Address of the data"),
    "stores": _read("string", "Stores that hold the data"),
    "schema": _read("string", "Address of this schema"),
    "direct_url": _read("string", "Address of the data in its store"),
    "locations": _read("array", "Places of the data"),
}
READ_ONLY = frozenset(("created_at", "updated_at", "status", "checksum", "size", "virtual_size", "direct_url",
                       "self", "file", "schema", "id", "os_hash_algo", "os_hash_value", "stores", "locations"))
RESERVED = frozenset(("location", "deleted", "deleted_at"))

MEMBER: Mapping[str, Schema] = {
    "created_at": _read("string", "When the image was shared"),
    "image_id": {"type": "string", "pattern": UUID, "description": "An identifier for the image"},
    "member_id": {"type": "string", "description": "Project the image is shared with"},
    "schema": _read("string", "Address of this schema"),
    "status": {"type": "string", "enum": list(MEMBER_STATUSES), "description": "What the member made of it"},
    "updated_at": _read("string", "When the sharing was last changed"),
}


def _pages(name: str, items: Schema, paged: bool) -> Schema:
    links = [{"href": "{first}", "rel": "first"}, {"href": "{next}", "rel": "next"}] if paged else []
    texts: dict[str, Schema] = {"schema": {"type": "string"}}
    if paged:
        texts.update(first={"type": "string"}, next={"type": "string"})
    document: dict[str, Any] = {"name": name, "properties": {**texts, name: {"type": "array", "items": items}}}
    links.append({"href": "{schema}", "rel": "describedby"})
    return {**document, "links": links}


IMAGE_DOCUMENT: Schema = {
    "name": "image", "properties": ATTRIBUTES, "additionalProperties": {"type": "string"},
    "links": [{"href": "{self}", "rel": "self"}, {"href": "{file}", "rel": "enclosure"},
              {"href": "{schema}", "rel": "describedby"}]}
MEMBER_DOCUMENT: Schema = {"name": "member", "properties": MEMBER}
DOCUMENTS: Mapping[str, Schema] = {
    "image": IMAGE_DOCUMENT, "images": _pages("images", IMAGE_DOCUMENT, True),
    "member": MEMBER_DOCUMENT, "members": _pages("members", MEMBER_DOCUMENT, False)}
