"""What iterations leave behind is taken away, before the contexts are. Scenarios bring these."""

from typing import Any

from cumulo.benchmark import names
from cumulo.benchmark.cleanup.kinds import CLOUD, Kind, chosen
from cumulo.benchmark.cleanup.sweep import Report, in_projects, sweep
from cumulo.benchmark.contexts.quotas import reset
from cumulo.benchmark.contexts.table import Context, declare, nothing
from cumulo.benchmark.engine.run import CheckFailed
from cumulo.benchmark.engine.surroundings import Surroundings

_SCHEMA = {"type": "array", "items": {"type": "string"}}


async def _users(env: Surroundings, config: list[str]) -> None:
    """By name: contexts' own things stay, and so do those of an existing user."""
    report = Report()

    def mine(item: Any, kind: Kind) -> bool:
        return names.made_by(item.get(kind.named), env.task_uuid, "s")

    # Key pairs are each user's, all else a project's.
    first = {id(user) for user in env.tenant_users()}
    sessions = [user.cloud for user in env.users if id(user) in first]
    others = [user.cloud for user in env.users if id(user) not in first]
    await in_projects(sessions, tuple(config), mine, report)
    if others and ("nova" in config or "nova.keypairs" in config):
        await in_projects(others, ("nova.keypairs",), mine, report)
    if report.failed:
        raise CheckFailed("; ".join(report.errors[:5]))


async def _admin(env: Surroundings, config: list[str]) -> None:
    if env.admin is None:
        return
    report = Report()

    def mine(item: Any, kind: Kind) -> bool:
        return names.made_by(item.get(kind.named), env.task_uuid, "s")

    await sweep(env.admin, chosen(CLOUD, tuple(config)), mine, report)
    for word in config:
        service, _, what = word.partition(".")
        if what in ("quotas", "quota"):
            for tenant in env.tenants:
                await reset(env.admin, service, tenant)
    if report.failed:
        raise CheckFailed("; ".join(report.errors[:5]))


declare(
    Context(
        "cleanup",
        1_000_001,
        "What the users' iterations leave is taken away",
        _SCHEMA,
        nothing,
        _users,
        hidden=True,
    )
)
declare(
    Context(
        "admin_cleanup",
        1_000_000,
        "What the administrator's iterations leave is taken away",
        _SCHEMA,
        nothing,
        _admin,
        hidden=True,
    )
)
