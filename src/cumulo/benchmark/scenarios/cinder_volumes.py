"""Scenarios of volumes, their snapshots, backups and transfers."""

import random
from typing import Any

from cumulo.benchmark.actions import cinder, glance, nova
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import Fit, scenario

Args = dict[str, Any] | None

_OWN: Any = {"services": ("cinder",), "cleanup": ("cinder",)}
_IMAGE: Any = {**_OWN, "finds": {"image": "image"}}
_MADE: Any = {**_OWN, "contexts": ("volumes",)}
_SERVER: Any = {
    "services": ("cinder", "nova"),
    "cleanup": ("cinder", "nova"),
    "finds": {"image": "image", "flavor": "flavor"},
    "fits": (Fit(),),
}


def _from(image: str | None, args: dict[str, Any]) -> dict[str, Any]:
    return {**args, "imageRef": image} if image else args


@scenario("CinderVolumes.create_volume", **_IMAGE)
async def create_volume(run: Run, size: Any, image: str | None = None, **kwargs: Any) -> None:
    """Create a volume and leave it"""
    await cinder.create_volume(run, size, **_from(image, kwargs))


@scenario("CinderVolumes.create_and_list_volume", **_IMAGE)
async def create_and_list_volume(
    run: Run, size: Any, detailed: bool = True, image: str | None = None, **kwargs: Any
) -> None:
    """Create a volume and list all of them"""
    await cinder.create_volume(run, size, **_from(image, kwargs))
    await cinder.list_volumes(run, detailed)


@scenario("CinderVolumes.create_and_get_volume", **_IMAGE)
async def create_and_get_volume(
    run: Run, size: Any, image: str | None = None, **kwargs: Any
) -> None:
    """Create a volume and show it"""
    volume = await cinder.create_volume(run, size, **_from(image, kwargs))
    await cinder.get_volume(run, volume["id"])


@scenario("CinderVolumes.create_and_delete_volume", **_IMAGE)
async def create_and_delete_volume(
    run: Run,
    size: Any,
    image: str | None = None,
    min_sleep: float = 0,
    max_sleep: float = 0,
    **kwargs: Any,
) -> None:
    """Create a volume and delete it"""
    volume = await cinder.create_volume(run, size, **_from(image, kwargs))
    await run.sleep_between(min_sleep, max_sleep)
    await cinder.delete_volume(run, volume["id"])


@scenario("CinderVolumes.create_and_update_volume", **_IMAGE)
async def create_and_update_volume(
    run: Run,
    size: Any,
    image: str | None = None,
    create_volume_kwargs: Args = None,
    update_volume_kwargs: Args = None,
) -> None:
    """Create a volume and change its name or description"""
    changes = dict(update_volume_kwargs or {})
    if changes.pop("update_name", False):
        changes["name"] = run.name()
    volume = await cinder.create_volume(run, size, **_from(image, create_volume_kwargs or {}))
    await cinder.update_volume(run, volume["id"], **changes)


@scenario("CinderVolumes.list_volumes", services=("cinder",))
async def list_volumes(
    run: Run,
    detailed: bool = True,
    search_opts: Args = None,
    marker: str | None = None,
    limit: int | None = None,
    sort: str | None = None,
) -> None:
    """List volumes"""
    await cinder.list_volumes(run, detailed, search_opts, marker=marker, limit=limit, sort=sort)


@scenario("CinderVolumes.list_types", services=("cinder",))
async def list_types(run: Run, search_opts: Args = None, is_public: bool | None = None) -> None:
    """List types of volumes"""
    await cinder.list_types(run, search_opts, is_public)


@scenario("CinderVolumes.list_transfers", services=("cinder",))
async def list_transfers(run: Run, detailed: bool = True, search_opts: Args = None) -> None:
    """List transfers of volumes"""
    await cinder.list_transfers(run, detailed, search_opts)


@scenario("CinderVolumes.modify_volume_metadata", **_MADE)
async def modify_volume_metadata(
    run: Run, sets: int = 10, set_size: int = 3, deletes: int = 5, delete_size: int = 3
) -> None:
    """Set metadata of one of the context's volumes and delete some of it"""
    run.check(
        sets * set_size >= deletes * delete_size,
        f"Not enough metadata keys will be created: Setting {sets * set_size} keys, but deleting "
        f"{deletes * delete_size}",
    )
    volume = random.choice(run.tenant["volumes"])
    keys = await cinder.set_metadata(run, volume["id"], sets, set_size)
    await cinder.delete_metadata(run, volume["id"], keys, deletes, delete_size)


@scenario("CinderVolumes.create_and_extend_volume", **_OWN)
async def create_and_extend_volume(
    run: Run, size: Any, new_size: Any, min_sleep: float = 0, max_sleep: float = 0, **kwargs: Any
) -> None:
    """Create a volume, extend it, delete it"""
    volume = await cinder.create_volume(run, size, **kwargs)
    await cinder.extend_volume(run, volume["id"], new_size)
    await run.sleep_between(min_sleep, max_sleep)
    await cinder.delete_volume(run, volume["id"])


@scenario("CinderVolumes.create_from_volume_and_delete_volume", **_MADE)
async def create_from_volume_and_delete_volume(
    run: Run, size: Any, min_sleep: float = 0, max_sleep: float = 0, **kwargs: Any
) -> None:
    """Create a volume from one of the context's and delete it"""
    source = random.choice(run.tenant["volumes"])
    volume = await cinder.create_volume(run, size, source_volid=source["id"], **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await cinder.delete_volume(run, volume["id"])


@scenario("CinderVolumes.create_volume_and_clone", **_IMAGE)
async def create_volume_and_clone(
    run: Run, size: Any, image: str | None = None, nested_level: int = 1, **kwargs: Any
) -> None:
    """Create a volume and clone it, and the clone, and so on"""
    source = await cinder.create_volume(run, size, **_from(image, kwargs))
    for _ in range(nested_level):
        with run.action("cinder.clone_volume"):
            source = await cinder.create_volume(
                run, source["size"], source_volid=source["id"], **kwargs
            )


@scenario("CinderVolumes.create_volume_and_update_readonly_flag", **_IMAGE)
async def create_volume_and_update_readonly_flag(
    run: Run, size: Any, image: str | None = None, read_only: bool = True, **kwargs: Any
) -> None:
    """Create a volume and make it read-only, or no longer"""
    volume = await cinder.create_volume(run, size, **_from(image, kwargs))
    await cinder.set_readonly(run, volume["id"], read_only)


@scenario("CinderVolumes.create_and_accept_transfer", **_IMAGE)
async def create_and_accept_transfer(
    run: Run, size: Any, image: str | None = None, **kwargs: Any
) -> None:
    """Create a volume, offer it, accept it"""
    volume = await cinder.create_volume(run, size, **_from(image, kwargs))
    transfer = await cinder.create_transfer(run, volume["id"])
    await cinder.accept_transfer(run, transfer["id"], transfer["auth_key"])


# snapshots


@scenario("CinderVolumes.create_and_delete_snapshot", **_MADE)
async def create_and_delete_snapshot(
    run: Run, force: bool = False, min_sleep: float = 0, max_sleep: float = 0, **kwargs: Any
) -> None:
    """Create a snapshot of one of the context's volumes and delete it"""
    volume = random.choice(run.tenant["volumes"])
    snapshot = await cinder.create_snapshot(run, volume["id"], force=force, **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await cinder.delete_snapshot(run, snapshot["id"])


@scenario("CinderVolumes.create_and_list_snapshots", **_MADE)
async def create_and_list_snapshots(
    run: Run, force: bool = False, detailed: bool = True, **kwargs: Any
) -> None:
    """Create a snapshot of one of the context's volumes and list all of them"""
    volume = random.choice(run.tenant["volumes"])
    await cinder.create_snapshot(run, volume["id"], force=force, **kwargs)
    await cinder.list_snapshots(run, detailed)


@scenario("CinderVolumes.create_volume_from_snapshot", **_MADE)
async def create_volume_from_snapshot(
    run: Run, do_delete: bool = True, create_snapshot_kwargs: Args = None, **kwargs: Any
) -> None:
    """Create a volume from a snapshot of one of the context's volumes"""
    source = random.choice(run.tenant["volumes"])
    snapshot = await cinder.create_snapshot(run, source["id"], **(create_snapshot_kwargs or {}))
    volume = await cinder.create_volume(run, source["size"], snapshot_id=snapshot["id"], **kwargs)
    if do_delete:
        await cinder.delete_volume(run, volume["id"])
        await cinder.delete_snapshot(run, snapshot["id"])


# with servers


@scenario("CinderVolumes.create_and_attach_volume", **_SERVER)
async def create_and_attach_volume(
    run: Run,
    size: Any,
    image: str,
    flavor: str,
    create_volume_params: Args = None,
    force_delete: bool = False,
    create_vm_params: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server, attach a volume, detach it, delete both"""
    server = await nova.boot_server(run, image, flavor, **(create_vm_params or kwargs))
    volume = await cinder.create_volume(run, size, **(create_volume_params or {}))
    await nova.attach_volume(run, server["id"], volume["id"])
    await nova.detach_volume(run, server["id"], volume["id"])
    await cinder.delete_volume(run, volume["id"])
    await nova.delete_server(run, server["id"], force=force_delete)


@scenario("CinderVolumes.create_snapshot_and_attach_volume", **_SERVER)
async def create_snapshot_and_attach_volume(
    run: Run,
    image: str,
    flavor: str,
    volume_type: str | None = None,
    size: Any = None,
    create_vm_params: Args = None,
    **kwargs: Any,
) -> None:
    """Create a volume and a snapshot, attach the volume to a server, delete all"""
    wanted = size or {"min": 1, "max": 5}
    volume = await cinder.create_volume(run, wanted, volume_type=volume_type or None)
    snapshot = await cinder.create_snapshot(run, volume["id"], **kwargs)
    server = await nova.boot_server(run, image, flavor, **(create_vm_params or {}))
    await nova.attach_volume(run, server["id"], volume["id"])
    await nova.detach_volume(run, server["id"], volume["id"])
    await cinder.delete_snapshot(run, snapshot["id"])
    await cinder.delete_volume(run, volume["id"])
    await nova.delete_server(run, server["id"])


@scenario("CinderVolumes.create_nested_snapshots_and_attach_volume", **_SERVER)
async def create_nested_snapshots_and_attach_volume(
    run: Run,
    image: str,
    flavor: str,
    size: Any = None,
    nested_level: int = 1,
    create_volume_kwargs: Args = None,
    create_snapshot_kwargs: Args = None,
    create_vm_params: Args = None,
) -> None:
    """Volumes from snapshots of volumes, all attached to one server; then all is deleted"""
    gigabytes = cinder.sized(size or {"min": 1, "max": 5})
    server = (await nova.boot_server(run, image, flavor, **(create_vm_params or {})))["id"]
    volume = await cinder.create_volume(run, gigabytes, **(create_volume_kwargs or {}))
    args = create_snapshot_kwargs or {}
    snapshot = await cinder.create_snapshot(run, volume["id"], **args)
    await nova.attach_volume(run, server, volume["id"])
    made = [(volume, snapshot)]
    for _ in range(nested_level - 1):
        volume = await cinder.create_volume(run, gigabytes, snapshot_id=snapshot["id"])
        snapshot = await cinder.create_snapshot(run, volume["id"], **args)
        await nova.attach_volume(run, server, volume["id"])
        made.append((volume, snapshot))
    for volume, snapshot in reversed(made):
        await nova.detach_volume(run, server, volume["id"])
        await cinder.delete_snapshot(run, snapshot["id"])
        await cinder.delete_volume(run, volume["id"])
    await nova.delete_server(run, server)


@scenario(
    "CinderVolumes.create_and_upload_volume_to_image",
    services=("cinder", "glance"),
    cleanup=("cinder", "glance"),
    finds={"image": "image"},
)
async def create_and_upload_volume_to_image(
    run: Run,
    size: Any,
    image: str | None = None,
    force: bool = False,
    container_format: str = "bare",
    disk_format: str = "raw",
    do_delete: bool = True,
    **kwargs: Any,
) -> None:
    """Create a volume and make an image of it"""
    volume = await cinder.create_volume(run, size, **_from(image, kwargs))
    made = await cinder.upload_to_image(
        run,
        volume["id"],
        force=force,
        container_format=container_format,
        disk_format=disk_format,
    )
    if do_delete:
        await cinder.delete_volume(run, volume["id"])
        await glance.delete_image(run, made)


# backups


async def _backed_up(run: Run, size: Any, volume: Args, backup: Args) -> tuple[str, str]:
    """(volume, backup)."""
    made = await cinder.create_volume(run, size, **(volume or {}))
    copy = await cinder.create_backup(run, made["id"], **(backup or {}))
    return made["id"], copy["id"]


async def _remove(run: Run, volume: str, backup: str) -> None:
    await cinder.delete_volume(run, volume)
    await cinder.delete_backup(run, backup)


@scenario("CinderVolumes.create_volume_backup", **_OWN)
async def create_volume_backup(
    run: Run,
    size: Any,
    do_delete: bool = True,
    create_volume_kwargs: Args = None,
    create_backup_kwargs: Args = None,
) -> None:
    """Create a volume and back it up"""
    made = await _backed_up(run, size, create_volume_kwargs, create_backup_kwargs)
    if do_delete:
        await _remove(run, *made)


@scenario("CinderVolumes.create_and_restore_volume_backup", **_OWN)
async def create_and_restore_volume_backup(
    run: Run,
    size: Any,
    do_delete: bool = True,
    create_volume_kwargs: Args = None,
    create_backup_kwargs: Args = None,
) -> None:
    """Create a volume, back it up, restore it into a new one"""
    made = await _backed_up(run, size, create_volume_kwargs, create_backup_kwargs)
    await cinder.restore_backup(run, made[1])
    if do_delete:
        await _remove(run, *made)


@scenario("CinderVolumes.create_and_list_volume_backups", **_OWN)
async def create_and_list_volume_backups(
    run: Run,
    size: Any,
    detailed: bool = True,
    do_delete: bool = True,
    create_volume_kwargs: Args = None,
    create_backup_kwargs: Args = None,
) -> None:
    """Create a volume, back it up, list all backups"""
    made = await _backed_up(run, size, create_volume_kwargs, create_backup_kwargs)
    await cinder.list_backups(run, detailed)
    if do_delete:
        await _remove(run, *made)
