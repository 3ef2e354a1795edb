"""Scenarios of servers that move between hosts, have addresses, or are looked at."""

from typing import Any

from cumulo.benchmark.actions import neutron, nova
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import Fit, scenario
from cumulo.benchmark.scenarios.nova_servers import (
    BOOT,
    FROM_VOLUME,
    VOLUME,
    Args,
    apart,
    boot_from_volume,
    with_volume,
)

# moves


@scenario("NovaServers.boot_and_live_migrate_server", admin=True, **BOOT)
async def boot_and_live_migrate_server(
    run: Run,
    image: str,
    flavor: str,
    block_migration: bool = False,
    disk_over_commit: bool = False,
    min_sleep: float = 0,
    max_sleep: float = 0,
    **kwargs: Any,
) -> None:
    """Boot a server, move it to another host while it runs, delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await nova.live_migrate(run, server["id"], block_migration, disk_over_commit)
    await nova.delete_server(run, server["id"])


@scenario("NovaServers.boot_server_from_volume_and_live_migrate", admin=True, **FROM_VOLUME)
async def boot_server_from_volume_and_live_migrate(
    run: Run,
    image: str,
    flavor: str,
    volume_size: Any,
    volume_type: str | None = None,
    block_migration: bool = False,
    disk_over_commit: bool = False,
    force_delete: bool = False,
    min_sleep: float = 0,
    max_sleep: float = 0,
    create_volume_kwargs: Args = None,
    boot_server_kwargs: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server from a volume, move it while it runs, delete it"""
    args = boot_server_kwargs or kwargs
    server = await boot_from_volume(
        run, image, flavor, volume_size, volume_type, create_volume_kwargs, args
    )
    await run.sleep_between(min_sleep, max_sleep)
    await nova.live_migrate(run, server["id"], block_migration, disk_over_commit)
    await nova.delete_server(run, server["id"], force=force_delete)


@scenario("NovaServers.boot_server_attach_created_volume_and_live_migrate", admin=True, **VOLUME)
async def boot_server_attach_created_volume_and_live_migrate(
    run: Run,
    image: str,
    flavor: str,
    size: Any,
    block_migration: bool = False,
    disk_over_commit: bool = False,
    boot_server_kwargs: Args = None,
    create_volume_kwargs: Args = None,
    min_sleep: float = 0,
    max_sleep: float = 0,
) -> None:
    """Boot a server, attach a volume, move the server while it runs, take all apart"""
    server, volume = await with_volume(
        run, image, flavor, size, boot_server_kwargs, create_volume_kwargs
    )
    await run.sleep_between(min_sleep, max_sleep)
    await nova.live_migrate(run, server, block_migration, disk_over_commit)
    await apart(run, server, volume)


@scenario("NovaServers.boot_and_migrate_server", admin=True, **BOOT)
async def boot_and_migrate_server(
    run: Run, image: str, flavor: str, confirm: bool = True, **kwargs: Any
) -> None:
    """Boot a server, move it to another host, confirm or revert, delete it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.migrate(run, server["id"])
    if confirm:
        await nova.confirm_resize(run, server["id"])
    else:
        await nova.revert_resize(run, server["id"])
    await nova.delete_server(run, server["id"])


@scenario(
    "NovaServers.boot_and_rebuild_server",
    admin=True,
    services=("nova",),
    cleanup=("nova",),
    finds={"from_image": "image", "to_image": "image", "flavor": "flavor"},
    fits=(Fit(image="from_image"), Fit(image="to_image")),
)
async def boot_and_rebuild_server(
    run: Run, from_image: str, to_image: str, flavor: str, **kwargs: Any
) -> None:
    """Boot a server, rebuild it from another image, delete it"""
    server = await nova.boot_server(run, from_image, flavor, **kwargs)
    await nova.rebuild(run, server["id"], to_image)
    await nova.delete_server(run, server["id"])


# networks

_FLOATING: Any = {
    **BOOT,
    "cleanup": ("nova", "neutron.floatingip"),
    "contexts": ("network|existing_network",),
    "router": True,
}


def _outside(floating_network: str | None, args: Args) -> str | None:
    given = args or {}
    return floating_network or given.get("ext_network") or given.get("floating_network")


@scenario("NovaServers.boot_and_associate_floating_ip", **_FLOATING)
async def boot_and_associate_floating_ip(
    run: Run,
    image: str,
    flavor: str,
    floating_network: str | None = None,
    create_floating_ip_args: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server and give it a floating IP"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    outside = _outside(floating_network, create_floating_ip_args)
    made = await neutron.create_floating_ip(run, outside)
    await nova.associate_floating_ip(run, server["id"], made)


@scenario("NovaServers.boot_server_associate_and_dissociate_floating_ip", **_FLOATING)
async def boot_server_associate_and_dissociate_floating_ip(
    run: Run,
    image: str,
    flavor: str,
    floating_network: str | None = None,
    create_floating_ip_args: Args = None,
    **kwargs: Any,
) -> None:
    """Boot a server, give it a floating IP and take it away"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    outside = _outside(floating_network, create_floating_ip_args)
    made = await neutron.create_floating_ip(run, outside)
    await nova.associate_floating_ip(run, server["id"], made)
    await nova.dissociate_floating_ip(run, server["id"], made)


@scenario(
    "NovaServers.boot_server_and_attach_interface",
    **{**BOOT, "services": ("nova", "neutron"), "cleanup": ("nova", "neutron")},
)
async def boot_server_and_attach_interface(
    run: Run,
    image: str,
    flavor: str,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    boot_server_args: Args = None,
) -> None:
    """Boot a server and attach it to another network"""
    made = run.tenant.get("networks") or []
    if made:
        network = made[run.number % len(made)]
    else:
        network = await neutron.create_network(run, **(network_create_args or {}))
    await neutron.create_subnet(
        run, network["id"], start_cidr=subnet_cidr_start, **(subnet_create_args or {})
    )
    server = await nova.boot_server(run, image, flavor, **(boot_server_args or {}))
    await nova.attach_interface(run, server["id"], net_id=network["id"])


@scenario(
    "NovaServers.boot_server_and_list_interfaces",
    contexts=("network|existing_network",),
    **BOOT,
)
async def boot_server_and_list_interfaces(run: Run, image: str, flavor: str, **kwargs: Any) -> None:
    """Boot a server and list its interfaces"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.list_interfaces(run, server["id"])


# looks


@scenario("NovaServers.boot_and_show_server", **BOOT)
async def boot_and_show_server(run: Run, image: str, flavor: str, **kwargs: Any) -> None:
    """Boot a server and show it"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.show_server(run, server["id"])


@scenario("NovaServers.boot_and_get_console_output", **BOOT)
async def boot_and_get_console_output(
    run: Run, image: str, flavor: str, length: int | None = None, **kwargs: Any
) -> None:
    """Boot a server and read its console's output"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.console_output(run, server["id"], length)


@scenario(
    "NovaServers.boot_and_get_console_url",
    numbers={
        "console_type": {
            "enum": ["novnc", "xvpvnc", "spice-html5", "rdp-html5", "serial", "webmks"]
        }
    },
    **BOOT,
)
async def boot_and_get_console_url(
    run: Run, image: str, flavor: str, console_type: str, **kwargs: Any
) -> None:
    """Boot a server and ask where its console is"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.console_url(run, server["id"], console_type)


@scenario("NovaServers.boot_and_update_server", **BOOT)
async def boot_and_update_server(
    run: Run, image: str, flavor: str, description: str | None = None, **kwargs: Any
) -> None:
    """Boot a server and change its name and description"""
    server = await nova.boot_server(run, image, flavor, **kwargs)
    await nova.update_server(run, server["id"], description)
