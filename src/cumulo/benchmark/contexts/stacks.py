"""Stacks of the projects, made before the load."""

from typing import Any

from cumulo.benchmark.client.session import Session
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import several
from cumulo.benchmark.engine.surroundings import Surroundings, User

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
    from cumulo.benchmark.actions import waiting

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
            600.0,
            failed=("CREATE_FAILED",),
            field="stack_status",
        )
        env.tenants[user.tenant_id].setdefault("stacks", []).append(made["id"])

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["stacks_per_tenant"])
    )


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "heat.stacks")


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
    )
)
