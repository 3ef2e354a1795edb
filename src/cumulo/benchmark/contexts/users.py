"""Users and projects: made for the run, or those that the environment names."""

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

from cumulo.benchmark.cleanup.kinds import default_groups
from cumulo.benchmark.client.clouds import credentials_of
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import (
    ApiError,
    Credentials,
    NotFound,
    ServiceMissing,
    Session,
)
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.engine.run import CheckFailed
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.model.result import Note

AT_ONCE = 10
MOST = 10_000

_CHOICE = {"enum": ["random", "round_robin"]}
_SCHEMA = {
    "type": "object",
    "properties": {
        "tenants": {"type": "integer", "minimum": 1, "maximum": MOST},
        "users_per_tenant": {"type": "integer", "minimum": 1, "maximum": MOST},
        "user_password": {"type": "string"},
        "resource_management_workers": {"type": "integer", "minimum": 1},
        "project_domain": {"type": "string"},
        "user_domain": {"type": "string"},
        "user_choice_method": _CHOICE,
    },
    "additionalProperties": False,
}


async def _setup(env: Surroundings, config: dict[str, Any]) -> None:
    env.open_admin()
    env.user_choice = config.get("user_choice_method", "random")
    existing = env.platform.get("users") or []
    if existing and not set(config) - {"user_choice_method"}:
        env.existing_users = True
        for user in existing:
            await _existing(env, user)
        return
    if env.admin is None:
        raise CheckFailed("No admin credentials for openstack: users cannot be made")
    await _create(env, env.admin, config)


async def _existing(env: Surroundings, user: dict[str, Any]) -> None:
    session = Session(env.http, credentials_of(env.platform, user))
    await session.token()
    project = session.project_id
    name = session.credentials.project or session.project_name
    env.tenants.setdefault(project, {"id": project, "name": name})
    env.users.append(User(session.user_id, session.credentials.username, project, session))


async def _create(env: Surroundings, admin: Session, config: dict[str, Any]) -> None:
    own = admin.credentials
    project_domain = config.get("project_domain", own.project_domain)
    user_domain = config.get("user_domain", own.user_domain)
    project_domain_id = await _domain(admin, project_domain)
    user_domain_id = await _domain(admin, user_domain)
    role = await member_role(admin)

    async def tenant() -> None:
        body = {"name": env.name(), "domain_id": project_domain_id}
        made = (await admin.post("identity", "/projects", {"project": body}))["project"]
        env.tenants[made["id"]] = {"id": made["id"], "name": made["name"]}

    async def user(tenant_id: str) -> None:
        password = config.get("user_password") or secrets.token_urlsafe(18)
        body = {
            "name": env.name(),
            "password": password,
            "domain_id": user_domain_id,
            "default_project_id": tenant_id,
        }
        made = (await admin.post("identity", "/users", {"user": body}))["user"]
        path = f"/projects/{tenant_id}/users/{made['id']}/roles/{role}"
        await admin.put("identity", path)
        credentials = Credentials(
            auth_url=own.auth_url,
            username=made["name"],
            password=password,
            user_domain=user_domain,
            project=env.tenants[tenant_id]["name"],
            project_domain=project_domain,
            region=own.region,
            interface=own.interface,
            types=own.types,
        )
        session = Session(env.http, credentials)
        env.users.append(User(made["id"], made["name"], tenant_id, session))

    await several(tenant() for _ in range(config.get("tenants", 1)))
    await several(
        user(tenant_id)
        for tenant_id in list(env.tenants)
        for _ in range(config.get("users_per_tenant", 1))
    )


async def several(work: Iterator[Coroutine[Any, Any, Any]]) -> None:
    """Coroutines, so many at once. After the first failure no further one begins; those that have
    begun end: what a cloud makes for a request that nobody waits for is known to nobody. They are
    made one by one: there may be millions."""
    failures: list[Exception] = []

    async def some() -> None:
        for each in work:
            try:
                await each
            except Exception as failure:
                failures.append(failure)
            if failures:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())
    if failures:
        raise failures[0]


async def all_gone(doomed: Iterable[tuple[Session, str, str]]) -> None:
    """Delete these (session, service, path), whatever happens to some of them. What is gone
    already is gone. Raises CheckFailed in the end if something stays."""
    await all_done(
        (f"{service} {path}", session.delete(service, path)) for session, service, path in doomed
    )


async def all_done(work: Iterable[tuple[str, Coroutine[Any, Any, Any]]]) -> None:
    """The same with other work than deletions; its name is for the words."""
    problems: list[str] = []

    async def one(name: str, each: Coroutine[Any, Any, Any]) -> None:
        try:
            await each
        except NotFound:
            return
        except (ApiError, HttpError, ServiceMissing, LookupError, TypeError) as error:
            problems.append(f"{name}: {error}")

    await several(one(name, each) for name, each in work)
    if problems:
        raise CheckFailed("; ".join(problems[:5]))


async def _domain(admin: Session, named: str) -> str:
    """A domain's id by its name or id."""
    if named in ("default", "Default"):
        return "default"
    found = (await admin.get("identity", "/domains", query={"name": named}))["domains"]
    if found:
        id: str = found[0]["id"]
        return id
    try:
        id = (await admin.get("identity", f"/domains/{named}"))["domain"]["id"]
    except NotFound:
        raise CheckFailed(f"there is no domain {named!r}") from None
    return id


async def member_role(admin: Session) -> str:
    """The id of the role that ordinary users have."""
    roles = {r["name"]: r["id"] for r in (await admin.get("identity", "/roles"))["roles"]}
    for name in ("member", "Member", "_member_"):
        if name in roles:
            id: str = roles[name]
            return id
    raise CheckFailed("there is no role `member`")


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    """Users, then projects, with the default security groups that networking made in them."""
    if env.existing_users or env.admin is None:
        return
    if env.left:
        raise CheckFailed(
            "users and projects stay: by them the next run finds what could not be taken away"
        )
    admin = env.admin

    async def groups(tenant: str) -> None:
        # They go with the project where this is refused.
        with contextlib.suppress(ApiError, HttpError, LookupError, TypeError):
            await default_groups(admin, tenant)

    await several(groups(tenant) for tenant in env.tenants)
    try:
        await all_gone((admin, "identity", f"/users/{user.id}") for user in env.users)
    finally:
        await all_gone((admin, "identity", f"/projects/{tenant}") for tenant in env.tenants)
    env.users.clear()
    env.tenants.clear()


async def _roles_setup(env: Surroundings, config: list[str]) -> None:
    """Give roles to all users, each in its project."""
    assert env.admin is not None
    admin = env.admin
    roles = {r["name"]: r["id"] for r in (await admin.get("identity", "/roles"))["roles"]}
    for name in config:
        if name not in roles:
            raise CheckFailed(f"There is no role with name `{name}`")
    wanted = dict.fromkeys(roles[name] for name in config)
    async with env.notes.alone():
        for user in env.users:
            own = f"/projects/{user.tenant_id}/users/{user.id}/roles"
            had = {role["id"] for role in (await admin.get("identity", own))["roles"]}
            for role in wanted:
                note = Note("role", role, user.tenant_id, {"user": user.id})
                if role in had and not _used_by_others(env, note):
                    # Not given, and so not taken away.
                    continue
                number = env.notes.add(note) if env.existing_users else 0
                env.kept.setdefault("roles", []).append((note, number))
                if role not in had:
                    await admin.put("identity", f"{own}/{role}")


def _used_by_others(env: Surroundings, note: Note) -> bool:
    """Whether another task that runs has given it, too: the last of them takes it away."""
    return any(other.alive and other.before == note.before for other in env.notes.others(note))


async def _roles_cleanup(env: Surroundings, config: list[str]) -> None:
    if env.admin is None or not env.existing_users:
        return
    admin = env.admin

    async def one(note: Note, number: int) -> None:
        if not _used_by_others(env, note):
            of = f"/projects/{note.project}/users/{note.before['user']}"
            with contextlib.suppress(NotFound):
                await admin.delete("identity", f"{of}/roles/{note.name}")
        env.notes.forget(number)

    async with env.notes.alone():
        await all_done(
            (f"role {note.name} of {note.before['user']}", one(note, number))
            for note, number in env.kept.pop("roles", ())
        )


async def _dummy(env: Surroundings, config: dict[str, Any]) -> None:
    if config.get("fail_setup"):
        raise CheckFailed("Oops...setup is failed")


async def _dummy_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    if config.get("fail_cleanup"):
        raise CheckFailed("Oops...cleanup is failed")


declare(
    Context(
        "users",
        100,
        "Users and projects",
        _SCHEMA,
        _setup,
        _cleanup,
        counts=("users_per_tenant",),
    )
)
declare(
    Context(
        "roles",
        330,
        "Roles for the users",
        {"type": "array", "items": {"type": "string"}},
        _roles_setup,
        _roles_cleanup,
    )
)
declare(
    Context(
        "dummy_context",
        750,
        "Fails on request",
        {
            "type": "object",
            "properties": {
                "fail_setup": {"type": "boolean"},
                "fail_cleanup": {"type": "boolean"},
            },
        },
        _dummy,
        _dummy_cleanup,
    )
)
