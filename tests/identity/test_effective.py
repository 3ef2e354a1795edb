"""What a token says and what the list of effective assignments says are found in different ways:
by going up from one project, and by spreading every assignment downwards. They must agree."""

import asyncio
import random
from pathlib import Path

from cumulo.core.db.transaction import Tx
from cumulo.identity.model.role import TargetType
from cumulo.identity.service.assignments import Line, Wanted
from cumulo.identity.service.identity import IdentityService
from tests.support.cloud import running_cloud


class World:
    """Two domains with a tree of projects each, users in groups, and roles given at random."""

    def __init__(self, tx: Tx, identity: IdentityService, seed: int) -> None:
        self.random = random.Random(seed)
        self.identity = identity
        self.domains = [
            identity.domains.create(tx, {"name": f"d{seed}{i}"}, None).id for i in range(2)
        ]
        self.projects: list[str] = []
        for index in range(10):
            parents = [*self.domains, *self.projects[:4]]
            wishes = {"name": f"p{index}", "parent_id": self.random.choice(parents)}
            self.projects.append(identity.projects.create(tx, wishes, None).id)
        self.users = [
            identity.users.create(tx, {"name": f"u{seed}{i}"}, None, None).id for i in range(4)
        ]
        self.groups = [
            identity.groups.create(tx, {"name": f"g{seed}{i}"}, None).id for i in range(3)
        ]
        for group in self.groups:
            for user in self.random.sample(self.users, 2):
                identity.groups.add_user(tx, group, user, None)
        names = ("member", "reader", "manager")
        self.roles = [role.id for name in names if (role := identity.roles.find(tx, name))]
        own = [
            identity.roles.create(tx, {"name": f"own{seed}", "domain_id": domain}, None)
            for domain in self.domains
        ]
        reader = identity.roles.get(tx, self.roles[1])
        for role in own:
            identity.roles.imply(tx, role, reader)
        self.own = {role.domain_id: role.id for role in own}

    def give(self, tx: Tx) -> None:
        pick = self.random.choice
        on_domain = self.random.random() < 0.3
        target_type: TargetType = "domain" if on_domain else "project"
        target = pick(self.domains if on_domain else self.projects)
        home = target if on_domain else self.identity.projects.get(tx, target).domain_id
        by_group = self.random.random() < 0.4
        self.identity.roles.grant(
            tx,
            pick([*self.roles, self.own[home]]),
            pick(self.groups if by_group else self.users),
            target_type,
            target,
            None,
            actor_type="group" if by_group else "user",
            inherited=self.random.random() < 0.5,
        )


def _roles_of(lines: list[Line], target: str) -> set[str]:
    return {line.role_id for line in lines if line.target_id == target}


def _compare(tx: Tx, world: World) -> int:
    """How many roles were found, in all places together."""
    identity, total = world.identity, 0
    everything = identity.assignments.find(tx, Wanted(effective=True))
    for user in world.users:
        lines = identity.assignments.find(tx, Wanted(user_id=user, effective=True))
        assert {line for line in everything if line.actor_id == user} == set(lines)
        kinds: tuple[tuple[TargetType, list[str]], ...] = (
            ("project", world.projects),
            ("domain", world.domains),
        )
        for kind, targets in kinds:
            for target in targets:
                told = {row.id for row in identity.roles.effective(tx, user, kind, target)}
                assert told == _roles_of(lines, target)
                assert not told & set(world.own.values())
                total += len(told)
            reached = {line.target_id for line in lines if line.target_type == kind}
            assert identity.roles.targets(tx, user, kind) == reached
        for project in world.projects:
            wanted = Wanted(user_id=user, project_id=project, effective=True)
            found = identity.assignments.find(tx, wanted)
            assert set(found) == {line for line in lines if line.target_id == project}
    return total


def test_tokens_and_lists_agree(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            identity = cloud.cloud.services.identity
            for seed in range(4):

                def work(tx: Tx, seed: int = seed) -> int:
                    world = World(tx, identity, seed)
                    total = 0
                    for step in range(12):
                        world.give(tx)
                        if step % 4 == 3:
                            total += _compare(tx, world)
                    return total

                assert await cloud.cloud.database.write(work) > 20

    asyncio.run(main())


def test_an_assertions_groups_count_like_memberships(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            identity = cloud.cloud.services.identity
            token = await cloud.token("admin")
            admin = await cloud.cloud.database.read(lambda tx: identity.verify(tx, token))

            def work(tx: Tx) -> None:
                world = World(tx, identity, 9)
                user, group = world.users[0], world.groups[0]
                domain, role = world.domains[0], world.roles[0]
                identity.roles.grant(
                    tx, role, group, "domain", domain, None, actor_type="group", inherited=True
                )
                if group in identity.groups.ids_of_user(tx, user):
                    identity.groups.remove_user(tx, group, user, admin)
                below = identity.projects.below(tx, domain)
                assert below
                assert not identity.roles.targets(tx, user, "project")
                assert identity.roles.targets(tx, user, "project", [group]) == {
                    row.id for row in below
                }
                assert not identity.roles.effective(tx, user, "project", below[0].id)
                told = identity.roles.effective(tx, user, "project", below[0].id, [group])
                assert [row.name for row in told] == ["member", "reader"]

            await cloud.cloud.database.write(work)

    asyncio.run(main())
