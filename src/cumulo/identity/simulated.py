"""What an administrator does with projects and users in a simulated world, and what must be true of
them at rest."""

from collections.abc import Iterable

from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries.role import ASSIGNMENTS

PATH = "/identity/v3"


async def create_project(player: Player) -> None:
    wish = {"project": {"name": player.name(), "domain_id": "default"}}
    await player.make("project", f"{PATH}/projects", wish, user="admin")


async def create_user(player: Player) -> None:
    wish = {"user": {"name": player.name(), "domain_id": "default", "password": "long enough 1"}}
    await player.make("user", f"{PATH}/users", wish, user="admin")


async def grant(player: Player) -> None:
    """A role in a project, or take it away."""
    roles = (await player.done("GET", f"{PATH}/roles", user="admin"))["roles"]
    role = player.chance.choice(roles)["id"]
    path = f"{player.any_of('project')}/users/{player.id_of('user')}/roles/{role}"
    method = "PUT" if player.chance.random() < 0.7 else "DELETE"
    await player.done(method, path, user="admin")


async def forget_project(player: Player) -> None:
    await player.remove(player.any_of("project"), user="admin")


async def forget_user(player: Player) -> None:
    await player.remove(player.any_of("user"), user="admin")


def roles_are_of_those_there_are(tx: Tx, rest: AtRest) -> Iterable[str]:
    """Whoever has a role somewhere exists, and so does the place."""
    for row in ASSIGNMENTS.page(tx, where={"target_type": "project"}):
        if tx.get(ProjectRow, row.target_id) is None:
            yield f"{row.actor_id} has a role in the project {row.target_id}, which is gone"
        if row.actor_type == "user" and tx.get(UserRow, row.actor_id) is None:
            yield f"the user {row.actor_id}, who is gone, has a role in {row.target_id}"


VERBS = [
    Verb("create project", create_project),
    Verb("create user", create_user),
    Verb("grant", grant, 2),
    Verb("forget project", forget_project),
    Verb("forget user", forget_user),
]
INVARIANTS: list[Invariant] = [roles_are_of_those_there_are]
