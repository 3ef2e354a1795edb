"""What users of shares do in a simulated world, and what must be true of shares at rest."""

from collections.abc import Iterable

from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb
from cumulo.shared_file_system.queries.share import SHARES

BASE = "/share/v2"
REST = ("available", "error", "error_deleting", "extending_error", "shrinking_error")


async def create_share(player: Player) -> None:
    subnet = await player.done("GET", player.any_of("subnet"))
    place = {
        "neutron_net_id": subnet["subnet"]["network_id"],
        "neutron_subnet_id": subnet["subnet"]["id"],
    }
    network = await player.make("share network", f"{BASE}/share-networks", {"share_network": place})
    wish = {"share_proto": "NFS", "size": 1, "share_network_id": network["id"]}
    await player.make("share", f"{BASE}/shares", {"share": wish})


async def _act(player: Player, name: str, body: object) -> None:
    await player.done("POST", f"{player.any_of('share')}/action", {name: body})


async def allow(player: Player) -> None:
    address = f"10.0.0.{player.chance.randint(2, 250)}"
    level = player.chance.choice(("ro", "rw"))
    body = {"access_type": "ip", "access_to": address, "access_level": level}
    await _act(player, "allow_access", body)


async def extend(player: Player) -> None:
    await _act(player, "extend", {"new_size": player.chance.randint(2, 4)})


async def delete_share(player: Player) -> None:
    await player.remove(player.any_of("share"))


async def delete_share_network(player: Player) -> None:
    await player.remove(player.any_of("share network"))


def shares_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    for row in SHARES.page(tx, where={}):
        if row.status not in REST:
            yield f"share {row.id} is {row.status}: {row.fault}"


VERBS = [
    Verb("create share", create_share, 2),
    Verb("allow access", allow),
    Verb("extend share", extend),
    Verb("delete share", delete_share),
    Verb("delete share network", delete_share_network),
]
INVARIANTS: list[Invariant] = [shares_are_at_rest]
