"""Blacklists of zones' names. Their patterns are matched in linear time (RE2)."""

import functools
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import QuotaExceeded
from cumulo.core.ids import new_id
from cumulo.dns.model.blacklist import BlacklistRow
from cumulo.dns.queries import nouns as queries
from cumulo.dns.service import checks
from cumulo.dns.service.refusals import InvalidObject, duplicate, missing, not_found, wrong
from cumulo.dns.service.scope import Scope

MOST_PATTERN = 255


class Blacklists:
    listing = queries.BLACKLISTS

    def get(self, tx: Tx, blacklist_id: str) -> BlacklistRow:
        row = tx.get(BlacklistRow, blacklist_id)
        if row is None:
            raise not_found("Blacklist", "blacklist")
        return row

    def create(self, tx: Tx, values: dict[str, Any], scope: Scope) -> BlacklistRow:
        if "pattern" not in values:
            raise missing("pattern")
        if len(tx.tuples(queries.PATTERNS)) >= queries.MOST_BLACKLISTS:
            message = f"There are {queries.MOST_BLACKLISTS} blacklists: more are not looked at."
            raise QuotaExceeded(message, kind="over_quota")
        row = BlacklistRow(
            id=new_id(),
            pattern=self._pattern(tx, values["pattern"]),
            description=_description(values),
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        emit(tx, "dns.blacklist.create", row.id, principal=scope.principal, pattern=row.pattern)
        return row

    def update(
        self, tx: Tx, row: BlacklistRow, values: dict[str, Any], scope: Scope
    ) -> BlacklistRow:
        changed: dict[str, Any] = {"updated_at": tx.now}
        if "pattern" in values and values["pattern"] != row.pattern:
            changed["pattern"] = self._pattern(tx, values["pattern"])
        if "description" in values:
            changed["description"] = _description(values)
        emit(tx, "dns.blacklist.update", row.id, principal=scope.principal)
        return tx.update(row, **changed)

    def delete(self, tx: Tx, row: BlacklistRow, scope: Scope) -> None:
        tx.delete(row)
        emit(tx, "dns.blacklist.delete", row.id, principal=scope.principal, pattern=row.pattern)

    def lists(self, tx: Tx, zone_name: str) -> bool:
        return any(
            _compiled(pattern).search(zone_name) is not None
            for (pattern,) in tx.tuples(queries.PATTERNS)
        )

    def _pattern(self, tx: Tx, value: Any) -> str:
        if not isinstance(value, str) or not value or len(value) > MOST_PATTERN:
            message = f"{value!r:.300} is no pattern of 1 to {MOST_PATTERN} characters"
            raise InvalidObject(wrong(["pattern"], message))
        try:
            _compiled(value)
        except ValueError as error:
            message = f"'{value}' is not a regular expression: {error}"
            raise InvalidObject(wrong(["pattern"], message, "format", "regex")) from None
        if tx.one(queries.BLACKLIST_OF, pattern=value) is not None:
            raise duplicate("Blacklist", "blacklist")
        return value


@functools.lru_cache(maxsize=queries.MOST_BLACKLISTS)
def _compiled(pattern: str) -> Any:
    """Raises ValueError."""
    import re2

    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(str(error)) from None


def _description(values: dict[str, Any]) -> str | None:
    return checks.text_of("description", values.get("description"), checks.MOST_DESCRIPTION)
