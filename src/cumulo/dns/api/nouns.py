"""What administrators keep, on the wire: top-level domains, blacklists, TSIG keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from msgspec import UNSET

from cumulo.core.db.listing import Listing
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.model.blacklist import BlacklistRow
from cumulo.dns.model.tld import TldRow
from cumulo.dns.model.tsigkey import TsigkeyRow
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.scope import Scope

R = TypeVar("R", bound=Row)


class Nouns(Protocol[R]):
    """The verbs of such a noun."""

    listing: Listing[R]

    def get(self, tx: Tx, id: str, /) -> R: ...
    def create(self, tx: Tx, values: dict[str, Any], scope: Scope) -> R: ...
    def update(self, tx: Tx, row: R, values: dict[str, Any], scope: Scope) -> R: ...
    def delete(self, tx: Tx, row: R, scope: Scope) -> None: ...


class TldRequest(StrictBody):
    id: Any = UNSET
    name: Any = UNSET
    description: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    links: Any = UNSET


class BlacklistRequest(StrictBody):
    id: Any = UNSET
    pattern: Any = UNSET
    description: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    links: Any = UNSET


class TsigkeyRequest(StrictBody):
    id: Any = UNSET
    name: Any = UNSET
    algorithm: Any = UNSET
    secret: Any = UNSET
    scope: Any = UNSET
    resource_id: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    links: Any = UNSET


@dataclass(frozen=True)
class NounApi(Generic[R]):
    """Five operations on one noun."""

    noun: str
    nouns: Nouns[R]
    body: type[StrictBody]
    fields: Sequence[str]
    """What clients may write."""
    filters: Sequence[str]
    shown: Callable[[R], dict[str, Any]]

    def operations(self) -> list[Operation]:
        many, noun = f"/v2/{self.noun}s", self.noun
        one = f"{many}/{{id}}"
        return [
            Operation("GET", many, self.index, policy=f"find_{noun}s"),
            Operation(
                "POST", many, self.create, policy=f"create_{noun}", body=self.body, status=201
            ),
            Operation("GET", one, self.show, policy=f"get_{noun}"),
            Operation("PATCH", one, self.update, policy=f"update_{noun}", body=self.body),
            Operation("DELETE", one, self.delete, policy=f"delete_{noun}", status=204),
        ]

    def _body(self, call: Call, row: R) -> dict[str, Any]:
        body = self.shown(row)
        body["links"] = {"self": common.link(call, f"{self.noun}s", body["id"])}
        return body

    def index(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        where = common.filters_of(call, (), self.filters)
        if self.noun == "blacklist" and "pattern" in where:
            where["pattern"] = call.query.get("pattern")
        listing = self.nouns.listing
        rows = common.page_of(call, tx, listing, where, lambda id: self._marker(tx, id))
        items = [self._body(call, row) for row in rows]
        total = common.counted(call, lambda: listing.count(tx, where))
        last = items[-1]["id"] if items else None
        return common.page_body(call, f"{self.noun}s", items, total, last)

    def _marker(self, tx: Tx, id: str) -> R | None:
        try:
            return self.nouns.get(tx, id)
        except NotFound:
            return None

    def create(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        values = common.changes_of(call.body, {}, self.fields, self.noun)
        body = self._body(call, self.nouns.create(tx, values, scope))
        return Reply(201, body, {"Location": body["links"]["self"]})

    def show(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        return self._body(call, self.nouns.get(tx, call.path["id"]))

    def update(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        row = self.nouns.get(tx, call.path["id"])
        values = common.changes_of(call.body, self._body(call, row), self.fields, self.noun)
        return self._body(call, self.nouns.update(tx, row, values, scope))

    def delete(self, call: Call, tx: Tx) -> None:
        scope = common.scope_of(call)
        self.nouns.delete(tx, self.nouns.get(tx, call.path["id"]), scope)


def _plain(*names: str) -> Callable[[Any], dict[str, Any]]:
    every = ("id", *names, "created_at", "updated_at")
    return lambda row: {name: getattr(row, name) for name in every}


def noun_operations(dns: DnsService) -> list[Operation]:
    def tsigkey(row: TsigkeyRow) -> dict[str, Any]:
        shown = _plain("name", "algorithm", "scope", "resource_id")(row)
        return {**shown, "secret": dns.tsigkeys.secret(row)}

    named = ("name", "description")
    patterned = ("pattern", "description")
    keyed = ("name", "algorithm", "secret", "scope", "resource_id")
    tlds: NounApi[TldRow] = NounApi("tld", dns.tlds, TldRequest, named, named, _plain(*named))
    blacklists: NounApi[BlacklistRow] = NounApi(
        "blacklist", dns.blacklists, BlacklistRequest, patterned, patterned, _plain(*patterned)
    )
    tsigkeys: NounApi[TsigkeyRow] = NounApi(
        "tsigkey", dns.tsigkeys, TsigkeyRequest, keyed, ("name", "algorithm", "scope"), tsigkey
    )
    return [*tlds.operations(), *blacklists.operations(), *tsigkeys.operations()]
