"""What a stack would be: shown without making anything."""

from collections.abc import Mapping
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.orchestration.api.bodies import NewStack, flag_of, tags_of, timeout_of, wish_of
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.service.blueprint import Blueprint, PlanScope, partial
from cumulo.orchestration.service.properties import completed
from cumulo.orchestration.service.stacks import Stacks


def previewed(stacks: Stacks, call: Call, tx: Tx, name: str) -> dict[str, Any]:
    body: NewStack = call.body
    blueprint = stacks.preview(tx, call.principal, name, wish_of(body))
    try:
        levels = stacks.looked_inside(tx, call.principal, blueprint)
    except Invalid as problem:
        raise BadRequest(str(problem), kind="StackValidationFailed") from None
    parameters = blueprint.shown_values()
    pseudo = {
        each: blueprint.around.pseudo[each]
        for each in ("OS::stack_id", "OS::stack_name", "OS::project_id")
    }
    return {
        "id": "None",
        "stack_name": name,
        "stack_identity": _identity(call, name, ""),
        "description": blueprint.template.description,
        "template_description": blueprint.template.description,
        "parameters": {**pseudo, **parameters},
        "resources": _resources(stacks, call, blueprint, levels, name, None),
        "disable_rollback": flag_of(body.disable_rollback, "disable_rollback") is not False,
        "timeout_mins": timeout_of(body.timeout_mins),
        "parent": None,
        "stack_owner": call.principal.user_name,
        "stack_user_project_id": None,
        "capabilities": [],
        "notification_topics": [],
        "creation_time": None,
        "updated_time": None,
        "deletion_time": None,
        "links": [],
        "tags": tags_of(body.tags),
    }


def _identity(call: Call, stack: str, path: str) -> dict[str, Any]:
    return {
        "tenant": call.principal.project_id,
        "stack_name": stack,
        "stack_id": "None",
        "path": path,
    }


def _resources(
    stacks: Stacks,
    call: Call,
    blueprint: Blueprint,
    levels: list[Any],
    stack: str,
    parent: str | None,
) -> list[Any]:
    """One body for each, or the list of what is inside it."""
    made: list[Any] = []
    scope = PlanScope(blueprint)
    for name, inner, below in levels:
        if inner is not None:
            made.append(_resources(stacks, call, inner, below, f"{stack}-{name}", name))
            continue
        one = blueprint.definitions[name]
        handler = stacks.engine.types.handler(blueprint.kind_of(name))
        given: Mapping[str, Any] = partial(one.properties, blueprint.template, scope)
        body = {
            "resource_name": name,
            "resource_type": one.type,
            "resource_identity": _identity(call, stack, f"/resources/{name}"),
            "stack_identity": _identity(call, stack, ""),
            "stack_name": stack,
            "properties": dict(given)
            if handler.takes_any
            else completed(handler.properties, given),
            "attributes": dict.fromkeys(handler.attributes, ""),
            "metadata": one.metadata or {},
            "resource_action": "INIT",
            "resource_status": "COMPLETE",
            "resource_status_reason": "",
            "required_by": [n for n, r in blueprint.requires.items() if name in r],
            "description": one.description,
            "physical_resource_id": "",
            "creation_time": None,
            "updated_time": None,
        }
        made.append(body if parent is None else body | {"parent_resource": parent})
    return made
