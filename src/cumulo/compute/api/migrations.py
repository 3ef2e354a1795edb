"""Resizes and migrations on the wire, and what other services tell of servers."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from msgspec import Meta

from cumulo.compute.api.common import moment_of, until_of
from cumulo.compute.model.server import MigrationRow, ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import MAX_LIMIT, limit_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Version

P = "os_compute_api"


class MigrationBody(Body, kw_only=True):
    id: int
    status: str
    instance_uuid: str
    source_node: str
    source_compute: str
    dest_node: str
    dest_compute: str
    dest_host: str | None
    old_instance_type_id: int | None
    new_instance_type_id: int | None
    created_at: str
    updated_at: str | None
    migration_type: Annotated[str | Unset, Since("2.23")]
    uuid: Annotated[str | Unset, Since("2.59")]
    user_id: Annotated[str | Unset, Since("2.80")]
    project_id: Annotated[str | Unset, Since("2.80")]


class MigrationsAnswer(Body, kw_only=True):
    migrations: list[MigrationBody]
    migrations_links: list[dict[str, str]] | Unset


class Event(StrictBody, kw_only=True):
    server_uuid: Uuid
    name: Literal[
        "network-changed",
        "network-vif-plugged",
        "network-vif-unplugged",
        "network-vif-deleted",
        "volume-extended",
        "volume-reimaged",
        "power-update",
        "accelerator-request-bound",
    ]
    status: Literal["failed", "completed", "in-progress"] = "completed"
    tag: Annotated[str, Meta(max_length=255)] | None = None


class Events(StrictBody):
    events: Annotated[list[Event], Meta(min_length=1, max_length=1000)]


_SINCE = {"volume-extended": 51, "power-update": 76, "accelerator-request-bound": 82}
_SINCE["volume-reimaged"] = 93


class MigrationsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute

    def operations(self) -> list[Operation]:
        one = "/servers/{server_id}/migrations"
        return [
            Operation("GET", "/os-migrations", self.index, policy=f"{P}:os-migrations:index"),
            Operation("GET", one, self.live, policy=f"{P}:servers:migrations:index", since="2.23"),
            Operation(
                "GET",
                one + "/{id}",
                self.one_live,
                policy=f"{P}:servers:migrations:show",
                since="2.23",
            ),
            Operation(
                "DELETE",
                one + "/{id}",
                self.one_live,
                policy=f"{P}:os-migrate-server:abort",
                status=202,
                since="2.24",
            ),
            Operation(
                "POST",
                "/os-server-external-events",
                self.events,
                policy=f"{P}:os-server-external-events:create",
                body=Events,
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        where = self._where(call)
        listing, limit = self._compute.migrations, limit_of(call)
        marker, id = None, call.query.get("marker")
        if id and _at(call, 59):
            marker = self._compute.migration(tx, id)
            if marker is None:
                raise BadRequest(f"Marker {id:.80} could not be found.")
        most = MAX_LIMIT if limit is None or not _at(call, 59) else limit
        rows = listing.page(tx, where=where, marker=marker, limit=most + 1) if most else []
        answer: dict[str, Any] = {"migrations": [_body(row) for row in rows[:most]]}
        if len(rows) > most and _at(call, 59):
            kept = [pair for pair in call.query.pairs if pair[0] != "marker"]
            query = urlencode([*kept, ("marker", rows[most - 1].uuid)])
            answer["migrations_links"] = [{"rel": "next", "href": f"{call.url}?{query}"}]
        return answer

    def _where(self, call: Call) -> dict[str, Any]:
        """The filters; times since 2.59 and 2.66, users and projects since 2.80."""
        found: dict[str, Any] = {}
        names = {"instance_uuid": "server_id", "status": "status", "source_compute": "source"}
        names |= {"migration_type": "kind", "host": "hosts"}
        if _at(call, 80):
            names |= {"user_id": "user_id", "project_id": "project_id"}
        for name, column in names.items():
            value = call.query.get(name)
            if value is not None:
                found[column] = value
        since, before = call.query.get("changes-since"), call.query.get("changes-before")
        if since is not None and _at(call, 59):
            found["changed_since"] = moment_of(since, "changes-since")
        if before is not None and _at(call, 66):
            found["changed_before"] = until_of(before, "changes-before")
            if since is not None and found["changed_before"] < found["changed_since"]:
                raise BadRequest("The value of changes-since must be less than changes-before.")
        return found

    # Live migrations in progress: none, until there are live migrations.

    def live(self, call: Call, tx: Tx) -> Any:
        self._compute.servers.get(tx, call.path["server_id"], call.principal)
        return {"migrations": []}

    def one_live(self, call: Call, tx: Tx) -> Any:
        row = self._compute.servers.get(tx, call.path["server_id"], call.principal)
        raise NotFound(
            f"In-progress live migration {call.path['id']:.40} is not found for server {row.id}."
        )

    # --- what other services tell -------------------------------------------------------------

    def events(self, call: Call, tx: Tx) -> Reply:
        """Ports and volumes are known here by their own rows: what is told of them only makes the
        server's host look again."""
        answers, codes = [], set()
        for event in call.body.events:
            if not _at(call, _SINCE.get(event.name, 1)):
                raise BadRequest(
                    f"Invalid input for field/attribute name. Value: {event.name}. "
                    f"'{event.name}' is not one of the events of this version"
                )
            row = self._compute.servers.find(tx, event.server_uuid)
            code = 404 if row is None else (422 if row.host_id is None else 200)
            if row is not None and code == 200:
                self._look_again(tx, row)
            codes.add(code)
            shown = {"server_uuid": event.server_uuid, "name": event.name, "code": code}
            shown["status"] = "failed" if code != 200 else event.status
            answers.append(shown if event.tag is None else {**shown, "tag": event.tag})
        if codes == {404}:
            raise NotFound("No instances found for any event")
        return Reply(200 if codes == {200} else 207, {"events": answers}, {})

    def _look_again(self, tx: Tx, row: ServerRow) -> None:
        if row.host_id is not None:
            self._compute.servers.registry.touch(tx, row.host_id, "compute", row.id)


def _at(call: Call, minor: int) -> bool:
    return call.version is not None and call.version >= Version(2, minor)


def _number(flavor_id: str) -> int | None:
    """Flavors have names for ids here; where such a name is a number, it is that."""
    return int(flavor_id) if flavor_id.isdecimal() and len(flavor_id) < 10 else None


def _body(row: MigrationRow) -> MigrationBody:
    return MigrationBody(
        id=row.id,
        status=row.status,
        instance_uuid=row.server_id,
        source_node=row.source,
        source_compute=row.source,
        dest_node=row.target,
        dest_compute=row.target,
        dest_host=None,
        old_instance_type_id=_number(row.old_flavor),
        new_instance_type_id=_number(row.new_flavor),
        created_at=row.created_at,
        updated_at=row.updated_at,
        migration_type=row.kind,
        uuid=row.uuid,
        user_id=row.user_id,
        project_id=row.project_id,
    )
