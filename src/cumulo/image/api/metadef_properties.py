"""Properties of a namespace of metadata definitions on the wire."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import Unset
from cumulo.image.api.metadefs import (
    LATE,
    ONE,
    allowed,
    changeable,
    properties_body,
    property_body,
    target_of,
    writable,
)
from cumulo.image.model.metadef import NamespaceRow, PropertyWish
from cumulo.image.service.metadefs import Metadefs


class MetadefPropertiesApi:
    def __init__(self, metadefs: Metadefs) -> None:
        self._metadefs = metadefs
        self._properties = metadefs.properties

    def operations(self) -> list[Operation]:
        all_ = f"{ONE}/properties"
        one = f"{all_}/{{property_name}}"
        return [
            Operation("GET", all_, self.index, policy="get_metadef_properties", **LATE),
            Operation(
                "POST",
                all_,
                self.create,
                policy="add_metadef_property",
                body=PropertyWish,
                status=201,
                **LATE,
            ),
            Operation(
                "DELETE", all_, self.clear, policy="remove_metadef_property", status=204, **LATE
            ),
            Operation("GET", one, self.show, policy="get_metadef_property", **LATE),
            Operation(
                "PUT",
                one,
                self.update,
                policy="modify_metadef_property",
                body=PropertyWish,
                **LATE,
            ),
            Operation(
                "DELETE", one, self.delete, policy="remove_metadef_property", status=204, **LATE
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        return {"properties": properties_body(self._properties.all(tx, of))}

    def create(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        name, wish = _named(call)
        return property_body(self._properties.create(tx, of, name, wish, call.principal))

    def clear(self, call: Call, tx: Tx) -> None:
        self._properties.clear(tx, changeable(call, tx, self._metadefs), call.principal)

    def show(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        name, resource_type = call.path["property_name"], call.query.get("resource_type")
        if resource_type:
            name = self._without_prefix(call, tx, of, name, resource_type)
        return property_body(self._properties.get(tx, of, name))

    def _without_prefix(
        self, call: Call, tx: Tx, of: NamespaceRow, name: str, resource_type: str
    ) -> str:
        """The property's own name, which the resource type has with a prefix."""
        call.allow(target_of(of), "get_metadef_resource_type")
        prefix = self._metadefs.associations.get(tx, of, resource_type).prefix or ""
        if not name.startswith(prefix):
            raise NotFound(f"Properties of {resource_type} begin with {prefix}: {name} does not.")
        return name.removeprefix(prefix)

    def update(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        row = self._properties.get(tx, of, call.path["property_name"])
        name, wish = _named(call)
        return property_body(self._properties.update(tx, of, row, name, wish, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        of = changeable(call, tx, self._metadefs)
        self._properties.delete(tx, of, call.path["property_name"], call.principal)


def _named(call: Call) -> tuple[str, PropertyWish]:
    """A property by itself has a name; among others it is the key."""
    wish: PropertyWish = writable(call.body)
    if isinstance(wish.name, Unset):
        raise BadRequest("'name' is a required property")
    return wish.name, wish
