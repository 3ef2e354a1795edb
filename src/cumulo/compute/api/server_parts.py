"""What belongs to a server on the wire: metadata, tags, addresses, groups, actions, password."""

from typing import Annotated, Any
from urllib.parse import urlencode

from msgspec import UNSET

from cumulo.compute.api.bodies import MetaBody, MetadataBody, TagsBody
from cumulo.compute.api.common import moment_of, server_of, until_of, who
from cumulo.compute.api.views import addresses, host_hash
from cumulo.compute.model.cells import Layout, layout_of
from cumulo.compute.model.server import ActionRow, ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import MAX_LIMIT, limit_of
from cumulo.core.wire.shapes import Body, Since, Unset, Version
from cumulo.core.wire.urls import ascii_url

SERVER = "/servers/{server_id}"
PAGED, BEFORE = Version(2, 58), Version(2, 66)
"""Since when the actions of a server come in pages and by time, and also before a time."""


class EventBody(Body, kw_only=True):
    event: str
    start_time: str
    finish_time: str | None
    result: str | None
    traceback: str | Unset | None = UNSET
    hostId: Annotated[str | Unset, Since("2.62")]
    host: Annotated[str | Unset | None, Since("2.62")] = UNSET
    details: Annotated[str | Unset | None, Since("2.84")] = None


class ActionSummary(Body, kw_only=True):
    action: str
    instance_uuid: str
    request_id: str
    user_id: str
    project_id: str
    start_time: str
    message: str | None
    updated_at: Annotated[str | Unset | None, Since("2.58")]


class ActionBody(ActionSummary, kw_only=True):
    events: list[EventBody] | Unset = UNSET


class ServerPartsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute
        self._actions = compute.actions

    def operations(self) -> list[Operation]:
        return [
            *self._metadata_operations(),
            *self._tag_operations(),
            _get("/ips", self.addresses, "os_compute_api:ips:index"),
            _get("/ips/{network}", self.addresses_of, "os_compute_api:ips:show"),
            _get("/os-instance-actions", self.actions, "os_compute_api:os-instance-actions:list"),
            _get(
                "/os-instance-actions/{request_id}",
                self.action,
                "os_compute_api:os-instance-actions:show",
            ),
            Operation(
                "GET",
                SERVER + "/topology",
                self.topology,
                policy="compute:server:topology:index",
                early=False,
                since="2.78",
            ),
            _get("/os-server-password", self.password, "os_compute_api:os-server-password:show"),
            Operation(
                "DELETE",
                SERVER + "/os-server-password",
                self.clear_password,
                policy="os_compute_api:os-server-password:clear",
                early=False,
                status=204,
            ),
        ]

    def _metadata_operations(self) -> list[Operation]:
        rule, all_ = "os_compute_api:server-metadata", SERVER + "/metadata"

        def write(method: str, path: str, handler: Any, verb: str, body: Any) -> Operation:
            return Operation(method, path, handler, policy=f"{rule}:{verb}", early=False, body=body)

        return [
            _get("/metadata", self.metadata, f"{rule}:index"),
            write("POST", all_, self.merge_metadata, "create", MetadataBody),
            write("PUT", all_, self.replace_metadata, "update_all", MetadataBody),
            _get("/metadata/{key}", self.meta, f"{rule}:show"),
            write("PUT", all_ + "/{key}", self.set_meta, "update", MetaBody),
            Operation(
                "DELETE",
                all_ + "/{key}",
                self.drop_meta,
                policy=f"{rule}:delete",
                early=False,
                status=204,
            ),
        ]

    def _tag_operations(self) -> list[Operation]:
        rule, all_ = "os_compute_api:os-server-tags", SERVER + "/tags"
        one = all_ + "/{tag}"

        def tag(
            method: str, path: str, handler: Any, verb: str, status: int = 200, body: Any = None
        ) -> Operation:
            return Operation(
                method,
                path,
                handler,
                policy=f"{rule}:{verb}",
                early=False,
                status=status,
                body=body,
                since="2.26",
            )

        return [
            tag("GET", all_, self.tags, "index"),
            tag("PUT", all_, self.replace_tags, "update_all", body=TagsBody),
            tag("DELETE", all_, self.drop_tags, "delete_all", 204),
            tag("GET", one, self.has_tag, "show", 204),
            tag("PUT", one, self.add_tag, "update", 201),
            tag("DELETE", one, self.drop_tag, "delete", 204),
        ]

    def _server(self, call: Call, tx: Tx) -> ServerRow:
        return server_of(call, tx, self._compute)

    # --- metadata ---------------------------------------------------------------------------

    def metadata(self, call: Call, tx: Tx) -> Any:
        return {"metadata": self._server(call, tx).metadata}

    def merge_metadata(self, call: Call, tx: Tx) -> Any:
        row = self._server(call, tx)
        merged = {**row.metadata, **call.body.metadata}
        return {"metadata": self._actions.set_metadata(tx, row, merged, who(call))}

    def replace_metadata(self, call: Call, tx: Tx) -> Any:
        row = self._server(call, tx)
        return {"metadata": self._actions.set_metadata(tx, row, call.body.metadata, who(call))}

    def meta(self, call: Call, tx: Tx) -> Any:
        row, key = self._server(call, tx), call.path["key"]
        if key not in row.metadata:
            raise NotFound("Metadata item was not found")
        return {"meta": {key: row.metadata[key]}}

    def set_meta(self, call: Call, tx: Tx) -> Any:
        row, key, meta = self._server(call, tx), call.path["key"], call.body.meta
        if len(meta) != 1:
            raise BadRequest("Request body contains too many items")
        if key not in meta:
            raise BadRequest("Request body and URI mismatch")
        self._actions.set_metadata(tx, row, {**row.metadata, **meta}, who(call))
        return {"meta": meta}

    def drop_meta(self, call: Call, tx: Tx) -> None:
        self._actions.drop_metadata(tx, self._server(call, tx), call.path["key"], who(call))

    # --- tags -------------------------------------------------------------------------------

    def tags(self, call: Call, tx: Tx) -> Any:
        return {"tags": self._server(call, tx).tags}

    def replace_tags(self, call: Call, tx: Tx) -> Any:
        row = self._server(call, tx)
        return {"tags": self._actions.set_tags(tx, row, call.body.tags, who(call))}

    def drop_tags(self, call: Call, tx: Tx) -> None:
        self._actions.set_tags(tx, self._server(call, tx), [], who(call))

    def has_tag(self, call: Call, tx: Tx) -> None:
        row, tag = self._server(call, tx), call.path["tag"]
        if tag not in row.tags:
            raise NotFound(f"Server {row.id} has no tag '{tag}'")

    def add_tag(self, call: Call, tx: Tx) -> Reply:
        row, tag = self._server(call, tx), call.path["tag"]
        if not 0 < len(tag) <= 60 or "," in tag:
            raise BadRequest(f"Tag '{tag}' is invalid: it has 1 to 60 characters and no comma.")
        headers = {"Location": ascii_url(call.url)}
        if tag in row.tags:
            return Reply(204, None, headers)
        self._actions.set_tags(tx, row, [*row.tags, tag], who(call))
        return Reply(201, None, headers)

    def drop_tag(self, call: Call, tx: Tx) -> None:
        self._actions.drop_tag(tx, self._server(call, tx), call.path["tag"], who(call))

    # --- addresses, security groups ---------------------------------------------------------

    def _addresses(self, call: Call, tx: Tx) -> dict[str, list[dict[str, Any]]]:
        row = self._server(call, tx)
        found = addresses(self._compute.devices.ports(tx, row))
        return {
            name: [{"version": one.version, "addr": one.addr} for one in several]
            for name, several in found.items()
        }

    def addresses(self, call: Call, tx: Tx) -> Any:
        return {"addresses": self._addresses(call, tx)}

    def addresses_of(self, call: Call, tx: Tx) -> Any:
        name = call.path["network"]
        found = self._addresses(call, tx)
        if name not in found:
            raise NotFound("Instance is not a member of specified network")
        return {name: found[name]}

    # --- actions, password --------------------------------------------------------------------

    def _row(self, call: Call, tx: Tx) -> ServerRow:
        """Since API 2.21 also of a server that is gone."""
        servers, id = self._compute.servers, call.path["server_id"]
        if call.version is not None and call.version >= (2, 21):
            row = servers.get_even_deleted(tx, id, call.principal)
        else:
            row = servers.get(tx, id, call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    def actions(self, call: Call, tx: Tx) -> Any:
        """Since 2.58 in pages and by time, since 2.66 also before a time."""
        row = self._row(call, tx)
        servers, where = self._compute.servers, {"server_id": row.id}
        if call.version is None or call.version < PAGED:
            rows = servers.actions.page(tx, where=where, limit=MAX_LIMIT)
            return {"instanceActions": [ActionSummary(**_action(each)) for each in rows]}
        since, before = call.query.get("changes-since"), call.query.get("changes-before")
        if since is not None:
            where["changed_since"] = moment_of(since, "changes-since")
        if before is not None and call.version >= BEFORE:
            where["changed_before"] = until_of(before, "changes-before")
        id, most = call.query.get("marker"), limit_of(call) or MAX_LIMIT
        marker = servers.action(tx, row, id) if id else None
        if id and marker is None:
            raise BadRequest(f"marker [{id}] not found")
        rows = servers.actions.page(tx, where=where, marker=marker, limit=most + 1)
        found = [ActionSummary(**_action(each)) for each in rows[:most]]
        body: dict[str, Any] = {"instanceActions": found}
        if len(rows) > most:
            kept = [pair for pair in call.query.pairs if pair[0] != "marker"]
            query = urlencode([*kept, ("marker", found[-1].request_id)])
            body["links"] = [{"rel": "next", "href": f"{call.url}?{query}"}]
        return body

    def action(self, call: Call, tx: Tx) -> Any:
        row, asked = self._row(call, tx), call.path["request_id"]
        found = self._compute.servers.action(tx, row, asked)
        if found is None:
            raise NotFound(f"Action for request_id {asked} on instance {row.id} not found")
        body = ActionBody(**_action(found), events=[])
        if found.event:
            body.events = [_event(call, row, found)]
        return {"instanceAction": body}

    def topology(self, call: Call, tx: Tx) -> Any:
        """Cells that were asked for; where they are on the host only who may see that."""
        row = self._server(call, tx)
        properties = {} if row.image is None else row.image.properties
        flavor = row.flavor
        try:
            found = layout_of(flavor.vcpus, flavor.ram, flavor.extra_specs, properties)
        except ValueError:  # Its host says so, too: the server's fault has the words.
            found = Layout()
        target = {"project_id": row.project_id, "user_id": row.user_id}
        host = call.allowed("compute:server:topology:host:index", target)
        nodes = []
        for number, cell in enumerate(found.cells):
            node: dict[str, Any] = {"vcpu_set": cell.cpus, "siblings": []}
            node["memory_mb"] = cell.memory_mb
            if host:
                pins = {str(cpu): row.pins[cpu] for cpu in cell.cpus if cpu < len(row.pins)}
                node |= {"host_node": number, "cpu_pinning": pins}
            nodes.append(node)
        return {"nodes": nodes, "pagesize_kb": found.page_kb}

    def password(self, call: Call, tx: Tx) -> Any:
        return {"password": self._server(call, tx).password}

    def clear_password(self, call: Call, tx: Tx) -> None:
        self._actions.update(tx, self._server(call, tx), {"password": ""}, who(call))


def _action(row: ActionRow) -> dict[str, Any]:
    return {
        "action": row.action,
        "instance_uuid": row.server_id,
        "request_id": row.request_id,
        "user_id": row.user_id,
        "project_id": row.project_id,
        "start_time": row.started_at,
        "message": row.message,
        "updated_at": row.updated_at,
    }


def _event(call: Call, server: ServerRow, row: ActionRow) -> EventBody:

    admin = call.principal.is_admin
    return EventBody(
        event=row.event,
        start_time=row.started_at,
        finish_time=row.finished_at,
        result=row.result,
        hostId=host_hash(server),
        traceback=None if admin else UNSET,
        host=row.host_id if admin else UNSET,
        details=row.message,
    )


def _get(path: str, handler: Any, rule: str) -> Operation:
    return Operation("GET", SERVER + path, handler, policy=rule, early=False)
