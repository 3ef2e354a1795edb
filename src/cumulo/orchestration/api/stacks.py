"""Stacks on the wire."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import next_link
from cumulo.orchestration.api.bodies import (
    NewStack,
    StackWish,
    adoption_of,
    flag_of,
    link,
    stack_summary,
    stack_url,
    tags_of,
    timeout_of,
    wish_of,
)
from cumulo.orchestration.api.listing import listed, named
from cumulo.orchestration.api.previews import previewed
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.files import files_of
from cumulo.orchestration.service.hidden import SECTIONS
from cumulo.orchestration.service.stacks import Stacks

ONE = "/stacks/{name}/{stack_id}"
Find = Callable[[Call, Tx], StackRow]


def finder(stacks: Stacks) -> Find:
    """The stack that a path names: both its name and its id have to fit."""

    def find(call: Call, tx: Tx) -> StackRow:
        row = stacks.get(tx, call.path["stack_id"], call.path["project_id"])
        if row.name != call.path["name"] and call.path["name"] != row.id:
            raise NotFound(f"The Stack ({call.path['name']}) could not be found.")
        return row

    return find


def own(call: Call) -> None:
    """A stack's work goes on when the token has ended: what a token may do only request by request
    cannot be lent to it."""
    if call.principal.access_rules is not None:
        raise Forbidden("An application credential with access rules cannot make stacks.")


class StacksApi:
    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._find = finder(stacks)

    def operations(self) -> list[Operation]:
        all_ = "/stacks"
        wish: dict[str, Any] = {"body": StackWish}
        return [
            Operation("GET", all_, self.index, policy="stacks:index"),
            Operation("GET", f"{all_}/detail", self.index, policy="stacks:detail"),
            Operation("POST", all_, self.create, policy="stacks:create", body=NewStack, status=201),
            Operation(
                "POST", f"{all_}/preview", self.preview, policy="stacks:preview", body=NewStack
            ),
            *(
                Operation(
                    method, f"{all_}/{{name}}", self.lookup, policy="stacks:lookup", writes=False
                )
                for method in ("GET", "PUT", "PATCH", "DELETE")
            ),
            *(
                Operation("GET", f"{all_}/{{name}}/{below}", self.lookup, policy="stacks:lookup")
                for below in ("resources", "events", "template", "environment", "files", "outputs")
            ),
            Operation(
                "POST",
                f"{all_}/{{name}}/actions",
                self.lookup,
                policy="stacks:lookup",
                writes=False,
            ),
            Operation("GET", ONE, self.show, policy="stacks:show"),
            Operation("PUT", ONE, self.update, policy="stacks:update", status=202, **wish),
            Operation("PATCH", ONE, self.patch, policy="stacks:update_patch", status=202, **wish),
            Operation(
                "PUT", f"{ONE}/preview", self.preview_update, policy="stacks:preview_update", **wish
            ),
            Operation(
                "PATCH",
                f"{ONE}/preview",
                self.preview_patch,
                policy="stacks:preview_update_patch",
                **wish,
            ),
            Operation("DELETE", ONE, self.delete, policy="stacks:delete", status=204),
            Operation("GET", f"{ONE}/template", self.template, policy="stacks:template"),
            Operation("GET", f"{ONE}/environment", self.environment, policy="stacks:environment"),
            Operation("GET", f"{ONE}/files", self.files, policy="stacks:files"),
            Operation("GET", f"{ONE}/outputs", self.outputs, policy="stacks:list_outputs"),
            Operation("GET", f"{ONE}/outputs/{{key}}", self.output, policy="stacks:show_output"),
            Operation(
                "POST", f"{ONE}/actions", self.action, policy="actions:action", body=dict[str, Any]
            ),
        ]

    # --- lists ----------------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {"live": True}
        everybody = flag_of(call.query.get("global_tenant"), "global_tenant") or False
        if everybody:
            call.allow(action="stacks:global_index")
        else:
            where["project_id"] = call.project_id
        if flag_of(call.query.get("show_deleted"), "show_deleted"):
            del where["live"]
        if not flag_of(call.query.get("show_nested"), "show_nested"):
            where["depth"] = 0
        named(call, where)
        page, count = listed(call, tx, self._stacks.listing, where)
        body: dict[str, Any] = {"stacks": [stack_summary(call, row) for row in page.rows]}
        if count is not None:
            body["count"] = count
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        if following:
            body["links"] = [link(following, "next")]
        return body

    # --- one ------------------------------------------------------------------------------------

    def lookup(self, call: Call, tx: Tx) -> Reply:
        """`/stacks/NAME…` leads to `/stacks/NAME/ID…`, with its query."""
        row = self._stacks.named(tx, call.path["name"], call.project_id)
        below = call.url.partition(f"/stacks/{quote(call.path['name'])}")[2]
        query = f"?{call.query_string}" if call.query_string else ""
        where = stack_url(call, row) + below + query
        return Reply(302, None, {"Location": where})

    def create(self, call: Call, tx: Tx) -> Any:
        body: NewStack = call.body
        if not body.stack_name:
            raise BadRequest("No stack name specified")
        own(call)
        adopt = None
        if body.adopt_stack_data is not None:
            body, adopt = adoption_of(body)
        row = self._stacks.create(
            tx,
            call.principal,
            str(body.stack_name),
            wish_of(body),
            timeout_mins=timeout_of(body.timeout_mins),
            disable_rollback=flag_of(body.disable_rollback, "disable_rollback") is not False,
            tags=tags_of(body.tags) or (),
            action="CREATE" if adopt is None else "ADOPT",
            adopt=adopt,
        )
        url = stack_url(call, row)
        return Reply(201, {"stack": {"id": row.id, "links": [link(url)]}}, {"Location": url})

    def show(self, call: Call, tx: Tx) -> Any:
        return {"stack": self._body(call, tx, self._find(call, tx))}

    def _body(self, call: Call, tx: Tx, row: StackRow) -> dict[str, Any]:
        blueprint = self._stacks.blueprints.of(tx, row)
        values: dict[str, Any] = {
            "OS::stack_id": row.id,
            "OS::stack_name": row.name,
            "OS::project_id": row.project_id,
        }
        values |= blueprint.shown_values()
        resolve = flag_of(call.query.get("resolve_outputs"), "resolve_outputs") is not False
        parent = None if row.parent_id is None else tx.get(ResourceRow, row.parent_id)
        return {
            **stack_summary(call, row, None if parent is None else parent.stack_id),
            "capabilities": [],
            "disable_rollback": row.disable_rollback,
            "notification_topics": [],
            "outputs": self._outputs(call, tx, row, list(blueprint.template.outputs))
            if resolve
            else [],
            "parameters": values,
            "template_description": row.description,
            "timeout_mins": row.timeout_mins,
        }

    def _outputs(
        self, call: Call, tx: Tx, row: StackRow, names: Sequence[str]
    ) -> list[dict[str, Any]]:
        definitions = self._stacks.blueprints.of(tx, row).template.outputs
        made = []
        for name, (value, problem) in self._stacks.outputs_told(
            tx, row, names, call.principal
        ).items():
            one = {
                "output_key": name,
                "output_value": value,
                "description": definitions[name].description,
            }
            made.append(one | {"output_error": problem} if problem else one)
        return made

    def update(self, call: Call, tx: Tx) -> None:
        row = self._find(call, tx)
        self._change(call, tx, row, patch=False)

    def patch(self, call: Call, tx: Tx) -> None:
        row = self._find(call, tx)
        self._change(call, tx, row, patch=True)

    def _change(self, call: Call, tx: Tx, row: StackRow, *, patch: bool) -> None:
        own(call)
        body: StackWish = call.body
        self._stacks.update(
            tx,
            row,
            call.principal,
            wish_of(body, self._stacks.opened(tx, row), patch=patch),
            timeout_mins=timeout_of(body.timeout_mins),
            disable_rollback=flag_of(body.disable_rollback, "disable_rollback"),
            tags=tags_of(body.tags) if patch or body.tags is not None else [],
            converge=flag_of(body.converge, "converge") or False,
        )

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._find(call, tx)
        if row.deleted_at is not None:
            raise NotFound(f"The Stack ({row.name}) could not be found.")
        own(call)
        self._stacks.delete(tx, row, call.principal)

    def preview(self, call: Call, tx: Tx) -> Any:
        body: NewStack = call.body
        if not body.stack_name:
            raise BadRequest("No stack name specified")
        return {"stack": previewed(self._stacks, call, tx, body.stack_name)}

    def preview_update(self, call: Call, tx: Tx) -> Any:
        return self._previewed(call, tx, patch=False)

    def preview_patch(self, call: Call, tx: Tx) -> Any:
        return self._previewed(call, tx, patch=True)

    def _previewed(self, call: Call, tx: Tx, *, patch: bool) -> Any:
        row = self._find(call, tx)
        if row.deleted_at is not None:
            raise NotFound(f"The Stack ({row.name}) could not be found.")
        changes = self._stacks.changes(
            tx, row, wish_of(call.body, self._stacks.opened(tx, row), patch=patch), call.principal
        )
        return {
            "resource_changes": {
                word: [{"resource_name": name, "resource_type": kind} for name, kind in found]
                for word, found in changes.items()
            }
        }

    # --- what it is made of ---------------------------------------------------------------------

    def template(self, call: Call, tx: Tx) -> Any:
        return self._find(call, tx).template

    def environment(self, call: Call, tx: Tx) -> Any:
        row, blueprints = self._find(call, tx), self._stacks.blueprints
        names = blueprints.hidden.names(blueprints.of(tx, row))
        shown = dict(self._stacks.environment_of(tx, row).shown())
        shown["parameters"] = {**shown["parameters"], **self._stacks.opened(tx, row).parameters}
        for section in SECTIONS:
            shown[section] = blueprints.hidden.masked(shown[section], names)
        return shown

    def files(self, call: Call, tx: Tx) -> Any:
        return files_of(tx, self._find(call, tx))

    def outputs(self, call: Call, tx: Tx) -> Any:
        row = self._find(call, tx)
        found = self._stacks.blueprints.of(tx, row).template.outputs.values()
        return {
            "outputs": [
                {"output_key": each.name, "description": each.description} for each in found
            ]
        }

    def output(self, call: Call, tx: Tx) -> Any:
        row, name = self._find(call, tx), call.path["key"]
        if name not in self._stacks.outputs(tx, row):
            raise NotFound(f"Specified output key {name} not found.")
        return {"output": self._outputs(call, tx, row, [name])[0]}

    # --- actions ----------------------------------------------------------------------------------

    def action(self, call: Call, tx: Tx) -> Reply:
        row = self._find(call, tx)
        if len(call.body) != 1:
            raise BadRequest("Exactly one action is expected.")
        name = next(iter(call.body))
        own(call)
        if name in ("suspend", "resume", "check"):
            call.allow(action=f"actions:{name}")
            self._stacks.act(tx, row, name.upper(), call.principal)
        elif name == "cancel_update":
            call.allow(action="actions:cancel_update")
            self._stacks.cancel(tx, row, rollback=True)
        elif name == "cancel_without_rollback":
            call.allow(action="actions:cancel_without_rollback")
            self._stacks.cancel(tx, row, rollback=False)
        else:
            raise BadRequest(f"Invalid action {name} specified")
        return Reply(200, None)
