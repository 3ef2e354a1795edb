"""Zones of the projects, made before the load."""

from typing import Any

from cumulo.benchmark.actions import designate, neutron
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import several
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.surroundings import Surroundings, User


async def _setup(env: Surroundings, config: dict[str, Any]) -> None:
    async def one(user: User) -> None:
        zone = await designate.create_zone(Run(env, 0, user=user, kind="c"))
        env.tenants[user.tenant_id].setdefault("zones", []).append(zone)

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["zones_per_tenant"])
    )
    if config["set_zone_in_network"]:
        await several(_name_networks(env, user) for user in env.tenant_users())


async def _name_networks(env: Surroundings, user: User) -> None:
    """Guests of the project's networks get names in its first zone."""
    tenant = env.tenants[user.tenant_id]
    run = Run(env, 0, user=user, kind="c")
    for network in tenant.get("networks", ()):
        await neutron.update_network(run, network["id"], dns_domain=tenant["zones"][0]["name"])


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "designate.zones")


declare(
    Context(
        "zones",
        600,
        "Zones of the projects",
        {
            "type": "object",
            "properties": {
                "zones_per_tenant": {"type": "integer", "minimum": 1, "maximum": 10_000},
                "set_zone_in_network": {"type": "boolean"},
            },
            "additionalProperties": False,
        },
        _setup,
        _cleanup,
        {"zones_per_tenant": 1, "set_zone_in_network": False},
        counts=("zones_per_tenant",),
    )
)
