"""A payload as the claims of a JSON Web Token (RFC 7519), in names like those that Keystone gives its own."""

from __future__ import annotations

import msgspec

from ....core.drivers.token import Bearer, TokenPayload
from .signature import Unfit


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What stands in the token. Moments are seconds since the epoch, to the microsecond."""

    sub: str
    iat: float
    exp: float
    openstack_methods: tuple[str, ...]
    openstack_audit_ids: tuple[str, ...]
    openstack_project_id: str = ""
    openstack_domain_id: str = ""
    openstack_system: str = ""
    openstack_trust_id: str = ""
    openstack_app_cred_id: str = ""
    openstack_access_token_id: str = ""
    openstack_bearer: Bearer | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claims).decode


def to_claims(payload: TokenPayload) -> bytes:
    """``payload`` as JSON."""
    audit_ids = (payload.audit_id, payload.parent_audit_id) if payload.parent_audit_id else (payload.audit_id,)
    return _encode(Claims(
        sub=payload.user_id, iat=payload.issued_at, exp=payload.expires_at, openstack_methods=payload.methods,
        openstack_audit_ids=audit_ids, openstack_project_id=payload.project_id, openstack_domain_id=payload.domain_id,
        openstack_system=payload.system, openstack_trust_id=payload.trust_id,
        openstack_app_cred_id=payload.application_credential_id, openstack_access_token_id=payload.access_token_id,
        openstack_bearer=payload.bearer))


def from_claims(data: bytes) -> TokenPayload:
    """What :func:`to_claims` was given. :raises Unfit: the claims are of another form."""
    try:
        claims = _decode(data)
        audit_id, *parents = claims.openstack_audit_ids
    except (msgspec.MsgspecError, ValueError) as exc:
        raise Unfit("other claims") from exc
    return TokenPayload(
        user_id=claims.sub, issued_at=claims.iat, expires_at=claims.exp, methods=claims.openstack_methods,
        audit_id=audit_id, parent_audit_id=parents[0] if parents else "", project_id=claims.openstack_project_id,
        domain_id=claims.openstack_domain_id, system=claims.openstack_system, trust_id=claims.openstack_trust_id,
        application_credential_id=claims.openstack_app_cred_id, access_token_id=claims.openstack_access_token_id,
        bearer=claims.openstack_bearer)
