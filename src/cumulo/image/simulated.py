"""What users of images do in a simulated world, and what must be true of images at rest."""

from collections.abc import Iterable

from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb
from cumulo.image.queries.image import IMAGES

PATH = "/image/v2/images"


async def create_image(player: Player) -> None:
    wish = {"name": player.name(), "disk_format": "raw", "container_format": "bare"}
    made = await player.done("POST", PATH, wish)
    player.ledger.made("image", f"{PATH}/{made['id']}", by="demo")


async def tag_image(player: Player) -> None:
    tag = f"t{player.chance.randrange(4)}"
    method = "PUT" if player.chance.random() < 0.6 else "DELETE"
    await player.done(method, f"{player.any_of('image')}/tags/{tag}")


async def share_image(player: Player) -> None:
    found = await player.done("GET", "/identity/v3/auth/projects", user="admin")
    others = [each["id"] for each in found["projects"] if each["name"] != "demo"]
    wish = {"member": player.chance.choice(others)}
    await player.done("POST", f"{player.any_of('image')}/members", wish)


async def delete_image(player: Player) -> None:
    await player.remove(player.any_of("image"))


def images_are_at_rest(tx: Tx, rest: AtRest) -> Iterable[str]:
    for row in IMAGES.page(tx, where={}):
        if row.status in ("saving", "uploading", "importing", "pending_delete"):
            yield f"image {row.id} is {row.status}"


VERBS = [
    Verb("create image", create_image),
    Verb("tag image", tag_image),
    Verb("share image", share_image),
    Verb("delete image", delete_image),
]
INVARIANTS: list[Invariant] = [images_are_at_rest]
