"""Bodies of requests and answers, and what comes of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from cumulo.core.clock import zulu
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.shapes import Body
from cumulo.orchestration.language import environment as environments
from cumulo.orchestration.language.documents import load
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackEventRow, StackRow
from cumulo.orchestration.service.blueprint import check_files
from cumulo.orchestration.service.blueprints import stored_environment
from cumulo.orchestration.service.checking import Wish
from cumulo.orchestration.service.keeping import adopted

StackName = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[a-zA-Z][a-zA-Z0-9_.-]*\Z")
]
TAG_LENGTH = 80


class StackWish(Body):
    """What creates, updates, previews and validates have in common."""

    template: Any = None
    template_url: Annotated[str, Meta(max_length=2000)] | None = None
    environment: Any = None
    environment_files: Annotated[list[str], Meta(max_length=100)] | None = None
    files: dict[str, Any] | None = None
    files_container: str | None = None
    parameters: dict[str, Any] | None = None
    clear_parameters: list[str] | None = None
    timeout_mins: Any = None
    disable_rollback: Any = None
    tags: Any = None
    converge: Any = None


class NewStack(StackWish):
    stack_name: StackName | None = None
    adopt_stack_data: Any = None


def adoption_of(body: NewStack) -> tuple[NewStack, dict[str, Any]]:
    """A body that adopts → one that asks for the same stack, and its resources by name. What the
    body itself says goes before the document. Raises BadRequest."""
    data = body.adopt_stack_data
    try:
        data = load(data, "adopt_stack_data") if isinstance(data, str) else data
    except Invalid as problem:
        raise BadRequest(str(problem), kind="StackValidationFailed") from None
    found = adopted(data)
    environment = data.get("environment") if body.environment is None else body.environment
    changed = msgspec.structs.replace(
        body,
        template=data.get("template") if body.template is None else body.template,
        files=data.get("files") if body.files is None else body.files,
        environment=environment,
        adopt_stack_data=None,
    )
    return changed, found


def wish_of(body: StackWish, before: StackRow | None = None, *, patch: bool = False) -> Wish:
    """The wish in a request. A patch keeps what it does not name. Raises BadRequest."""
    try:
        if body.files_container is not None:
            raise BadRequest("files_container: the client sends the files themselves")
        template = _template(body)
        if template is None:
            if before is None or not patch:
                raise BadRequest("No template specified")
            template = before.template
        files = _files(body.files)
        if patch and before is not None:
            files = {**before.files, **files}
        check_files(files)
        environment = environments.parse(body.environment)
        environment = environments.merge(environment, body.environment_files or (), files)
        parameters = {
            name: value for name, value in (body.parameters or {}).items() if value is not None
        }
        if patch and before is not None:
            parameters, environment = _patched(body, before, template, parameters, environment)
        return Wish(template, files, stored_environment(environment), parameters)
    except Invalid as problem:
        raise BadRequest(str(problem), kind="StackValidationFailed") from None


def _patched(
    body: StackWish,
    before: StackRow,
    template: Any,
    parameters: dict[str, Any],
    environment: environments.Environment,
) -> tuple[dict[str, Any], environments.Environment]:
    old = environments.parse(dict(before.environment))
    cleared = set(body.clear_parameters or ())
    kept = {**old.parameters, **before.parameters, **environment.parameters}
    merged = {name: value for name, value in kept.items() if name not in cleared}
    # Those that the template does not ask for any more go; what is named anew is checked.
    sections = template if isinstance(template, dict) else {}
    wanted = sections.get("parameters") or sections.get("Parameters")
    known = wanted if isinstance(wanted, dict) else {}
    merged = {name: value for name, value in merged.items() if name in known} | parameters
    # Stock clients send an empty environment where none was named.
    environment = environments.over(old, environment)
    return merged, msgspec.structs.replace(environment, parameters={})


def _template(body: StackWish) -> Any:
    if body.template is not None:
        return load(body.template) if isinstance(body.template, str) else body.template
    if body.template_url is not None:
        raise BadRequest("template_url: the client sends the template itself")
    return None


def _files(given: Mapping[str, Any] | None) -> dict[str, str]:
    made = {}
    for name, value in (given or {}).items():
        made[name] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return made


def flag_of(value: Any, name: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "on", "t"):
        return True
    if text in ("false", "0", "no", "off", "f"):
        return False
    raise BadRequest(
        f'Unrecognized value "{value}" for "{name}", acceptable values are: true, false'
    )


def timeout_of(value: Any) -> int | None:
    if value is None:
        return None
    try:
        minutes = int(str(value)[:12])
    except ValueError:
        raise BadRequest("Only integer is acceptable by 'timeout_mins'.") from None
    if not 0 <= minutes <= 1_000_000:
        raise BadRequest("Invalid stack timeout")
    return minutes or None


def tags_of(value: Any) -> list[str] | None:
    """`a,b` or a list; None: not said; an empty text: none."""
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > 100:
        raise BadRequest("Invalid tags, not a list")
    made = [str(each).strip() for each in parts if str(each).strip()]
    for each in made:
        if len(each) > TAG_LENGTH:
            raise BadRequest(f'Invalid tag, "{each[:100]}" is longer than {TAG_LENGTH} characters')
    return list(dict.fromkeys(made))


def stack_url(call: Call, row: StackRow) -> str:
    return f"{call.base_url}/v1/{row.project_id}/stacks/{row.name}/{row.id}"


def link(href: str, rel: str = "self") -> dict[str, str]:
    return {"href": href, "rel": rel}


def stack_summary(call: Call, row: StackRow, parent_stack: str | None = None) -> dict[str, Any]:
    """As lists have it."""
    return {
        "id": row.id,
        "links": [link(stack_url(call, row))],
        "stack_name": row.name,
        "description": row.description,
        "stack_status": row.word,
        "stack_status_reason": row.reason,
        "creation_time": zulu(row.created_at),
        "updated_time": None if row.updated_at is None else zulu(row.updated_at),
        "deletion_time": None if row.deleted_at is None else zulu(row.deleted_at),
        "stack_owner": None,
        "parent": parent_stack,
        "stack_user_project_id": row.project_id,
        "tags": row.tags,
        "project": row.project_id,
    }


def resource_word(action: str, status: str) -> str:
    """Before anything was done with it it is INIT_COMPLETE."""
    return "INIT_COMPLETE" if status == "INIT" else f"{action}_{status}"


def resource_body(
    call: Call, stack: StackRow, row: ResourceRow, required_by: Sequence[str], *, detail: bool
) -> dict[str, Any]:
    url = stack_url(call, stack)
    made: dict[str, Any] = {
        "resource_name": row.name,
        "logical_resource_id": row.name,
        "physical_resource_id": row.physical_id or "",
        "resource_type": row.type,
        "resource_status": resource_word(row.action, row.status),
        "resource_status_reason": row.reason,
        "required_by": list(required_by),
        "creation_time": zulu(row.created_at),
        "updated_time": zulu(row.updated_at or row.created_at),
        "links": [link(f"{url}/resources/{row.name}"), link(url, "stack")],
    }
    if detail:
        made["description"] = ""
        made["metadata"] = row.metadata or {}
    return made


def event_body(call: Call, stack: StackRow, row: StackEventRow) -> dict[str, Any]:
    url = stack_url(call, stack)
    one = f"{url}/resources/{row.resource_name}"
    return {
        "id": row.id,
        "event_time": zulu(row.at),
        "resource_name": row.resource_name,
        "logical_resource_id": row.resource_name,
        "physical_resource_id": row.physical_id,
        "resource_status": resource_word(row.action, row.status),
        "resource_status_reason": row.reason,
        "links": [link(f"{one}/events/{row.id}"), link(one, "resource"), link(url, "stack")],
    }
