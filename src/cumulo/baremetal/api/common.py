"""What bare metal's operations share on the wire: the envelope, links, patches, asked fields."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cumulo.baremetal.service.patches import Change, path_of
from cumulo.baremetal.service.refusals import Locked
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Database
from cumulo.core.faults import BadRequest, Fault, NotAcceptable
from cumulo.core.http.faults import JSON
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import Page, next_link
from cumulo.core.wire.coercions import as_bool
from cumulo.core.wire.shapes import Body, StrictBody, trim

B = TypeVar("B", bound=Body)
R = TypeVar("R", bound=Row)

BASE = "/v1"
PATIENCE, PAUSE = 3.0, 0.1
"""Seconds for which a node that is locked is waited for, and between two tries."""


def envelope(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """The message is a JSON text inside the JSON: clients look for `faultstring` there."""
    inner = {
        "faultcode": "Client" if status < 500 else "Server",
        "faultstring": fault.message,
        "debuginfo": None,
    }
    return JSON, msgspec.json.encode({"error_message": msgspec.json.encode(inner).decode()})


class PatchStep(StrictBody):
    op: Literal["add", "replace", "remove"]
    path: Annotated[str, Meta(max_length=1024)]
    value: Any = UNSET


Patch = Annotated[list[PatchStep], Meta(max_length=200)]


def changes_of(call: Call) -> list[Change]:
    found = []
    for step in call.body:
        if step.op != "remove" and step.value is UNSET:
            raise BadRequest(f"'{step.op}' of '{step.path[:100]}' needs a value")
        value = None if step.value is UNSET else step.value
        found.append(Change(step.op, path_of(step.path), value))
    return found


def link(call: Call, *parts: str) -> list[dict[str, str]]:
    tail = "/".join(parts)
    return [
        {"href": f"{call.base_url}{BASE}/{tail}", "rel": "self"},
        {"href": f"{call.base_url}/{tail}", "rel": "bookmark"},
    ]


def asked_fields(call: Call) -> list[str] | None:
    """`fields=uuid,name`; None: nobody asked."""
    given = call.query.all("fields")
    if not given:
        return None
    if call.query.get("detail") is not None and flag(call, "detail"):
        raise BadRequest("Can't specify 'detail=True' and fields together")
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def only(call: Call, body: B, names: Collection[str]) -> B:
    """These fields alone; 400 for what is no field, 406 for one of a newer version."""
    assert call.version is not None
    trim(body, call.version)
    for name in names:
        if name not in body.__struct_fields__:
            raise BadRequest(f'Field(s) "{name[:100]}" are not valid.')
        if isinstance(getattr(body, name), UnsetType):
            raise NotAcceptable(f"The field {name} is not known in API version {call.version}.")
    kept = {*names, "links"}
    for name in body.__struct_fields__:
        if name not in kept:
            setattr(body, name, UNSET)
    return body


def refuse_query(call: Call, known: Collection[str], since: Mapping[str, str]) -> None:
    """400 for parameters that there are not, 406 for those of a newer version."""
    assert call.version is not None
    for name in sorted(call.query.names()):
        if name not in known:
            raise BadRequest(f"Unexpected query parameter: {name[:100]}")
        if name in since and call.version < call.version.parse(since[name]):
            raise NotAcceptable(f"{name} is not known in API version {call.version}.")


def refuse_newer(call: Call, names: Collection[str], since: Mapping[str, str]) -> None:
    """406 for fields that this version does not know."""
    if call.version is None:
        return
    for name in names:
        if name in since and call.version < call.version.parse(since[name]):
            raise NotAcceptable(
                f"The field {name[:100]} is not known in API version {call.version}."
            )


def patient(handler: Callable[..., Any], database: Database) -> Callable[[Call], Awaitable[Any]]:
    """The handler, tried again for a while where a job has the node for itself: most are short, and
    clients expect the conductor to wait a little."""

    async def run(call: Call) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                name = f"{call.operation.method} {call.operation.path}"
                return await database.write(lambda tx: handler(call, tx), name=name)
            except Locked:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(PAUSE)

    run.__annotations__["return"] = handler.__annotations__.get("return", Any)

    return run


def flag(call: Call, name: str) -> bool:
    return as_bool(call.query.get(name) or "", name)


def with_next(call: Call, noun: str, items: list[Any], page: Page[R]) -> dict[str, Any]:
    last = getattr(page.rows[-1], "id", None) if page.rows else None
    following = next_link(call, page, last)
    return {noun: items} if following is None else {noun: items, "next": following}
