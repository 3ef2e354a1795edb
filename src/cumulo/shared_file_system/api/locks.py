"""Resource locks on the wire (2.81)."""

import uuid
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import as_bool
from cumulo.core.wire.shapes import Body, Unset
from cumulo.shared_file_system.api.bodies import Links
from cumulo.shared_file_system.api.lists import (
    counted,
    filters,
    links,
    mine,
    moment,
    offset_of,
    page_links,
)
from cumulo.shared_file_system.model.lock import DELETE, LockRow
from cumulo.shared_file_system.service.locks import check_words
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

Reason = Annotated[str, msgspec.Meta(max_length=1023)]
_FILTERS = ("id", "user_id", "resource_id", "resource_type", "resource_action", "lock_context",
            "lock_reason", "lock_reason~")  # fmt: skip


class LockBody(Body):
    id: str
    user_id: str
    project_id: str
    resource_id: str
    resource_type: str
    resource_action: str
    lock_context: str
    lock_reason: str | None
    created_at: str
    updated_at: str | None
    links: Links


class LockAnswer(Body):
    resource_lock: LockBody


class LockList(Body):
    resource_locks: list[LockBody]
    count: int | Unset = UNSET
    resource_locks_links: Links | Unset = UNSET


class NewLock(Body):
    resource_id: str | None = None
    resource_type: str = "share"
    resource_action: str | None = None
    lock_reason: Reason | None = None


class CreateLock(Body):
    resource_lock: NewLock


class LockChanges(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    resource_action: str | None = None
    lock_reason: Reason | None = None


class UpdateLock(Body):
    resource_lock: LockChanges


class LocksApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._locks = service.locks

    def operations(self) -> list[Operation]:
        all_, one, rule = "/resource-locks", "/resource-locks/{lock_id}", "resource_lock:"
        late: dict[str, Any] = {"early": False, "since": "2.81"}
        answer: dict[str, Any] = {"response": LockAnswer}
        return [
            Operation("GET", all_, self.index, policy=f"{rule}get_all", response=LockList,
                      since="2.81"),
            Operation("POST", all_, self.create, policy=f"{rule}create", body=CreateLock,
                      since="2.81", **answer),
            Operation("GET", one, self.show, policy=f"{rule}get", **late, **answer),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateLock, **late,
                      **answer),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=204, **late),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> LockRow:
        row = self._locks.get(tx, call.path["lock_id"], call.principal)
        mine(call, row.project_id, row.user_id)
        return row

    def _body(self, call: Call, row: LockRow) -> LockBody:
        names = [name for name in LockBody.__struct_fields__ if name != "links"]
        values = {name: getattr(row, name) for name in names}
        return LockBody(links=links(call, "resource-locks", row.id), **values)

    def index(self, call: Call, tx: Tx) -> Any:
        where = filters(call, _FILTERS)
        everybody = call.query.get("all_projects") or call.query.get("all_tenants")
        if everybody is not None and as_bool(everybody, "all_projects"):
            call.allow(action="resource_lock:get_all_projects")
            if call.query.get("project_id") is not None:
                where["project_id"] = call.query.get("project_id")
        else:
            where["project_id"] = call.project_id
        for name in ("created_since", "created_before"):
            if call.query.get(name) is not None:
                where[name] = moment(call, name)
        page = page_of(call, tx, self._locks.listing, where, offset=offset_of(call),
                       find_marker=lambda id: self._locks.get(tx, id, call.principal))  # fmt: skip
        return LockList(
            resource_locks=[self._body(call, row) for row in page.rows],
            count=counted(call, tx, self._locks.listing, where),
            resource_locks_links=page_links(call, page),
        )

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.resource_lock
        action = wish.resource_action or DELETE
        check_words(wish.resource_type, action)
        try:
            id = str(uuid.UUID(wish.resource_id or ""))
        except ValueError:
            raise BadRequest("Resource ID is required and must be in uuid format.") from None
        row = self._locks.create(
            tx,
            call.principal,
            resource_type=wish.resource_type,
            resource_id=id,
            action=action,
            reason=wish.lock_reason,
        )
        return LockAnswer(resource_lock=self._body(call, row))

    def show(self, call: Call, tx: Tx) -> Any:
        return LockAnswer(resource_lock=self._body(call, self._found(call, tx)))

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self._found(call, tx), call.body.resource_lock
        if wish.resource_action is not None:
            check_words(row.resource_type, wish.resource_action)
        row = self._locks.update(
            tx, row, call.principal, action=wish.resource_action, reason=wish.lock_reason
        )
        return LockAnswer(resource_lock=self._body(call, row))

    def delete(self, call: Call, tx: Tx) -> None:
        self._locks.delete(tx, self._found(call, tx), call.principal)
