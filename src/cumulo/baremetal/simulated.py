"""What an operator does with machines in a simulated world; what must be true of them at rest."""

from collections.abc import Iterable

from cumulo.baremetal.queries.node import NODES
from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb

PATH = "/baremetal/v1/nodes"
WORDS = ("manage", "provide", "active", "deleted", "inspect", "clean")


async def enrol(player: Player) -> None:
    wish = {"driver": "fake-hardware", "name": player.name(), "resource_class": "sim"}
    made = await player.done("POST", PATH, wish, user="admin")
    player.ledger.made("node", f"{PATH}/{made['uuid']}", by="admin")


async def provision(player: Player) -> None:
    path, word = player.any_of("node"), player.chance.choice(WORDS)
    body: dict[str, object] = {"target": word}
    if word == "clean":
        body["clean_steps"] = [{"interface": "deploy", "step": "erase_devices"}]
    await player.done("PUT", f"{path}/states/provision", body, user="admin")


async def power(player: Player) -> None:
    body = {"target": player.chance.choice(("power on", "power off", "rebooting"))}
    await player.done("PUT", f"{player.any_of('node')}/states/power", body, user="admin")


async def forget(player: Player) -> None:
    await player.remove(player.any_of("node"), user="admin")


def nodes_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    """Nobody has one for itself, and none is on its way somewhere."""
    for row in NODES.page(tx, where={}):
        if row.job is not None or (row.action is not None and not row.failed):
            yield f"node {row.name} is {row.provision_state}: {row.last_error}"
        if row.target_power_state is not None:
            yield f"node {row.name} is to be {row.target_power_state}"


VERBS = [
    Verb("enrol node", enrol),
    Verb("provision node", provision, 4),
    Verb("power node", power),
    Verb("forget node", forget),
]
INVARIANTS: list[Invariant] = [nodes_are_at_rest]
