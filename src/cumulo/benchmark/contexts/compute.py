"""Servers, key pairs, flavors, and a security group that lets ssh in."""

from typing import Any

from cumulo.benchmark.actions import neutron, nova
from cumulo.benchmark.cleanup.kinds import PROJECT, Kind, chosen
from cumulo.benchmark.cleanup.sweep import Report, sweep
from cumulo.benchmark.client.session import ApiError, Conflict
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import all_gone, several
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.finding import find, images_of_projects
from cumulo.core.ids import new_id

_DESCRIBED = {"type": "object"}


async def _servers(env: Surroundings, config: dict[str, Any]) -> None:
    if not env.users:
        raise CheckFailed("servers need users")
    cloud = env.users[0].cloud
    own = await images_of_projects(env, config["image"])
    image = "" if own else await find(cloud, "image", config["image"])
    flavor = await find(cloud, "flavor", config["flavor"])
    more = {k: config[k] for k in ("nics", "files", "injected_files") if k in config}

    async def one(user: User) -> None:
        run = Run(env, 0, user=user, kind="c")
        server = await nova.boot_server(
            run,
            own.get(user.tenant_id, image),
            flavor,
            auto_assign_nic=config["auto_assign_nic"],
            **more,
        )
        env.tenants[user.tenant_id].setdefault("servers", []).append(server["id"])

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["servers_per_tenant"])
    )


async def _servers_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "nova.servers")


async def _keypairs(env: Surroundings, config: dict[str, Any]) -> None:
    for user in env.users:
        name = env.name()
        body = {"keypair": {"name": name}}
        made = (await user.cloud.post("compute", "/os-keypairs", body))["keypair"]
        user.data["keypair"] = {
            "name": name,
            "public": made["public_key"],
            "private": made.get("private_key", ""),
        }


async def _keypairs_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    made = [(user.cloud, user.data.pop("keypair", None)) for user in env.users]
    await all_gone(
        (cloud, "compute", f"/os-keypairs/{keypair['name']}") for cloud, keypair in made if keypair
    )


async def _flavors(env: Surroundings, config: list[dict[str, Any]]) -> None:
    assert env.admin is not None
    made = env.data.setdefault("flavors", [])
    found = await env.admin.pages("compute", "/flavors", "flavors", query={"is_public": "None"})
    there = {item["name"] for item in found} | {item["id"] for item in found}
    for each in config:
        body: dict[str, Any] = {
            "name": each["name"],
            "ram": each["ram"],
            "vcpus": each.get("vcpus", 1),
            "disk": each.get("disk", 0),
            "swap": each.get("swap", 0),
            "OS-FLV-EXT-DATA:ephemeral": each.get("ephemeral", 0),
        }
        given = each.get("flavorid", "auto")
        # Chosen here: so it is known whatever becomes of the request, and told from others of
        # that name.
        body["id"] = new_id() if given == "auto" else given
        if {body["name"], body["id"]} & there:
            # One of that name is there already: it is used, and left.
            continue
        noted = env.note("flavor", body["name"], "", {"id": body["id"]})
        try:
            flavor = (await env.admin.post("compute", "/flavors", {"flavor": body}))["flavor"]
        except Conflict:
            # Another run has made it in this moment: it is used, and left.
            env.notes.forget(noted)
            continue
        except ApiError as refused:
            if refused.status < 500:
                env.notes.forget(noted)
            raise
        made.append(flavor["id"])
        if each.get("extra_specs"):
            specs = {k: str(v) for k, v in each["extra_specs"].items()}
            path = f"/flavors/{flavor['id']}/os-extra_specs"
            await env.admin.post("compute", path, {"extra_specs": specs})


async def _flavors_cleanup(env: Surroundings, config: list[dict[str, Any]]) -> None:
    if env.admin is None:
        return
    admin = env.admin
    made = env.data.pop("flavors", ())
    await all_gone((admin, "compute", f"/flavors/{id}") for id in made)


_RULES: tuple[dict[str, Any], ...] = (
    {"protocol": "tcp", "port_range_min": 1, "port_range_max": 65535},
    {"protocol": "udp", "port_range_min": 1, "port_range_max": 65535},
    {"protocol": "icmp"},
)


async def _allow_ssh(env: Surroundings, config: Any) -> None:
    """One group for each project, which lets everything in."""
    groups: dict[str, dict[str, Any]] = {}
    for user in env.tenant_users():
        run = Run(env, 0, user=user, kind="c")
        group = await neutron.create_security_group(run, description="Allow ssh access")
        for rule in _RULES:
            await neutron.create_rule(run, group["id"], remote_ip_prefix="0.0.0.0/0", **rule)
        groups[user.tenant_id] = {"id": group["id"], "name": group["name"]}
    for user in env.users:
        user.data["secgroup"] = groups[user.tenant_id]


async def _allow_ssh_cleanup(env: Surroundings, config: Any) -> None:
    report = Report()

    for user in env.tenant_users():
        own = user.data.get("secgroup", {}).get("id")

        def mine(item: Any, kind: Kind, own: Any = own) -> bool:
            return bool(item["id"] == own)

        await sweep(user.cloud, chosen(PROJECT, ("neutron.security_group",)), mine, report)
    if report.failed:
        raise CheckFailed("; ".join(report.errors[:5]))


declare(
    Context(
        "servers",
        430,
        "Servers of the projects",
        {
            "type": "object",
            "properties": {
                "image": _DESCRIBED,
                "flavor": _DESCRIBED,
                "servers_per_tenant": {"type": "integer", "minimum": 1, "maximum": 10_000},
                "auto_assign_nic": {"type": "boolean"},
                "nics": {"type": "array", "items": {"type": ["string", "object"]}},
            },
            "required": ["image", "flavor"],
            "additionalProperties": False,
        },
        _servers,
        _servers_cleanup,
        {"servers_per_tenant": 5, "auto_assign_nic": False},
        counts=("servers_per_tenant",),
    )
)
declare(
    Context(
        "keypair",
        310,
        "A key pair for each user",
        {"type": "object", "additionalProperties": False},
        _keypairs,
        _keypairs_cleanup,
    )
)
declare(
    Context(
        "flavors",
        340,
        "Flavors",
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "ram": {"type": "integer", "minimum": 1},
                    "vcpus": {"type": "integer", "minimum": 1},
                    "disk": {"type": "integer", "minimum": 0},
                    "swap": {"type": "integer", "minimum": 0},
                    "ephemeral": {"type": "integer", "minimum": 0},
                    "flavorid": {"type": "string"},
                    "extra_specs": {"type": "object"},
                },
                "required": ["name", "ram"],
                "additionalProperties": False,
            },
        },
        _flavors,
        _flavors_cleanup,
    )
)
declare(
    Context(
        "allow_ssh",
        320,
        "A security group that lets everything in",
        {"type": ["object", "null"]},
        _allow_ssh,
        _allow_ssh_cleanup,
    )
)
