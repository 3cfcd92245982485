"""Keys of servers' local disks: made with the server, sealed in its row, and told to the host that runs it.

A server has one key for all its local disks, from its creation, or from a rebuild that first asks for one, to its end.
Source of the words: the compute reference's pages on extra specs and image properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Row, Transaction
from ...core.drivers.filter import truth
from ...core.drivers.volume import Encryption
from ...core.errors import BadRequest, NotFound, WrongState
from ...core.process.slice import Kit
from . import disks
from .sealing import PasswordSeal, seal
from .tables import server_details

WISH = "ephemeral_encryption"
FORMATS = ("luks", "plain")
KEY_BYTES = 32
FORGET = server_details.update().where(server_details.c.server_id == sa.bindparam("server"),
                                       server_details.c.sealed_disk_key != "").values(sealed_disk_key="")


def wanted(flavor: Mapping[str, Any], properties: Mapping[str, str]) -> str:
    """The format in which a server's local disks are to be encrypted; empty for none.

    :raises BadRequest: flavor and image contradict each other, or name an unknown format.
    """
    specs: Mapping[str, str] = flavor["extra_specs"]
    said = [str(one) for one in (specs.get(f"hw:{WISH}"), properties.get(f"hw_{WISH}")) if one]
    if len({truth(one) for one in said}) > 1:
        raise BadRequest(f"Image property 'hw_{WISH}' is not permitted to override the setting of the flavor.")
    if not said or not truth(said[0]):
        return ""
    forms = {str(one) for one in (specs.get(f"hw:{WISH}_format"), properties.get(f"hw_{WISH}_format")) if one}
    if len(forms) > 1:
        raise BadRequest(f"Image property 'hw_{WISH}_format' is not permitted to override the setting of the flavor.")
    found = next(iter(forms), FORMATS[0])
    if found not in FORMATS:
        raise BadRequest(f"The format of encrypted disks {found[:30]!r} is none of {', '.join(FORMATS)}.")
    return found


def made(kit: Kit, flavor: Mapping[str, Any], properties: Mapping[str, str]) -> str:
    """A new key for a server, sealed; empty if its disks are not to be encrypted."""
    return _seal(kit).close(kit.clock.random_bytes(KEY_BYTES).hex()) if wanted(flavor, properties) else ""


def _seal(kit: Kit) -> PasswordSeal:
    return seal(kit.state_dir, kit.options, kit.clock)


def of(kit: Kit, flavor: Mapping[str, Any], details: Row) -> Encryption | None:
    """How the disks of a server of ``flavor`` are encrypted, with its key; none if they are not.

    :raises WrongState: its key is lost.
    """
    form = wanted(flavor, (details.image or {}).get("properties", {}))
    if not form:
        return None
    try:
        return Encryption(_seal(kit).open(details.sealed_disk_key), form)
    except NotFound as lost:
        raise WrongState(f"Server {details.server_id} has encrypted disks, and their key is lost: the key that sealed "
                         "it is not in the folder of password_key_repository.") from lost


def forget(tx: Transaction, server_id: str) -> None:
    """End a server's key, and with it whatever still is on its local disks."""
    tx.execute(FORGET, {"server": server_id})


def see_same(old: Mapping[str, Any], new: Mapping[str, Any], properties: Mapping[str, str]) -> None:
    """See that another flavor leaves a server's disks as they are. :raises BadRequest: it does not."""
    if wanted(old, properties) != wanted(new, properties):
        raise BadRequest("A resize cannot change whether or how a server's local disks are encrypted.")


def see_copyable(kit: Kit, row: Row, details: Row, devices: Sequence[Row]) -> None:
    """See that an image may be made of a server's root disk.

    :raises BadRequest: the disk is encrypted and the image would not be, which the options do not allow.
    """
    if disks.is_volume_backed(devices) or kit.options.plain_images_of_encrypted_disks:
        return
    if wanted(row.flavor, (details.image or {}).get("properties", {})):
        raise BadRequest(f"The disks of server {row.id} are encrypted, and an image of it would not be: it cannot be "
                         "copied into an image, nor shelved.")
