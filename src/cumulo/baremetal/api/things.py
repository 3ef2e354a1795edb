"""The simple nouns on the wire: list, show, create, patch, delete, as each says of itself."""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import UNSET

from cumulo.baremetal.api import common
from cumulo.baremetal.service.patches import Change
from cumulo.baremetal.service.things import Things
from cumulo.core.clock import zulu
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault, MethodNotAllowed, NotAcceptable, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Unset, Version

R = TypeVar("R", bound=Row)
PAGING = {"limit", "marker", "sort_key", "sort_dir", "fields", "detail"}


class ThingBody(Body, kw_only=True):
    """What all of them show besides their own."""

    uuid: str | Unset = UNSET
    created_at: str | Unset | None = UNSET
    updated_at: str | Unset | None = UNSET
    links: list[dict[str, str]] | Unset = UNSET


def time_of(moment: str | None) -> str | None:
    return None if moment is None else f"{zulu(moment)[:-1]}+00:00"


def too_old(status: int) -> Any:
    """A handler for versions in which there is no such operation."""
    kinds: dict[int, type[Fault]] = {404: NotFound, 405: MethodNotAllowed, 406: NotAcceptable}

    def refuse(call: Call) -> None:
        raise kinds[status](f"There is no such operation in API version {call.version}.")

    return refuse


def before(since: str, method: str, path: str, status: int) -> Operation:
    """What is answered in versions below `since`."""
    last = Version.parse(since)
    until = f"{last.major}.{last.minor - 1}"
    return Operation(method, path, too_old(status), public=True, kind="fixed", until=until)


def ident(call: Call, name: str) -> str:
    """An id or name out of the path; up to 1.90 `.json` behind it says nothing."""
    found = call.path[name]
    if call.version is not None and call.version < Version(1, 91):
        return found.removesuffix(".json")
    return found


class ThingsApi(Generic[R]):
    plural: ClassVar[str]
    key: ClassVar[str] = ""
    """Of the list in its answer, where it is another word than the last of the path."""
    rule: ClassVar[str]
    since: ClassVar[str | None] = None
    missing: ClassVar[int] = 404
    """The status of POST, PATCH and DELETE in versions before."""
    new: ClassVar[Any]
    body: ClassVar[Any]
    answer: ClassVar[Any]
    summary: ClassVar[tuple[str, ...]]
    filters: ClassVar[Mapping[str, str | None]] = {}
    """Query parameter → since when."""
    details = True
    """There is `…/detail`."""
    same: ClassVar[tuple[str, ...]] = ()
    """Fields that are shown as they are kept."""
    fields_since: ClassVar[Mapping[str, str]] = {}
    """Fields that patches know only later."""

    def __init__(self, things: Things[R]) -> None:
        self._things = things

    @property
    def many(self) -> str:
        return f"/v1/{self.plural}"

    def operations(self) -> list[Operation]:
        one = f"{self.many}/{{ident}}"
        late: dict[str, Any] = {"since": self.since, "early": False}
        found = [
            Operation("GET", self.many, self.index, policy=f"{self.rule}:{self.list_rule}",
                      response=self.answer, since=self.since),
            Operation("POST", self.many, self.create, policy=f"{self.rule}:create",
                      body=self.new, response=self.body, status=201, **late),
            Operation("GET", one, self.show, policy=f"{self.rule}:get", response=self.body,
                      **late),
            Operation("PATCH", one, self.update, policy=f"{self.rule}:update",
                      body=common.Patch, response=self.body, **late),
            Operation("DELETE", one, self.delete, policy=f"{self.rule}:delete", status=204,
                      **late),
        ]  # fmt: skip
        if self.details:
            found.append(
                Operation("GET", f"{self.many}/detail", self.detail, response=self.answer,
                          policy=f"{self.rule}:{self.list_rule}", since=self.since)
            )  # fmt: skip
        if self.since is not None and self.missing != 404:
            found += [
                before(self.since, "POST", self.many, self.missing),
                before(self.since, "PATCH", one, self.missing),
                before(self.since, "DELETE", one, self.missing),
            ]
        return found

    list_rule: ClassVar[str] = "get"

    # --- what a noun adds ----------------------------------------------------------------------

    def target(self, tx: Tx, row: R) -> dict[str, Any]:
        """What the rules are asked about."""
        return {}

    def more(self, call: Call, tx: Tx, row: R) -> dict[str, Any]:
        """Fields that are shown in another way than they are kept."""
        return {}

    def where(self, call: Call, tx: Tx) -> dict[str, Any] | None:
        """Filters of the listing, of the query's; None: nothing can fit."""
        names = (name for name in self.filters if name in self._things.listing.filters)
        return {name: value for name in names if (value := call.query.get(name)) is not None}

    def given(self, call: Call, tx: Tx) -> dict[str, Any]:
        """What a new one is made of."""
        wish = call.body
        names = (name for name in wish.__struct_fields__ if name != "uuid")
        return {name: value for name in names if (value := getattr(wish, name)) is not None}

    def allow_change(self, call: Call, tx: Tx, row: R, changes: list[Change]) -> None:
        """Rules about single fields."""

    # --- handlers ------------------------------------------------------------------------------

    def shown(self, call: Call, tx: Tx, row: Any) -> Any:
        values = {name: getattr(row, name) for name in self.same}
        values |= self.more(call, tx, row)
        return self.body(
            uuid=row.id,
            created_at=time_of(row.created_at),
            updated_at=time_of(row.updated_at),
            links=common.link(call, *self.plural.split("/"), row.id),
            **values,
        )

    def one(self, call: Call, tx: Tx) -> R:
        row = self._things.get(tx, ident(call, "ident"))
        target = self.target(tx, row)
        if not call.allowed(f"{self.rule}:get", target):
            if target:
                raise self._things.not_found(call.path["ident"])
            call.allow(target, f"{self.rule}:get")
        call.allow(target)
        return row

    def index(self, call: Call, tx: Tx) -> Any:
        detail = call.query.get("detail") is not None and common.flag(call, "detail")
        return self.listed(call, tx, {}, detail)

    def detail(self, call: Call, tx: Tx) -> Any:
        return self.listed(call, tx, {}, True)

    def listed(self, call: Call, tx: Tx, more: dict[str, Any], detail: bool) -> Any:
        later = {name: since for name, since in self.filters.items() if since is not None}
        common.refuse_query(call, PAGING | set(self.filters), later)
        noun = self.key or self.plural.rpartition("/")[2]
        where = self.where(call, tx)
        if where is None:
            return {noun: []}
        page = page_of(
            call, tx, self._things.listing, where | more,
            find_marker=lambda id: self._marker(call, tx, id),
            sort_names={"uuid": "id", "node_uuid": "node_id"},
        )  # fmt: skip
        fields = common.asked_fields(call)
        bodies = [self.shown(call, tx, row) for row in page.rows]
        if not detail or fields is not None:
            for body in bodies:
                common.only(call, body, self._summary(call) if fields is None else fields)
        return common.with_next(call, noun, bodies, page)

    def _summary(self, call: Call) -> tuple[str, ...]:
        version = call.version
        return tuple(
            name
            for name in self.summary
            if version is None
            or name not in self.fields_since
            or version >= Version.parse(self.fields_since[name])
        )

    def _marker(self, call: Call, tx: Tx, id: str) -> R | None:
        try:
            row = self._things.get(tx, id)
        except NotFound:
            return None
        return row if call.allowed(f"{self.rule}:get", self.target(tx, row)) else None

    def show(self, call: Call, tx: Tx) -> Any:
        body = self.shown(call, tx, self.one(call, tx))
        fields = common.asked_fields(call)
        return body if fields is None else common.only(call, body, fields)

    def create(self, call: Call, tx: Tx) -> Reply:
        self.allow_new(call, tx)
        row = self.make(call, tx)
        body = self.shown(call, tx, row)
        return Reply(201, body, {"Location": f"{call.base_url}{self.many}/{body.uuid}"})

    def allow_new(self, call: Call, tx: Tx) -> None:
        call.allow({})

    def make(self, call: Call, tx: Tx) -> R:
        given = self.given(call, tx)
        common.refuse_newer(call, given, self.fields_since)
        return self._things.create(tx, given, call.body.uuid, call.principal)

    def update(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        changes = common.changes_of(call)
        common.refuse_newer(call, [change.path[0] for change in changes], self.fields_since)
        self.allow_change(call, tx, row, changes)
        return self.shown(call, tx, self._things.update(tx, row, changes, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        self._things.delete(tx, self.one(call, tx), call.principal)
