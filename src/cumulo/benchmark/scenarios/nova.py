"""Scenarios of compute besides servers: key pairs, groups, flavors, aggregates, hypervisors."""

from typing import Any

from cumulo.benchmark.actions import nova, nova_admin, nova_beside
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import Fit, scenario

Args = dict[str, Any] | None

_OWN: Any = {"services": ("nova",), "cleanup": ("nova",)}
_ADMIN: Any = {"services": ("nova",), "admin": True}
_MADE: Any = {**_ADMIN, "admin_cleanup": ("nova",)}


# key pairs


@scenario("NovaKeypair.create_and_list_keypairs", **_OWN)
async def create_and_list_keypairs(run: Run, **kwargs: Any) -> None:
    """Create a key pair and find it in the list of all"""
    name = await nova_beside.create_keypair(run, **kwargs)
    run.check(
        name in await nova_beside.list_keypairs(run), "Keypair is not in the list of key pairs"
    )


@scenario("NovaKeypair.create_and_delete_keypair", **_OWN)
async def create_and_delete_keypair(run: Run, **kwargs: Any) -> None:
    """Create a key pair and delete it"""
    await nova_beside.delete_keypair(run, await nova_beside.create_keypair(run, **kwargs))


@scenario("NovaKeypair.create_and_get_keypair", **_OWN)
async def create_and_get_keypair(run: Run, **kwargs: Any) -> None:
    """Create a key pair and show it"""
    await nova_beside.get_keypair(run, await nova_beside.create_keypair(run, **kwargs))


@scenario(
    "NovaKeypair.boot_and_delete_server_with_keypair",
    finds={"image": "image", "flavor": "flavor"},
    fits=(Fit(),),
    **_OWN,
)
async def boot_and_delete_server_with_keypair(
    run: Run, image: str, flavor: str, boot_server_kwargs: Args = None, **kwargs: Any
) -> None:
    """Create a key pair, boot a server with it, delete both"""
    name = await nova_beside.create_keypair(run, **kwargs)
    server = await nova.boot_server(
        run, image, flavor, **{**(boot_server_kwargs or {}), "key_name": name}
    )
    await nova.delete_server(run, server["id"])
    await nova_beside.delete_keypair(run, name)


# server groups


def _group(policies: list[str] | None, kwargs: Args) -> dict[str, Any]:
    return kwargs if kwargs is not None else {"policies": policies}


@scenario("NovaServerGroups.create_and_list_server_groups", **_OWN)
async def create_and_list_server_groups(
    run: Run,
    policies: list[str] | None = None,
    all_projects: bool = False,
    kwargs: Args = None,
) -> None:
    """Create a server group and find it in the list of all"""
    made = await nova_beside.create_server_group(run, **_group(policies, kwargs))
    listed = await nova_beside.list_server_groups(run, all_projects)
    run.check(
        any(group["id"] == made["id"] for group in listed),
        "Server Group not included into list of server groups",
    )


@scenario("NovaServerGroups.create_and_get_server_group", **_OWN)
async def create_and_get_server_group(
    run: Run, policies: list[str] | None = None, kwargs: Args = None
) -> None:
    """Create a server group and show it"""
    made = await nova_beside.create_server_group(run, **_group(policies, kwargs))
    found = await nova_beside.get_server_group(run, made["id"])
    run.check(found["id"] == made["id"], "another server group was shown")


@scenario("NovaServerGroups.create_and_delete_server_group", **_OWN)
async def create_and_delete_server_group(
    run: Run, policies: list[str] | None = None, kwargs: Args = None
) -> None:
    """Create a server group and delete it"""
    made = await nova_beside.create_server_group(run, **_group(policies, kwargs))
    await nova_beside.delete_server_group(run, made["id"])


# flavors


@scenario("NovaFlavors.list_flavors", services=("nova",))
async def list_flavors(
    run: Run,
    detailed: bool = True,
    is_public: bool = True,
    marker: str | None = None,
    min_disk: int | None = None,
    min_ram: int | None = None,
    limit: int | None = None,
    sort_key: str | None = None,
    sort_dir: str | None = None,
) -> None:
    """List flavors"""
    await nova_admin.list_flavors(
        run,
        detailed,
        is_public=is_public,
        marker=marker,
        min_disk=min_disk,
        min_ram=min_ram,
        limit=limit,
        sort_key=sort_key,
        sort_dir=sort_dir,
    )


async def _flavor(run: Run, ram: int, vcpus: int, disk: int, more: dict[str, Any]) -> Any:
    return await nova_admin.create_flavor(run, ram, vcpus, disk, **more)


@scenario("NovaFlavors.create_flavor", **_MADE)
async def create_flavor(
    run: Run,
    ram: int,
    vcpus: int,
    disk: int,
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> None:
    """Create a flavor"""
    more = _more(flavorid, ephemeral, swap, rxtx_factor, is_public)
    await _flavor(run, ram, vcpus, disk, more)


def _more(
    flavorid: str, ephemeral: int, swap: int, rxtx_factor: float, is_public: bool
) -> dict[str, Any]:
    return {
        "flavorid": flavorid,
        "ephemeral": ephemeral,
        "swap": swap,
        "rxtx_factor": rxtx_factor,
        "is_public": is_public,
    }


@scenario("NovaFlavors.create_and_get_flavor", **_MADE)
async def create_and_get_flavor(
    run: Run,
    ram: int,
    vcpus: int,
    disk: int,
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> None:
    """Create a flavor and show it"""
    more = _more(flavorid, ephemeral, swap, rxtx_factor, is_public)
    made = await _flavor(run, ram, vcpus, disk, more)
    await nova_admin.get_flavor(run, made["id"])


@scenario("NovaFlavors.create_and_delete_flavor", **_MADE)
async def create_and_delete_flavor(
    run: Run,
    ram: int,
    vcpus: int,
    disk: int,
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> None:
    """Create a flavor and delete it"""
    more = _more(flavorid, ephemeral, swap, rxtx_factor, is_public)
    made = await _flavor(run, ram, vcpus, disk, more)
    await nova_admin.delete_flavor(run, made["id"])


@scenario("NovaFlavors.create_flavor_and_set_keys", **_MADE)
async def create_flavor_and_set_keys(
    run: Run,
    ram: int,
    vcpus: int,
    disk: int,
    extra_specs: dict[str, Any],
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> None:
    """Create a flavor and give it extra specs"""
    more = _more(flavorid, ephemeral, swap, rxtx_factor, is_public)
    made = await _flavor(run, ram, vcpus, disk, more)
    await nova_admin.set_flavor_keys(run, made["id"], extra_specs)


@scenario("NovaFlavors.create_and_list_flavor_access", **_MADE)
async def create_and_list_flavor_access(
    run: Run,
    ram: int,
    vcpus: int,
    disk: int,
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> None:
    """Create a flavor that is not public and list who may use it"""
    more = _more(flavorid, ephemeral, swap, rxtx_factor, False)
    made = await _flavor(run, ram, vcpus, disk, more)
    await nova_admin.list_flavor_access(run, made["id"])


@scenario("NovaFlavors.create_flavor_and_add_tenant_access", **_MADE)
async def create_flavor_and_add_tenant_access(
    run: Run,
    ram: int,
    vcpus: int,
    disk: int,
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> None:
    """Create a flavor and let a project use it"""
    more = _more(flavorid, ephemeral, swap, rxtx_factor, is_public)
    made = await _flavor(run, ram, vcpus, disk, more)
    await nova_admin.add_tenant_access(run, made["id"], run.tenant["id"])


# aggregates


@scenario("NovaAggregates.list_aggregates", **_ADMIN)
async def list_aggregates(run: Run) -> None:
    """List aggregates"""
    await nova_admin.list_aggregates(run)


@scenario("NovaAggregates.create_and_list_aggregates", **_MADE)
async def create_and_list_aggregates(run: Run, availability_zone: str) -> None:
    """Create an aggregate and find it in the list of all"""
    made = await nova_admin.create_aggregate(run, availability_zone)
    listed = await nova_admin.list_aggregates(run)
    run.check(
        any(a["id"] == made["id"] for a in listed),
        "Created aggregate is not in the list of all available aggregates",
    )


@scenario("NovaAggregates.create_and_delete_aggregate", **_MADE)
async def create_and_delete_aggregate(run: Run, availability_zone: str) -> None:
    """Create an aggregate and delete it"""
    made = await nova_admin.create_aggregate(run, availability_zone)
    await nova_admin.delete_aggregate(run, made["id"])


@scenario("NovaAggregates.create_and_update_aggregate", **_MADE)
async def create_and_update_aggregate(run: Run, availability_zone: str) -> None:
    """Create an aggregate and change its name and zone"""
    made = await nova_admin.create_aggregate(run, availability_zone)
    await nova_admin.update_aggregate(run, made["id"])


@scenario("NovaAggregates.create_and_get_aggregate_details", **_MADE)
async def create_and_get_aggregate_details(run: Run, availability_zone: str) -> None:
    """Create an aggregate and show it"""
    made = await nova_admin.create_aggregate(run, availability_zone)
    await nova_admin.get_aggregate(run, made["id"])


@scenario("NovaAggregates.create_aggregate_add_and_remove_host", **_MADE)
async def create_aggregate_add_and_remove_host(run: Run, availability_zone: str) -> None:
    """Create an aggregate, add a host, take it away"""
    made = await nova_admin.create_aggregate(run, availability_zone)
    host = {"host": await nova_admin.a_host(run)}
    await nova_admin.aggregate_action(run, "add_host", made["id"], "add_host", host)
    await nova_admin.aggregate_action(run, "remove_host", made["id"], "remove_host", host)


@scenario(
    "NovaAggregates.create_aggregate_add_host_and_boot_server",
    cleanup=("nova",),
    finds={"image": "image"},
    **_MADE,
)
async def create_aggregate_add_host_and_boot_server(
    run: Run,
    image: str,
    metadata: dict[str, Any],
    availability_zone: str | None = None,
    ram: int = 512,
    vcpus: int = 1,
    disk: int = 1,
    boot_server_kwargs: Args = None,
) -> None:
    """Boot a server of a flavor that only hosts of a new aggregate may have"""
    made = await nova_admin.create_aggregate(run, availability_zone)
    host = await nova_admin.a_host(run)
    await nova_admin.aggregate_action(
        run, "set_metadata", made["id"], "set_metadata", {"metadata": metadata}
    )
    await nova_admin.aggregate_action(run, "add_host", made["id"], "add_host", {"host": host})
    flavor = await nova_admin.create_flavor(run, ram, vcpus, disk)
    await nova_admin.set_flavor_keys(run, flavor["id"], metadata)
    server = await nova.boot_server(run, image, flavor["id"], **(boot_server_kwargs or {}))
    seen = (await run.admin.get("compute", f"/servers/{server['id']}"))["server"]
    run.check(
        seen["OS-EXT-SRV-ATTR:host"] == host, "Instance host and aggregate host are different"
    )
    # The host must leave the aggregate before that can be taken away.
    await nova.delete_server(run, server["id"])
    await nova_admin.aggregate_action(run, "remove_host", made["id"], "remove_host", {"host": host})


# hypervisors, services, zones


@scenario("NovaHypervisors.list_hypervisors", **_ADMIN)
async def list_hypervisors(run: Run, detailed: bool = True) -> None:
    """List hypervisors"""
    await nova_admin.list_hypervisors(run, detailed)


@scenario("NovaHypervisors.list_and_get_hypervisors", **_ADMIN)
async def list_and_get_hypervisors(run: Run, detailed: bool = True) -> None:
    """List hypervisors and show each"""
    for hypervisor in await nova_admin.list_hypervisors(run, detailed):
        await nova_admin.get_hypervisor(run, hypervisor["id"])


@scenario("NovaHypervisors.statistics_hypervisors", **_ADMIN)
async def statistics_hypervisors(run: Run) -> None:
    """Show the sums over all hypervisors"""
    await nova_admin.statistics_hypervisors(run)


@scenario("NovaHypervisors.list_and_get_uptime_hypervisors", **_ADMIN)
async def list_and_get_uptime_hypervisors(run: Run, detailed: bool = True) -> None:
    """List hypervisors and show since when each is up"""
    for hypervisor in await nova_admin.list_hypervisors(run, detailed):
        if hypervisor.get("state") == "up":
            await nova_admin.uptime_hypervisor(run, hypervisor["id"])


@scenario("NovaHypervisors.list_and_search_hypervisors", **_ADMIN)
async def list_and_search_hypervisors(run: Run, detailed: bool = True) -> None:
    """List hypervisors and search each by its name"""
    for hypervisor in await nova_admin.list_hypervisors(run, detailed):
        await nova_admin.search_hypervisors(run, hypervisor["hypervisor_hostname"])


@scenario("NovaServices.list_services", **_ADMIN)
async def list_services(run: Run, host: str | None = None, binary: str | None = None) -> None:
    """List the services of compute"""
    await nova_admin.list_services(run, host, binary)


@scenario("NovaAvailabilityZones.list_availability_zones", **_ADMIN)
async def list_availability_zones(run: Run, detailed: bool = True) -> None:
    """List availability zones"""
    await nova_admin.list_availability_zones(run, detailed)
