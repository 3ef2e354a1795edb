"""What users of servers do in a simulated world, and what must be true of servers at rest."""

from collections.abc import Iterable

from cumulo.compute.model.server import ServerRow
from cumulo.compute.queries.server import EVERY_LIVING
from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Refused, Verb

SERVERS = "/compute/v2.1/servers"


SMALL = ("m1.nano", "m1.tiny", "m1.micro")


async def small_flavor(player: Player) -> str:
    flavors = (await player.done("GET", "/compute/v2.1/flavors"))["flavors"]
    small = [each for each in flavors if each["name"] in SMALL]
    return str(player.chance.choice(small or flavors)["id"])


async def some_image(player: Player) -> str:
    """One that has bytes: the cloud's, or a server's snapshot."""
    images = (await player.done("GET", "/image/v2/images?status=active"))["images"]
    return str(player.chance.choice(images)["id"])


async def create_server(player: Player) -> None:
    wish = {
        "name": player.name(),
        "flavorRef": await small_flavor(player),
        "imageRef": await some_image(player),
        "networks": [{"uuid": player.id_of("network")}],
    }
    await player.make("server", SERVERS, {"server": wish})


async def delete_server(player: Player) -> None:
    await player.remove(player.any_of("server"))


def action(name: str, body: object = None) -> Verb:
    async def act(player: Player) -> None:
        await player.done("POST", f"{player.any_of('server')}/action", {name: body})

    return Verb(name, act)


async def resize(player: Player) -> None:
    path, flavor = player.any_of("server"), await small_flavor(player)
    await player.done("POST", f"{path}/action", {"resize": {"flavorRef": flavor}})


async def migrate(player: Player) -> None:
    path = player.any_of("server")
    await player.done("POST", f"{path}/action", {"migrate": None}, user="admin")


async def settle(player: Player) -> None:
    """A resize or migration stays, or is taken back."""
    resized = (await player.done("GET", f"{SERVERS}?status=VERIFY_RESIZE"))["servers"]
    if not resized:
        raise Refused("none is resized")
    path = f"{SERVERS}/{player.chance.choice(resized)['id']}"
    word = player.chance.choice(("confirmResize", "revertResize"))
    await player.done("POST", f"{path}/action", {word: None})


async def rebuild(player: Player) -> None:
    path, image = player.any_of("server"), await some_image(player)
    await player.done("POST", f"{path}/action", {"rebuild": {"imageRef": image}})


async def snapshot(player: Player) -> None:
    path, name = player.any_of("server"), player.name()
    answer = await player.done("POST", f"{path}/action", {"createImage": {"name": name}})
    player.ledger.made("image", f"/image/v2/images/{answer['image_id']}", by="demo")


async def attach_volume(player: Player) -> None:
    path, volume = player.any_of("server"), player.id_of("volume")
    body = {"volumeAttachment": {"volumeId": volume}}
    await player.done("POST", f"{path}/os-volume_attachments", body)


async def detach_volume(player: Player) -> None:
    path = f"{player.any_of('server')}/os-volume_attachments"
    for each in (await player.done("GET", path))["volumeAttachments"]:
        await player.done("DELETE", f"{path}/{each['volumeId']}")


async def attach_port(player: Player) -> None:
    path = f"{player.any_of('server')}/os-interface"
    await player.done("POST", path, {"interfaceAttachment": {"port_id": player.id_of("port")}})


VERBS = [
    Verb("create server", create_server, 4),
    Verb("delete server", delete_server, 2),
    action("os-stop"),
    action("os-start"),
    action("reboot", {"type": "HARD"}),
    action("pause"),
    action("unpause"),
    action("shelve"),
    action("unshelve"),
    Verb("resize", resize, 2),
    Verb("migrate", migrate),
    Verb("settle a resize", settle, 2),
    Verb("rebuild", rebuild),
    Verb("snapshot", snapshot),
    Verb("attach volume", attach_volume, 2),
    Verb("detach volume", detach_volume, 2),
    Verb("attach port", attach_port),
]


def servers_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    """And simulated hosts have just those that there are, in the power state that they are to be
    in."""
    there: dict[str, dict[str, ServerRow]] = {host: {} for host in rest.hosts}
    before: set[tuple[str, str]] = set()
    for row in tx.all(EVERY_LIVING):
        if row.before is not None:
            before.add((row.before.host_id, row.id))
        if row.host_id is not None:
            there.setdefault(row.host_id, {})[row.id] = row
        if row.task_state is not None or row.vm_state in ("building", "deleted"):
            yield f"server {row.id} is {row.vm_state}, {row.task_state}: {row.operation}"
    for host, parts in rest.hosts.items():
        guests = parts["compute"].driver._guests if "compute" in parts else {}
        for id in guests.keys() - there[host].keys():
            if (host, id) not in before:
                yield f"{host} has the guest {id}, which nobody knows"
            elif guests[id].power == "on":
                yield f"{host} still runs {id}, which has left it"
        for id, row in there[host].items():
            if row.vm_state == "active" and (id not in guests or guests[id].power != "on"):
                yield f"{host} does not run {id}, which is active"


INVARIANTS: list[Invariant] = [servers_are_at_rest]
