"""What users of volumes do in a simulated world, and what must be true of volumes at rest."""

from collections.abc import Iterable

from cumulo.block_storage.queries.snapshot import SNAPSHOTS as LISTED
from cumulo.block_storage.queries.volume import EVERY
from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb

SNAPSHOTS = "/volume/v3/snapshots"
UNREST = ("uploading", "creating", "deleting", "attaching", "detaching", "extending")


async def create_volume(player: Player) -> None:
    wish = {"name": player.name(), "size": player.chance.randint(1, 3)}
    await player.make("volume", "/volume/v3/volumes", {"volume": wish})


async def extend_volume(player: Player) -> None:
    path = player.any_of("volume")
    size = player.chance.randint(2, 5)
    await player.done("POST", f"{path}/action", {"os-extend": {"new_size": size}})


async def delete_volume(player: Player) -> None:
    await player.remove(player.any_of("volume"))


async def create_snapshot(player: Player) -> None:
    wish = {"volume_id": player.id_of("volume"), "name": player.name(), "force": True}
    await player.make("snapshot", SNAPSHOTS, {"snapshot": wish})


async def delete_snapshot(player: Player) -> None:
    await player.remove(player.any_of("snapshot"))


async def copy_of_snapshot(player: Player) -> None:
    wish = {"name": player.name(), "snapshot_id": player.id_of("snapshot")}
    await player.make("volume", "/volume/v3/volumes", {"volume": wish})


async def upload_volume(player: Player) -> None:
    wish = {"image_name": player.name(), "disk_format": "qcow2"}
    body = {"os-volume_upload_image": wish}
    answer = await player.done("POST", f"{player.any_of('volume')}/action", body)
    image = answer["os-volume_upload_image"]["image_id"]
    # It goes by itself where the upload fails.
    player.ledger.made("image", f"/image/v2/images/{image}", by="demo")
    player.ledger.unsure.add(f"/image/v2/images/{image}")


def snapshots_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    for row in LISTED.page(tx, where={}):
        if row.status in UNREST:
            yield f"snapshot {row.id} is {row.status}"


def volumes_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    """And simulated hosts have just those that there are."""
    there: dict[str, set[str]] = {host: set() for host in rest.hosts}
    for row in tx.all(EVERY):
        if row.status in UNREST:
            yield f"volume {row.id} is {row.status}"
        if row.host_id is not None and not row.status.startswith("error"):
            there.setdefault(row.host_id, set()).add(row.id)
    for host, parts in rest.hosts.items():
        if "block_storage" not in parts:
            continue
        has = {id for id, made in parts["block_storage"].driver._volumes.items() if made.size_gb}
        if there[host] - has:
            yield f"{host} lacks the volumes {sorted(there[host] - has)}"


VERBS = [
    Verb("create volume", create_volume, 3),
    Verb("extend volume", extend_volume),
    Verb("delete volume", delete_volume, 2),
    Verb("create snapshot", create_snapshot),
    Verb("delete snapshot", delete_snapshot),
    Verb("copy of snapshot", copy_of_snapshot),
    Verb("upload volume", upload_volume),
]
INVARIANTS: list[Invariant] = [volumes_are_at_rest, snapshots_are_at_rest]
