"""Objects of a namespace of metadata definitions on the wire."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.api.metadefs import (
    LATE,
    ONE,
    allowed,
    changeable,
    links,
    object_body,
    page,
    writable,
)
from cumulo.image.model.metadef import ObjectWish
from cumulo.image.service.metadefs import Metadefs


class MetadefObjectsApi:
    def __init__(self, metadefs: Metadefs) -> None:
        self._metadefs = metadefs
        self._objects = metadefs.objects

    def operations(self) -> list[Operation]:
        all_ = f"{ONE}/objects"
        one = f"{all_}/{{object_name}}"
        return [
            Operation("GET", all_, self.index, policy="get_metadef_objects", **LATE),
            Operation(
                "POST",
                all_,
                self.create,
                policy="add_metadef_object",
                body=ObjectWish,
                status=201,
                **LATE,
            ),
            Operation(
                "DELETE", all_, self.clear, policy="delete_metadef_object", status=204, **LATE
            ),
            Operation("GET", one, self.show, policy="get_metadef_object", **LATE),
            Operation(
                "PUT", one, self.update, policy="modify_metadef_object", body=ObjectWish, **LATE
            ),
            Operation(
                "DELETE", one, self.delete, policy="delete_metadef_object", status=204, **LATE
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        rows = page(
            call,
            tx,
            self._objects.listing,
            {"namespace_id": of.id},
            lambda name: self._objects.get(tx, of, name),
        )
        marker = rows.rows[-1].name if rows.rows else None
        found = [object_body(of, row) for row in rows.rows]
        return {"objects": found, **links(call, rows, marker, "objects")}

    def create(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        row = self._objects.create(tx, of, writable(call.body), call.principal)
        return object_body(of, row)

    def clear(self, call: Call, tx: Tx) -> None:
        self._objects.clear(tx, changeable(call, tx, self._metadefs), call.principal)

    def show(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        return object_body(of, self._objects.get(tx, of, call.path["object_name"]))

    def update(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        row = self._objects.get(tx, of, call.path["object_name"])
        changed = self._objects.update(tx, of, row, writable(call.body), call.principal)
        return object_body(of, changed)

    def delete(self, call: Call, tx: Tx) -> None:
        of = changeable(call, tx, self._metadefs)
        self._objects.delete(tx, of, call.path["object_name"], call.principal)
