"""CloudKitty's rating modules, and the configuration of its hashmap."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import Body
from cumulo.telemetry.api.lists import flag
from cumulo.telemetry.model.rating import (
    HashFieldRow,
    HashGroupRow,
    HashPriceRow,
    HashServiceRow,
    ModuleRow,
)
from cumulo.telemetry.model.times import moment_of, moment_text
from cumulo.telemetry.service.hashmap import Hashmap

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Id = Annotated[str, Meta(max_length=64)]
Number = float | str
Kind = Literal["flat", "rate"]
CONFIG = "/v1/rating/module_config/hashmap"


class Named(Body):
    name: Name


class NewField(Body):
    name: Name
    service_id: Id


class NewPrice(Body):
    cost: Number
    type: Kind = "flat"
    service_id: Id | None = None
    field_id: Id | None = None
    group_id: Id | None = None
    tenant_id: Id | None = None
    value: Name | None = None
    level: Number | None = None
    name: Annotated[str, Meta(max_length=255)] | None = None
    description: Annotated[str, Meta(max_length=255)] | None = None
    start: str | None = None
    end: str | None = None


class ChangedPrice(Body):
    """Clients send the whole of what they were shown: of what is not here nothing changes."""

    cost: Number | UnsetType = UNSET
    level: Number | UnsetType | None = UNSET
    type: Kind | UnsetType = UNSET
    value: Name | UnsetType | None = UNSET
    group_id: Id | UnsetType | None = UNSET
    tenant_id: Id | UnsetType | None = UNSET
    description: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    end: str | UnsetType | None = UNSET
    mapping_id: str | None = None
    threshold_id: str | None = None


class ChangedModule(Body):
    enabled: bool | None = None
    priority: Annotated[int, Meta(ge=0, le=10_000)] | None = None


class Removed(Body):
    """Clients name what they remove in the body, too."""

    recursive: bool | None = None
    service_id: str | None = None
    field_id: str | None = None
    group_id: str | None = None
    mapping_id: str | None = None
    threshold_id: str | None = None


class HashmapApi:
    def __init__(self, hashmap: Hashmap) -> None:
        self._hashmap = hashmap

    def operations(self) -> list[Operation]:
        reads: dict[str, Any] = {"policy": "rating:module_config"}
        makes: dict[str, Any] = {**reads, "status": 201}
        ends: dict[str, Any] = {**reads, "status": 204, "body": Removed | None}
        made = [
            Operation("GET", f"{CONFIG}/types", self.types, **reads),
            *self._modules(),
        ]
        for noun, body in (("services", Named), ("fields", NewField), ("groups", Named)):
            one = noun[:-1]
            path = f"{CONFIG}/{noun}"
            made += [
                Operation("GET", path, getattr(self, noun), **reads),
                Operation("POST", path, getattr(self, f"new_{one}"), body=body, **makes),
                Operation("DELETE", path, getattr(self, f"drop_{one}"), **ends),
                Operation("DELETE", f"{path}/{{id}}", getattr(self, f"drop_{one}"), **ends),
            ]
            if noun != "groups":
                made.append(Operation("GET", f"{path}/{{id}}", getattr(self, one), **reads))
        made += [
            Operation("GET", f"{CONFIG}/groups/{{id}}", self.group, **reads),
            *(
                Operation("GET", f"{CONFIG}/groups{place}/{noun}", handler, **reads)
                for place in ("", "/{id}")
                for noun, handler in (
                    ("mappings", self.group_mappings),
                    ("thresholds", self.group_thresholds),
                )
            ),
        ]
        for noun in ("mappings", "thresholds"):
            path = f"{CONFIG}/{noun}"
            one = f"{path}/{{id}}"
            made += [
                Operation("GET", path, self._list(noun), **reads),
                Operation("POST", path, self._new(noun), body=NewPrice, **makes),
                Operation("GET", one, self._show(noun), **reads),
                *(
                    Operation(
                        "PUT", each, self._change(noun), body=ChangedPrice, status=302, **reads
                    )
                    for each in (path, one)
                ),
                Operation("DELETE", one, self._drop(noun), **ends),
                Operation("DELETE", path, self._drop(noun), **ends),
                *(
                    Operation("GET", f"{each}/group", self._group_of(noun), **reads)
                    for each in (path, one)
                ),
            ]
        return made

    # --- modules --------------------------------------------------------------------------------

    def _modules(self) -> list[Operation]:
        changes: dict[str, Any] = {"policy": "rating:update_module", "body": ChangedModule}
        made = []
        for version in ("v1", "v2"):
            path = f"/{version}/rating/modules"
            one = f"{path}/{{module}}"
            made += [
                Operation("GET", path, self.modules, policy="rating:list_modules"),
                Operation("GET", one, self.module, policy="rating:get_module"),
                Operation("PUT", one, self.set_module, **changes),
            ]
        return [
            *made,
            Operation(
                "GET",
                "/v1/rating/reload_modules",
                self.reload,
                policy="rating:update_module",
                status=204,
            ),
        ]

    def modules(self, call: Call, tx: Tx) -> Any:
        return {"modules": [module_body(self._hashmap.module(tx))]}

    def module(self, call: Call, tx: Tx) -> Any:
        if call.path["module"] != "hashmap":
            raise NotFound(f"Module not found: {call.path['module'][:80]}")
        return module_body(self._hashmap.module(tx))

    def set_module(self, call: Call, tx: Tx) -> Any:
        self.module(call, tx)
        body: ChangedModule = call.body
        return module_body(self._hashmap.set_module(tx, body.enabled, body.priority))

    def reload(self, call: Call, tx: Tx) -> None:
        """Modules are read anew by each request."""

    # --- services, fields, groups ---------------------------------------------------------------

    def types(self, call: Call, tx: Tx) -> Any:
        return ["flat", "rate"]

    def services(self, call: Call, tx: Tx) -> Any:
        return {"services": [_service(row) for row in self._hashmap.services(tx)]}

    def service(self, call: Call, tx: Tx) -> Any:
        return _service(self._hashmap.service(tx, call.path["id"]))

    def new_service(self, call: Call, tx: Tx) -> Any:
        return Reply(201, _service(self._hashmap.create_service(tx, call.body.name)))

    def drop_service(self, call: Call, tx: Tx) -> None:
        self._hashmap.delete_service(tx, _id(call, "service_id"))

    def fields(self, call: Call, tx: Tx) -> Any:
        service = call.query.get("service_id")
        if not service:
            raise BadRequest("service_id is mandatory")
        self._hashmap.service(tx, service)
        return {"fields": [_field(row) for row in self._hashmap.fields(tx, service)]}

    def field(self, call: Call, tx: Tx) -> Any:
        return _field(self._hashmap.field(tx, call.path["id"]))

    def new_field(self, call: Call, tx: Tx) -> Any:
        body: NewField = call.body
        return Reply(201, _field(self._hashmap.create_field(tx, body.service_id, body.name)))

    def drop_field(self, call: Call, tx: Tx) -> None:
        self._hashmap.delete_field(tx, _id(call, "field_id"))

    def groups(self, call: Call, tx: Tx) -> Any:
        return {"groups": [_group(row) for row in self._hashmap.groups(tx)]}

    def group(self, call: Call, tx: Tx) -> Any:
        return _group(self._hashmap.group(tx, call.path["id"]))

    def new_group(self, call: Call, tx: Tx) -> Any:
        return Reply(201, _group(self._hashmap.create_group(tx, call.body.name)))

    def drop_group(self, call: Call, tx: Tx) -> None:
        body: Removed | None = call.body
        recursive = flag(call, "recursive") or bool(body and body.recursive)
        self._hashmap.delete_group(tx, _id(call, "group_id"), recursive=recursive)

    def group_mappings(self, call: Call, tx: Tx) -> Any:
        return self._of_group(call, tx, "mappings")

    def group_thresholds(self, call: Call, tx: Tx) -> Any:
        return self._of_group(call, tx, "thresholds")

    def _of_group(self, call: Call, tx: Tx, noun: str) -> Any:
        group = self._hashmap.group(tx, _id(call, "group_id"))
        rows = self._hashmap.prices(tx)
        wanted = [row for row in rows if row.group_id == group.id and _is(row, noun)]
        return {noun: [price_body(row) for row in wanted]}

    # --- mappings and thresholds ----------------------------------------------------------------

    def _list(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> Any:
            asked = {
                name: value
                for name in ("service_id", "field_id", "group_id", "tenant_id")
                if (value := call.query.get(name))
            }
            everything = flag(call, "deleted")
            rows = [
                row
                for row in self._hashmap.prices(tx, everything=everything)
                if _is(row, noun) and all(getattr(row, n) == v for n, v in asked.items())
            ]
            if flag(call, "no_group"):
                rows = [row for row in rows if row.group_id is None]
            return {noun: [price_body(row) for row in rows]}

        return handler

    def _new(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> Any:
            body: NewPrice = call.body
            if (body.level is not None) != (noun == "thresholds"):
                raise BadRequest("A threshold has a level, a mapping has none")
            wish = {name: getattr(body, name) for name in body.__struct_fields__}
            for name in ("start", "end"):
                wish[name] = moment_of(wish[name], name) if wish[name] else None
            row = self._hashmap.create_price(tx, wish)
            where = {"Location": f"{call.base_url}{CONFIG}/{noun}/{row.id}"}
            return Reply(201, price_body(row), where)

        return handler

    def _show(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> Any:
            return price_body(self._one(call, tx, noun))

        return handler

    def _change(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> Any:
            row = self._one(call, tx, noun)
            body: ChangedPrice = call.body
            wish = {
                name: value
                for name in body.__struct_fields__
                if name not in ("mapping_id", "threshold_id")
                and (value := getattr(body, name)) is not UNSET
            }
            if wish.get("end"):
                wish["end"] = moment_of(wish["end"], "end")
            if "level" in wish and (wish["level"] is not None) != (noun == "thresholds"):
                raise BadRequest("A threshold has a level, a mapping has none")
            for name in ("cost", "level"):
                if isinstance(wish.get(name), float):
                    wish[name] = str(wish[name])
            self._hashmap.change_price(tx, row, wish)
            # As CloudKitty answers: the client looks again.
            return Reply(302, None, {"Location": f"{call.base_url}{CONFIG}/{noun}/{row.id}"})

        return handler

    def _drop(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> None:
            id = _id(call, f"{noun[:-1]}_id")
            threshold = noun == "thresholds"
            self._hashmap.delete_price(tx, self._hashmap.price(tx, id, threshold=threshold))

        return handler

    def _group_of(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> Any:
            row = self._one(call, tx, noun)
            if row.group_id is None:
                raise NotFound("It is in no group")
            return _group(self._hashmap.group(tx, row.group_id))

        return handler

    def _one(self, call: Call, tx: Tx, noun: str) -> HashPriceRow:
        id = _id(call, f"{noun[:-1]}_id")
        return self._hashmap.price(tx, id, threshold=noun == "thresholds")


def _is(row: HashPriceRow, noun: str) -> bool:
    return (row.level is not None) == (noun == "thresholds")


def _id(call: Call, name: str) -> str:
    """Of the path, or as the stock client names it, of the query or the body."""
    found = call.path.get("id") or call.query.get(name) or getattr(call.body, name, None)
    if not found:
        raise BadRequest(f"{name} is mandatory")
    return found


def module_body(row: ModuleRow) -> dict[str, Any]:
    return {
        "module_id": row.name,
        "description": "HashMap rating module.",
        "enabled": row.enabled,
        "hot-config": True,
        "hot_config": True,
        "priority": row.priority,
    }


def _service(row: HashServiceRow) -> dict[str, Any]:
    return {"service_id": row.id, "name": row.name}


def _field(row: HashFieldRow) -> dict[str, Any]:
    return {"field_id": row.id, "service_id": row.service_id, "name": row.name}


def _group(row: HashGroupRow) -> dict[str, Any]:
    return {"group_id": row.id, "name": row.name}


def price_body(row: HashPriceRow) -> dict[str, Any]:
    made: dict[str, Any] = {
        "service_id": row.service_id,
        "field_id": row.field_id,
        "group_id": row.group_id,
        "tenant_id": row.tenant_id,
        "cost": row.cost,
        "type": row.type,
    }
    if row.level is not None:
        return {"threshold_id": row.id, "level": row.level, **made}
    return {
        "mapping_id": row.id,
        "value": row.value,
        **made,
        "name": row.name,
        "description": row.description,
        "start": moment_text(row.start),
        "end": moment_text(row.end),
        "deleted": moment_text(row.deleted),
        "created_at": moment_text(row.created_at),
    }
