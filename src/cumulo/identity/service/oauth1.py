"""OAuth 1.0a: consumers, request tokens, their authorization, access tokens."""

import secrets
import string
from typing import Annotated, Any

import msgspec
from cryptography.fernet import InvalidToken

from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.principal import AccessTokenMark, Principal
from cumulo.core.auth.tokens import TokenPayload
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.oauth1 import AccessTokenRow, ConsumerRow, RequestTokenRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import oauth1 as queries
from cumulo.identity.service.authentication.method import refused
from cumulo.identity.service.delegations import Delegated
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.trusts import WantedRole

REQUEST_TOKEN_LIFETIME = 8 * 3600.0
ACCESS_TOKEN_LIFETIME = 24 * 3600.0
VERIFIER_LETTERS = string.ascii_letters + string.digits
VERIFIER_LENGTH = 8


class ConsumerWishes(msgspec.Struct):
    description: Annotated[str, msgspec.Meta(max_length=65_535)] | Unset | None = msgspec.UNSET


class OAuth1:
    consumers = queries.CONSUMERS
    access_tokens = queries.ACCESS_TOKENS
    what = "OAuth tokens"

    def __init__(self, keys: KeyRing, roles: Roles) -> None:
        self._keys = keys
        self._roles = roles

    def consumer(self, tx: Tx, consumer_id: str) -> ConsumerRow:
        row = tx.get(ConsumerRow, consumer_id)
        if row is None:
            raise NotFound("Consumer not found")
        return row

    def request_token(self, tx: Tx, token_id: str) -> RequestTokenRow:
        """One that can still be used; 401 for one that has expired."""
        row = tx.get(RequestTokenRow, token_id)
        if row is None:
            raise NotFound("Request token not found")
        if row.expires_at <= tx.now:
            raise refused()
        return row

    def access_token(self, tx: Tx, user_id: str, token_id: str) -> AccessTokenRow:
        row = tx.get(AccessTokenRow, token_id)
        if row is None or row.user_id != user_id:
            raise NotFound("Access token not found")
        return row

    def secret(self, row: ConsumerRow | RequestTokenRow | AccessTokenRow) -> str:
        try:
            return self._keys.decrypt(row.encrypted_secret)
        except InvalidToken:  # its key was removed
            raise refused() from None

    def rewrite(self, tx: Tx) -> int:
        """Encrypt every secret with the newest key; how many there are."""
        rows: list[ConsumerRow | RequestTokenRow | AccessTokenRow] = [
            *queries.CONSUMERS.page(tx, where={}),
            *tx.all(queries.ALL_REQUEST_TOKENS),
            *queries.ACCESS_TOKENS.page(tx, where={}),
        ]
        for row in rows:
            tx.update(row, encrypted_secret=self._keys.encrypt(self.secret(row)))
        return len(rows)

    def create_consumer(
        self, tx: Tx, wishes: dict[str, Any], who: Principal
    ) -> tuple[ConsumerRow, str]:
        """The consumer and its secret, which is said once."""
        wanted, extra = split(wishes, ConsumerWishes, "consumer")
        extra.pop("secret", None)
        secret = new_hex()
        description = None if wanted.description is msgspec.UNSET else wanted.description
        row = ConsumerRow(new_hex(), description, self._keys.encrypt(secret), extra, tx.now)
        tx.insert(row)
        emit(tx, "identity.consumer.create", row.id, principal=who)
        return row, secret

    def update_consumer(
        self, tx: Tx, consumer_id: str, wishes: dict[str, Any], who: Principal
    ) -> ConsumerRow:
        row = self.consumer(tx, consumer_id)
        if "secret" in wishes:
            raise BadRequest("Invalid input for consumer: 'secret' cannot be changed")
        if wishes.get("id", row.id) != row.id:
            raise BadRequest("Cannot change consumer ID")
        wanted, extra = split(wishes, ConsumerWishes, "consumer")
        changes = given(wanted, "description")
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.consumer.update", row.id, principal=who)
        return row

    def delete_consumer(self, tx: Tx, consumer_id: str, who: Principal) -> None:
        """With all its tokens (the rows' foreign keys)."""
        row = self.consumer(tx, consumer_id)
        tx.delete(row)
        emit(tx, "identity.consumer.delete", row.id, principal=who)

    def create_request_token(
        self, tx: Tx, consumer_id: str, project_id: str
    ) -> tuple[RequestTokenRow, str]:
        if tx.get(ProjectRow, project_id) is None:
            raise NotFound(f"Could not find project: {project_id}.")
        secret = new_hex()
        row = RequestTokenRow(
            id=new_hex(),
            consumer_id=consumer_id,
            project_id=project_id,
            encrypted_secret=self._keys.encrypt(secret),
            expires_at=later(tx.now, REQUEST_TOKEN_LIFETIME),
        )
        tx.insert(row)
        emit(tx, "identity.request_token.create", row.id, project_id=project_id)
        return row, secret

    def authorize(self, tx: Tx, token_id: str, wanted: list[WantedRole], who: Principal) -> str:
        """The caller lets the consumer have some of its roles; the verifier that proves it."""
        if who.is_lent:
            raise Forbidden("Cannot authorize a request token with a token issued via delegation.")
        row = self.request_token(tx, token_id)
        had = {r.id for r in self._roles.effective(tx, who.user_id, "project", row.project_id)}
        role_ids: dict[str, None] = {}
        for role in wanted:
            named = None if role.name is None else self._roles.find(tx, role.name)
            role_id = role.id if role.id is not None else (named.id if named else None)
            if role_id is None or role_id not in had:
                raise refused()
            role_ids[role_id] = None
        verifier = "".join(secrets.choice(VERIFIER_LETTERS) for _ in range(VERIFIER_LENGTH))
        tx.update(row, verifier=verifier, user_id=who.user_id, role_ids=list(role_ids))
        emit(tx, "identity.request_token.authorize", row.id, principal=who)
        return verifier

    def create_access_token(self, tx: Tx, request: RequestTokenRow) -> tuple[AccessTokenRow, str]:
        """For an authorized request token, which is used up."""
        if request.user_id is None:
            raise refused()
        if not tx.delete(request):
            raise refused()
        secret = new_hex()
        row = AccessTokenRow(
            id=new_hex(),
            consumer_id=request.consumer_id,
            user_id=request.user_id,
            project_id=request.project_id,
            encrypted_secret=self._keys.encrypt(secret),
            role_ids=request.role_ids,
            expires_at=later(tx.now, ACCESS_TOKEN_LIFETIME),
        )
        tx.insert(row)
        emit(tx, "identity.access_token.create", row.id, project_id=row.project_id)
        return row, secret

    def delete_access_token(self, tx: Tx, row: AccessTokenRow, who: Principal) -> None:
        tx.delete(row)
        emit(tx, "identity.access_token.delete", row.id, principal=who)

    def expired(self, tx: Tx, most: int) -> list[RequestTokenRow | AccessTokenRow]:
        requests = tx.all(queries.EXPIRED_REQUEST_TOKENS, now=tx.now, most=most)
        left = most - len(requests)
        return [*requests, *tx.all(queries.EXPIRED_ACCESS_TOKENS, now=tx.now, most=left)]

    def forget_expired(self, tx: Tx, row: RequestTokenRow | AccessTokenRow) -> None:
        tx.delete(row)
        if isinstance(row, AccessTokenRow):
            emit(tx, "identity.access_token.delete", row.id, why="expired")

    def resolve(self, tx: Tx, payload: TokenPayload, user: UserRow) -> Delegated | None:
        """See `delegations.Delegation`."""
        if payload.access_token_id is None:
            return None
        row = tx.get(AccessTokenRow, payload.access_token_id)
        if row is None or row.user_id != user.id or row.expires_at <= tx.now:
            raise refused()
        if payload.scope != "project" or payload.scope_id != row.project_id:
            raise refused()
        had = {role.id for role in self._roles.effective(tx, user.id, "project", row.project_id)}
        roles = self._roles.with_implied(tx, [id for id in row.role_ids if id in had])
        if not roles:
            raise refused()
        mark = AccessTokenMark(row.id, row.consumer_id)
        return Delegated(user=user, roles=roles, access_token=mark, ends=row.expires_at)
