"""The sweep: list, delete, look whether it is gone, and again if not; several at a time."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cumulo.benchmark import names
from cumulo.benchmark.cleanup.kinds import CLOUD, PROJECT, Kind, chosen
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import (
    ApiError,
    Credentials,
    NotFound,
    ServiceMissing,
    Session,
)

AT_ONCE = 20
ROUNDS = 5
GONE = 300.0
PAGES = 10_000

Mine = Callable[[Any, Kind], bool]
PROJECTS = next(kind for kind in CLOUD if kind.name == "keystone.projects")


@dataclass
class Report:
    """What a sweep found and did."""

    deleted: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def discovered(self) -> int:
        return self.deleted + self.failed

    def fail(self, words: str) -> None:
        self.failed += 1
        if len(self.errors) < 100:
            self.errors.append(words)


async def sweep(cloud: Session, kinds: Iterable[Kind], mine: Mine, report: Report) -> None:
    """Remove what is `mine` of each kind, one kind after the other."""
    for kind in kinds:
        if await cloud.has(kind.service):
            await _sweep_kind(cloud, kind, mine, report)


async def _sweep_kind(cloud: Session, kind: Kind, mine: Mine, report: Report) -> None:
    """A list may be a page: it is looked at again until nothing new of ours is in it."""
    room = asyncio.Semaphore(AT_ONCE)
    tried: set[str] = set()
    for _ in range(PAGES):
        try:
            listed = [item for item in await kind.items(cloud) if mine(item, kind)]
        except NotFound:
            # An extension that this cloud does not have: nothing of it is left behind.
            return
        except (ApiError, HttpError) as error:
            report.fail(f"{kind.name} cannot be listed: {error}")
            return
        items = [item for item in listed if str(item.get(kind.key)) not in tried]
        if not items:
            return
        tried |= {str(item.get(kind.key)) for item in items}

        async def one(item: Any) -> None:
            async with room:
                await _remove(cloud, kind, item, report)

        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))
    report.fail(f"{kind.name}: there are more than {PAGES} pages of them")


async def _remove(cloud: Session, kind: Kind, item: Any, report: Report) -> None:
    problem = ""
    for attempt in range(ROUNDS):
        if attempt:
            await asyncio.sleep(0.2 * 2**attempt)
        try:
            await kind.remove(cloud, item)
            if kind.waits:
                await _wait(cloud, kind, item)
        except NotFound:
            pass
        except (ApiError, HttpError, ServiceMissing, TimeoutError) as error:
            problem = str(error)
            continue
        report.deleted += 1
        return
    report.fail(f"{kind.name} {item.get(kind.named)} ({item.get(kind.key)}): {problem}")


async def _wait(cloud: Session, kind: Kind, item: Any) -> None:
    """Until it is not found any more. Raises TimeoutError."""
    end = time.monotonic() + GONE
    wait = 0.02
    path = kind.one(item)
    if kind.name == "heat.stacks":
        path = f"/stacks/{item['stack_name']}/{item['id']}"
    while time.monotonic() < end:
        try:
            document = await cloud.get(kind.service, path)
        except NotFound:
            return
        found = next(iter(document.values())) if document else {}
        if isinstance(found, dict) and str(found.get("stack_status")) == "DELETE_COMPLETE":
            return
        await asyncio.sleep(wait)
        wait = min(1.0, wait * 1.5)
    raise TimeoutError(f"{kind.name} {item.get(kind.key)} is still there after {GONE:g} s")


def by_name(task_uuid: str | None) -> Mine:
    """What a task's names are on; None: what any task's are."""
    return lambda item, kind: names.made_by(item.get(kind.named), task_uuid)


def anything(item: Any, kind: Kind) -> bool:
    """All that is in a project which a run has made for itself."""
    return True


async def after_task(
    admin: Session | None, users: Iterable[Session], task_uuid: str | None, report: Report
) -> None:
    """Remove all that a killed task has left (None: all tasks, of anybody): what is in its
    projects, its users and the projects, and what it made for the whole cloud. `users`: those that
    were there before; in their projects what bears a task's name is taken away, and no more."""
    mine = by_name(task_uuid)
    for user in users:
        await sweep(user, PROJECT, mine, report)
    if admin is None:
        return
    await _own_projects(admin, task_uuid, report)
    await _keypairs_of_users(admin, task_uuid, report)
    # In the administrator's own project: by name.
    await sweep(admin, PROJECT, mine, report)
    await sweep(admin, CLOUD, mine, report)


async def _own_projects(admin: Session, task_uuid: str | None, report: Report) -> None:
    """All that is in projects which a run has made for itself, and then they."""
    done: set[str] = set()
    for _ in range(PAGES):
        listed = (await admin.get("identity", "/projects"))["projects"]
        projects = [
            each
            for each in listed
            if names.made_by(each["name"], task_uuid) and each["id"] not in done
        ]
        if not projects:
            return
        for project in projects:
            done.add(project["id"])
            try:
                inside = await _into(admin, project)
            except (ApiError, HttpError) as error:
                report.fail(f"project {project['name']} cannot be entered: {error}")
                continue
            before = report.failed
            await sweep(inside, PROJECT, anything, report)
            if report.failed == before:
                await _remove(admin, PROJECTS, project, report)


async def _into(admin: Session, project: Any) -> Session:
    """A session of the administrator's in a project: the role is gone with the project."""
    await admin.token()
    roles = (await admin.get("identity", "/roles"))["roles"]
    named = {role["name"]: role["id"] for role in roles}
    for name in ("admin", "member"):
        if name in named:
            path = f"/projects/{project['id']}/users/{admin.user_id}/roles/{named[name]}"
            await admin.put("identity", path)
    c = admin.credentials
    inside = Credentials(
        auth_url=c.auth_url,
        username=c.username,
        password=c.password,
        user_domain=c.user_domain,
        project=project["name"],
        project_domain=await _domain_name(admin, project.get("domain_id", "default")),
        region=c.region,
        interface=c.interface,
    )
    session = Session(admin.http, inside)
    await session.token()
    return session


async def _domain_name(admin: Session, id: str) -> str:
    if id == "default":
        return id
    found: str = (await admin.get("identity", f"/domains/{id}"))["domain"]["name"]
    return found


async def _keypairs_of_users(admin: Session, task_uuid: str | None, report: Report) -> None:
    """Key pairs are a user's, not a project's, and would outlive it."""
    if not await admin.has("compute"):
        return
    for user in (await admin.get("identity", "/users"))["users"]:
        if not names.made_by(user["name"], task_uuid):
            continue
        path = f"/os-keypairs?user_id={user['id']}"
        try:
            found = (await admin.get("compute", path, version="2.10"))["keypairs"]
            for item in found:
                name = item["keypair"]["name"]
                one = f"/os-keypairs/{name}?user_id={user['id']}"
                await admin.delete("compute", one, version="2.10")
                report.deleted += 1
        except (ApiError, HttpError) as error:
            report.fail(f"key pairs of {user['name']}: {error}")


async def in_projects(
    sessions: Iterable[Session], wanted: tuple[str, ...], mine: Mine, report: Report
) -> None:
    """What iterations have left in some projects, of the wanted kinds."""
    for session in sessions:
        await sweep(session, chosen(PROJECT, wanted), mine, report)
