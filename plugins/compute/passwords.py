"""The passwords that guests tell of themselves, encrypted for their owners' keys. Compute cannot read them."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.context import Context
from ...core.errors import BadRequest, Conflict, NotFound
from ...core.process.slice import Kit
from . import records
from .tables import server_details

MAX_BYTES = 1020
AGENT = "hw_qemu_guest_agent"
YES = ("yes", "true", "1", "on", "y", "t")


def takes_passwords(properties: Mapping[str, str]) -> bool:
    """Tell whether an image says that an agent inside of its guests takes passwords."""
    return str(properties.get(AGENT, "")).strip().lower() in YES


def show(kit: Kit, context: Context, server_id: str) -> str:
    """What a server's guest told, or nothing."""
    with kit.db.read() as tx:
        records.find(tx, context, server_id)
        return str(records.details(tx, server_id).encrypted_password)


def clear(kit: Kit, context: Context, server_id: str) -> None:
    """Forget what a server's guest told; it may tell another then."""
    with kit.db.write() as tx:
        records.find(tx, context, server_id)
        tx.execute(server_details.update().where(server_details.c.server_id == server_id)
                   .values(encrypted_password=""))


def tell(kit: Kit, server_id: str, password: bytes) -> None:
    """Keep what a guest tells, once.

    :raises NotFound: there is no such server. :raises Conflict: it has told one before.
    :raises BadRequest: it is too long, or no text.
    """
    if len(password) > MAX_BYTES:
        raise BadRequest("Request is too large.")
    try:
        text = password.decode()
    except UnicodeDecodeError as exc:
        raise BadRequest("The password is no text.") from exc
    with kit.db.write() as tx:
        if records.present(tx, server_id) is None:
            raise NotFound(f"Instance {server_id} could not be found.")
        if not tx.execute(server_details.update().where(server_details.c.server_id == server_id,
                                                        server_details.c.encrypted_password == "")
                          .values(encrypted_password=text)):
            raise Conflict("The password was told before.")
