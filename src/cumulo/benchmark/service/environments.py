"""Environments: clouds to be measured."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from cumulo.benchmark.cleanup.notes import undo, used_services
from cumulo.benchmark.cleanup.sweep import WRONG, Report, after_task, words_of
from cumulo.benchmark.client.clouds import (
    BadSpec,
    check_platform,
    credentials_of,
    http_of,
    platform_of,
)
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import SERVICES, ApiError, Session, other_types
from cumulo.benchmark.engine.telling import told
from cumulo.benchmark.model.result import Environment, Note
from cumulo.benchmark.moments import now
from cumulo.benchmark.queries.store import Store
from cumulo.core.ids import new_id

CHOSEN = "environment"
SECRETS = frozenset(
    {"password", "application_credential_secret", "profiler_hmac_key", "profiler_conn_str"}
)


def create(
    store: Store,
    name: str,
    spec: dict[str, Any],
    *,
    description: str = "",
    extras: dict[str, Any] | None = None,
    use: bool = True,
) -> Environment:
    """Keep an environment. Raises BadSpec, Exists."""
    spec = checked(spec)
    moment = now()
    env = Environment(
        uuid=new_id(),
        name=name,
        description=description,
        spec=spec,
        status="READY",
        created_at=moment,
        updated_at=moment,
        extras=extras or {},
    )
    store.add_environment(env)
    if use:
        store.choose(CHOSEN, env.uuid)
    return env


def checked(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec in our form. Raises BadSpec."""
    platform = platform_of(spec)
    if platform:
        check_platform(platform)
        for user in [platform.get("admin"), *(platform.get("users") or ())]:
            if user:
                credentials_of(platform, user)
        if not platform.get("admin") and not platform.get("users"):
            raise BadSpec("the platform has neither 'admin' nor 'users'")
    return {"openstack": platform} if platform else {}


def hidden(env: Environment) -> dict[str, Any]:
    """The environment as it may be shown: without passwords."""
    document: dict[str, Any] = msgspec.to_builtins(env)
    document["spec"] = _without_secrets(document["spec"])
    return document


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "***" if k in SECRETS and v else _without_secrets(v) for k, v in value.items()}
    return [_without_secrets(v) for v in value] if isinstance(value, list) else value


async def check(env: Environment) -> dict[str, dict[str, Any]]:
    """Whether each platform's users can log in."""
    platform = platform_of(env.spec)
    if not platform:
        return {}
    http = http_of(platform)
    found: dict[str, Any] = {"available": True, "message": "OK"}
    try:
        for who, user in _users(platform):
            try:
                session = Session(http, credentials_of(platform, user))
                await session.token()
                if who == "admin" and "admin" not in session.roles:
                    raise BadSpec(
                        f"user {session.credentials.username!r} doesn't have 'admin' role; who "
                        "runs tasks as it is stands in 'users' of a spec (env create --spec FILE)"
                    )
            except (ApiError, HttpError, BadSpec) as error:
                found = {"available": False, "message": f"Bad {who} creds: {error}"}
                break
    finally:
        http.close()
    return {"existing@openstack": found}


def _users(platform: Mapping[str, Any]) -> list[tuple[str, Any]]:
    some = [("admin", platform["admin"])] if platform.get("admin") else []
    return some + [("user", user) for user in platform.get("users") or ()]


async def info(env: Environment) -> dict[str, dict[str, Any]]:
    """What services the cloud has."""
    platform = platform_of(env.spec)
    if not platform:
        return {}
    http = http_of(platform)
    try:
        _, user = _users(platform)[0]
        session = Session(http, credentials_of(platform, user))
        listed = [
            {"type": kind, "name": session.names.get(kind, ""), "url": url}
            for kind, url in sorted((await session.services()).items())
        ]
        return {"existing@openstack": {"info": {"services": listed}}}
    except (ApiError, HttpError) as error:
        return {"existing@openstack": {"info": None, "error": str(error)}}
    finally:
        http.close()


async def _find_services(sessions: list[Session], used: dict[str, str], report: Report) -> None:
    """Where tasks found them. What was left with one that is away is not taken for nothing."""
    types = other_types({service: kind for service, kind in used.items() if kind})
    for session in sessions:
        session.call_types({**session.credentials.types, **types})
    for service in used if sessions else ():
        if service in SERVICES and not await sessions[-1].has(service):
            report.fail(f"the service '{service}', which was used, is not in the catalog")


async def cleanup(
    env: Environment,
    task_uuid: str | None = None,
    notes: Iterable[Note] = (),
    say: Callable[[str], None] = lambda words: None,
) -> Report:
    """Take away all that tasks (or one task) have left in the cloud, found by name, and what was
    noted of them: it bears other names. `say` is told now and then how far it is."""
    report = Report()
    async with told(say, lambda: f"  taking away: {report.deleted} deleted so far"):
        await _clean(env, task_uuid, list(notes), report)
    return report


async def _clean(
    env: Environment, task_uuid: str | None, notes: list[Note], report: Report
) -> None:
    platform = platform_of(env.spec)
    if not platform:
        return
    http = http_of(platform)
    try:
        admin: Session | None = None
        if platform.get("admin"):
            admin = Session(http, credentials_of(platform, platform["admin"]))
            await admin.token()
        users = [Session(http, credentials_of(platform, u)) for u in platform.get("users") or ()]
        for user in users:
            await user.token()
        await _find_services([*users, *([admin] if admin else [])], used_services(notes), report)
        await after_task(admin, users, task_uuid, report)
        # Those without a name last: what has one is gone by then.
        for note in sorted(notes, key=lambda note: not note.name):
            await undo(admin, note, report, users)
    except WRONG as error:
        report.fail(words_of(error))
    finally:
        http.close()


def run(work: Any) -> Any:
    """A coroutine to its end, on the faster loop where there is one."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
