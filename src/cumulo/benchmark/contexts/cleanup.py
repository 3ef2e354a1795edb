"""What iterations leave behind is taken away, before the contexts are. Scenarios bring these."""

from typing import Any

from cumulo.benchmark import names
from cumulo.benchmark.cleanup.kinds import CLOUD, Kind, chosen
from cumulo.benchmark.cleanup.sweep import Report, in_projects, sweep
from cumulo.benchmark.contexts.quotas import NAMES, put_back, remember, reset
from cumulo.benchmark.contexts.table import Context, declare, nothing
from cumulo.benchmark.contexts.users import all_done, all_gone
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
    made = env.kept.pop("ec2", {})
    await all_gone(
        (user.cloud, "identity", f"/users/{user.id}/credentials/OS-EC2/{access}")
        for access, (user, _) in made.items()
    )
    if report.failed:
        raise CheckFailed("; ".join(report.errors[:5]))


def _quotas(config: list[str]) -> list[str]:
    """The services whose quotas the scenario changes."""
    parts = [word.partition(".") for word in config]
    return [service for service, _, what in parts if what in ("quotas", "quota")]


async def _admin_before(env: Surroundings, config: list[str]) -> None:
    """Existing projects get back what they had, also after a kill."""
    if env.admin is None or not env.existing_users:
        return
    for service in _quotas(config):
        for tenant in env.tenants:
            await remember(env, "scenario's quotas", service, tenant, NAMES[service].split())


async def _admin(env: Surroundings, config: list[str]) -> None:
    if env.admin is None:
        return
    report = Report()

    def mine(item: Any, kind: Kind) -> bool:
        return names.made_by(item.get(kind.named), env.task_uuid, "s")

    await sweep(env.admin, chosen(CLOUD, tuple(config)), mine, report)
    if env.existing_users:
        await put_back(env, "scenario's quotas")
    else:
        admin = env.admin
        await all_done(
            (f"quotas of {tenant} with {service}", reset(admin, service, tenant))
            for service in _quotas(config)
            for tenant in env.tenants
        )
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
        _admin_before,
        _admin,
        hidden=True,
    )
)
