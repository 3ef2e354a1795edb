"""Credentials: secrets of users, encrypted at rest with keys of their own.

An EC2 credential is found by its access key: its id is the key's SHA-256. What was made with a
token that stands for another right (a trust, an application credential, an OAuth token) says so in
its blob, and authentication with it gets no more than that right.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.fernet import InvalidToken
from msgspec import UNSET

from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.credential import EC2, CredentialRow
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import credential as queries
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.lent import SOURCES, forbidden, may_handle, source_of

BLOB_LIMIT = 64 * 1024
FIXED_IN_BLOB = (*SOURCES, "access_id")
"""Where an EC2 credential's rights come from: whoever holds it must not change that."""


class CredentialWishes(msgspec.Struct):
    user_id: str | Unset = UNSET
    project_id: str | Unset | None = UNSET
    type: str | Unset = UNSET
    blob: str | Unset = UNSET


class FoundKey(msgspec.Struct, frozen=True):
    """What an access key opens."""

    id: str
    user_id: str
    project_id: str
    access: str
    secret: str
    trust_id: str | None = None
    app_cred_id: str | None = None
    access_token_id: str | None = None


def hashed(access: str) -> str:
    """The id of the EC2 credential with this access key."""
    return hashlib.sha256(access.encode()).hexdigest()


class Credentials:
    listing = queries.CREDENTIALS

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def get(self, tx: Tx, credential_id: str) -> CredentialRow:
        found = tx.get(CredentialRow, credential_id)
        if found is None:
            raise NotFound(f"Could not find credential: {credential_id}.")
        return found

    def blob(self, row: CredentialRow) -> str:
        """The secret itself. Raises NotFound when its key is gone: nobody can read it then."""
        try:
            return self._keys.decrypt(row.encrypted_blob)
        except InvalidToken:
            raise NotFound(f"The key of credential {row.id} was removed.") from None

    def by_access_key(self, tx: Tx, access: str) -> FoundKey | None:
        """The EC2 credential of an access key, decrypted; None for an unknown one."""
        row = tx.get(CredentialRow, hashed(access))
        if row is None or row.type != EC2:
            return None
        blob = _ec2_blob(self.blob(row))
        secret = blob.get("secret")
        if not isinstance(secret, str) or blob["access"] != access or row.project_id is None:
            return None
        sources = {name: blob.get(name) for name in FIXED_IN_BLOB if name != "access_id"}
        return FoundKey(row.id, row.user_id, row.project_id, access, secret, **sources)

    def rewrite(self, tx: Tx) -> int:
        """Encrypt every secret with the newest key; how many there are."""
        rows = queries.CREDENTIALS.page(tx, where={})
        for row in rows:
            tx.update(row, encrypted_blob=self._keys.encrypt(self.blob(row)))
        return len(rows)

    def secrets_of(self, tx: Tx, user_id: str, type: str) -> list[str]:
        """The blobs of a user's credentials of one type (`totp`: the seeds)."""
        rows = queries.CREDENTIALS.page(tx, where={"user_id": user_id, "type": type})
        return [self.blob(row) for row in rows]

    def create(self, tx: Tx, wishes: Mapping[str, Any], who: Principal) -> CredentialRow:
        wanted, extra = split(wishes, CredentialWishes, "credential")
        if wanted.user_id is UNSET or wanted.type is UNSET or wanted.blob is UNSET:
            raise BadRequest(
                "Invalid input for credential: 'blob', 'type' and 'user_id' are required"
            )
        if tx.get(UserRow, wanted.user_id) is None:
            raise NotFound(f"Could not find user: {wanted.user_id}.")
        project_id = wanted.project_id or None
        id, blob = new_hex(), wanted.blob
        if wanted.type.lower() == EC2:
            content = _ec2_blob(blob)
            id = hashed(content["access"])
            # Where its rights come from says the token that makes it, not the client.
            own = {name: value for name, value in content.items() if name not in SOURCES}
            blob = msgspec.json.encode({**own, **source_of(who)}).decode()
        self._refuse(who, wanted.user_id, wanted.type, project_id, source_of(who))
        row = self._row(id, wanted.user_id, project_id, wanted.type, blob, extra)
        return self._insert(tx, row, who)

    def create_ec2(self, tx: Tx, user_id: str, project_id: str, who: Principal) -> CredentialRow:
        """A new pair of keys, made here."""
        if tx.get(UserRow, user_id) is None:
            raise NotFound(f"Could not find user: {user_id}.")
        place = tx.get(ProjectRow, project_id) or tx.get(DomainRow, project_id)
        if place is None:
            raise NotFound(f"Could not find project: {project_id}.")
        self._refuse(who, user_id, EC2, project_id, source_of(who))
        access = new_hex()
        blob = {"access": access, "secret": new_hex(), "trust_id": None, **source_of(who)}
        text = msgspec.json.encode(blob).decode()
        return self._insert(tx, self._row(hashed(access), user_id, project_id, EC2, text, {}), who)

    def _row(
        self,
        id: str,
        user_id: str,
        project_id: str | None,
        type: str,
        blob: str,
        extra: dict[str, Any],
    ) -> CredentialRow:
        _check(type, blob, project_id)
        kept = EC2 if type.lower() == EC2 else type
        return CredentialRow(id, user_id, project_id, kept, self._keys.encrypt(blob), extra)

    def _insert(self, tx: Tx, row: CredentialRow, who: Principal) -> CredentialRow:
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(
                "Conflict occurred attempting to store credential - Duplicate entry found with ID "
                f"{row.id}."
            )
        emit(tx, "identity.credential.create", row.id, principal=who, user=row.user_id)
        return row

    def _refuse(
        self,
        who: Principal,
        user_id: str,
        type: str,
        project_id: str | None,
        blob: Mapping[str, Any],
    ) -> None:
        if not may_handle(who, user_id, type, project_id, blob):
            raise forbidden("Using a delegated token for credentials beyond what was delegated")

    def may_handle(self, who: Principal, row: CredentialRow) -> bool:
        """As far as the caller's right is lent: see `lent.may_handle`."""
        if not who.is_lent:
            return True
        blob: Any = {}
        if row.type == EC2:
            blob = msgspec.json.decode(self.blob(row))
        return may_handle(who, row.user_id, row.type, row.project_id, blob)

    def check_may_handle(self, who: Principal, row: CredentialRow) -> None:
        if not self.may_handle(who, row):
            raise forbidden("Using a delegated token for credentials beyond what was delegated")

    def update(
        self, tx: Tx, row: CredentialRow, wishes: Mapping[str, Any], who: Principal
    ) -> CredentialRow:
        """An EC2 credential whose access key changes is not found by it any more."""
        wanted, extra = split(wishes, CredentialWishes, "credential")
        changes: dict[str, Any] = given(wanted, "user_id", "project_id", "type")
        changed = {name: value for name, value in changes.items() if value != getattr(row, name)}
        if changed:
            self._refuse_other_place(tx, row, changed, who)
        if wanted.blob is not UNSET:
            if row.type == EC2:
                self._refuse_other_source(row, wanted.blob)
            type, project_id = (
                changes.get("type", row.type),
                changes.get("project_id", row.project_id),
            )
            _check(type, wanted.blob, project_id)
            changes["encrypted_blob"] = self._keys.encrypt(wanted.blob)
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.credential.update", row.id, principal=who, user=row.user_id)
        return row

    def _refuse_other_place(
        self, tx: Tx, row: CredentialRow, changes: Mapping[str, Any], who: Principal
    ) -> None:
        """What cannot be somebody's, of that type, for that project."""
        moved = msgspec.structs.replace(row, **changes)
        if tx.get(UserRow, moved.user_id) is None:
            raise NotFound(f"Could not find user: {moved.user_id}.")
        self.check_may_handle(who, moved)
        _check(moved.type, self.blob(row), moved.project_id)

    def _refuse_other_source(self, row: CredentialRow, blob: str) -> None:
        old, new = _ec2_blob(self.blob(row)), _ec2_blob(blob)
        for name in FIXED_IN_BLOB:
            if old.get(name) != new.get(name):
                raise BadRequest(f"{name} can not be updated for credential")

    def delete(self, tx: Tx, row: CredentialRow, who: Principal) -> None:
        tx.delete(row)
        emit(tx, "identity.credential.delete", row.id, principal=who, user=row.user_id)


def _check(type: str, blob: str, project_id: str | None) -> None:
    """400 for what makes no sense together."""
    if not 0 < len(type) <= 255:
        raise BadRequest("Invalid input for credential: 'type' has 1 to 255 characters")
    if len(blob) > BLOB_LIMIT:
        raise BadRequest(f"Invalid input for credential: 'blob' is longer than {BLOB_LIMIT}")
    if type.lower() == EC2:
        _ec2_blob(blob)
        if project_id is None:
            raise BadRequest("Invalid input for credential: 'project_id' is a required property")


def _ec2_blob(blob: str) -> dict[str, Any]:
    """The keys of an EC2 credential. Raises BadRequest."""
    try:
        found = msgspec.json.decode(blob)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest("Invalid blob in credential") from None
    if not isinstance(found, dict) or not found:
        raise BadRequest("Expecting to find valid JSON object in blob of the credential.")
    if not isinstance(found.get("access"), str):
        raise BadRequest("Expecting to find access in credential.")
    return found
