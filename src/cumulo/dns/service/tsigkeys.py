"""Keys of other name servers. Secrets are sealed at rest, and shown to administrators."""

import base64
import binascii
from typing import Any, Protocol

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_id
from cumulo.dns import names
from cumulo.dns.model.tsigkey import ALGORITHMS, SCOPES, TsigkeyRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.nameserver.feed import Secret
from cumulo.dns.queries import nouns as queries
from cumulo.dns.service.changes import Changes
from cumulo.dns.service.pools import Pools
from cumulo.dns.service.refusals import InvalidObject, duplicate, missing, not_found, wrong
from cumulo.dns.service.scope import Scope

MOST_TEXT = 160


class Seal(Protocol):
    """What secrets are sealed with: `core.auth.keyring.KeyRing`."""

    def encrypt(self, text: str) -> str: ...
    def decrypt(self, token: str) -> str: ...


class Tsigkeys:
    listing = queries.TSIGKEYS

    def __init__(self, seal: Seal, changes: Changes, pools: Pools) -> None:
        self._seal = seal
        self._changes = changes
        self._pools = pools

    def get(self, tx: Tx, tsigkey_id: str) -> TsigkeyRow:
        row = tx.get(TsigkeyRow, tsigkey_id)
        if row is None:
            raise not_found("TsigKey", "tsigkey")
        return row

    def secret(self, row: TsigkeyRow) -> str:
        return self._seal.decrypt(row.sealed)

    def create(self, tx: Tx, values: dict[str, Any], scope: Scope) -> TsigkeyRow:
        for name in ("name", "algorithm", "secret", "scope", "resource_id"):
            if name not in values:
                raise missing(name)
        row = TsigkeyRow(id=new_id(), created_at=tx.now, updated_at=None, **_checked(values))
        self._refuse_name(tx, row)
        self._refuse_resource(tx, row)
        tx.insert(TsigkeyRow(**{**_fields(row), "sealed": self._seal.encrypt(row.sealed)}))
        self._changed(tx, "create", row, scope)
        return self.get(tx, row.id)

    def update(self, tx: Tx, row: TsigkeyRow, values: dict[str, Any], scope: Scope) -> TsigkeyRow:
        shown = {**_fields(row), "secret": self.secret(row)}
        whole = {name: values.get(name, shown[name]) for name in _NAMES}
        new = TsigkeyRow(id=row.id, created_at=row.created_at, updated_at=tx.now, **_checked(whole))
        self._refuse_name(tx, new)
        if (new.scope, new.resource_id) != (row.scope, row.resource_id):
            self._refuse_resource(tx, new)
        changed = _fields(new)
        changed["sealed"] = self._seal.encrypt(new.sealed)
        row = tx.update(row, **{name: changed[name] for name in changed if name != "id"})
        self._changed(tx, "update", row, scope)
        return row

    def delete(self, tx: Tx, row: TsigkeyRow, scope: Scope) -> None:
        tx.delete(row)
        self._changed(tx, "delete", row, scope)

    def secrets(self, tx: Tx) -> list[Secret]:
        """All of them, for name servers."""
        return [
            Secret(
                names.wire(_dotted(row.name)),
                row.algorithm,
                _bytes_of(self.secret(row)),
                row.scope,
                row.resource_id,
            )
            for row in tx.all(queries.ALL_TSIGKEYS)
        ]

    def _refuse_name(self, tx: Tx, row: TsigkeyRow) -> None:
        """Names of keys have no case, and a dot at the end or none is the same (RFC 8945, 4.2)."""
        name = row.name.lower().rstrip(".")
        other = tx.one(queries.TSIGKEY_NAMED, name=name, dotted=f"{name}.")
        if other is not None and other.id != row.id:
            raise duplicate("TsigKey", "tsigkey")

    def _refuse_resource(self, tx: Tx, row: TsigkeyRow) -> None:
        known = (
            self._pools.find(tx, row.resource_id)
            if row.scope == "POOL"
            else tx.get(ZoneRow, row.resource_id)
        )
        if known is None:
            message = f"'{row.resource_id}' is no {row.scope.lower()}"
            raise InvalidObject(wrong(["resource_id"], message, "format", "uuid"))

    def _changed(self, tx: Tx, verb: str, row: TsigkeyRow, scope: Scope) -> None:
        self._changes.note_secrets(tx)
        emit(tx, f"dns.tsigkey.{verb}", row.id, principal=scope.principal, name=row.name)


def _bytes_of(secret: str) -> bytes:
    """As name servers read it; a text that is no base64 stands for itself."""
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def _dotted(name: str) -> str:
    return name.rstrip(".").lower() + "."


def _is_name(name: str) -> bool:
    """Of a key: any signs of ASCII, which clients write as they are (`my key`)."""
    labels = name.rstrip(".").split(".")
    return (
        all(" " <= sign <= "~" and sign != "\\" for sign in name)
        and all(0 < len(label) <= names.MOST_LABEL for label in labels)
        and len(name) < names.MOST_BYTES - 1
    )


_NAMES = ("name", "algorithm", "secret", "scope", "resource_id")


def _fields(row: TsigkeyRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row, its secret not yet sealed."""
    for name in _NAMES:
        text = values[name]
        if not isinstance(text, str) or not 0 < len(text) <= MOST_TEXT:
            message = f"{name} has to be a text of 1 to {MOST_TEXT} characters"
            raise InvalidObject(wrong([name], message))
    name = str(values["name"])
    if not _is_name(name):
        raise InvalidObject(wrong(["name"], f"'{name}' is not a key's name"))
    for field, words in (("algorithm", ALGORITHMS), ("scope", SCOPES)):
        if values[field] not in words:
            message = f"'{values[field]}' is not one of {list(words)}"
            raise InvalidObject(wrong([field], message, "enum", list(words)))
    return {
        "name": name,
        "algorithm": values["algorithm"],
        "sealed": values["secret"],
        "scope": values["scope"],
        "resource_id": values["resource_id"],
    }
