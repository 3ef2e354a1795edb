"""A stack's resources and events on the wire."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.orchestration.api.bodies import event_body, link, resource_body, stack_url
from cumulo.orchestration.api.stacks import ONE, finder
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackEventRow, StackRow
from cumulo.orchestration.service.stacks import Stacks

MOST_NESTED = 5


def _event_order(call: Call) -> list[tuple[str, str]]:
    """Heat's words: keys by `sort_keys`, one direction for all, also for the order of time."""
    keys = call.query.all("sort_keys") or call.query.all("sort_key") or ["sequence"]
    return [(key, call.query.get("sort_dir") or "asc") for key in keys]


class ResourcesApi:
    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._find = finder(stacks)

    def operations(self) -> list[Operation]:
        all_, one = f"{ONE}/resources", f"{ONE}/resources/{{resource}}"
        return [
            Operation("GET", all_, self.index, policy="resource:index"),
            Operation("GET", one, self.show, policy="resource:show"),
            Operation("GET", f"{one}/metadata", self.metadata, policy="resource:metadata"),
            Operation(
                "PATCH", one, self.mark, policy="resource:mark_unhealthy", body=dict[str, Any]
            ),
            Operation("GET", f"{ONE}/events", self.events, policy="events:index"),
            Operation("GET", f"{one}/events", self.events, policy="events:index"),
            Operation("GET", f"{one}/events/{{event_id}}", self.event, policy="events:show"),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        row = self._find(call, tx)
        text = call.query.get("nested_depth") or "0"
        if not text.isdecimal() or len(text) > 6:
            raise BadRequest("Only integer is acceptable by 'nested_depth'.")
        found = []
        for stack, resources in self._stacks.nested(tx, row, min(int(text), MOST_NESTED)):
            required = _required_by(resources)
            inside = self._stacks.children(tx, resources)
            for each in resources:
                if self._wanted(call, each):
                    body = resource_body(
                        call, stack, each, required.get(each.name, ()), detail=False
                    )
                    if text != "0" and stack.parent_id is not None:
                        parent = tx.get(ResourceRow, stack.parent_id)
                        body["parent_resource"] = None if parent is None else parent.name
                    if each.id in inside:
                        child = "/".join(inside[each.id])
                        url = f"{call.base_url}/v1/{stack.project_id}/stacks/{child}"
                        body["links"].append(link(url, "nested"))
                    found.append(body)
        return {"resources": found}

    @staticmethod
    def _wanted(call: Call, row: ResourceRow) -> bool:
        for name, value in (
            ("type", row.type),
            ("name", row.name),
            ("status", row.status),
            ("action", row.action),
            ("physical_resource_id", row.physical_id),
        ):
            asked = call.query.all(name)
            if asked and value not in asked:
                return False
        return True

    def _one(self, call: Call, tx: Tx) -> tuple[StackRow, ResourceRow]:
        stack = self._find(call, tx)
        row = self._stacks.resource(tx, stack, call.path["resource"])
        return stack, row

    def show(self, call: Call, tx: Tx) -> Any:
        stack, row = self._one(call, tx)
        required = _required_by(self._stacks.resources(tx, stack))
        body = resource_body(call, stack, row, required.get(row.name, ()), detail=True)
        body["attributes"] = self._stacks.attributes(
            tx, stack, row, call.query.all("with_attr"), call.principal
        )
        inside = self._stacks.children(tx, [row]).get(row.id)
        if inside is not None:
            url = f"{call.base_url}/v1/{stack.project_id}/stacks/{'/'.join(inside)}"
            body["links"].append(link(url, "nested"))
        return {"resource": body}

    def metadata(self, call: Call, tx: Tx) -> Any:
        stack, row = self._one(call, tx)
        return {"metadata": self._stacks.metadata(tx, stack, row)}

    def mark(self, call: Call, tx: Tx) -> None:
        """Mark it unhealthy, or healthy again: the next update replaces it, or does not."""
        stack = self._find(call, tx)
        row = self._stacks.named_or_made(tx, stack, call.path["resource"])
        given = call.body
        unknown = set(given) - {"mark_unhealthy", "resource_status_reason"}
        if unknown or not isinstance(given.get("mark_unhealthy"), bool):
            raise BadRequest("mark_unhealthy must be true or false, with resource_status_reason")
        reason = str(given.get("resource_status_reason") or "")[:255]
        reason = reason or "state changed by resource_mark_unhealthy api"
        try:
            self._stacks.mark(tx, stack, row, unhealthy=given["mark_unhealthy"], reason=reason)
        except Invalid as problem:
            raise BadRequest(str(problem)) from None

    def events(self, call: Call, tx: Tx) -> Any:
        stack = self._find(call, tx)
        where: dict[str, Any] = {"stack_id": stack.id}
        root: str | None = None
        if call.query.get("nested_depth") not in (None, "0"):
            where = {"root_id": stack.root_id}
            top = stack if stack.root_id == stack.id else tx.get(StackRow, stack.root_id)
            # Its being there tells clients that they need not ask the stacks inside one by one.
            root = None if top is None else stack_url(call, top)
        if "resource" in call.path:
            where["resource_name"] = [call.path["resource"]]
        for name, wanted in (
            ("resource_name", "resource_name"),
            ("resource_type", "resource_type"),
            ("resource_status", "status"),
            ("resource_action", "action"),
        ):
            asked = call.query.all(name)
            if asked:
                where[wanted] = asked
        page = page_of(
            call,
            tx,
            self._stacks.events,
            where,
            find_marker=lambda id: tx.get(StackEventRow, id),
            sort=_event_order(call),
            sort_names={"event_time": "sequence"},
        )
        if "resource" in call.path and not page.rows:
            raise NotFound(f"No events found for resource {call.path['resource']}")
        stacks = {stack.id: stack}
        found = []
        for row in page.rows:
            if row.stack_id not in stacks:
                other = tx.get(StackRow, row.stack_id)
                assert other is not None
                stacks[row.stack_id] = other
            body = event_body(call, stacks[row.stack_id], row)
            if root is not None:
                body["links"].append(link(root, "root_stack"))
            found.append(body)
        return {"events": found}

    def event(self, call: Call, tx: Tx) -> Any:
        stack = self._find(call, tx)
        row = tx.get(StackEventRow, call.path["event_id"])
        if row is None or row.stack_id != stack.id or row.resource_name != call.path["resource"]:
            raise NotFound(f"No event {call.path['event_id']} found")
        body = event_body(call, stack, row)
        body |= {"resource_type": row.resource_type, "resource_properties": row.properties}
        return {"event": body}


def _required_by(rows: list[ResourceRow]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        for name in row.requires:
            found.setdefault(name, []).append(row.name)
    return found
