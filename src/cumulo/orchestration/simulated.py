"""What users of stacks do in a simulated world, and what must be true of stacks at rest."""

from collections.abc import Iterable
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Refused, Verb
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries.resource import OF_STACK
from cumulo.orchestration.queries.stack import STACKS


def _template(player: Player) -> dict[str, Any]:
    """A word, a network with a port, perhaps a volume: all that stand on one another."""
    resources: dict[str, Any] = {
        "word": {"type": "OS::Heat::RandomString", "properties": {"length": 8}},
        "net": {
            "type": "OS::Neutron::Net",
            "properties": {"name": {"get_attr": ["word", "value"]}},
        },
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {
                "network": {"get_resource": "net"},
                "cidr": f"10.{player.chance.randrange(250)}.0.0/24",
            },
        },
    }
    if player.chance.random() < 0.6:
        resources["port"] = {
            "type": "OS::Neutron::Port",
            "depends_on": "subnet",
            "properties": {"network": {"get_resource": "net"}},
        }
    if player.chance.random() < 0.4:
        properties = {"size": player.chance.randint(1, 2)}
        resources["disk"] = {"type": "OS::Cinder::Volume", "properties": properties}
    return {"heat_template_version": "2021-04-16", "resources": resources}


async def _stacks(player: Player) -> str:
    """Where the project's stacks are."""
    found = await player.done("GET", "/identity/v3/auth/projects")
    [project] = [each["id"] for each in found["projects"] if each["name"] == "demo"]
    return f"/orchestration/v1/{project}/stacks"


async def create_stack(player: Player) -> None:
    path = await _stacks(player)
    wish = {"stack_name": player.name(), "template": _template(player), "timeout_mins": 10}
    made = await player.done("POST", path, wish)
    player.ledger.made("stack", f"{path}/{wish['stack_name']}/{made['stack']['id']}", by="demo")


async def update_stack(player: Player) -> None:
    await player.done("PUT", player.any_of("stack"), {"template": _template(player)})


async def check_stack(player: Player) -> None:
    await player.done("POST", f"{player.any_of('stack')}/actions", {"check": None})


async def delete_stack(player: Player) -> None:
    """Its row stays and says DELETE_COMPLETE: whoever has its id may look."""
    path = player.any_of("stack")
    answer = await player.call("DELETE", path)
    if answer.status >= 400 and answer.status != 404:
        raise Refused(f"{answer.status}")
    player.ledger.there.pop(path, None)


def stacks_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    """None is at work, and what was made whole has all of its resources, once each."""
    for stack in STACKS.page(tx, where={"status": ["IN_PROGRESS"]}):
        yield f"stack {stack.name} is {stack.action}_{stack.status}"
    for stack in STACKS.page(tx, where={"word": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]}):
        rows = tx.all(OF_STACK, stack=stack.id)
        names = [row.name for row in rows]
        whole = tx.get(StackRow, stack.id)  # lists are without templates
        assert whole is not None
        if sorted(names) != sorted(whole.template["resources"]):
            yield f"stack {stack.name} has {names}"
        for row in rows:
            if row.status != "COMPLETE" or row.physical_id is None:
                yield f"{stack.name}.{row.name} is {row.action}_{row.status}"
    for stack in STACKS.page(tx, where={"word": ["DELETE_COMPLETE"]}):
        if left := [row.name for row in tx.all(OF_STACK, stack=stack.id)]:
            yield f"stack {stack.name} is deleted, and has {left}"


VERBS = [
    Verb("create stack", create_stack, 2),
    Verb("update stack", update_stack),
    Verb("check stack", check_stack),
    Verb("delete stack", delete_stack),
]
INVARIANTS: list[Invariant] = [stacks_are_at_rest]
