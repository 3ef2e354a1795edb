"""The actions of shares: `POST /shares/{id}/action`, and what access rules there are."""

import functools
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Body
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.lists import (
    MetadataBody,
    filters,
    mine,
    one_item,
    refuse_too_much,
)
from cumulo.shared_file_system.api.shares import SharesApi
from cumulo.shared_file_system.model.access import AccessRow
from cumulo.shared_file_system.service.rules import clean
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService
from cumulo.shared_file_system.service.shares import MOST_GB

STATUSES = ("available", "creating", "deleting", "error", "error_deleting", "inactive",
            "extending", "extending_error", "migrating", "migrating_to")  # fmt: skip


@functools.cache
def action_body(name: str, kind: Any, noun: str = "Share") -> Any:
    """The body `{"allow_access": …}` of one action."""
    return msgspec.defstruct(
        noun + "Action" + name.title().replace("-", "").replace("_", ""),
        [("value", kind, msgspec.field(name=name))],
        bases=(Body,),
        kw_only=True,
    )


def actions(
    path: str, noun: str, name: str, kind: Any, handler: Any, policy: str, **more: Any
) -> list[Operation]:
    """An action, called `os-…` up to 2.6."""
    found = []
    for full, bounds in ((f"os-{name}", {"until": "2.6"}), (name, {"since": "2.7"})):
        options = {"early": False, "status": 202, "title": full, **bounds, **more}
        body = action_body(full, kind, noun)
        found.append(
            Operation("POST", path, handler, policy=policy, action=full, body=body, **options)
        )
    return found


def access_body(row: AccessRow, **more: Any) -> bodies.AccessBody:
    return bodies.AccessBody(
        id=row.id,
        access_type=row.access_type,
        access_to=row.access_to,
        access_level=row.access_level,
        state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        metadata=row.metadata,
        **more,
    )


class ActionsApi:
    def __init__(self, service: SharedFileSystemService, shares: SharesApi) -> None:
        self._shares = service.shares
        self._rules = service.rules
        self._found = shares.found

    def operations(self) -> list[Operation]:
        path, any_ = "/shares/{share_id}/action", dict[str, Any] | None
        act = functools.partial(actions, path, "Share")
        allow: dict[str, Any] = {"status": 200, "response": bodies.AccessAnswer}
        list_: dict[str, Any] = {"response": bodies.AccessList}
        rules, one = "/share-access-rules", "/share-access-rules/{access_id}"
        late: dict[str, Any] = {"early": False, "since": "2.45"}
        four, six = self.allow4, self.allow
        allowing = act("allow_access", bodies.Allow, four, "share:allow_access", **allow)
        newer = {**allow, "early": False, "since": "2.38", "action": "allow_access",
                 "body": action_body("allow_access", bodies.Allow)}  # fmt: skip
        allowing[1] = Operation("POST", path, four, policy="share:allow_access",
                                **{**newer, "since": "2.7", "until": "2.37"})  # fmt: skip
        old, new = act("access_list", any_, self.listed, "share:access_get_all", status=200,
                       writes=False, **list_)  # fmt: skip
        return [
            *allowing,
            Operation("POST", path, six, policy="share:allow_access", **newer),
            *act("deny_access", bodies.Deny, self.deny, "share:deny_access"),
            old,
            Operation("POST", path, self.listed, policy="share:access_get_all", early=False,
                      action="access_list", since="2.7", until="2.44", body=new.body,
                      writes=False, **list_),
            *act("extend", bodies.Extend, self.extend, "share:extend"),
            *act("reset_status", bodies.Reset, self.reset, "share:reset_status"),
            *act("force_delete", any_, self.force_delete, "share:force_delete"),
            Operation("GET", rules, self.index, policy="share_access_rule:index",
                      response=bodies.AccessList, **late),
            Operation("GET", one, self.show, policy="share_access_rule:get",
                      response=bodies.AccessAnswer, **late),
            Operation("PUT", f"{one}/metadata", self.set_metadata, body=MetadataBody,
                      policy="share_access_metadata:update", response=bodies.MetadataAnswer,
                      **late),
            Operation("DELETE", f"{one}/metadata/{{key}}", self.drop_meta,
                      policy="share_access_metadata:delete", **late),
        ]  # fmt: skip

    # --- rules ------------------------------------------------------------------------------

    def allow(self, call: Call, tx: Tx) -> Any:
        return self._allow(call, tx, six=True)

    def allow4(self, call: Call, tx: Tx) -> Any:
        """Before 2.38"""
        return self._allow(call, tx, six=False)

    def _allow(self, call: Call, tx: Tx, *, six: bool) -> Any:
        share, wish = self._found(call, tx), call.body.value
        level = wish.access_level or "rw"
        if level not in ("rw", "ro"):
            raise BadRequest(f"Invalid or unsupported share access level: {level:.40}.")
        metadata = wish.metadata or {}
        refuse_too_much(metadata)
        row = self._rules.allow(
            tx,
            share,
            call.principal,
            kind=wish.access_type,
            to=clean(wish.access_type, wish.access_to, six=six),
            level=level,
            metadata=metadata,
        )
        return bodies.AccessAnswer(access=access_body(row, share_id=share.id))

    def deny(self, call: Call, tx: Tx) -> None:
        share = self._found(call, tx)
        row, of = self._rules.get(tx, call.body.value.access_id, call.principal)
        if of.id != share.id:
            raise BadRequest(f"Access rule {row.id} is not of share {share.id}.")
        self._rules.deny(tx, row, share, call.principal)

    def listed(self, call: Call, tx: Tx) -> Any:
        share = self._found(call, tx)
        rows = self._rules.of(tx, [share.id]).get(share.id, [])
        return bodies.AccessList(access_list=[access_body(row) for row in rows])

    def index(self, call: Call, tx: Tx) -> Any:
        share_id = call.query.get("share_id")
        if not share_id:
            raise BadRequest("The field share_id has to be specified to list its access rules.")
        share = self._shares.get(tx, share_id, call.principal)
        mine(call, share.project_id, share.user_id)
        where = filters(call, ("access_type", "access_to", "access_level"))
        page = page_of(call, tx, self._rules.listing, {**where, "share_id": share.id},
                       find_marker=lambda id: self._rules.get(tx, id, call.principal)[0],
                       sort=[("created_at", "asc")])  # fmt: skip
        return bodies.AccessList(access_list=[access_body(row) for row in page.rows])

    def _rule(self, call: Call, tx: Tx) -> AccessRow:
        row, share = self._rules.get(tx, call.path["access_id"], call.principal)
        mine(call, share.project_id, share.user_id)
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._rule(call, tx)
        return bodies.AccessAnswer(access=access_body(row, share_id=row.share_id))

    def set_metadata(self, call: Call, tx: Tx) -> Any:
        row = self._rule(call, tx)
        metadata = {**row.metadata, **call.body.metadata}
        refuse_too_much(metadata)
        return bodies.MetadataAnswer(
            metadata=self._rules.refresh(tx, row, metadata=metadata).metadata
        )

    def drop_meta(self, call: Call, tx: Tx) -> None:
        row = self._rule(call, tx)
        gone = one_item(row.metadata, call.path["key"])
        left = {k: v for k, v in row.metadata.items() if k not in gone}
        self._rules.refresh(tx, row, metadata=left)

    # --- the share itself -------------------------------------------------------------------

    def extend(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        size = as_int(call.body.value.new_size, "new_size", minimum=1, maximum=MOST_GB)
        if as_bool(call.body.value.force, "force"):
            # The scheduler's filters would be passed by: there are none to pass on growing.
            call.allow(action="share:force_extend")
        self._shares.extend(tx, row, size, call.principal)

    def reset(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._shares.reset(tx, row, wished_status(call.body.value, STATUSES), call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._shares.delete(tx, self._found(call, tx), call.principal, force=True)


def wished_status(wish: bodies.Reset, known: tuple[str, ...]) -> str:
    status = wish.status or wish.os_status
    if not status:
        raise BadRequest("Must specify 'status'")
    if status not in known:
        raise BadRequest(f"Invalid state. Valid states: {', '.join(known)}.")
    return status
