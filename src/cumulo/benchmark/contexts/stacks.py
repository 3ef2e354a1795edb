"""Stacks of the projects, made before the load."""

from typing import Any

from cumulo.benchmark.actions import heat, neutron, waiting
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import several
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Surroundings, User

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 1000}


def _template(resources: int) -> dict[str, Any]:
    """So many strings: what a stack costs without what it makes."""
    return {
        "heat_template_version": "2014-10-16",
        "description": "Test template for rally",
        "resources": {
            f"test{n}": {"type": "OS::Heat::RandomString", "properties": {"length": 8}}
            for n in range(resources)
        },
    }


async def _setup(env: Surroundings, config: dict[str, Any]) -> None:
    async def one(user: User) -> None:
        body = {
            "stack_name": env.name(),
            "disable_rollback": True,
            "template": _template(config["resources_per_stack"]),
        }
        made = (await user.cloud.post("orchestration", "/stacks", body))["stack"]
        cloud: Session = user.cloud

        async def fetch() -> Any:
            return (await cloud.get("orchestration", f"/stacks/{made['id']}"))["stack"]

        await waiting.status(
            fetch,
            ("CREATE_COMPLETE",),
            f"stack {made['id']}",
            env.timeout("heat_stack_create_timeout"),
            failed=("CREATE_FAILED",),
            field="stack_status",
        )
        env.tenants[user.tenant_id].setdefault("stacks", []).append(made["id"])

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["stacks_per_tenant"])
    )


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "heat.stacks")


async def _dataplane(env: Surroundings, config: dict[str, Any]) -> None:
    """Stacks of a template of the file's own. Parameters that it has and nobody gives: a way out,
    the router of the project's network, the user's key pair."""
    given = dict(config.get("parameters") or {})
    text = heat.read(config["template"])

    async def one(user: User) -> None:
        tenant = env.tenants[user.tenant_id]
        run = Run(env, 0, user=user, kind="c")
        parameters = dict(given)
        for name, path in (config.get("context_parameters") or {}).items():
            parameters[name] = _inside({"user": user.data, "tenant": tenant}, path)
        if "network_id" in text and "network_id" not in parameters:
            parameters["network_id"] = (await neutron.find_network(run, None, external=True))["id"]
        if "router_id" in text and "router_id" not in parameters and tenant.get("networks"):
            parameters["router_id"] = tenant["networks"][0]["router_id"]
        if "key_name" in text and "key_name" not in parameters:
            parameters["key_name"] = user.data["keypair"]["name"]
        stack = await heat.create_stack(run, config["template"], parameters, config.get("files"))
        made = [stack["id"], text, config.get("files") or {}, parameters]
        tenant.setdefault("stack_dataplane", []).append(made)

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["stacks_per_tenant"])
    )


def _inside(value: Any, path: str) -> Any:
    """`tenant.networks.0.id` in what contexts have made."""
    for key in path.split("."):
        try:
            value = value[int(key)] if key.isdigit() else value[key]
        except (KeyError, IndexError, TypeError):
            raise CheckFailed(f"There is no key {path} in context") from None
    return value


declare(
    Context(
        "heat_dataplane",
        435,
        "Stacks of a template, with a guest that can be reached",
        {
            "type": "object",
            "properties": {
                "stacks_per_tenant": _COUNT,
                "template": {"type": "string"},
                "files": {"type": "object", "additionalProperties": _TEXT},
                "parameters": {"type": "object"},
                "context_parameters": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                },
            },
            "required": ["template"],
            "additionalProperties": False,
        },
        _dataplane,
        _cleanup,
        {"stacks_per_tenant": 1},
        brings={"keypair": {}},
        router=True,
    )
)
declare(
    Context(
        "stacks",
        435,
        "Stacks of the projects",
        {
            "type": "object",
            "properties": {"stacks_per_tenant": _COUNT, "resources_per_stack": _COUNT},
            "additionalProperties": False,
        },
        _setup,
        _cleanup,
        {"stacks_per_tenant": 2, "resources_per_stack": 10},
        counts=("stacks_per_tenant", "resources_per_stack"),
    )
)
