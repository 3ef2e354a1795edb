"""Shares of servers (API 2.97), as of any cloud whose hosts cannot give a file system into a guest:
there are none, and to attach one is forbidden."""

from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.compute.api.common import server_of
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import StrictBody, Unset

RULE = "os_compute_api:os-server-shares"


class NewShare(StrictBody, kw_only=True):
    share_id: Uuid
    tag: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9-]*\Z")] | Unset = (
        UNSET
    )


class AttachShare(StrictBody):
    share: NewShare


class SharesApi:
    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute

    def operations(self) -> list[Operation]:
        all_ = "/servers/{server_id}/shares"
        one = all_ + "/{share_id}"
        more: dict[str, Any] = {"since": "2.97", "early": False}
        return [
            Operation("GET", all_, self.index, policy=f"{RULE}:index", **more),
            Operation(
                "POST",
                all_,
                self.create,
                policy=f"{RULE}:create",
                body=AttachShare,
                status=201,
                title="attach share",
                **more,
            ),
            Operation("GET", one, self.show, policy=f"{RULE}:show", **more),
            Operation("DELETE", one, self.delete, policy=f"{RULE}:delete", **more),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        server_of(call, tx, self._compute)
        return {"shares": []}

    def create(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        self._compute.servers.require(row, "create share", vm=("stopped",), task=(row.task_state,))
        raise Forbidden(
            "Feature not supported: no compute host of this cloud gives file systems into guests."
        )

    def show(self, call: Call, tx: Tx) -> None:
        server_of(call, tx, self._compute)
        raise NotFound(f"Share {call.path['share_id']} could not be found.")

    def delete(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        fit = ("stopped", "error")
        self._compute.servers.require(row, "delete share", vm=fit, task=(row.task_state,))
        raise NotFound(f"Share {call.path['share_id']} could not be found.")
