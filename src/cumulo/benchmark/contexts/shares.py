"""Shares, share networks and security services of the projects, made before the load."""

from typing import Any

from cumulo.benchmark.actions import manila
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import several
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Surroundings, User


async def _shares(env: Surroundings, config: dict[str, Any]) -> None:
    async def one(user: User) -> None:
        run = Run(env, 0, user=user, kind="c")
        share = await manila.create_share(
            run, config["share_proto"], config["size"], share_type=config.get("share_type")
        )
        env.tenants[user.tenant_id].setdefault("shares", []).append({"id": share["id"]})

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["shares_per_tenant"])
    )


async def _shares_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "manila.shares")


async def _networks(env: Surroundings, config: dict[str, Any]) -> None:
    """One for each of the project's networks; without networks: one of the share service's own."""
    if not config.get("use_share_networks"):
        return
    if env.existing_users:
        await _existing(env, config.get("share_networks") or {})
        return
    for user in env.tenant_users():
        run = Run(env, 0, user=user, kind="c")
        tenant = env.tenants[user.tenant_id]
        services = tenant.get("security_services", [])
        for network in tenant.get("networks") or [None]:
            args: dict[str, Any] = {}
            if network is not None:
                subnet = network["subnets"][0]
                args = {"neutron_net_id": network["id"], "neutron_subnet_id": subnet}
            made = await manila.create_network(run, **args)
            for service in services:
                await manila.add_security_service(run, made["id"], service)
            tenant.setdefault("share_networks", []).append({"id": made["id"]})


async def _existing(env: Surroundings, named: dict[str, list[str]]) -> None:
    """In projects that were there before, the share networks that the file names by project: none
    is made in somebody's project."""
    if not named:
        raise CheckFailed(
            "Usage of share networks was enabled but for deployment with existing users share "
            "networks also should be specified via arg 'share_networks'"
        )
    for wanted, networks in named.items():
        of = [u for u in env.tenant_users() if wanted in _names(env.tenants[u.tenant_id])]
        if not of:
            raise CheckFailed(
                f"Provided tenant Name or ID '{wanted}' was not found in existing tenants."
            )
        found = await of[0].cloud.get("share", "/share-networks", version=manila.VERSION)
        there = {key: n["id"] for n in found["share_networks"] for key in (n["name"], n["id"])}
        for each in networks:
            if each not in there:
                raise CheckFailed(
                    f"Specified share network '{each}' does not exist for tenant "
                    f"'{of[0].tenant_id}'"
                )
        chosen = [{"id": there[each]} for each in networks]
        env.tenants[of[0].tenant_id]["share_networks"] = chosen


def _names(tenant: dict[str, Any]) -> tuple[str, str]:
    return tenant["id"], tenant["name"]


async def _networks_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "manila.shares", "manila.share_networks")


async def _services(env: Surroundings, config: dict[str, Any]) -> None:
    for user in env.tenant_users():
        run = Run(env, 0, user=user, kind="c")
        for each in config.get("security_services", ()):
            args = {k: v for k, v in each.items() if k not in ("type", "name")}
            made = await manila.create_security_service(run, each["type"], **args)
            env.tenants[user.tenant_id].setdefault("security_services", []).append(made["id"])


async def _services_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "manila.security_services")


declare(
    Context(
        "manila_shares",
        455,
        "Shares of the projects",
        {
            "type": "object",
            "properties": {
                "shares_per_tenant": {"type": "integer", "minimum": 1, "maximum": 1000},
                "size": {"type": "integer", "minimum": 1},
                "share_proto": {"type": "string"},
                "share_type": {"type": "string"},
            },
            "additionalProperties": False,
        },
        _shares,
        _shares_cleanup,
        {"shares_per_tenant": 1, "size": 1, "share_proto": "NFS"},
        counts=("shares_per_tenant",),
    )
)
declare(
    Context(
        "manila_share_networks",
        450,
        "Share networks of the projects",
        {
            "type": "object",
            "properties": {
                "use_share_networks": {"type": "boolean"},
                "share_networks": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
            },
            "additionalProperties": False,
        },
        _networks,
        _networks_cleanup,
    )
)
declare(
    Context(
        "manila_security_services",
        445,
        "Security services of the projects",
        {
            "type": "object",
            "properties": {
                "security_services": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"type": {"enum": ["active_directory", "kerberos", "ldap"]}},
                        "required": ["type"],
                    },
                }
            },
            "additionalProperties": False,
        },
        _services,
        _services_cleanup,
    )
)
