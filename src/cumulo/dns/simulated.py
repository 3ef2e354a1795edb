"""What users of DNS do in a simulated world, and what must be true of zones at rest."""

from collections.abc import Iterable

from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb
from cumulo.dns.queries.zone import LISTING

PATH = "/dns/v2/zones"


async def create_zone(player: Player) -> None:
    wish = {"name": f"{player.name()}.example.", "email": "a@example.org"}
    await player.make("zone", PATH, wish)


async def create_recordset(player: Player) -> None:
    path = player.any_of("zone")
    zone = await player.done("GET", path)
    wish = {
        "name": f"{player.name()}.{zone['name']}",
        "type": "A",
        "records": [f"192.0.2.{player.chance.randrange(250)}"],
    }
    await player.make("recordset", f"{path}/recordsets", wish)


async def update_recordset(player: Player) -> None:
    body = {"records": [f"192.0.2.{player.chance.randrange(250)}"], "ttl": 60}
    await player.done("PUT", player.any_of("recordset"), body)


async def update_zone(player: Player) -> None:
    """What name servers say, or what they do not."""
    body = {"description": player.name()} if player.chance.random() < 0.5 else {"ttl": 300}
    await player.done("PATCH", player.any_of("zone"), body)


async def delete_recordset(player: Player) -> None:
    await player.remove(player.any_of("recordset"))


async def delete_zone(player: Player) -> None:
    path = player.any_of("zone")
    within = [known for known in player.ledger.there if known.startswith(f"{path}/")]
    player.ledger.unsure.update(within)
    await player.remove(path)
    for each in within:
        player.ledger.removed(each)


def zones_are_served(tx: Tx, rest: AtRest) -> Iterable[str]:
    for row in LISTING.page(tx, where={}):
        if row.status != "ACTIVE":
            yield f"zone {row.name} is {row.action} {row.status}"


VERBS = [
    Verb("create zone", create_zone),
    Verb("create recordset", create_recordset, 2),
    Verb("update zone", update_zone),
    Verb("update recordset", update_recordset),
    Verb("delete recordset", delete_recordset),
    Verb("delete zone", delete_zone),
]
INVARIANTS: list[Invariant] = [zones_are_served]
