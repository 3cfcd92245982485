"""OAuth 1.0a: consumers to whom users lend roles on a project, by request tokens and access tokens."""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest, Forbidden, Unauthorized
from .assignments import Assignments
from .delegation import ACCESS_TOKEN, Delegation
from .methods import Proof, Request
from .moments import seconds
from .oauth1_signature import SignedRequest, read
from .projects import Projects
from .roles import Roles
from .store import Store, found
from .tables import access_tokens, consumers, nonces, request_tokens
from .tokens import Grant, Scope, Tokens

CONSUMER, REQUEST_TOKEN, TOKEN = (sa.select(table).where(table.c.id == sa.bindparam("id"))
                                  for table in (consumers, request_tokens, access_tokens))


class OAuth1:
    """Consumers, request tokens and access tokens, and the method ``oauth1``."""

    def __init__(self, store: Store, project_nouns: Projects, role_nouns: Roles, grants: Assignments,
                 tokens: Tokens) -> None:
        self._store = store
        self._db = store.db
        self._seal = store.seal
        self._projects = project_nouns
        self._roles = role_nouns
        self._assignments = grants
        self._tokens = tokens

    # Consumers.

    def find(self, consumer_id: str) -> Row:
        """A consumer. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(CONSUMER, {"id": consumer_id}), "Consumer", consumer_id)

    def all(self, page: Page) -> Sequence[Row]:
        """The consumers."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(consumers), consumers, page, tx))

    def create(self, context: Context, description: str | None, extra: Mapping[str, Any]) -> tuple[Row, str]:
        """A new consumer and its secret, which is told this once."""
        consumer_id, secret = self._store.clock.hex_id(), self._secret()
        with self._db.write() as tx:
            tx.insert(consumers, {"id": consumer_id, "description": description, "extra": extra,
                                  "sealed_secret": self._seal.close(secret)})
            self._store.emit(tx, context, "consumer", "created", consumer_id)
            return self.find(consumer_id), secret

    def update(self, context: Context, consumer_id: str, description: str | None) -> Row:
        """Describe a consumer otherwise."""
        with self._db.write() as tx:
            self.find(consumer_id)
            tx.update(consumers, consumer_id, description=description)
            self._store.emit(tx, context, "consumer", "updated", consumer_id)
            return self.find(consumer_id)

    def delete(self, context: Context, consumer_id: str) -> None:
        """Remove a consumer; its tokens end, and those made with them."""
        with self._db.write() as tx:
            self.find(consumer_id)
            for table in (request_tokens, access_tokens):
                tx.execute(table.delete().where(table.c.consumer_id == consumer_id))
            tx.delete(consumers, consumer_id)
            self._store.revision.bump(tx)
            self._store.emit(tx, context, "consumer", "deleted", consumer_id)

    def _secret(self) -> str:
        return self._store.clock.random_bytes(32).hex()

    # Request tokens.

    def request_token(self, request: Request, project_id: str) -> tuple[Row, str]:
        """A new request token of the consumer that signed, and its secret.

        :raises Unauthorized: the signature is not good. :raises BadRequest: no project is asked for.
        :raises NotFound: the project is unknown.
        """
        signed, _ = self._signed(request)
        if not project_id:
            raise BadRequest("The header Requested-Project-Id is needed.")
        self._projects.find(project_id)
        token_id, secret = self._store.clock.hex_id(), self._secret()
        with self._db.write() as tx:
            tx.execute(request_tokens.delete().where(request_tokens.c.expires_at < self._store.clock.now()))
            tx.insert(request_tokens, {
                "id": token_id, "sealed_secret": self._seal.close(secret), "consumer_id": signed.consumer_id,
                "project_id": project_id, "verifier_hash": "", "user_id": "", "role_ids": [],
                "expires_at": self._end(self._store.options.oauth1_request_token_lifetime_s)})
            return self._request_token(tx, token_id), secret

    def _request_token(self, tx: Transaction, token_id: str) -> Row:
        row = found(tx.row(REQUEST_TOKEN, {"id": token_id}), "Request Token", token_id)
        if seconds(row.expires_at) <= self._store.clock.time():
            raise Unauthorized("Request token is expired.")
        return row

    def _end(self, lifetime_s: int) -> datetime.datetime | None:
        return self._store.clock.now() + datetime.timedelta(seconds=lifetime_s) if lifetime_s else None

    def authorize(self, context: Context, grant: Grant, token_id: str, roles: Sequence[Mapping[str, Any]]) -> str:
        """Lend roles to the consumer of a request token; the verifier that it has to be told.

        :raises Forbidden: the caller's token was lent itself. :raises NotFound: the token or a role is unknown.
        :raises Unauthorized: the token has expired, is another user's, or the caller lacks a role.
        """
        if grant.delegation is not None:
            raise Forbidden("A token that was lent lends nothing to consumers.")
        role_ids = list(dict.fromkeys(self._roles.meant(role) for role in roles))
        verifier = self._store.clock.random_bytes(16).hex()
        with self._db.write() as tx:
            row = self._request_token(tx, token_id)
            if row.user_id not in ("", grant.user.id):
                raise Unauthorized("The request token is authorized by another user.")
            project = self._projects.find(row.project_id)
            if not set(role_ids) <= self._assignments.lent_by(grant.user.id, project, role_ids).held:
                raise Unauthorized("Authorizing user does not have role required.")
            tx.update(request_tokens, token_id, user_id=grant.user.id, role_ids=role_ids,
                      verifier_hash=_hashed(verifier))
        return verifier

    # Access tokens.

    def access_token(self, context: Context, request: Request) -> tuple[Row, str]:
        """An access token for an authorized request token, which is used up, and its secret.

        :raises Unauthorized: signature or verifier are not good, or the request token is not authorized or expired.
        """
        signed, row = self._signed(request, request_tokens)
        good = hmac.compare_digest(_hashed(signed.verifier), row.verifier_hash or "")
        if not good or not row.user_id or seconds(row.expires_at) <= self._store.clock.time():
            raise Unauthorized()
        token_id, secret = self._store.clock.hex_id(), self._secret()
        with self._db.write() as tx:
            if not tx.delete(request_tokens, row.id):
                raise Unauthorized()
            tx.insert(access_tokens, {
                "id": token_id, "sealed_secret": self._seal.close(secret), "consumer_id": row.consumer_id,
                "project_id": row.project_id, "user_id": row.user_id, "role_ids": row.role_ids,
                "expires_at": self._end(self._store.options.oauth1_access_token_lifetime_s)})
            self._store.emit(tx, context, "access_token", "created", token_id)
            return self.find_token(row.user_id, token_id), secret

    def find_token(self, user_id: str, token_id: str) -> Row:
        """An access token that a user gave. :raises NotFound: there is none."""
        with self._db.read() as tx:
            row = tx.row(TOKEN, {"id": token_id})
        return found(row if row is not None and row.user_id == user_id else None, "Access Token", token_id)

    def all_tokens(self, user_id: str, page: Page) -> Sequence[Row]:
        """The access tokens that a user gave."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(access_tokens).where(access_tokens.c.user_id == user_id), access_tokens,
                                 page, tx))

    def delete_token(self, context: Context, user_id: str, token_id: str) -> None:
        """Take an access token back; tokens made with it end."""
        with self._db.write() as tx:
            self.find_token(user_id, token_id)
            tx.delete(access_tokens, token_id)
            self._store.revision.bump(tx, (f"user:{user_id}",))
            self._store.emit(tx, context, "access_token", "deleted", token_id)

    # Logging in.

    def prove(self, given: Mapping[str, Any], request: Request) -> Proof:
        """The user that an access token is of, by whose consumer the request was signed.

        :raises Unauthorized: it was not, or the access token has expired.
        """
        _, row = self._signed(request, access_tokens)
        if seconds(row.expires_at) <= self._store.clock.time():
            raise Unauthorized()
        scope = Scope("project", row.project_id, ACCESS_TOKEN, row.id)
        return Proof(user=self._tokens.grant(row.user_id, scope).user, methods=("oauth1",), scope=scope)

    def delegation(self, token_id: str) -> Delegation:
        """What an access token lends. :raises NotFound: there is none."""
        with self._db.read() as tx:
            row = found(tx.row(TOKEN, {"id": token_id}), "Access Token", token_id)
        return Delegation(
            kind=ACCESS_TOKEN, id=row.id, lender_id=row.user_id, user_id=row.user_id, project_id=row.project_id,
            role_ids=frozenset(row.role_ids), parties=(row.user_id,), expires_at=seconds(row.expires_at),
            facts={"OS-OAUTH1": {"access_token_id": row.id, "consumer_id": row.consumer_id}})

    def _signed(self, request: Request, table: sa.Table | None = None) -> tuple[SignedRequest, Any]:
        """A request whose signature is good, and the token of ``table`` that it names, if one is needed.

        :raises Unauthorized: the signature is none, or not good, or too old, or was seen before.
        """
        signed = read(request)
        window_s = self._store.options.signature_window_s
        if abs(self._store.clock.time() - signed.timestamp) > window_s:
            raise Unauthorized()
        row = None
        with self._db.read() as tx:
            consumer = tx.row(CONSUMER, {"id": signed.consumer_id})
            if table is not None:
                row = tx.row(sa.select(table).where(table.c.id == signed.token))
        if consumer is None or (table is not None and (row is None or row.consumer_id != consumer.id)):
            raise Unauthorized()
        signed.check(self._seal.open(consumer.sealed_secret),
                     "" if row is None else self._seal.open(row.sealed_secret))
        self._see(signed, window_s)
        return signed, row

    def _see(self, signed: SignedRequest, window_s: float) -> None:
        """Take a signed request once. :raises Unauthorized: it came before."""
        text = "\n".join((signed.consumer_id, signed.token, str(signed.timestamp), signed.nonce))
        now = self._store.clock.now()
        try:
            with self._db.write() as tx:
                tx.execute(nonces.delete().where(nonces.c.expires_at < now))
                tx.insert(nonces, {"digest": _hashed(text),
                                   "expires_at": now + datetime.timedelta(seconds=2 * window_s)})
        except AlreadyExists as exc:
            raise Unauthorized() from exc


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
