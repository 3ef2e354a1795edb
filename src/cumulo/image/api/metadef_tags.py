"""Tags of a namespace of metadata definitions on the wire."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_bool
from cumulo.image.api.metadefs import (
    LATE,
    ONE,
    allowed,
    changeable,
    links,
    name_in,
    page,
    tag_body,
    writable,
)
from cumulo.image.model.metadef import NewTag, TagsWish
from cumulo.image.service.metadefs import Metadefs


class MetadefTagsApi:
    def __init__(self, metadefs: Metadefs) -> None:
        self._metadefs = metadefs
        self._tags = metadefs.tags

    def operations(self) -> list[Operation]:
        all_ = f"{ONE}/tags"
        one = f"{all_}/{{tag_name}}"
        many: dict[str, Any] = {"body": TagsWish, "status": 201, **LATE}
        return [
            Operation("GET", all_, self.index, policy="get_metadef_tags", **LATE),
            Operation("POST", all_, self.create_many, policy="add_metadef_tags", **many),
            Operation("DELETE", all_, self.clear, policy="delete_metadef_tags", status=204, **LATE),
            Operation("GET", one, self.show, policy="get_metadef_tag", **LATE),
            Operation("POST", one, self.create, policy="add_metadef_tag", status=201, **LATE),
            Operation("PUT", one, self.update, policy="modify_metadef_tag", body=NewTag, **LATE),
            Operation("DELETE", one, self.delete, policy="delete_metadef_tag", status=204, **LATE),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        rows = page(
            call,
            tx,
            self._tags.listing,
            {"namespace_id": of.id},
            lambda name: self._tags.get(tx, of, name),
        )
        marker = rows.rows[-1].name if rows.rows else None
        found = [{"name": row.name} for row in rows.rows]
        return {"tags": found, **links(call, rows, marker, "tags")}

    def create_many(self, call: Call, tx: Tx) -> Any:
        """They take the place of those that are there, unless a header asks to append."""
        of = changeable(call, tx, self._metadefs)
        names = [tag.name for tag in call.body.tags]
        append = as_bool(call.header("X-Openstack-Append") or "false", "X-Openstack-Append")
        make = self._tags.create_many if append else self._tags.replace
        return {"tags": [{"name": row.name} for row in make(tx, of, names, call.principal)]}

    def clear(self, call: Call, tx: Tx) -> None:
        self._tags.clear(tx, changeable(call, tx, self._metadefs), call.principal)

    def show(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        return tag_body(self._tags.get(tx, of, call.path["tag_name"]))

    def create(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        return tag_body(self._tags.create(tx, of, name_in(call, "tag_name"), call.principal))

    def update(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        row = self._tags.get(tx, of, call.path["tag_name"])
        name = writable(call.body).name
        return tag_body(self._tags.rename(tx, of, row, name, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        of = changeable(call, tx, self._metadefs)
        self._tags.delete(tx, of, call.path["tag_name"], call.principal)
