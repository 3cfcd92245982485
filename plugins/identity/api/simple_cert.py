"""OS-SIMPLE-CERT: certificates of signed tokens of long ago. Clients that still ask are told that it is over."""

from __future__ import annotations

from ....core.errors import Gone
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity


def gone(service: Identity, call: Call) -> None:
    """Say that there are no certificates any more."""
    raise Gone("This API is no longer available due to the removal of support for PKI tokens.")


def of_revoked(service: Identity, call: Call) -> None:
    """Say that there are no lists of revoked tokens any more."""
    raise Gone("Tokens are not listed once they are revoked; OS-REVOKE tells the events.")


OPERATIONS = (
    Operation("GET", "/OS-SIMPLE-CERT/ca", gone, public=True, summary="Certificates that are gone"),
    Operation("GET", "/OS-SIMPLE-CERT/certificates", gone, public=True, summary="Certificates that are gone"),
    Operation("GET", "/auth/tokens/OS-PKI/revoked", of_revoked, "identity:revocation_list",
              summary="A list of tokens that is gone"),
)
