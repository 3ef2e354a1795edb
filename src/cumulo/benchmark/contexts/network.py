"""Networks of the projects: made for the run, or those that are there."""

from typing import Any

from cumulo.benchmark import names
from cumulo.benchmark.actions import neutron
from cumulo.benchmark.cleanup.kinds import PROJECT, Kind, chosen
from cumulo.benchmark.cleanup.sweep import Report, sweep
from cumulo.benchmark.contexts.table import Context, declare, nothing
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Surroundings

_ROUTER = {
    "type": "object",
    "properties": {
        "external": {"type": "boolean"},
        "enable_snat": {"type": "boolean"},
        "external_gateway_info": {
            "type": "object",
            "properties": {"network_id": {"type": "string"}, "enable_snat": {"type": "boolean"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "properties": {
        "start_cidr": {"type": "string"},
        "networks_per_tenant": {"type": "integer", "minimum": 1, "maximum": 1000},
        "subnets_per_network": {"type": "integer", "minimum": 1, "maximum": 1000},
        "network_create_args": {"type": "object"},
        "dns_nameservers": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "dualstack": {"type": "boolean"},
        "router": _ROUTER,
    },
    "additionalProperties": False,
}
_DEFAULTS = {
    "start_cidr": "10.2.0.0/24",
    "networks_per_tenant": 1,
    "subnets_per_network": 1,
    "network_create_args": {},
    "dualstack": False,
}


async def _setup(env: Surroundings, config: dict[str, Any]) -> None:
    """Networks with subnets; a router only if the file asks for one, or the scenario needs it."""
    router = config.get("router") or ({"external": True} if env.router else None)
    subnet: dict[str, Any] = {}
    if not config["dualstack"]:
        subnet["start_cidr"] = config["start_cidr"]
    if "dns_nameservers" in config:
        subnet["dns_nameservers"] = config["dns_nameservers"]
    for user in env.tenant_users():
        tenant = env.tenants[user.tenant_id]
        tenant["networks"], tenant["subnets"] = [], []
        run = Run(env, 0, user=user, kind="c")
        for _ in range(config["networks_per_tenant"]):
            network, subnets, routers = await neutron.topology(
                run,
                network_args=config["network_create_args"],
                subnet_args=subnet,
                subnets=config["subnets_per_network"],
                dualstack=config["dualstack"],
                router_args=dict(router) if router else None,
            )
            env.kept.setdefault("networks", {}).setdefault(tenant["id"], set()).add(network["id"])
            network["router_id"] = routers[0]["id"] if routers else None
            tenant["networks"].append(network)
            tenant["subnets"] += subnets


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "neutron.router", "neutron.port", "neutron.subnet", "neutron.network")


async def take_away(env: Surroundings, *kinds: str) -> None:
    """What contexts made of some kinds, in all tenants. Raises CheckFailed if something stays."""
    report = Report()
    for user in env.tenant_users():
        tenant = env.tenants[user.tenant_id]
        # Only what was made here: the project may have other networks, with ports of others.
        mine = env.kept.get("networks", {}).get(tenant["id"], set())

        def ours(item: Any, kind: Kind, mine: set[str] = mine) -> bool:
            if names.made_by(item.get(kind.named), env.task_uuid, "c"):
                return True
            return kind.name == "neutron.port" and item.get("network_id") in mine

        await sweep(user.cloud, chosen(PROJECT, kinds), ours, report)
    if report.failed:
        raise CheckFailed("; ".join(report.errors[:5]))


async def _existing(env: Surroundings, config: dict[str, Any]) -> None:
    for user in env.tenant_users():
        tenant = env.tenants[user.tenant_id]
        run = Run(env, 0, user=user, kind="c")
        found = await neutron.list_networks(run)
        tenant["networks"] = [n for n in found if not n.get("router:external")]
        tenant["subnets"] = await neutron.list_subnets(run)


async def _routers(env: Surroundings, config: dict[str, Any]) -> None:
    args = {k: v for k, v in config.items() if k != "routers_per_tenant"}
    external = bool(args.pop("discover_external_gw", False))
    for user in env.tenant_users():
        run = Run(env, 0, user=user, kind="c")
        made = [
            await neutron.create_router(run, external=external, **args)
            for _ in range(config["routers_per_tenant"])
        ]
        env.tenants[user.tenant_id]["routers"] = made


async def _routers_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "neutron.router")


async def _agents(env: Surroundings, config: dict[str, Any]) -> None:
    env.data["networking_agents"] = await neutron.list_agents(Run(env, 0, kind="c"))


declare(
    Context(
        "network",
        350,
        "Networks of the projects",
        _SCHEMA,
        _setup,
        _cleanup,
        _DEFAULTS,
        counts=("networks_per_tenant", "subnets_per_network"),
    )
)
declare(
    Context(
        "existing_network",
        349,
        "Networks that the projects can use already",
        {"type": "object", "additionalProperties": False},
        _existing,
        nothing,
    )
)
declare(
    Context(
        "router",
        351,
        "Routers of the projects",
        {
            "type": "object",
            "properties": {
                "routers_per_tenant": {"type": "integer", "minimum": 1, "maximum": 1000},
                "admin_state_up": {"type": "boolean"},
                "external_gateway_info": _ROUTER["properties"]["external_gateway_info"],  # type: ignore[index]
                "discover_external_gw": {"type": "boolean"},
                "network_id": {"type": "string"},
                "external_fixed_ips": {"type": "array"},
                "distributed": {"type": "boolean"},
                "ha": {"type": "boolean"},
                "availability_zone_hints": {"type": "array"},
            },
            "additionalProperties": False,
        },
        _routers,
        _routers_cleanup,
        {"routers_per_tenant": 1},
        counts=("routers_per_tenant",),
    )
)
declare(
    Context(
        "networking_agents",
        349,
        "The agents of networking",
        {"type": "object", "additionalProperties": False},
        _agents,
        nothing,
    )
)
