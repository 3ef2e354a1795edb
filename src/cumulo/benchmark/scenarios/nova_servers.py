"""Scenarios of servers."""

from collections.abc import Mapping
from typing import Any

from cumulo.benchmark.actions import cinder, glance, nova
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.registry import Fit, number, scenario

Args = dict[str, Any] | None

_FINDS = {"image": "image", "flavor": "flavor"}
BOOT: Any = {
    "services": ("nova",),
    "cleanup": ("nova",),
    "finds": _FINDS,
    "fits": (Fit(),),
    "more": nova.SERVER_WORDS,
}
_RESIZE: Any = {**BOOT, "finds": {**_FINDS, "to_flavor": "flavor"}}
VOLUME: Any = {**BOOT, "services": ("nova", "cinder"), "cleanup": ("nova", "cinder")}
# The disk is a volume: only memory must fit.
FROM_VOLUME: Any = {**VOLUME, "fits": (Fit(disk=False),)}


@scenario("NovaServers.list_servers", services=("nova",))
async def list_servers(run: Run, detailed: bool = True) -> None:
    """List servers"""
    await nova.list_servers(run, detailed)


@scenario("NovaServers.boot_server", **BOOT)
async def boot_server(
    run: Run, image: str, flavor: str, auto_assign_nic: bool = False, **kwargs: Any
) -> None:
    """Boot a server and leave it"""
    await nova.boot_server(run, image, flavor, auto_assign_nic=auto_assign_nic, **kwargs)


@scenario("NovaServers.boot_and_list_server", **BOOT)
async def boot_and_list_server(
    run: Run, image: str, flavor: str, detailed: bool = True, **kwargs: Any
) -> None:
    """Boot a server and find it in the list of all"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    listed = await nova.list_servers(run, detailed)
    run.check(
        any(s["id"] == server["id"] for s in listed),
        f"Server not included into list of available servers: {server['id']}",
    )


@scenario("NovaServers.boot_and_delete_server", **BOOT)
async def boot_and_delete_server(
    run: Run,
    image: str,
    flavor: str,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    **kwargs: Any,
) -> None:
    """Boot a server and delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await nova.delete_server(run, server["id"], force=force_delete)


@scenario("NovaServers.boot_and_delete_multiple_servers", **BOOT)
async def boot_and_delete_multiple_servers(
    run: Run,
    image: str,
    flavor: str,
    count: int = 2,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    **kwargs: Any,
) -> None:
    """Boot several servers with one request and delete them"""
    servers = await nova.boot_servers(run, image, flavor, count, **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await nova.delete_servers(run, [s["id"] for s in servers], force=force_delete)


async def _bounce(run: Run, id: str, action: str) -> None:
    """One of the actions that `boot_and_bounce_server` can name."""
    pairs: Mapping[str, tuple[Any, Any]] = {
        "stop_start": (nova.stop, nova.start),
        "rescue_unrescue": (nova.rescue, nova.unrescue),
        "pause_unpause": (nova.pause, nova.unpause),
        "suspend_resume": (nova.suspend, nova.resume),
        "lock_unlock": (nova.lock, nova.unlock),
        "shelve_unshelve": (nova.shelve, nova.unshelve),
    }
    if action == "hard_reboot":
        await nova.hard_reboot(run, id)
    elif action == "soft_reboot":
        await nova.soft_reboot(run, id)
    elif action in pairs:
        there, back = pairs[action]
        with run.action(f"nova.{action.replace('_', '_and_')}_server"):
            await there(run, id)
            await back(run, id)
    else:
        raise CheckFailed(f"Invalid server actions configuration: {action!r} is not known")


@scenario("NovaServers.boot_and_bounce_server", **BOOT)
async def boot_and_bounce_server(
    run: Run,
    image: str,
    flavor: str,
    force_delete: bool = False,
    actions: list[dict[str, int]] | None = None,
    **kwargs: Any,
) -> None:
    """Boot a server, do things to it (reboot, stop and start …), delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    for each in actions or ():
        for action, times in each.items():
            for _ in range(times):
                await _bounce(run, server["id"], action)
    await nova.delete_server(run, server["id"], force=force_delete)


@scenario("NovaServers.boot_lock_unlock_and_delete", **BOOT)
async def boot_lock_unlock_and_delete(
    run: Run,
    image: str,
    flavor: str,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    **kwargs: Any,
) -> None:
    """Boot a server, lock and unlock it, delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.lock(run, server["id"])
    await run.sleep_between(min_sleep, max_sleep)
    await nova.unlock(run, server["id"])
    await nova.delete_server(run, server["id"], force=force_delete)


def _there_and_back(name: str, there: Any, back: Any, words: str) -> None:
    async def body(
        run: Run, image: str, flavor: str, force_delete: bool = False, **kwargs: Any
    ) -> None:
        server = await nova.boot_server(run, image, flavor, **kwargs)
        await there(run, server["id"])
        await back(run, server["id"])
        await nova.delete_server(run, server["id"], force=force_delete)

    body.__doc__ = f"Boot a server, {words} it, delete it"
    scenario(f"NovaServers.{name}", **BOOT)(body)


_there_and_back("suspend_and_resume_server", nova.suspend, nova.resume, "suspend and resume")
_there_and_back("pause_and_unpause_server", nova.pause, nova.unpause, "pause and unpause")
_there_and_back("shelve_and_unshelve_server", nova.shelve, nova.unshelve, "shelve and unshelve")


@scenario(
    "NovaServers.snapshot_server",
    **{**BOOT, "services": ("nova", "glance"), "cleanup": ("nova", "glance")},
)
async def snapshot_server(
    run: Run, image: str, flavor: str, force_delete: bool = False, **kwargs: Any
) -> None:
    """Boot a server, make an image of it, boot from that, delete all"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    made = await nova.snapshot_server(run, server)
    await nova.delete_server(run, server["id"], force=force_delete)
    server = await nova.boot_server(run, made, flavor, **kwargs)
    await nova.delete_server(run, server["id"], force=force_delete)
    await glance.delete_image(run, made)


async def _resized(run: Run, id: str, to_flavor: str, confirm: bool, status: str) -> None:
    await nova.resize(run, id, to_flavor)
    if confirm:
        await nova.confirm_resize(run, id, status)
    else:
        await nova.revert_resize(run, id, status)


@scenario("NovaServers.resize_server", **_RESIZE)
async def resize_server(
    run: Run,
    image: str,
    flavor: str,
    to_flavor: str,
    confirm: bool = True,
    force_delete: bool = False,
    **kwargs: Any,
) -> None:
    """Boot a server, resize it, confirm or revert, delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await _resized(run, server["id"], to_flavor, confirm, "ACTIVE")
    await nova.delete_server(run, server["id"], force=force_delete)


@scenario("NovaServers.resize_shutoff_server", **_RESIZE)
async def resize_shutoff_server(
    run: Run,
    image: str,
    flavor: str,
    to_flavor: str,
    confirm: bool = True,
    force_delete: bool = False,
    **kwargs: Any,
) -> None:
    """Boot a server, stop and resize it, confirm or revert, delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.stop(run, server["id"])
    await _resized(run, server["id"], to_flavor, confirm, "SHUTOFF")
    await nova.delete_server(run, server["id"], force=force_delete)


# with volumes


async def boot_from_volume(
    run: Run,
    image: str,
    flavor: str,
    size: Any,
    volume_type: str | None,
    volume_args: Args,
    boot_args: dict[str, Any],
) -> dict[str, Any]:
    args = {**(volume_args or {}), "imageRef": image, "volume_type": volume_type or None}
    volume = await cinder.create_volume(run, size, **args)
    mapping = {"vda": f"{volume['id']}:::0"}
    return await nova.boot_server(
        run, None, flavor, **{**boot_args, "block_device_mapping": mapping}
    )


@scenario("NovaServers.boot_server_from_volume", **FROM_VOLUME)
async def boot_server_from_volume(
    run: Run,
    image: str,
    flavor: str,
    volume_size: Any,
    volume_type: str | None = None,
    auto_assign_nic: bool = False,
    create_volume_kwargs: Args = None,
    boot_server_kwargs: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server from a volume and leave it"""
    args = {**(boot_server_kwargs or kwargs), "auto_assign_nic": auto_assign_nic}
    await boot_from_volume(run, image, flavor, volume_size, volume_type, create_volume_kwargs, args)


@scenario("NovaServers.boot_server_from_volume_and_delete", **FROM_VOLUME)
async def boot_server_from_volume_and_delete(
    run: Run,
    image: str,
    flavor: str,
    volume_size: Any,
    volume_type: str | None = None,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    create_volume_kwargs: Args = None,
    boot_server_kwargs: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server from a volume and delete it"""
    args = boot_server_kwargs or kwargs
    server = await boot_from_volume(
        run, image, flavor, volume_size, volume_type, create_volume_kwargs, args
    )
    await run.sleep_between(min_sleep, max_sleep)
    await nova.delete_server(run, server["id"], force=force_delete)


@scenario(
    "NovaServers.boot_server_from_volume_and_resize",
    **{**FROM_VOLUME, "finds": {**_FINDS, "to_flavor": "flavor"}},
)
async def boot_server_from_volume_and_resize(
    run: Run,
    image: str,
    flavor: str,
    to_flavor: str,
    volume_size: Any,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    confirm: bool = True,
    do_delete: bool = True,
    boot_server_kwargs: Args = None,
    create_volume_kwargs: Args = None,
) -> None:
    """Boot a server from a volume, resize it, delete it"""
    server = await boot_from_volume(
        run, image, flavor, volume_size, None, create_volume_kwargs, boot_server_kwargs or {}
    )
    await run.sleep_between(min_sleep, max_sleep)
    await _resized(run, server["id"], to_flavor, confirm, "ACTIVE")
    if do_delete:
        await nova.delete_server(run, server["id"], force=force_delete)


@scenario("NovaServers.boot_server_from_volume_snapshot", **FROM_VOLUME)
async def boot_server_from_volume_snapshot(
    run: Run,
    image: str,
    flavor: str,
    volume_size: Any,
    volume_type: str | None = None,
    auto_assign_nic: bool = False,
    create_volume_kwargs: Args = None,
    boot_server_kwargs: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server from a snapshot of a volume"""
    args = {**(create_volume_kwargs or {}), "imageRef": image, "volume_type": volume_type or None}
    volume = await cinder.create_volume(run, volume_size, **args)
    snapshot = await cinder.create_snapshot(run, volume["id"])
    mapping = {"vda": f"{snapshot['id']}:snap::1"}
    boot = {**(boot_server_kwargs or kwargs), "block_device_mapping": mapping}
    await nova.boot_server(run, None, flavor, auto_assign_nic=auto_assign_nic, **boot)


async def with_volume(
    run: Run, image: str, flavor: str, size: Any, boot: Args, volume: Args
) -> tuple[str, str]:
    """(server, volume): attached."""
    server = await nova.boot_server(run, image, flavor, **(boot or {}))
    made = await cinder.create_volume(run, size, **(volume or {}))
    await nova.attach_volume(run, server["id"], made["id"])
    return server["id"], made["id"]


async def apart(run: Run, server: str, volume: str, force: bool = False) -> None:
    await nova.detach_volume(run, server, volume)
    await cinder.delete_volume(run, volume)
    await nova.delete_server(run, server, force=force)


@scenario(
    "NovaServers.boot_server_attach_created_volume_and_resize",
    **{**VOLUME, "finds": {**_FINDS, "to_flavor": "flavor"}},
)
async def boot_server_attach_created_volume_and_resize(
    run: Run,
    image: str,
    flavor: str,
    to_flavor: str,
    volume_size: Any,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    confirm: bool = True,
    do_delete: bool = True,
    boot_server_kwargs: Args = None,
    create_volume_kwargs: Args = None,
) -> None:
    """Boot a server, attach a volume, resize the server, take all apart"""
    server, volume = await with_volume(
        run, image, flavor, volume_size, boot_server_kwargs, create_volume_kwargs
    )
    await run.sleep_between(min_sleep, max_sleep)
    await _resized(run, server, to_flavor, confirm, "ACTIVE")
    if do_delete:
        await apart(run, server, volume, force_delete)


@scenario("NovaServers.boot_server_attach_created_volume_and_extend", **VOLUME)
async def boot_server_attach_created_volume_and_extend(
    run: Run,
    image: str,
    flavor: str,
    volume_size: Any,
    new_volume_size: Any,
    min_sleep: float = 0,
    max_sleep: float = 0,
    force_delete: bool = False,
    do_delete: bool = True,
    boot_server_kwargs: Args = None,
    create_volume_kwargs: Args = None,
) -> None:
    """Boot a server, attach a volume, extend the volume, take all apart"""
    server, volume = await with_volume(
        run, image, flavor, volume_size, boot_server_kwargs, create_volume_kwargs
    )
    await run.sleep_between(min_sleep, max_sleep)
    await cinder.extend_volume(run, volume, new_volume_size, attached=True)
    if do_delete:
        await apart(run, server, volume, force_delete)


@scenario(
    "NovaServers.boot_server_attach_volume_and_list_attachments",
    numbers={"volume_num": number(1, 100, whole=True)},
    **FROM_VOLUME,
)
async def boot_server_attach_volume_and_list_attachments(
    run: Run,
    image: str,
    flavor: str,
    volume_size: Any = 1,
    volume_num: int = 2,
    boot_server_kwargs: Args = None,
    create_volume_kwargs: Args = None,
) -> None:
    """Boot a server, attach volumes, find them in the list of attachments"""
    server = await nova.boot_server(run, image, flavor, **(boot_server_kwargs or {}))
    made = []
    for _ in range(volume_num):
        volume = await cinder.create_volume(run, volume_size, **(create_volume_kwargs or {}))
        made.append(await nova.attach_volume(run, server["id"], volume["id"]))
    listed = {a["volumeId"] for a in await nova.list_attachments(run, server["id"])}
    for attachment in made:
        run.check(
            attachment["volumeId"] in listed,
            f"attachment not included into list of available attachments: {attachment}",
        )
