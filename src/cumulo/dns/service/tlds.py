"""Top-level domains."""

import re
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_id
from cumulo.dns import names
from cumulo.dns.model.tld import TldRow
from cumulo.dns.queries import nouns as queries
from cumulo.dns.service import checks
from cumulo.dns.service.refusals import (
    InvalidObject,
    bad_request,
    duplicate,
    missing,
    not_found,
    wrong,
)
from cumulo.dns.service.scope import Scope

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")


class Tlds:
    listing = queries.TLDS

    def get(self, tx: Tx, tld_id: str) -> TldRow:
        row = tx.get(TldRow, tld_id)
        if row is None:
            raise not_found("Tld", "tld")
        return row

    def create(self, tx: Tx, values: dict[str, Any], scope: Scope) -> TldRow:
        if "name" not in values:
            raise missing("name")
        row = TldRow(
            id=new_id(),
            name=self._name(tx, values["name"]),
            description=_description(values),
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        emit(tx, "dns.tld.create", row.id, principal=scope.principal, name=row.name)
        return row

    def update(self, tx: Tx, row: TldRow, values: dict[str, Any], scope: Scope) -> TldRow:
        changed: dict[str, Any] = {"updated_at": tx.now}
        if "name" in values and values["name"] != row.name:
            changed["name"] = self._name(tx, values["name"])
        if "description" in values:
            changed["description"] = _description(values)
        emit(tx, "dns.tld.update", row.id, principal=scope.principal)
        return tx.update(row, **changed)

    def delete(self, tx: Tx, row: TldRow, scope: Scope) -> None:
        tx.delete(row)
        emit(tx, "dns.tld.delete", row.id, principal=scope.principal, name=row.name)

    def check(self, tx: Tx, zone_name: str) -> None:
        """Refuse a zone that is not below one of them, if there are any."""
        if tx.one(queries.ANY_TLD) is None:
            return
        own = zone_name.rstrip(".")
        above = [each.rstrip(".") for each in (zone_name, *names.ancestors(zone_name))]
        found = {row.name for row in tx.all(queries.TLDS_NAMED, names=above)}
        if not found:
            raise bad_request("Invalid TLD", "invalid_zone_name")
        if own in found:
            raise bad_request("Zone name cannot be the same as a TLD", "invalid_zone_name")

    def _name(self, tx: Tx, value: Any) -> str:
        name = value.lower() if isinstance(value, str) else ""
        if len(name) > 255 or not _NAME.match(name):
            raise InvalidObject(wrong(["name"], f"{value!r:.300} is not a TLD", "format", "tld"))
        if tx.all(queries.TLDS_NAMED, names=[name]):
            raise duplicate("Tld", "tld")
        return name


def _description(values: dict[str, Any]) -> str | None:
    return checks.text_of("description", values.get("description"), checks.MOST_DESCRIPTION)
