"""Resource types on the wire, and which namespaces of metadata definitions are meant for them."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.api.metadefs import (
    LATE,
    ONE,
    allowed,
    association_body,
    changeable,
    moments,
    writable,
)
from cumulo.image.model.metadef import AssociationWish
from cumulo.image.service.metadefs import Metadefs


class MetadefResourceTypesApi:
    def __init__(self, metadefs: Metadefs) -> None:
        self._metadefs = metadefs
        self._associations = metadefs.associations

    def operations(self) -> list[Operation]:
        all_ = f"{ONE}/resource_types"
        return [
            Operation(
                "GET",
                "/v2/metadefs/resource_types",
                self.types,
                policy="list_metadef_resource_types",
            ),
            Operation("GET", all_, self.index, policy="get_metadef_resource_type", **LATE),
            Operation(
                "POST",
                all_,
                self.create,
                policy="add_metadef_resource_type_association",
                body=AssociationWish,
                status=201,
                **LATE,
            ),
            Operation(
                "DELETE",
                f"{all_}/{{name}}",
                self.delete,
                policy="remove_metadef_resource_type_association",
                status=204,
                **LATE,
            ),
        ]

    def types(self, call: Call, tx: Tx) -> Any:
        rows = self._associations.types(tx)
        return {"resource_types": [{"name": row.name, **moments(row)} for row in rows]}

    def index(self, call: Call, tx: Tx) -> Any:
        of = allowed(call, tx, self._metadefs)
        found = [association_body(row) for row in self._associations.all(tx, of)]
        return {"resource_type_associations": found}

    def create(self, call: Call, tx: Tx) -> Any:
        of = changeable(call, tx, self._metadefs)
        row = self._associations.create(tx, of, writable(call.body), call.principal)
        return association_body(row)

    def delete(self, call: Call, tx: Tx) -> None:
        of = changeable(call, tx, self._metadefs)
        self._associations.delete(tx, of, call.path["name"], call.principal)
