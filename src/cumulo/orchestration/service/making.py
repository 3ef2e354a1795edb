"""How a resource is made: by its service, outside of a transaction, or around what is there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.service.changing import change
from cumulo.orchestration.service.handlers import DATA, Adopting, Handler, Work, sealed
from cumulo.orchestration.service.live import LiveScope, resolved_properties
from cumulo.orchestration.service.outside import Outside, ask_outside
from cumulo.orchestration.service.rest_handler import RestHandler
from cumulo.orchestration.service.restoring import led_back

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine


def make(engine: "Engine", work: Work, handler: Handler) -> Outside | None:
    blueprint = engine.blueprints.of(work.tx, work.stack)
    scope = LiveScope(work, blueprint)
    definition = blueprint.definitions[work.row.name]
    wanted = resolved_properties(blueprint, scope, definition, handler)
    metadata = scope.resolve(definition.metadata, f"resources.{work.row.name}.metadata") or {}
    if engine.paused(work, "pre", "create" if work.row.physical_id is None else "update"):
        return None
    work.properties = wanted
    if work.row.physical_id is None:
        return _create(engine, work, handler, metadata, scope, definition)
    _same_outside(work, scope, definition)
    change(engine, work, handler, metadata, blueprint.environment.restricted(work.row.name))
    return None


def _create(
    engine: "Engine", work: Work, handler: Handler, metadata: Any, scope: LiveScope, definition: Any
) -> Outside | None:
    work.row = work.tx.update(
        work.row, properties=dict(work.properties), metadata=metadata, made=False
    )
    if definition.external_id is not None:
        physical = scope.resolve(definition.external_id, "external_id")
        work.row = work.tx.update(work.row, physical_id=str(physical), deletion_policy="Retain")
        work.store(external=True)
        engine.begin(work, "CREATE")
        engine.look(work, handler)
        return None
    adopt = work.row.stored.get("adopt")
    if adopt is not None and work.stack.action == "ADOPT":
        _adopt(engine, work, handler, adopt)
        return None
    if handler.outside and isinstance(handler, RestHandler):
        return ask_outside(engine, work, handler)
    work.properties = led_back(work, handler) or work.properties
    physical = handler.create(work)
    work.row = work.tx.update(work.row, physical_id=physical)
    work.forget("restore")
    engine.begin(work, "CREATE")
    engine.look(work, handler)
    return None


def _adopt(engine: "Engine", work: Work, handler: Handler, data: Mapping[str, Any]) -> None:
    """It is there already: whether it is, its own service tells the stack's owner."""
    work.forget("adopt")
    if isinstance(handler, Adopting):
        physical = handler.adopt(work, data)
    else:
        physical = data.get("resource_id")
        given = {n: v for n, v in (data.get("resource_data") or {}).items() if n in DATA}
        work.store(**{name: sealed(engine.seal, value) for name, value in given.items()})
    if not physical:
        raise Invalid("Resource ID was not provided.")
    work.row = work.tx.update(work.row, physical_id=str(physical))
    engine.begin(work, "ADOPT")
    engine.look(work, handler)


def _same_outside(work: Work, scope: LiveScope, definition: Any) -> None:
    """What was there before the stack stays that, and nothing of the stack's becomes it."""
    named = definition.external_id
    wanted = None if named is None else str(scope.resolve(named, "external_id"))
    mine = work.row.physical_id if work.row.stored.get("external") else None
    if wanted != mine:
        raise Invalid(f"Update to property external_id of {work.row.name} is not supported.")
