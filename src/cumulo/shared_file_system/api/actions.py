"""The actions of shares: `POST /shares/{id}/action`, and what access rules there are."""

import functools
from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Body
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.lists import (
    MetadataBody,
    filters,
    metadata_filters,
    mine,
    one_item,
    refuse_too_much,
)
from cumulo.shared_file_system.api.shares import SharesApi
from cumulo.shared_file_system.model.access import AccessRow
from cumulo.shared_file_system.model.lock import DELETE, SHOW
from cumulo.shared_file_system.service.rules import HIDDEN, clean
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService
from cumulo.shared_file_system.service.shares import MOST_GB

STATUSES = ("available", "creating", "deleting", "error", "error_deleting", "inactive",
            "extending", "extending_error", "shrinking", "shrinking_error",
            "shrinking_possible_data_loss_error", "reverting", "reverting_error", "migrating",
            "migrating_to")  # fmt: skip


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
        self._changes = service.changes
        self._snapshots = service.snapshots
        self._rules = service.rules
        self._locks = service.locks
        self._found = shares.found
        self._live = shares.live

    def operations(self) -> list[Operation]:
        path, any_ = "/shares/{share_id}/action", dict[str, Any] | None
        act = functools.partial(actions, path, "Share")
        late: dict[str, Any] = {"early": False, "status": 202}
        revert = Operation("POST", path, self.revert, policy="share:revert_to_snapshot",
                           action="revert", since="2.27",
                           body=action_body("revert", bodies.Revert), **late)  # fmt: skip
        recycling = [
            Operation("POST", path, handler, policy=f"share:{name}", action=name, since="2.69",
                      body=action_body(name, any_), **late)
            for name, handler in (("soft_delete", self.recycle), ("restore", self.restore))
        ]  # fmt: skip
        return [
            *self._rule_actions(path),
            *act("extend", bodies.Extend, self.extend, "share:extend"),
            *act("shrink", bodies.Shrink, self.shrink, "share:shrink"),
            *act("reset_status", bodies.Reset, self.reset, "share:reset_status", early=True),
            *act("force_delete", any_, self.force_delete, "share:force_delete", early=True),
            revert,
            *recycling,
            *self._rule_operations(),
        ]

    def _rule_actions(self, path: str) -> list[Operation]:
        """What is understood of `access_to` grew: `cephx` with 2.13, IPv6 with 2.38."""
        any_ = dict[str, Any] | None
        act = functools.partial(actions, path, "Share")
        policy = "share:allow_access"
        allow: dict[str, Any] = {"status": 200, "response": bodies.AccessAnswer}
        newer = {**allow, "early": False, "policy": policy, "action": "allow_access",
                 "body": action_body("allow_access", bodies.Allow)}  # fmt: skip
        first, _ = act("allow_access", bodies.Allow, self.allow_oldest, policy, **allow)
        list_: dict[str, Any] = {"response": bodies.AccessList, "writes": False}
        old, new = act("access_list", any_, self.listed, "share:access_get_all", status=200,
                       **list_)  # fmt: skip
        return [
            first,
            Operation("POST", path, self.allow_oldest, since="2.7", until="2.12", **newer),
            Operation("POST", path, self.allow_older, since="2.13", until="2.37", **newer),
            Operation("POST", path, self.allow, since="2.38", **newer),
            *act("deny_access", bodies.Deny, self.deny, "share:deny_access"),
            old,
            Operation("POST", path, self.listed, policy="share:access_get_all", early=False,
                      action="access_list", since="2.7", until="2.44", body=new.body, **list_),
        ]  # fmt: skip

    def _rule_operations(self) -> list[Operation]:
        rules, one = "/share-access-rules", "/share-access-rules/{access_id}"
        late: dict[str, Any] = {"early": False, "since": "2.45"}
        return [
            Operation("GET", rules, self.index, policy="share_access_rule:index",
                      response=bodies.AccessList, **late),
            Operation("GET", one, self.show, policy="share_access_rule:get",
                      response=bodies.AccessAnswer, **late),
            Operation("PUT", one, self.change, policy="share_access_rule:update",
                      body=bodies.UpdateAccess, response=bodies.AccessAnswer, early=False,
                      since="2.88"),
            Operation("PUT", f"{one}/metadata", self.set_metadata, body=MetadataBody,
                      policy="share_access_metadata:update", response=bodies.MetadataAnswer,
                      **late),
            Operation("DELETE", f"{one}/metadata/{{key}}", self.drop_meta,
                      policy="share_access_metadata:delete", **late),
        ]  # fmt: skip

    # --- rules ------------------------------------------------------------------------------

    def allow(self, call: Call, tx: Tx) -> Any:
        return self._allow(call, tx, six=True, cephx=True)

    def allow_older(self, call: Call, tx: Tx) -> Any:
        return self._allow(call, tx, six=False, cephx=True)

    def allow_oldest(self, call: Call, tx: Tx) -> Any:
        return self._allow(call, tx, six=False, cephx=False)

    def _allow(self, call: Call, tx: Tx, *, six: bool, cephx: bool) -> Any:
        share, wish, who = self._live(call, tx), call.body.value, call.principal
        metadata = wish.metadata or {}
        refuse_too_much(metadata)
        row = self._rules.allow(
            tx,
            share,
            who,
            kind=wish.access_type,
            to=clean(wish.access_type, wish.access_to, six=six, cephx=cephx),
            level=_level(wish.access_level or "rw"),
            metadata=metadata,
            hidden=as_bool(wish.lock_visibility, "lock_visibility"),
        )
        for field, action in (("lock_visibility", SHOW), ("lock_deletion", DELETE)):
            if as_bool(getattr(wish, field), field):
                where: dict[str, Any] = {"resource_type": "access_rule", "resource_id": row.id}
                self._locks.create(tx, who, action=action, reason=wish.lock_reason, **where)
        return bodies.AccessAnswer(access=access_body(row, share_id=share.id))

    def deny(self, call: Call, tx: Tx) -> None:
        share, wish = self._found(call, tx), call.body.value
        row, of = self._rules.get(tx, wish.access_id, call.principal)
        if of.id != share.id:
            raise BadRequest(f"Access rule {row.id} is not of share {share.id}.")
        unrestrict = as_bool(wish.unrestrict, "unrestrict")
        self._rules.deny(tx, row, share, call.principal, unrestrict=unrestrict)

    def change(self, call: Call, tx: Tx) -> Any:
        row, share = self._rules.get(tx, call.path["access_id"], call.principal)
        mine(call, share.project_id, share.user_id)
        level = _level(call.body.update_access.access_level)
        row = self._rules.change(tx, row, share, call.principal, level)
        [body] = self._shown(call, tx, [row])
        body.share_id = row.share_id
        return bodies.AccessAnswer(access=body)

    def _shown(self, call: Call, tx: Tx, rows: Sequence[AccessRow]) -> list[bodies.AccessBody]:
        """2.82: who may mount is not told of a rule that somebody has locked so."""
        hidden = self._locks.hidden(tx, [row.id for row in rows], call.principal)
        found = [access_body(row) for row in rows]
        for body in found:
            if body.id in hidden:
                body.access_to = body.access_key = HIDDEN
        return found

    def listed(self, call: Call, tx: Tx) -> Any:
        share = self._found(call, tx)
        rows = self._rules.of(tx, [share.id]).get(share.id, [])
        return bodies.AccessList(access_list=self._shown(call, tx, rows))

    def index(self, call: Call, tx: Tx) -> Any:
        share_id = call.query.get("share_id")
        if not share_id:
            raise BadRequest("The field share_id has to be specified to list its access rules.")
        try:
            share = self._shares.get(tx, share_id, call.principal)
        except NotFound as missing:
            raise BadRequest(missing.message) from None
        mine(call, share.project_id, share.user_id)
        where = filters(call, ("id", "access_type", "access_level"))
        if call.query.get("access_key") is not None:
            return bodies.AccessList(access_list=[])  # no rule of this driver has one
        if call.query.get("metadata"):
            where |= metadata_filters(call.query.get("metadata") or "")
        to = call.query.get("access_to")
        page = page_of(call, tx, self._rules.listing, {**where, "share_id": share.id},
                       find_marker=lambda id: self._rules.get(tx, id, call.principal)[0],
                       sort=[("created_at", "asc")])  # fmt: skip
        # By what is shown: a filter tells nobody what is hidden.
        found = [body for body in self._shown(call, tx, page.rows) if to in (None, body.access_to)]
        return bodies.AccessList(access_list=found)

    def _rule(self, call: Call, tx: Tx) -> AccessRow:
        row, share = self._rules.get(tx, call.path["access_id"], call.principal)
        mine(call, share.project_id, share.user_id)
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._rule(call, tx)
        [body] = self._shown(call, tx, [row])
        body.share_id = row.share_id
        return bodies.AccessAnswer(access=body)

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
        row = self._live(call, tx)
        size = as_int(call.body.value.new_size, "new_size", minimum=1, maximum=MOST_GB)
        if as_bool(call.body.value.force, "force"):
            # The scheduler's filters would be passed by: there are none to pass on growing.
            call.allow(action="share:force_extend")
        self._changes.extend(tx, row, size, call.principal)

    def shrink(self, call: Call, tx: Tx) -> None:
        row = self._live(call, tx)
        size = as_int(call.body.value.new_size, "new_size", minimum=1, maximum=MOST_GB)
        self._changes.shrink(tx, row, size, call.principal)

    def revert(self, call: Call, tx: Tx) -> None:
        row, id = self._live(call, tx), call.body.value.snapshot_id
        try:
            snapshot = self._snapshots.get(tx, id, call.principal)
        except NotFound as missing:
            raise BadRequest(missing.message) from None
        self._changes.revert(tx, row, snapshot, call.principal)

    def recycle(self, call: Call, tx: Tx) -> None:
        self._changes.recycle(tx, self._found(call, tx), call.principal)

    def restore(self, call: Call, tx: Tx) -> None:
        self._changes.restore(tx, self._found(call, tx), call.principal)

    def reset(self, call: Call, tx: Tx) -> None:
        row = self._live(call, tx)
        self._shares.reset(tx, row, wished_status(call.body.value, STATUSES), call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._shares.delete(tx, self._found(call, tx), call.principal, force=True)


def _level(word: str) -> str:
    if word not in ("rw", "ro"):
        raise BadRequest(f"Invalid or unsupported share access level: {word:.40}.")
    return word


def wished_status(wish: bodies.Reset, known: tuple[str, ...]) -> str:
    status = wish.status or wish.os_status
    if not status:
        raise BadRequest("Must specify 'status'")
    if status not in known:
        raise BadRequest(f"Invalid state. Valid states: {', '.join(known)}.")
    return status
