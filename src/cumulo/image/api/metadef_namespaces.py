"""Namespaces of metadata definitions on the wire."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.urls import ascii_url
from cumulo.image.api.metadefs import (
    LATE,
    ONE,
    ROOT,
    allowed,
    association_body,
    changeable,
    links,
    namespace_body,
    object_body,
    page,
    properties_body,
    writable,
)
from cumulo.image.model.metadef import VISIBILITIES, NamespaceRow, NamespaceWish
from cumulo.image.service.metadefs import Metadefs

MOST_TYPES = 64
"""Resource types that one list may be filtered by"""


class MetadefNamespacesApi:
    def __init__(self, metadefs: Metadefs) -> None:
        self._metadefs = metadefs
        self._namespaces = metadefs.namespaces

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", ROOT, self.index, policy="get_metadef_namespaces"),
            Operation(
                "POST",
                ROOT,
                self.create,
                policy="add_metadef_namespace",
                body=NamespaceWish,
                status=201,
            ),
            Operation("GET", ONE, self.show, policy="get_metadef_namespace", **LATE),
            Operation(
                "PUT",
                ONE,
                self.update,
                policy="modify_metadef_namespace",
                body=NamespaceWish,
                **LATE,
            ),
            Operation(
                "DELETE", ONE, self.delete, policy="delete_metadef_namespace", status=204, **LATE
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        who = call.principal
        where: dict[str, Any] = {}
        if not who.is_admin:
            where["visible_to"] = who.project_id or ""
        visibility = call.query.get("visibility")
        if visibility:
            if visibility not in VISIBILITIES:
                raise BadRequest(f"Invalid visibility value: {visibility:.100}")
            where["visibility"] = visibility
        types = _listed(call.query.get("resource_types") or "")
        if types:
            where["resource_types"] = types
        rows = page(
            call,
            tx,
            self._namespaces.listing,
            where,
            lambda name: self._namespaces.get(tx, name, who),
        )
        associations = self._metadefs.associations.of_many(tx, rows.rows)
        found = []
        for row in rows.rows:
            body, mine = namespace_body(row), associations[row.id]
            if mine:
                body["resource_type_associations"] = [association_body(each) for each in mine]
            found.append(body)
        marker = rows.rows[-1].namespace if rows.rows else None
        return {"namespaces": found, **links(call, rows, marker, "namespaces")}

    def create(self, call: Call, tx: Tx) -> Any:
        row = self._metadefs.create(tx, _checked(call.body), call.principal)
        location = f"{call.base_url}{ROOT}/{row.namespace}"
        return Reply(body=self._whole(tx, row), headers={"Location": ascii_url(location)})

    def show(self, call: Call, tx: Tx) -> Any:
        row = allowed(call, tx, self._metadefs)
        return self._whole(tx, row, call.query.get("resource_type"))

    def _whole(self, tx: Tx, row: NamespaceRow, resource_type: str | None = None) -> dict[str, Any]:
        """With all that it holds; names as the resource type has them, if it is given."""
        every = self._metadefs
        associations = every.associations.all(tx, row)
        prefixes = {each.name: each.prefix or "" for each in associations}
        prefix = prefixes.get(resource_type or "", "")
        parts = {
            "resource_type_associations": [association_body(each) for each in associations],
            "properties": properties_body(every.properties.all(tx, row), prefix),
            "objects": [object_body(row, each, prefix) for each in every.objects.all(tx, row)],
            "tags": [{"name": each.name} for each in every.tags.all(tx, row)],
        }
        return {**namespace_body(row), **{name: part for name, part in parts.items() if part}}

    def update(self, call: Call, tx: Tx) -> Any:
        row = changeable(call, tx, self._metadefs)
        wish = _checked(call.body)
        return namespace_body(self._namespaces.update(tx, row, wish, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        row = changeable(call, tx, self._metadefs)
        self._namespaces.delete(tx, row, call.principal)


def _checked(wish: NamespaceWish) -> NamespaceWish:
    return writable(wish)  # type: ignore[no-any-return]


def _listed(text: str) -> list[str]:
    """A list with commas"""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if len(found) > MOST_TYPES:
        raise BadRequest(f"A list is filtered by at most {MOST_TYPES} resource types.")
    return found
