"""Services that are found by another type than the usual one. (Versions of clients have no meaning
here: everything speaks the current ones.)"""

from typing import Any

from cumulo.benchmark.client.session import KINDS, other_types
from cumulo.benchmark.contexts.table import Context, declare, nothing
from cumulo.benchmark.engine.run import CheckFailed
from cumulo.benchmark.engine.surroundings import Surroundings


async def _setup(env: Surroundings, config: dict[str, dict[str, Any]]) -> None:
    types: dict[str, str] = {}
    for name, said in config.items():
        if "service_type" in said:
            types[KINDS[name]] = said["service_type"]
        elif "service_name" in said:
            types[KINDS[name]] = await _type(env, said["service_name"])
    # A clean-up that comes later looks for them there, too.
    env.note("services", "", "", types)
    sessions = [user.cloud for user in env.users]
    if env.admin is not None:
        sessions.append(env.admin)
    for session in sessions:
        there = await session.services() if types else {}
        own = other_types(types)
        for name, kind in types.items():
            # A usual type may stand under another usual one: `volumev3` as `block-storage`.
            if kind not in there and not (name not in own and await session.has(name)):
                raise CheckFailed(f"There is no service with '{kind}' type in your environment.")
        session.call_types({**session.credentials.types, **own})


async def _type(env: Surroundings, name: str) -> str:
    if env.admin is None:
        raise CheckFailed("Setting 'service_name' is admin only operation.")
    found = (await env.admin.get("identity", "/services", query={"name": name}))["services"]
    if not found:
        raise CheckFailed(f"There is no '{name}' service in your environment")
    kind: str = found[0]["type"]
    return kind


_CLIENT = {
    "type": "object",
    "properties": {
        "version": {"type": ["string", "number"]},
        "service_name": {"type": "string"},
        "service_type": {"type": "string"},
    },
    "additionalProperties": False,
}
declare(
    Context(
        "api_versions",
        150,
        "Services that are found by another type than the usual one",
        {
            "type": "object",
            "properties": dict.fromkeys(KINDS, _CLIENT),
            "additionalProperties": False,
        },
        _setup,
        nothing,
    )
)
