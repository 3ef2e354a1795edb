"""Images and the like by name, wherever they are, and in lists that are none."""

import asyncio
from typing import Any, cast

import pytest

from cumulo.benchmark import finding, registry
from cumulo.benchmark.checks import Cloud, cloud_problems
from cumulo.benchmark.client.http import Http, HttpError
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.contexts import table
from cumulo.benchmark.engine.load import Load
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.model.task import Workload
from cumulo.benchmark.validation import _Lists, _semantic_problems, fit_problems


class Listing(Session):
    """A cloud that answers each list with the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def has(self, service: str) -> bool:
        return True

    async def call(self, *_: Any, **__: Any) -> Any:
        raise AssertionError

    async def get(self, service: str, path: str, **_: Any) -> Any:
        return self.answer


ARGS = {"flavor": {"name": "m1.nano"}, "image": {"name": "x"}}


@pytest.mark.parametrize("item", [{"name": "x"}, {"id": 5, "name": "x"}, {"id": "1", "name": 5}])
def test_a_list_of_things_without_ids_is_said(item: Any) -> None:
    workload = Workload(name="NovaServers.boot_server", args=ARGS)
    for key in ("images", "flavors"):
        cloud = Listing({"images": [], "flavors": [], key: [item]})
        said = asyncio.run(_semantic_problems(workload, cloud, _Lists(cloud)))
        assert any(f"is no list of {key}" in words for words in said)


@pytest.mark.parametrize("kind", ["volume_type", "network"])
def test_lists_that_are_none_are_said(kind: str) -> None:
    for answer in ({}, [], {"networks": 5, "volume_types": None}, None):
        with pytest.raises(HttpError, match="is no list"):
            asyncio.run(finding.find(Listing(answer), kind, {"name": "x"}))


def test_what_a_flavor_does_not_say_is_no_finding() -> None:
    image = {"id": "i", "size": 2**31, "min_ram": 64, "min_disk": None}
    assert len(fit_problems({"id": "f"}, image, disk=True)) == 1
    assert fit_problems({"id": "f", "ram": "much", "disk": "5"}, {"id": "i"}, disk=True) == []


@pytest.mark.parametrize("answer", [None, [], 5, {"services": 5}, {"networks": [5]}])
def test_what_a_cloud_answers_oddly_is_no_finding(answer: Any) -> None:
    args = {"floating_network": "public", "volume_type": "x"}
    for name in ("VMTasks.boot_runcommand_delete", "CinderVolumeBackups.create_volume_backup"):
        workload = Workload(name=name, args=args)
        assert asyncio.run(cloud_problems(workload, (), Cloud(Listing(answer)))) == []


class Images:
    """A project's images: its own, and one that all see."""

    def __init__(self, project: str) -> None:
        self.images = [
            {"id": f"of-{project}", "name": "mine"},
            {"id": "of-all", "name": "mine"},
            {"id": "other", "name": "other"},
        ]

    async def pages(self, *_: Any, **__: Any) -> Any:
        return self.images


def _projects(count: int, *, own: bool = True) -> Surroundings:
    env = Surroundings("0" * 36, cast(Http, None), {})
    for n in range(count):
        env.tenants[f"p{n}"] = {"id": f"p{n}", "images": [f"of-p{n}"] if own else []}
        env.users.append(User(f"u{n}", f"u{n}", f"p{n}", cast(Session, Images(f"p{n}"))))
    return env


def test_each_project_has_its_own_image_of_a_context() -> None:
    scenario = registry.find("NovaServers.boot_and_delete_server")
    args = {"image": {"name": "mine"}, "flavor": "1"}
    env = _projects(2)
    done = asyncio.run(finding.found_args(scenario, args, env))
    load = Load(scenario, done, env, lambda iteration: None)
    for user in env.users:
        given = load._arguments(Run(env, 0, user=user))
        assert given == {"image": f"of-{user.tenant_id}", "flavor": "1"}


def test_an_image_that_no_context_made_is_everybodys() -> None:
    scenario = registry.find("NovaServers.boot_and_delete_server")
    for env in (_projects(2), _projects(2, own=False)):
        args = {"image": {"name": "other"}}
        assert asyncio.run(finding.found_args(scenario, args, env)) == {"image": "other"}
        assert not any("found" in tenant for tenant in env.tenants.values())


def test_servers_of_a_context_are_of_their_projects_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    booted = []

    async def boot(run: Run, image: str, flavor: str, **_: Any) -> Any:
        assert run.user is not None
        booted.append((run.user.tenant_id, image))
        return {"id": "s"}

    monkeypatch.setattr("cumulo.benchmark.actions.nova.boot_server", boot)
    config = {"image": {"name": "mine"}, "flavor": {"id": "1"}, "servers_per_tenant": 1}
    context = table.find("servers")
    asyncio.run(_done(context.setup(_projects(2), context.filled(config))))
    assert sorted(booted) == [("p0", "of-p0"), ("p1", "of-p1")]


async def _done(work: Any) -> None:
    await work
