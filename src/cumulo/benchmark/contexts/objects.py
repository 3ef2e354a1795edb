"""Containers with objects, made before the load."""

from typing import Any

from cumulo.benchmark.actions import swift
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import several
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.surroundings import Surroundings, User

_COUNT = {"type": "integer", "minimum": 1, "maximum": 100_000}


async def _setup(env: Surroundings, config: dict[str, Any]) -> None:
    content = bytes(config["object_size"])

    async def one(user: User) -> None:
        run = Run(env, 0, user=user, kind="c")
        container = await swift.create_container(run)
        names = [
            await swift.upload_object(run, container, content)
            for _ in range(config["objects_per_container"])
        ]
        entry = {"container": container, "objects": names}
        env.tenants[user.tenant_id].setdefault("containers", []).append(entry)

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["containers_per_tenant"])
    )


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "swift.container")


declare(
    Context(
        "swift_objects",
        360,
        "Containers with objects",
        {
            "type": "object",
            "properties": {
                "containers_per_tenant": _COUNT,
                "objects_per_container": _COUNT,
                "object_size": {"type": "integer", "minimum": 1, "maximum": 268_435_456},
                "resource_management_workers": {"type": "integer", "minimum": 1},
            },
            "additionalProperties": False,
        },
        _setup,
        _cleanup,
        {"containers_per_tenant": 1, "objects_per_container": 1, "object_size": 1024},
        counts=("containers_per_tenant", "objects_per_container"),
    )
)
