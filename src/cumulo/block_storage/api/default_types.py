"""What types volumes of projects have by default: block storage API 3.62."""

from typing import Annotated, Any

import msgspec

from cumulo.block_storage.model.type import DefaultTypeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import StrictBody


class Named(StrictBody):
    volume_type: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class SetDefault(StrictBody):
    default_type: Named


def _body(row: DefaultTypeRow) -> dict[str, str]:
    return {"project_id": row.project_id, "volume_type_id": row.type_id}


class DefaultTypesApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._types = storage.types

    def operations(self) -> list[Operation]:
        one, rule = "/default-types/{target_id}", "volume_extension:default_"
        at: dict[str, Any] = {"since": "3.62"}
        return [
            Operation("GET", "/default-types", self.index, policy=f"{rule}get_all", **at),
            Operation("GET", one, self.show, policy=f"{rule}get", **at),
            Operation("PUT", one, self.set, policy=f"{rule}set_or_update", body=SetDefault, **at),
            Operation("DELETE", one, self.unset, policy=f"{rule}unset", status=204, **at),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        page = page_of(
            call,
            tx,
            self._types.defaults,
            {},
            find_marker=lambda id: self._types.default_of(tx, id),
        )
        return {"default_types": [_body(row) for row in page.rows]}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"default_type": _body(self._types.default_of(tx, call.path["target_id"]))}

    def set(self, call: Call, tx: Tx) -> Any:
        wish, project = call.body.default_type.volume_type, call.path["target_id"]
        return {"default_type": _body(self._types.set_default(tx, project, wish, call.principal))}

    def unset(self, call: Call, tx: Tx) -> None:
        self._types.unset_default(tx, call.path["target_id"])
