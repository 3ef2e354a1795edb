"""Steps of compute that an administrator takes: flavors, aggregates, hypervisors, services."""

from typing import Any

from cumulo.benchmark.client.session import NotFound
from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]

# flavors


async def list_flavors(run: Run, detailed: bool = True, **query: Any) -> list[Found]:
    with run.action("nova.list_flavors"):
        path = "/flavors/detail" if detailed else "/flavors"
        words = {"min_disk": "minDisk", "min_ram": "minRam"}
        named = {words.get(k, k): v for k, v in query.items() if v is not None}
        if named.get("is_public") is True:
            del named["is_public"]
        found: list[Found] = (await run.cloud.get("compute", path, query=named))["flavors"]
        return found


async def create_flavor(run: Run, ram: int, vcpus: int, disk: int, **args: Any) -> Found:
    with run.action("nova.create_flavor"):
        body: Found = {
            "name": run.name(),
            "ram": ram,
            "vcpus": vcpus,
            "disk": disk,
            "OS-FLV-EXT-DATA:ephemeral": args.get("ephemeral", 0),
            "swap": args.get("swap", 0),
            "rxtx_factor": args.get("rxtx_factor", 1.0),
            "os-flavor-access:is_public": args.get("is_public", True),
        }
        if args.get("flavorid", "auto") != "auto":
            body["id"] = args["flavorid"]
        made: Found = (await run.admin.post("compute", "/flavors", {"flavor": body}))["flavor"]
        return made


async def get_flavor(run: Run, id: str) -> None:
    with run.action("nova.get_flavor"):
        await run.admin.get("compute", f"/flavors/{id}")


async def delete_flavor(run: Run, id: str) -> None:
    with run.action("nova.delete_flavor"):
        await run.admin.delete("compute", f"/flavors/{id}")


async def set_flavor_keys(run: Run, id: str, extra_specs: Found) -> None:
    with run.action("nova.set_flavor_keys"):
        body = {"extra_specs": {k: str(v) for k, v in extra_specs.items()}}
        await run.admin.post("compute", f"/flavors/{id}/os-extra_specs", body)


async def list_flavor_access(run: Run, id: str) -> None:
    with run.action("nova.list_flavor_access"):
        await run.admin.get("compute", f"/flavors/{id}/os-flavor-access")


async def add_tenant_access(run: Run, id: str, tenant_id: str) -> None:
    with run.action("nova.add_tenant_access"):
        body = {"addTenantAccess": {"tenant": tenant_id}}
        await run.admin.post("compute", f"/flavors/{id}/action", body)


# aggregates, hypervisors, services


async def create_aggregate(run: Run, availability_zone: str | None) -> Found:
    with run.action("nova.create_aggregate"):
        body = {"name": run.name(), "availability_zone": availability_zone}
        made = await run.admin.post("compute", "/os-aggregates", {"aggregate": body})
        found: Found = made["aggregate"]
        return found


async def list_aggregates(run: Run) -> list[Found]:
    with run.action("nova.list_aggregates"):
        found: list[Found] = (await run.admin.get("compute", "/os-aggregates"))["aggregates"]
        return found


async def get_aggregate(run: Run, id: int) -> None:
    with run.action("nova.get_aggregate_details"):
        await run.admin.get("compute", f"/os-aggregates/{id}")


async def update_aggregate(run: Run, id: int) -> None:
    with run.action("nova.update_aggregate"):
        body = {"name": run.name(), "availability_zone": run.name()}
        await run.admin.put("compute", f"/os-aggregates/{id}", {"aggregate": body})


async def delete_aggregate(run: Run, id: int) -> None:
    with run.action("nova.delete_aggregate"):
        await run.admin.delete("compute", f"/os-aggregates/{id}")


async def aggregate_action(run: Run, name: str, id: int, action: str, value: Found) -> None:
    with run.action(f"nova.aggregate_{name}"):
        await run.admin.post("compute", f"/os-aggregates/{id}/action", {action: value})


async def list_hypervisors(run: Run, detailed: bool = True) -> list[Found]:
    with run.action("nova.list_hypervisors"):
        path = "/os-hypervisors/detail" if detailed else "/os-hypervisors"
        found: list[Found] = (await run.admin.get("compute", path))["hypervisors"]
        return found


async def get_hypervisor(run: Run, id: Any) -> None:
    with run.action("nova.get_hypervisor"):
        await run.admin.get("compute", f"/os-hypervisors/{id}")


async def statistics_hypervisors(run: Run) -> None:
    with run.action("nova.statistics_hypervisors"):
        await run.admin.get("compute", "/os-hypervisors/statistics")


async def uptime_hypervisor(run: Run, id: Any) -> None:
    with run.action("nova.uptime_hypervisor"):
        await run.admin.get("compute", f"/os-hypervisors/{id}/uptime")


async def search_hypervisors(run: Run, hostname: str) -> None:
    with run.action("nova.search_hypervisors"):
        await run.admin.get("compute", f"/os-hypervisors/{hostname}/search")


async def list_services(run: Run, host: str | None, binary: str | None) -> None:
    with run.action("nova.list_services"):
        query = {"host": host, "binary": binary}
        await run.admin.get("compute", "/os-services", query=query)


async def list_availability_zones(run: Run, detailed: bool) -> None:
    with run.action("nova.list_availability_zones"):
        await run.admin.get("compute", "/os-availability-zone" + ("/detail" if detailed else ""))


async def a_host(run: Run) -> str:
    """The name of a host that is up and enabled."""
    for hypervisor in await list_hypervisors(run):
        if hypervisor.get("state") == "up" and hypervisor.get("status") == "enabled":
            host: str = hypervisor["service"]["host"]
            return host
    raise NotFound(404, "GET", "/os-hypervisors", "Could not find an available host", "")
