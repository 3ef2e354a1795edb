"""Imports and tasks on the wire."""

from typing import Any

import msgspec

from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, MethodNotAllowed
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import next_link, page_of
from cumulo.image.api.envelope import allowed, query_without_marker, relative, seen, target_of
from cumulo.image.api.sorting import sort_of
from cumulo.image.model.task import TaskRow
from cumulo.image.service.image import ImageService
from cumulo.image.service.imports import Wish
from cumulo.image.service.tasks import filters


class NewTask(msgspec.Struct):
    type: str
    input: dict[str, Any]


def task_stub(row: TaskRow) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": row.id,
        "type": row.type,
        "status": row.status,
        "owner": row.owner,
        "created_at": zulu(row.created_at),
        "updated_at": zulu(row.updated_at),
        "self": f"/v2/tasks/{row.id}",
        "schema": "/v2/schemas/task",
    }
    if row.expires_at is not None:
        body["expires_at"] = zulu(row.expires_at)
    return body


def task_body(row: TaskRow, message: str | None = None) -> dict[str, Any]:
    return {
        **task_stub(row),
        "input": row.input,
        "result": row.result,
        "message": row.message if message is None else message,
        "image_id": row.image_id,
        "request_id": row.request_id,
        "user_id": row.user_id,
    }


def task_of_image(row: TaskRow, message: str) -> dict[str, Any]:
    """The list of an image's tasks is Glance's own form, without links."""
    body = task_body(row, message)
    del body["self"], body["schema"]
    body["expires_at"] = None if row.expires_at is None else zulu(row.expires_at)
    return body


class ImportsApi:
    def __init__(self, images: ImageService) -> None:
        self._service = images
        self._imports = images.imports
        self._tasks = images.tasks

    def operations(self) -> list[Operation]:
        one = "/v2/images/{image_id}"
        tasks: dict[str, Any] = {"policy": "tasks_api_access"}
        return [
            Operation(
                "POST",
                f"{one}/import",
                self.begin,
                policy="modify_image",
                body=Wish,
                early=False,
                status=202,
            ),
            Operation("GET", f"{one}/tasks", self.of_image, policy="get_image", early=False),
            Operation("GET", "/v2/tasks", self.index, **tasks),
            Operation("POST", "/v2/tasks", self.create, body=NewTask, status=201, **tasks),
            Operation("GET", "/v2/tasks/{task_id}", self.show, **tasks),
            Operation("DELETE", "/v2/tasks/{task_id}", self.delete, **tasks),
        ]

    def begin(self, call: Call, tx: Tx) -> None:
        wish: Wish = call.body
        name = self._imports.method(wish)
        row = seen(call, tx, self._service)
        target = target_of(call, tx, self._service, row)
        call.allow(target, "copy_image" if name == "copy-image" else "modify_image")
        mine = call.principal.is_admin or row.owner == call.principal.project_id
        if name != "copy-image" and not mine:
            raise Forbidden("Operation not permitted on an image of another project.")
        targets = self._imports.targets(wish, call.header("X-Image-Meta-Store"))
        token = (call.token or "") if name == "glance-download" else ""
        self._imports.begin(tx, row, wish, targets, call.principal, call.request_id, token)

    def of_image(self, call: Call, tx: Tx) -> Any:
        row = allowed(call, tx, self._service)
        tasks = self._tasks.of_image(tx, row)
        return {"tasks": [task_of_image(each, self._tasks.message(tx, each)) for each in tasks]}

    def index(self, call: Call, tx: Tx) -> Any:
        page = page_of(
            call,
            tx,
            self._tasks.listing,
            filters(dict(call.query.pairs)),
            find_marker=lambda id: self._tasks.get(tx, id, call.principal),
            sort=sort_of(call),
        )
        body: dict[str, Any] = {
            "tasks": [task_stub(row) for row in page.rows],
            "first": relative(call, call.url + query_without_marker(call)),
            "schema": "/v2/schemas/tasks",
        }
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        if following is not None:
            body["next"] = relative(call, following)
        return body

    def create(self, call: Call, tx: Tx) -> Any:
        wish: NewTask = call.body
        if wish.type != "import":
            raise BadRequest(f"Invalid task type: {wish.type!r:.60}; only 'import' can be created")
        self._check_visibility(call, wish.input.get("image_properties"))
        row = self._imports.begin_task(tx, wish.input, call.principal, call.request_id)
        return Reply(body=task_body(row), headers={"Location": f"/v2/tasks/{row.id}"})

    def _check_visibility(self, call: Call, properties: Any) -> None:
        """A task makes no image that its caller could not make."""
        wanted = properties.get("visibility") if isinstance(properties, dict) else None
        rule = {"public": "publicize_image", "community": "communitize_image"}.get(str(wanted))
        if rule is not None:
            mine = call.principal.project_id
            call.allow({"project_id": mine, "owner": mine}, rule)

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._tasks.get(tx, call.path["task_id"], call.principal)
        return task_body(row, self._tasks.message(tx, row))

    def delete(self, call: Call, tx: Tx) -> None:
        raise MethodNotAllowed(
            "This operation is currently not permitted on Glance Tasks. They are auto deleted "
            "after reaching the time based on their expires_at property.",
            headers={"Allow": "GET"},
        )
