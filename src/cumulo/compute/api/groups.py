"""Server groups and host aggregates on the wire."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta

from cumulo.compute.api.common import Name, who
from cumulo.compute.model.hypervisor import AggregateRow, ServerGroupRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import MAX_LIMIT, limit_of, offset_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Until

GROUP_RULE = "os_compute_api:os-server-groups"
RULE = "os_compute_api:os-aggregates"
Policy = Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]


class Rules(StrictBody):
    max_server_per_host: Annotated[int, Meta(ge=1)] | Unset = UNSET


class OldGroup(StrictBody, kw_only=True):
    name: Name
    policies: Annotated[list[Policy], Meta(min_length=1, max_length=1)]


class NewGroup(StrictBody, kw_only=True):
    """API 2.64: one policy, with rules."""

    name: Name
    policy: Policy
    rules: Rules | None = None


class CreateOldGroup(StrictBody):
    server_group: OldGroup


class CreateGroup(StrictBody):
    server_group: NewGroup


class GroupBody(Body, kw_only=True):
    id: str
    name: str
    members: list[str]
    project_id: Annotated[str | Unset, Since("2.13")]
    user_id: Annotated[str | Unset, Since("2.13")]
    policies: Annotated[list[str] | Unset, Until("2.63")]
    metadata: Annotated[dict[str, str] | Unset, Until("2.63")]
    policy: Annotated[str | Unset, Since("2.64")]
    rules: Annotated[dict[str, int] | Unset, Since("2.64")]


class NewAggregate(StrictBody, kw_only=True):
    name: Name
    availability_zone: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class CreateAggregate(StrictBody):
    aggregate: NewAggregate


class ChangedAggregate(StrictBody, kw_only=True):
    name: Name | Unset = UNSET
    availability_zone: Annotated[str, Meta(min_length=1, max_length=255)] | Unset = UNSET


class UpdateAggregate(StrictBody):
    aggregate: ChangedAggregate


class HostName(StrictBody):
    host: Annotated[str, Meta(min_length=1, max_length=255)]


class AddHost(StrictBody):
    add_host: HostName


class RemoveHost(StrictBody):
    remove_host: HostName


class ImageId(StrictBody):
    id: Uuid


class CacheImages(StrictBody):
    cache: Annotated[list[ImageId], Meta(min_length=1, max_length=100)]


class NewMetadata(StrictBody):
    metadata: dict[str, str | None]


class SetMetadata(StrictBody):
    set_metadata: NewMetadata


class AggregateBody(Body, kw_only=True):
    id: int
    uuid: Annotated[str | Unset, Since("2.41")]
    name: str
    availability_zone: str | None
    hosts: list[str]
    metadata: dict[str, str]
    created_at: str
    updated_at: str | None
    deleted: bool = False
    deleted_at: str | None = None


class NewAggregateBody(Body, kw_only=True):
    """The answer to a create has neither hosts nor metadata."""

    id: int
    uuid: Annotated[str | Unset, Since("2.41")]
    name: str
    availability_zone: str | None
    created_at: str
    updated_at: str | None
    deleted: bool = False
    deleted_at: str | None = None


class GroupsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._groups = compute.groups
        self._hosts = compute.hosts
        self._precaching = compute.precaching

    def operations(self) -> list[Operation]:
        all_, one = "/os-server-groups", "/os-server-groups/{id}"
        create = f"{GROUP_RULE}:create"
        return [
            Operation("GET", all_, self.index, policy=f"{GROUP_RULE}:index"),
            Operation(
                "POST", all_, self.create_old, policy=create, body=CreateOldGroup, until="2.63"
            ),
            Operation("POST", all_, self.create, policy=create, body=CreateGroup, since="2.64"),
            Operation("GET", one, self.show, policy=f"{GROUP_RULE}:show"),
            Operation("DELETE", one, self.delete, policy=f"{GROUP_RULE}:delete", status=204),
            Operation(
                "POST",
                "/os-aggregates/{id}/images",
                self.cache,
                policy="compute:aggregates:images",
                body=CacheImages,
                status=202,
                since="2.81",
                title="cache images",
            ),
            *self._aggregate_operations("/os-aggregates", "/os-aggregates/{id}"),
        ]

    def _aggregate_operations(self, all_: str, one: str) -> list[Operation]:
        def action(name: str, handler: Any, body: Any) -> Operation:
            return Operation(
                "POST", one + "/action", handler, policy=f"{RULE}:{name}", body=body, action=name
            )

        return [
            Operation("GET", all_, self.aggregates, policy=f"{RULE}:index"),
            Operation(
                "POST", all_, self.make_aggregate, policy=f"{RULE}:create", body=CreateAggregate
            ),
            Operation("GET", one, self.aggregate, policy=f"{RULE}:show"),
            Operation(
                "PUT", one, self.update_aggregate, policy=f"{RULE}:update", body=UpdateAggregate
            ),
            Operation("DELETE", one, self.delete_aggregate, policy=f"{RULE}:delete"),
            action("add_host", self.add_host, AddHost),
            action("remove_host", self.remove_host, RemoveHost),
            action("set_metadata", self.set_metadata, SetMetadata),
        ]

    # --- server groups ------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {"project_id": call.project_id}
        everybody = call.query.get("all_projects")
        if everybody is not None and call.principal.is_admin:
            where = {}
        limit = limit_of(call)
        rows = self._groups.listing.page(
            tx, where=where, limit=MAX_LIMIT if limit is None else limit, offset=offset_of(call)
        )
        return {"server_groups": [_group(row) for row in rows]}

    def create_old(self, call: Call, tx: Tx) -> Any:
        wish: OldGroup = call.body.server_group
        row = self._groups.create(tx, wish.name, wish.policies[0], {}, who(call))
        return {"server_group": _group(row)}

    def create(self, call: Call, tx: Tx) -> Any:
        wish: NewGroup = call.body.server_group
        rules: dict[str, int] = {}
        if wish.rules is not None and wish.rules.max_server_per_host is not UNSET:
            if wish.policy != "anti-affinity":
                raise BadRequest("Only anti-affinity policy supports rules.")
            rules = {"max_server_per_host": int(wish.rules.max_server_per_host)}
        row = self._groups.create(tx, wish.name, wish.policy, rules, who(call))
        return {"server_group": _group(row)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"server_group": _group(self._groups.get(tx, call.path["id"], call.principal))}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._groups.get(tx, call.path["id"], call.principal)
        self._groups.delete(tx, row, who(call))

    # --- aggregates ---------------------------------------------------------------------------

    def _row(self, call: Call, tx: Tx) -> AggregateRow:
        return self._hosts.aggregate(tx, call.path["id"])

    def aggregates(self, call: Call, tx: Tx) -> Any:
        return {"aggregates": [_aggregate(row) for row in self._hosts.aggregates(tx)]}

    def make_aggregate(self, call: Call, tx: Tx) -> Any:
        wish: NewAggregate = call.body.aggregate
        row = self._hosts.create_aggregate(tx, wish.name, wish.availability_zone)
        body = NewAggregateBody(
            id=row.id,
            uuid=row.uuid,
            name=row.name,
            availability_zone=wish.availability_zone,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        return {"aggregate": body}

    def aggregate(self, call: Call, tx: Tx) -> Any:
        return {"aggregate": _aggregate(self._row(call, tx))}

    def update_aggregate(self, call: Call, tx: Tx) -> Any:
        row, wish = self._row(call, tx), call.body.aggregate
        if wish.name is UNSET and wish.availability_zone is UNSET:
            raise BadRequest("Invalid input for field/attribute aggregate. Value: {}. It is empty.")
        if wish.name is not UNSET:
            row = self._hosts.update_aggregate(tx, row, name=wish.name)
        if wish.availability_zone is not UNSET:
            zone = {"availability_zone": wish.availability_zone}
            row = self._hosts.set_metadata(tx, row, zone)
        return {"aggregate": _aggregate(row)}

    def delete_aggregate(self, call: Call, tx: Tx) -> None:
        self._hosts.delete_aggregate(tx, self._row(call, tx))

    def add_host(self, call: Call, tx: Tx) -> Any:
        row = self._hosts.add_host(tx, self._row(call, tx), call.body.add_host.host)
        return {"aggregate": _aggregate(row)}

    def cache(self, call: Call, tx: Tx) -> None:
        ids = [each.id for each in call.body.cache]
        if len(set(ids)) < len(ids):
            raise BadRequest("Duplicate images in request")
        self._precaching.cache(tx, self._row(call, tx), ids, call.principal)

    def remove_host(self, call: Call, tx: Tx) -> Any:
        row = self._hosts.remove_host(tx, self._row(call, tx), call.body.remove_host.host)
        self._precaching.leave(tx, call.body.remove_host.host)
        return {"aggregate": _aggregate(row)}

    def set_metadata(self, call: Call, tx: Tx) -> Any:
        values = call.body.set_metadata.metadata
        row = self._hosts.set_metadata(tx, self._row(call, tx), values)
        return {"aggregate": _aggregate(row)}


def _group(row: ServerGroupRow) -> GroupBody:
    return GroupBody(
        id=row.id,
        name=row.name,
        members=row.members,
        project_id=row.project_id,
        user_id=row.user_id,
        policies=[row.policy],
        metadata={},
        policy=row.policy,
        rules=row.rules,
    )


def _aggregate(row: AggregateRow) -> AggregateBody:
    return AggregateBody(
        id=row.id,
        uuid=row.uuid,
        name=row.name,
        availability_zone=row.metadata.get("availability_zone"),
        hosts=row.hosts,
        metadata=row.metadata,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
