"""Volumes, their types, and images, made before the load."""

from typing import Any

from cumulo.benchmark.actions import cinder, glance
from cumulo.benchmark.client.session import ApiError, Conflict
from cumulo.benchmark.contexts.network import take_away
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import all_gone, several
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Surroundings, User

_SIZE = {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {
            "type": "object",
            "properties": {
                "min": {"type": "integer", "minimum": 1},
                "max": {"type": "integer", "minimum": 1},
            },
            "required": ["min", "max"],
        },
    ]
}


async def _volumes(env: Surroundings, config: dict[str, Any]) -> None:
    async def one(user: User) -> None:
        run = Run(env, 0, user=user, kind="c")
        kind = config.get("type") or config.get("volume_type") or None
        volume = await cinder.create_volume(run, config["size"], volume_type=kind)
        tenant = env.tenants[user.tenant_id]
        tenant.setdefault("volumes", []).append({"id": volume["id"], "size": volume["size"]})

    await several(
        one(user) for user in env.tenant_users() for _ in range(config["volumes_per_tenant"])
    )


async def _volumes_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    await take_away(env, "cinder.snapshots", "cinder.volumes")


async def _types(env: Surroundings, config: list[Any]) -> None:
    assert env.admin is not None
    made = env.data.setdefault("volume_types", [])
    found = (await env.admin.get("volume", "/types", query={"is_public": "None"}))["volume_types"]
    there = {item["name"] for item in found}
    for each in config:
        body = {"name": each} if isinstance(each, str) else {"name": each["name"]}
        if body["name"] in there:
            # One of that name is there already: it is used, and left.
            continue
        there.add(body["name"])
        # By this it is told from others of that name.
        body["description"] = env.name()
        noted = env.note("volume_type", body["name"], "", {"description": body["description"]})
        try:
            kind = (await env.admin.post("volume", "/types", {"volume_type": body}))["volume_type"]
        except Conflict:
            # Another run has made it in this moment: it is used, and left.
            env.notes.forget(noted)
            continue
        except ApiError as refused:
            if refused.status < 500:
                env.notes.forget(noted)
            raise
        made.append({"id": kind["id"], "name": kind["name"]})
        encryption = None if isinstance(each, str) else each.get("encryption")
        if encryption:
            path = f"/types/{kind['id']}/encryption"
            await env.admin.post("volume", path, {"encryption": encryption})


async def _types_cleanup(env: Surroundings, config: list[Any]) -> None:
    if env.admin is None:
        return
    admin = env.admin
    made = env.data.pop("volume_types", ())
    await all_gone((admin, "volume", f"/types/{kind['id']}") for kind in made)


async def _images(env: Surroundings, config: dict[str, Any]) -> None:
    disk = config.get("disk_format") or config.get("image_type")
    container = config.get("container_format") or config.get("image_container")
    location = config.get("image_url")
    if not (disk and container and location):
        raise CheckFailed("an image needs 'image_url', 'disk_format' and 'container_format'")

    # What files said before Rally 0.10.
    old: dict[str, Any] = config.get("image_args") or {}

    async def one(user: User, number: int) -> None:
        run = Run(env, 0, user=user, kind="c")
        image = await glance.create_image(
            run,
            container,
            location,
            disk,
            visibility=config.get("visibility", "public" if old.get("is_public") else "private"),
            min_disk=config.get("min_disk", old.get("min_disk", 0)),
            min_ram=config.get("min_ram", old.get("min_ram", 0)),
        )
        env.kept.setdefault("images", []).append((user, image["id"]))
        named = config.get("image_name")
        if named:
            if env.existing_users:
                # Nothing else would tell it from what the project had.
                env.note("image", named, user.tenant_id, {"id": image["id"]})
            name = named if config["images_per_tenant"] == 1 else f"{named}_{number}"
            await user.cloud.patch(
                "image",
                f"/images/{image['id']}",
                [{"op": "replace", "path": "/name", "value": name}],
                headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
            )
        env.tenants[user.tenant_id].setdefault("images", []).append(image["id"])

    await several(
        one(user, n) for user in env.tenant_users() for n in range(config["images_per_tenant"])
    )


async def _images_cleanup(env: Surroundings, config: dict[str, Any]) -> None:
    """By what was kept, for they may bear the file's name, and by ours: one whose content did not
    arrive was not kept."""
    made = env.kept.pop("images", ())
    try:
        await all_gone((user.cloud, "image", f"/images/{id}") for user, id in made)
    finally:
        await take_away(env, "glance.images")


declare(
    Context(
        "volumes",
        420,
        "Volumes of the projects",
        {
            "type": "object",
            "properties": {
                "size": _SIZE,
                "type": {"type": ["string", "null"]},
                "volume_type": {"type": ["string", "null"]},
                "volumes_per_tenant": {"type": "integer", "minimum": 1, "maximum": 10_000},
            },
            "required": ["size"],
            "additionalProperties": False,
        },
        _volumes,
        _volumes_cleanup,
        {"volumes_per_tenant": 1},
        counts=("volumes_per_tenant",),
    )
)
declare(
    Context(
        "volume_types",
        410,
        "Types of volumes",
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "encryption": {"type": "object"},
                        },
                        "required": ["name"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
        _types,
        _types_cleanup,
    )
)
declare(
    Context(
        "images",
        410,
        "Images of the projects",
        {
            "type": "object",
            "properties": {
                "image_url": {"type": "string"},
                "disk_format": {"enum": ["qcow2", "raw", "vhd", "vmdk", "vdi", "iso", "aki", "ari",
                                         "ami"]},
                "container_format": {"enum": ["aki", "ami", "ari", "bare", "docker", "ova", "ovf"]},
                "image_type": {"type": "string"},
                "image_container": {"type": "string"},
                "image_name": {"type": "string"},
                "min_ram": {"type": "integer", "minimum": 0},
                "min_disk": {"type": "integer", "minimum": 0},
                "visibility": {"enum": ["public", "private", "shared", "community"]},
                "images_per_tenant": {"type": "integer", "minimum": 1, "maximum": 1000},
                "image_args": {"type": "object"},
            },
            "required": ["image_url"],
            "additionalProperties": False,
        },
        _images,
        _images_cleanup,
        {"images_per_tenant": 1},
        counts=('images_per_tenant',),)
)  # fmt: skip
