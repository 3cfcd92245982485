"""JSON schemas of servers' bodies, for each microversion that changed them."""

from __future__ import annotations

from .parameters import BOOLEAN, NAME, Piece, closed, natural, wrapped

TEXT: Piece = {"type": "string", "maxLength": 255}
DESCRIPTION: Piece = {"type": ["string", "null"], "maxLength": 255, "pattern": "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]*$"}
UUID: Piece = {"type": "string", "format": "uuid"}
PASSWORD: Piece = {"type": "string"}
DISK_CONFIG: Piece = {"type": "string", "enum": ["AUTO", "MANUAL"]}
BASE64: Piece = {"type": "string", "maxLength": 65535,
                 "pattern": "^([A-Za-z0-9+/]{4}|\\s)*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\\s*$"}
IP4: Piece = {"type": "string", "format": "ipv4"}
IP6: Piece = {"type": "string", "format": "ipv6"}
METADATA: Piece = {"type": "object", "patternProperties": {
    "^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255}}, "additionalProperties": False}
TAG: Piece = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"}
TAGS: Piece = {"type": "array", "items": TAG, "maxItems": 50}
DEVICE_TAG: Piece = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"}
CERTIFICATES: Piece = {"type": ["array", "null"], "minItems": 1, "maxItems": 50, "uniqueItems": True,
                       "items": {"type": "string", "minLength": 1}}
PERSONALITY: Piece = {"type": "array", "items": closed(
    {"path": {"type": "string"}, "contents": {"type": "string"}}, ("path", "contents"))}
HINTS: Piece = {"type": "object", "properties": {
    "group": UUID, "different_host": {"oneOf": [UUID, {"type": "array", "items": UUID}]},
    "same_host": {"oneOf": [UUID, {"type": "array", "items": UUID}]},
    "query": {"type": ["string", "object"]}, "target_cell": NAME,
    "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
    "build_near_host_ip": {"type": "string", "format": "ip"}, "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"}}}
HOSTNAME: Piece = {"type": "string", "minLength": 2, "maxLength": 63,
                   "pattern": "^[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]$"}
"""A host name of one part."""
FULL_HOSTNAME: Piece = {"type": "string", "minLength": 2, "maxLength": 255,
                        "pattern": "^[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]$"}
"""A host name, perhaps with its domain."""
SIZE: Piece = {"oneOf": [natural(1), {"type": "null"}, {"enum": [""]}]}


def _network(tagged: bool) -> Piece:
    pieces = {"uuid": UUID, "fixed_ip": {"type": "string", "format": "ip"},
              "port": {"oneOf": [UUID, {"type": "null"}]}}
    return {"type": "array", "items": closed({**pieces, **({"tag": DEVICE_TAG} if tagged else {})})}


def _mapping(tagged: bool, typed: bool) -> Piece:
    pieces: Piece = {
        "device_name": {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$"},
        "source_type": {"type": "string", "enum": ["volume", "image", "snapshot", "blank"]},
        "destination_type": {"type": "string", "enum": ["local", "volume"]},
        "uuid": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._-]*$"},
        "image_id": UUID, "volume_id": UUID, "snapshot_id": UUID,
        "guest_format": {"type": "string", "maxLength": 255}, "device_type": TEXT, "disk_bus": TEXT,
        "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]{0,4}$", "minimum": -1000,
                       "maximum": 1000},
        "volume_size": SIZE, "delete_on_termination": BOOLEAN, "no_device": {}, "virtual_name": TEXT,
        "connection_info": {}}
    if tagged:
        pieces["tag"] = DEVICE_TAG
    if typed:
        pieces["volume_type"] = {"type": ["string", "null"], "minLength": 0, "maxLength": 255}
    return {"type": "array", "items": closed(pieces)}


def _old_mapping() -> Piece:
    return {"type": "array", "items": closed({
        "virtual_name": TEXT, "volume_id": UUID, "snapshot_id": UUID, "volume_size": SIZE, "no_device": {},
        "device_name": {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$"},
        "delete_on_termination": BOOLEAN, "connection_info": {}})}


def _first_create() -> Piece:
    return {
        "name": NAME, "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "imageRef": {"oneOf": [UUID, {"type": "string", "maxLength": 0}]},
        "adminPass": PASSWORD, "metadata": METADATA, "networks": _network(False), "accessIPv4": IP4,
        "accessIPv6": IP6, "personality": PERSONALITY, "availability_zone": NAME, "config_drive": BOOLEAN,
        "key_name": NAME, "min_count": natural(1), "max_count": natural(1), "return_reservation_id": BOOLEAN,
        "security_groups": {"type": "array", "items": closed({"name": NAME})},
        "user_data": BASE64, "OS-DCF:diskConfig": DISK_CONFIG, "block_device_mapping": _old_mapping(),
        "block_device_mapping_v2": _mapping(False, False)}


AUTOMATIC: Piece = {"type": "string", "enum": ["none", "auto"]}
CHANGES: tuple[tuple[str, Piece, tuple[str, ...]], ...] = (
    ("2.1", {}, ()),
    ("2.19", {"description": DESCRIPTION}, ()),
    ("2.32", {"block_device_mapping_v2": _mapping(True, False), "networks": _network(True)}, ()),
    ("2.33", {"block_device_mapping_v2": _mapping(False, False)}, ()),
    ("2.37", {"networks": {"oneOf": [_network(False), AUTOMATIC]}}, ()),
    ("2.42", {"block_device_mapping_v2": _mapping(True, False),
              "networks": {"oneOf": [_network(True), AUTOMATIC]}}, ()),
    ("2.52", {"tags": TAGS}, ()),
    ("2.57", {}, ("personality",)),
    ("2.63", {"trusted_image_certificates": CERTIFICATES}, ()),
    ("2.67", {"block_device_mapping_v2": _mapping(True, True)}, ()),
    ("2.74", {"host": {**TEXT, "minLength": 1}, "hypervisor_hostname": {**TEXT, "minLength": 1}}, ()),
    ("2.90", {"hostname": HOSTNAME}, ()),
    ("2.94", {"hostname": FULL_HOSTNAME}, ()),
)
"""First microversion, pieces it brings or changes, pieces it takes away."""


def _create() -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    pieces = _first_create()
    for since, new, gone in CHANGES:
        pieces = {name: piece for name, piece in {**pieces, **new}.items() if name not in gone}
        required = ("name", "flavorRef", "networks") if "oneOf" in pieces["networks"] else ("name", "flavorRef")
        found[since] = {"type": "object", "required": ["server"], "additionalProperties": False, "properties": {
            "server": closed(pieces, required), "os:scheduler_hints": HINTS, "OS-SCH-HNT:scheduler_hints": HINTS}}
    return found


CREATE = _create()
_EMPTY4: Piece = {"oneOf": [IP4, {"enum": [""]}]}
_EMPTY6: Piece = {"oneOf": [IP6, {"enum": [""]}]}
_UPDATE: Piece = {"name": NAME, "OS-DCF:diskConfig": DISK_CONFIG, "accessIPv4": _EMPTY4, "accessIPv6": _EMPTY6}


def _update(pieces: Piece) -> Piece:
    return wrapped("server", closed(pieces))


_DESCRIBED: Piece = {**_UPDATE, "description": DESCRIPTION}
UPDATE = {"2.1": _update(_UPDATE), "2.19": _update(_DESCRIBED), "2.90": _update({**_DESCRIBED, "hostname": HOSTNAME}),
          "2.94": _update({**_DESCRIBED, "hostname": FULL_HOSTNAME}),
          "2.104": _update({**_DESCRIBED, "hostname": FULL_HOSTNAME,
                            "pinned_availability_zone": {"oneOf": [NAME, {"type": "null"}]}})}

_REBUILD: Piece = {"name": NAME, "imageRef": UUID, "adminPass": PASSWORD, "metadata": METADATA,
                   "preserve_ephemeral": BOOLEAN, "OS-DCF:diskConfig": DISK_CONFIG, "accessIPv4": IP4,
                   "accessIPv6": IP6, "personality": PERSONALITY}


def _rebuild() -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    pieces: Piece = _REBUILD
    no_key: Piece = {"oneOf": [NAME, {"type": "null"}]}
    no_data: Piece = {"oneOf": [BASE64, {"type": "null"}]}
    for since, new in (("2.1", {}), ("2.19", {"description": DESCRIPTION}), ("2.54", {"key_name": no_key}),
                       ("2.57", {"user_data": no_data}), ("2.63", {"trusted_image_certificates": CERTIFICATES}),
                       ("2.90", {"hostname": HOSTNAME}), ("2.94", {"hostname": FULL_HOSTNAME})):
        pieces = {**pieces, **new}
        if since == "2.57":
            pieces.pop("personality")
        found[since] = closed(pieces, ("imageRef",))
    return found


REBUILD = _rebuild()
RESIZE = closed({"flavorRef": {"type": ["string", "integer"], "minLength": 1}, "OS-DCF:diskConfig": DISK_CONFIG},
                ("flavorRef",))
CREATE_IMAGE = closed({"name": NAME, "metadata": METADATA}, ("name",))
REBOOT = closed({"type": {"type": "string", "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}}, ("type",))
NOTHING: Piece = {"oneOf": [{"type": "null"}, {"type": "object", "maxProperties": 0}]}
ANYTHING: Piece = {}
CHANGE_PASSWORD = closed({"adminPass": PASSWORD}, ("adminPass",))
SECURITY_GROUP = closed({"name": NAME}, ("name",))
RESET_STATE = closed({"state": {"type": "string", "enum": ["active", "error"]}}, ("state",))
CONSOLE = {"type": "object", "properties": {
    "length": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]{1,9}$", "minimum": -1}},
    "additionalProperties": False}
LOCK: dict[str, Piece] = {"2.1": ANYTHING, "2.73": {"type": ["object", "null"], "properties": {
    "locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}}, "additionalProperties": False}}

