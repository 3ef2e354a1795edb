"""An image made of a guest in which a command was run: what a load needs is installed once."""

from typing import Any

from cumulo.benchmark.actions import glance, guests, nova
from cumulo.benchmark.client.session import NotFound
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.finding import find


async def _setup(env: Surroundings, config: dict[str, Any]) -> None:
    """With an administrator one image for all, which is made public; else one a project."""
    problems = guests.problems(config)
    if problems:
        raise CheckFailed("; ".join(problems))
    if not env.users:
        raise CheckFailed("an image cannot be made without users")
    if env.admin is None:
        for user in env.tenant_users():
            env.tenants[user.tenant_id]["custom_image"] = await _image(env, user, config)
        return
    image = await _image(env, env.users[0], config)
    patch = [{"op": "replace", "path": "/visibility", "value": "public"}]
    await env.admin.patch("image", f"/images/{image}", patch, headers=glance.PATCH)
    for tenant in env.tenants.values():
        tenant["custom_image"] = image


async def _image(env: Surroundings, user: User, config: dict[str, Any]) -> str:
    """Boot, run, stop, take a snapshot; the server goes, whatever comes of it."""
    run = Run(env, 0, user=user, kind="c")
    finder = env.admin or user.cloud
    image = await find(finder, "image", config["image"])
    flavor = await find(finder, "flavor", config["flavor"])
    args = {"userdata": config["userdata"]} if config.get("userdata") else {}
    server, address = await guests.boot(
        run, image, flavor, True, config.get("floating_network"), args
    )
    try:
        await guests.run_in(run, address, config["username"], config["port"], config["command"])
        await nova.stop(run, server)
        made = await nova.snapshot_server(run, await nova.show_server(run, server))
        env.kept.setdefault("custom_images", []).append((user, made))
        return made
    finally:
        await nova.delete_server(run, server)
        await take_away(env, "neutron.floatingip")


async def _cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    for user, id in env.kept.pop("custom_images", ()):
        try:
            await user.cloud.delete("image", f"/images/{id}")
        except NotFound:
            continue
    await take_away(env, "nova.servers", "neutron.floatingip", "glance.images")


_WORDS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
declare(
    Context(
        "image_command_customizer",
        501,
        "An image with what a command has installed",
        {
            "type": "object",
            "properties": {
                "image": {"type": "object"},
                "flavor": {"type": "object"},
                "username": {"type": "string"},
                "password": {"type": "string"},
                "floating_network": {"type": "string"},
                "internal_network": {"type": "string"},
                "port": {"type": "integer", "minimum": 1, "maximum": 65_535},
                "userdata": {"type": "string"},
                "workers": {"type": "integer", "minimum": 1},
                "command": {
                    "type": "object",
                    "properties": {
                        "script_file": _WORDS,
                        "script_inline": {"type": "string"},
                        "interpreter": _WORDS,
                        "remote_path": _WORDS,
                        "local_path": {"type": "string"},
                        "command_args": _WORDS,
                    },
                    "additionalProperties": False,
                },
            },
            "required": ["image", "flavor", "command"],
            "additionalProperties": False,
        },
        _setup,
        _cleanup,
        {"username": "root", "port": 22},
        brings={"keypair": {}, "allow_ssh": None},
        router=True,
    )
)
