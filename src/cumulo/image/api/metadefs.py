"""What the operations of metadata definitions have in common on the wire."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from cumulo.core.clock import zulu
from cumulo.core.db.listing import Listing
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import Page, next_link, page_of
from cumulo.image.api.envelope import query_without_marker, relative
from cumulo.image.api.sorting import sort_of
from cumulo.image.model.metadef import (
    MOST_NAME,
    AssociationRow,
    NamespaceRow,
    ObjectRow,
    PropertyRow,
    TagRow,
)
from cumulo.image.service.metadefs import Metadefs

R = TypeVar("R", bound=Row)

ROOT = "/v2/metadefs/namespaces"
ONE = f"{ROOT}/{{namespace}}"
LATE: dict[str, Any] = {"early": False}

_READ_ONLY = {
    "self_": "self",
    "schema": "schema",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


def target_of(row: NamespaceRow) -> dict[str, Any]:
    """What Glance's rules ask of a namespace."""
    return {"project_id": row.owner, "owner": row.owner, "visibility": row.visibility}


def allowed(call: Call, tx: Tx, metadefs: Metadefs) -> NamespaceRow:
    """The namespace of the path, which the caller may see, with the operation's rule checked."""
    row = metadefs.namespaces.get(tx, call.path["namespace"], call.principal)
    call.allow(target_of(row))
    return row


def changeable(call: Call, tx: Tx, metadefs: Metadefs) -> NamespaceRow:
    """The same for what changes it or what it holds."""
    row = allowed(call, tx, metadefs)
    metadefs.namespaces.changeable(row, call.principal)
    return row


def writable(wish: Any) -> Any:
    """The wish; 403 when it names what only the service writes."""
    for field, name in _READ_ONLY.items():
        if getattr(wish, field, UNSET) is not UNSET:
            raise Forbidden(f"Attribute '{name}' is read-only.")
    return wish


def name_in(call: Call, field: str) -> str:
    """A name that the path gives to something new."""
    name = call.path[field]
    if len(name) > MOST_NAME:
        raise BadRequest(f"A name has at most {MOST_NAME} characters.")
    return name


def moments(row: Any) -> dict[str, str]:
    return {"created_at": zulu(row.created_at), "updated_at": zulu(row.updated_at)}


def page(
    call: Call,
    tx: Tx,
    listing: Listing[R],
    where: dict[str, Any],
    find_marker: Callable[[str], R],
) -> Page[R]:
    """A page of the list, in the order that was asked for."""
    sort = sort_of(call)
    return page_of(call, tx, listing, where, find_marker=find_marker, sort=sort)


def links(call: Call, rows: Page[Any], marker: str | None, schema: str) -> dict[str, str]:
    """`first`, `schema`, and `next` where there is more."""
    body = {
        "first": relative(call, call.url + query_without_marker(call)),
        "schema": f"/v2/schemas/metadefs/{schema}",
    }
    following = next_link(call, rows, marker)
    if following is not None:
        body["next"] = relative(call, following)
    return body


def namespace_body(row: NamespaceRow) -> dict[str, Any]:
    texts = {"display_name": row.display_name, "description": row.description}
    return {
        "namespace": row.namespace,
        **{name: text for name, text in texts.items() if text is not None},
        "visibility": row.visibility,
        "protected": row.protected,
        "owner": row.owner,
        "self": f"{ROOT}/{row.namespace}",
        "schema": "/v2/schemas/metadefs/namespace",
        **moments(row),
    }


def association_body(row: AssociationRow) -> dict[str, Any]:
    texts = {"prefix": row.prefix, "properties_target": row.properties_target}
    given = {name: text for name, text in texts.items() if text is not None}
    return {"name": row.name, **given, **moments(row)}


def property_body(row: PropertyRow) -> dict[str, Any]:
    return {"name": row.name, **msgspec.to_builtins(row.schema)}


def properties_body(rows: list[PropertyRow], prefix: str = "") -> dict[str, Any]:
    return {prefix + row.name: row.schema for row in rows}


def object_body(of: NamespaceRow, row: ObjectRow, prefix: str = "") -> dict[str, Any]:
    return {
        "name": row.name,
        **({} if row.description is None else {"description": row.description}),
        "required": [prefix + name for name in row.required],
        "properties": {prefix + name: schema for name, schema in row.properties.items()},
        "self": f"{ROOT}/{of.namespace}/objects/{row.name}",
        "schema": "/v2/schemas/metadefs/object",
        **moments(row),
    }


def tag_body(row: TagRow) -> dict[str, Any]:
    return {"name": row.name, **moments(row)}
