"""What shares here cannot be or have: replicas, groups, backups, migration, types of quality.

Manila has the same operations whatever its back ends can do, and answers those that no back end
serves with lists of nothing, 404 for one of them, and 400 for making one. So does this face: a
client that looks through a whole cloud (or an export of it) goes through.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import Body
from cumulo.shared_file_system.api.actions import action_body
from cumulo.shared_file_system.api.shares import SharesApi
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_ANY = dict[str, Any]


class _Noun(NamedTuple):
    path: str
    many: str
    """The key of its list."""
    what: str
    rule: str
    since: str
    wanting: str
    """Why none can be made."""


_NOUNS = (
    _Noun("/share-replicas", "share_replicas", "Share replica", "share_replica", "2.11",
          "Replication not supported for shares here: a share lives on one host."),
    _Noun("/share-groups", "share_groups", "Share group", "share_group", "2.31",
          "Share groups are not supported by any pool."),
    _Noun("/share-group-snapshots", "share_group_snapshots", "Share group snapshot",
          "share_group_snapshot", "2.31", "Share groups are not supported by any pool."),
    _Noun("/share-backups", "share_backups", "Share backup", "share_backup", "2.80",
          "Share backups are not supported: no backup driver is there."),
)  # fmt: skip
_MIGRATIONS = ("migration_start", "migration_complete", "migration_cancel")
TASK_STATES = (
    "migration_starting", "migration_in_progress", "migration_completing", "migration_success",
    "migration_error", "migration_cancelled", "migration_driver_starting",
    "migration_driver_in_progress", "migration_driver_phase1_done", "data_copying_starting",
    "data_copying_in_progress", "data_copying_completing", "data_copying_completed",
    "data_copying_cancelled", "data_copying_error",
)  # fmt: skip
_LATER = ("migration_start", "migrate_share", *_MIGRATIONS[1:], "migration_get_progress",
          "reset_task_state")  # fmt: skip
"""Actions of which older clients had another form, which Manila itself has dropped."""


class TaskState(Body):
    task_state: str | None = None


class AbsentApi:
    def __init__(self, service: SharedFileSystemService, shares: SharesApi) -> None:
        self._shares = service.shares
        self._networks = service.networks
        self._found = shares.found

    def operations(self) -> list[Operation]:
        found = [each for noun in _NOUNS for each in self._of(noun)]
        action: dict[str, Any] = {"early": False, "status": 202}
        found += [
            Operation("POST", "/shares/{share_id}/action", self.dropped, action=name, body=_ANY,
                      policy="share:migration_start", until="2.21", **action)
            for name in _LATER
        ]  # fmt: skip
        found.append(
            Operation("POST", "/shares/{share_id}/action", self.reset_task_state, since="2.22",
                      policy="share:reset_task_state", action="reset_task_state", early=False,
                      body=action_body("reset_task_state", TaskState), status=202)
        )  # fmt: skip
        server = "/share-servers/{server_id}/action"
        for name in (*_MIGRATIONS, "migration_check", "migration_get_progress"):
            found.append(
                Operation("POST", server, self.no_server_migration, action=name, since="2.57",
                          policy=f"share_server:share_server_{name}", body=_ANY, status=202)
            )  # fmt: skip
        found.append(
            Operation("POST", server, self.reset_server_task, action="reset_task_state",
                      policy="share_server:share_server_reset_task_state", since="2.57",
                      body=action_body("reset_task_state", TaskState, "ShareServer"), status=202)
        )  # fmt: skip
        for name in _MIGRATIONS:
            found.append(
                Operation("POST", "/shares/{share_id}/action", self.no_migration, action=name,
                          policy=f"share:{name}", since="2.22", body=_ANY, **action)
            )  # fmt: skip
        found.append(
            Operation("POST", "/shares/{share_id}/action", self.no_progress, body=_ANY,
                      action="migration_get_progress", policy="share:migration_get_progress",
                      since="2.22", until="2.97", **action)
        )  # fmt: skip
        found.append(
            Operation("GET", "/shares/{share_id}/migration-progress", self.no_progress,
                      policy="share:migration_get_progress", early=False, since="2.98",
                      response=_ANY)
        )  # fmt: skip
        return found

    def _of(self, noun: _Noun) -> list[Operation]:
        one = f"{noun.path}/{{id}}"
        late: dict[str, Any] = {"since": noun.since}
        missing, nothing = _missing(noun), _nothing(noun)
        list_: dict[str, Any] = {"response": dict[str, list[_ANY]], **late}
        return [
            Operation("GET", noun.path, nothing, policy=f"{noun.rule}:get_all", **list_),
            Operation("GET", f"{noun.path}/detail", nothing, policy=f"{noun.rule}:get_all",
                      **list_),
            Operation("POST", noun.path, _refused(noun), policy=f"{noun.rule}:create", body=_ANY,
                      **late),
            Operation("GET", one, missing, policy=f"{noun.rule}:get", response=_ANY, **late),
            Operation("PUT", one, missing, policy=f"{noun.rule}:update", body=_ANY, **late),
            Operation("DELETE", one, missing, policy=f"{noun.rule}:delete", **late),
            Operation("POST", f"{one}/action", missing, policy=f"{noun.rule}:update", body=_ANY,
                      **late),
        ]  # fmt: skip

    def dropped(self, call: Call, tx: Tx) -> None:
        self._found(call, tx)
        raise NotFound(f"Action {call.operation.action} is not known before version 2.22.")

    def reset_task_state(self, call: Call, tx: Tx) -> None:
        row, state = self._found(call, tx), call.body.value.task_state
        if state is not None and state not in TASK_STATES:
            raise BadRequest(f"Invalid state. Valid states: None, {', '.join(TASK_STATES)}.")
        self._shares.update(tx, row, call.principal, task_state=state)

    def no_migration(self, call: Call, tx: Tx) -> None:
        self._found(call, tx)
        raise BadRequest(
            "Invalid share: shares here are not migrated: no driver moves one between hosts."
        )

    def no_server_migration(self, call: Call, tx: Tx) -> None:
        self._networks.server(tx, call.path["server_id"])
        raise BadRequest("Invalid share server: export servers here are not migrated.")

    def reset_server_task(self, call: Call, tx: Tx) -> None:
        """It has none, and can have none: that is all that can be set."""
        self._networks.server(tx, call.path["server_id"])
        if call.body.value.task_state is not None:
            raise BadRequest("Invalid state. Valid states: None.")

    def no_progress(self, call: Call, tx: Tx) -> NoReturn:
        share = self._found(call, tx)
        raise BadRequest(f"Invalid share: Migration of share {share.id} has not started.")


def _nothing(noun: _Noun) -> Callable[[Call, Tx], Any]:
    return lambda call, tx: {noun.many: []}


def _missing(noun: _Noun) -> Callable[[Call, Tx], NoReturn]:
    def handler(call: Call, tx: Tx) -> NoReturn:
        raise NotFound(f"{noun.what} {call.path['id']:.255} could not be found.")

    return handler


def _refused(noun: _Noun) -> Callable[[Call, Tx], NoReturn]:
    def handler(call: Call, tx: Tx) -> NoReturn:
        raise BadRequest(f"Invalid input received: {noun.wanting}")

    return handler
