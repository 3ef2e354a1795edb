"""What shares here cannot be or have: replicas, groups, backups, migration, types of quality.

Manila has the same operations whatever its back ends can do, and answers those that no back end
serves with lists of nothing, 404 for one of them, and 400 for making one. So does this face: a
client that looks through a whole cloud (or an export of it) goes through.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.shared_file_system.api.shares import SharesApi

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
    _Noun("/share-group-types", "share_group_types", "Share group type", "share_group_type",
          "2.31", "Share groups are not supported by any pool."),
    _Noun("/share-backups", "share_backups", "Share backup", "share_backup", "2.80",
          "Share backups are not supported: no backup driver is there."),
    _Noun("/qos-types", "qos_types", "QoS type", "qos_type", "2.94",
          "QoS types are not supported by any pool."),
)  # fmt: skip
_MIGRATIONS = ("migration_start", "migration_complete", "migration_cancel", "reset_task_state")


class AbsentApi:
    def __init__(self, shares: SharesApi) -> None:
        self._found = shares.found

    def operations(self) -> list[Operation]:
        found = [each for noun in _NOUNS for each in self._of(noun)]
        action: dict[str, Any] = {"early": False, "status": 202}
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

    def no_migration(self, call: Call, tx: Tx) -> None:
        self._found(call, tx)
        raise BadRequest(
            "Invalid share: shares here are not migrated: no driver moves one between hosts."
        )

    def no_progress(self, call: Call, tx: Tx) -> Any:
        share = self._found(call, tx)
        raise BadRequest(f"Invalid share: Migration of share {share.id} has not started.")


def _nothing(noun: _Noun) -> Callable[[Call, Tx], Any]:
    return lambda call, tx: {noun.many: []}


def _missing(noun: _Noun) -> Callable[[Call, Tx], Any]:
    def handler(call: Call, tx: Tx) -> Any:
        raise NotFound(f"{noun.what} {call.path['id']:.255} could not be found.")

    return handler


def _refused(noun: _Noun) -> Callable[[Call, Tx], Any]:
    def handler(call: Call, tx: Tx) -> Any:
        raise BadRequest(f"Invalid input received: {noun.wanting}")

    return handler
