"""The sweep: list, delete, look whether it is gone, and again if not; several at a time."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from cumulo.benchmark import names
from cumulo.benchmark.cleanup.kinds import (
    CLOUD,
    PROJECT,
    Kind,
    chosen,
    default_groups,
    of_project,
)
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

# What goes wrong with a service: it refuses, it is away, or its answer is not what it should be.
WRONG = (
    ApiError,
    HttpError,
    ServiceMissing,
    TimeoutError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    msgspec.MsgspecError,
)
_SAID = (ApiError, HttpError, ServiceMissing, TimeoutError)

Mine = Callable[[Any, Kind], bool]
PROJECTS = next(kind for kind in CLOUD if kind.name == "keystone.projects")


@dataclass
class Report:
    """What a sweep found and did."""

    deleted: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """Of what may be ours and stays: each is said once."""

    @property
    def discovered(self) -> int:
        return self.deleted + self.failed

    def fail(self, words: str) -> None:
        self.failed += 1
        if len(self.errors) < 100:
            self.errors.append(words)


def words_of(error: Exception) -> str:
    """What went wrong, for a report."""
    if isinstance(error, _SAID):
        return str(error)
    return f"an answer that cannot be read ({type(error).__name__}: {error})"


async def sweep(cloud: Session, kinds: Iterable[Kind], mine: Mine, report: Report) -> None:
    """Remove what is `mine` of each kind, one kind after the other."""
    for kind in kinds:
        try:
            there = await cloud.has(kind.service)
        except WRONG as error:
            report.fail(f"{kind.name} cannot be listed: {words_of(error)}")
            continue
        if there:
            await _sweep_kind(cloud, kind, mine, report)


async def _sweep_kind(cloud: Session, kind: Kind, mine: Mine, report: Report) -> None:
    """A list may be a page: it is looked at again until nothing new of ours is in it."""
    room = asyncio.Semaphore(AT_ONCE)
    tried: set[str] = set()
    for _ in range(PAGES):
        try:
            listed = [item for item in await kind.items(cloud) if mine(item, kind)]
            items = [item for item in listed if str(item.get(kind.key)) not in tried]
        except NotFound:
            # An extension that this cloud does not have: nothing of it is left behind.
            return
        except WRONG as error:
            report.fail(f"{kind.name} cannot be listed: {words_of(error)}")
            return
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
        except TimeoutError as error:
            # It was asked for, and waited for long: the next run looks at it again.
            problem = words_of(error)
            break
        except WRONG as error:
            problem = words_of(error)
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


def inside_of(project: str) -> Mine:
    """All that is in a project which a run has made for itself, and nothing else that whoever
    looks is shown."""
    return lambda item, kind: of_project(item, kind, project)


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
    stay = {"nova.keypairs", PROJECTS.name}
    await _own_projects(admin, task_uuid, report)
    if not await _keypairs_of_users(admin, task_uuid, report):
        # Nobody could find the key pairs of users that are gone.
        stay.add("keystone.users")
    # In the administrator's own project: by name. What could not be emptied stays, to be found.
    kinds = [kind for kind in (*PROJECT, *CLOUD) if kind.name not in stay]
    await sweep(admin, kinds, mine, report)


async def _own_projects(admin: Session, task_uuid: str | None, report: Report) -> None:
    """All that is in projects which a run has made for itself, and then they."""
    done: set[str] = set()
    for _ in range(PAGES):
        try:
            listed = (await admin.get("identity", "/projects"))["projects"]
            projects = [
                each
                for each in listed
                if names.made_by(each["name"], task_uuid) and each["id"] not in done
            ]
        except WRONG as error:
            report.fail(f"projects cannot be listed: {words_of(error)}")
            return
        if not projects:
            return
        for project in projects:
            done.add(project["id"])
            try:
                inside = await _into(admin, project)
            except WRONG as error:
                words = words_of(error)
                report.fail(f"project {project['name']} cannot be entered: {words}")
                continue
            before = report.failed
            await sweep(inside, PROJECT, inside_of(project["id"]), report)
            if report.failed == before:
                # Where this is refused the groups go with the project.
                with contextlib.suppress(*WRONG):
                    await default_groups(admin, project["id"])
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
    # An application credential leads into its own project alone.
    name, password = (c.username, c.password) if c.password else await _guest(admin, project, named)
    inside = Credentials(
        auth_url=c.auth_url,
        username=name,
        password=password,
        user_domain=c.user_domain if c.password else project.get("domain_id", "default"),
        project=project["name"],
        project_domain=await _domain_name(admin, project.get("domain_id", "default")),
        region=c.region,
        interface=c.interface,
        types=c.types,
    )
    session = Session(admin.http, inside)
    await session.token()
    if session.project_id != project["id"]:
        raise HttpError("identity let us into another project")
    return session


async def _guest(admin: Session, project: Any, roles: dict[str, str]) -> tuple[str, str]:
    """A user of the project, made for the clean-up; it is found by its name as all others are."""
    name, password = names.like(project["name"]), secrets.token_urlsafe(18)
    body = {
        "name": name,
        "password": password,
        "domain_id": project.get("domain_id", "default"),
        "default_project_id": project["id"],
    }
    made = (await admin.post("identity", "/users", {"user": body}))["user"]
    for role in ("admin", "member"):
        if role in roles:
            path = f"/projects/{project['id']}/users/{made['id']}/roles/{roles[role]}"
            await admin.put("identity", path)
    return name, password


async def _domain_name(admin: Session, id: str) -> str:
    if id == "default":
        return id
    found: str = (await admin.get("identity", f"/domains/{id}"))["domain"]["name"]
    return found


async def _keypairs_of_users(admin: Session, task_uuid: str | None, report: Report) -> bool:
    """Key pairs are a user's, not a project's, and would outlive it. Whether all are gone."""
    before = report.failed
    try:
        if not await admin.has("compute"):
            return True
        users = [
            user
            for user in (await admin.get("identity", "/users"))["users"]
            if names.made_by(user["name"], task_uuid)
        ]
    except WRONG as error:
        report.fail(f"users cannot be listed: {words_of(error)}")
        return False
    for user in users:
        path = f"/os-keypairs?user_id={user['id']}"
        try:
            found = (await admin.get("compute", path, version="2.10"))["keypairs"]
            pairs = [item["keypair"]["name"] for item in found]
        except WRONG as error:
            report.fail(f"key pairs of {user['name']}: {words_of(error)}")
            continue
        for name in pairs:
            # A cloud that does not know `user_id` here shows the administrator's own.
            if names.made_by(name, task_uuid):
                await _remove_keypair(admin, user, name, report)
    return report.failed == before


async def _remove_keypair(admin: Session, user: Any, name: str, report: Report) -> None:
    one = f"/os-keypairs/{quote(name)}?user_id={user['id']}"
    try:
        await admin.delete("compute", one, version="2.10")
    except NotFound:
        return
    except WRONG as error:
        report.fail(f"key pair {name} of {user['name']}: {words_of(error)}")
    else:
        report.deleted += 1


async def in_projects(
    sessions: Iterable[Session], wanted: tuple[str, ...], mine: Mine, report: Report
) -> None:
    """What iterations have left in some projects, of the wanted kinds."""
    for session in sessions:
        await sweep(session, chosen(PROJECT, wanted), mine, report)
