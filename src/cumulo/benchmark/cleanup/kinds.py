"""What a run may leave behind, kind by kind, in the order in which it can be taken away.

A kind is listed and deleted with a user's session (`project`: what that project has) or with the
administrator's (`cloud`). Things that hold others up come first: servers before their volumes,
ports before their networks.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from cumulo.benchmark.client.session import Conflict, NotFound, Session, is_followed

Item = Mapping[str, Any]
Listing = Callable[[Session], Awaitable[list[Any]]]
MOST_PAGES = 1000
Removal = Callable[[Session, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is `service.things`, with Rally's name of the service."""

    name: str
    service: str
    path: str
    collection: str
    scope: str = "project"
    key: str = "id"
    named: str = "name"
    query: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False
    """Whether it is gone only some time after it was deleted."""
    listing: Listing | None = None
    removal: Removal | None = None
    scoped: bool = False
    """Whether the list is of the token's project by the service's own rules, and its items need
    not name one."""

    async def items(self, cloud: Session) -> list[Any]:
        if self.listing is not None:
            return await self.listing(cloud)
        found: list[Any] = []
        query = dict(self.query)
        for _ in range(MOST_PAGES):
            document = await cloud.get(self.service, self.path, query=query)
            page = document[self.collection]
            found += page
            last = str(page[-1].get(self.key) or "") if page else ""
            if (
                not last
                or last == query.get("marker")
                or not is_followed(document, self.collection)
            ):
                break
            query["marker"] = last
        return found

    async def remove(self, cloud: Session, item: Any) -> None:
        if self.removal is not None:
            await self.removal(cloud, item)
            return
        await cloud.delete(self.service, self.one(item))

    def one(self, item: Any) -> str:
        return f"{self.path.removesuffix('/detail')}/{item[self.key]}"


# Where items name their project.
_OWNERS = (
    "project_id",
    "tenant_id",
    "created_by_project_id",
    "owner",
    "os-vol-tenant-attr:tenant_id",
    "os-extended-snapshot-attributes:project_id",
    "os-backup-project-attr:project_id",
)


def owners(item: Item) -> set[str]:
    """The projects that an item names as its own."""
    found = {str(item[name]) for name in _OWNERS if item.get(name)}
    # Metrics have `user:project`.
    _, colon, project = str(item.get("creator") or "").partition(":")
    return found | {project} if colon and project else found


def of_project(item: Item, kind: Kind, project: str) -> bool:
    """Whether an item is a project's, whatever else a list shows: administrators are shown what
    is everybody's. Key pairs are a user's and never a project's."""
    if not project or kind.name == "nova.keypairs":
        return False
    named = owners(item)
    return project in named if named else kind.scoped


def _own(cloud: Session, items: list[Any]) -> list[Any]:
    """A cloud may not filter as it was asked to."""
    return [item for item in items if cloud.project_id and cloud.project_id in owners(item)]


async def default_groups(admin: Session, project: str) -> None:
    """Remove the security groups that networking made by itself in a project."""
    if not project or not await admin.has("network"):
        return
    query = {"tenant_id": project, "name": "default"}
    found = (await admin.get("network", "/security-groups", query=query))["security_groups"]
    for group in found:
        if group["name"] == "default" and project in owners(group):
            await admin.delete("network", f"/security-groups/{group['id']}")


async def _remove_server(cloud: Session, server: Any) -> None:
    """A run that was ended may have left it locked; who locked it may undo that."""
    path = f"/servers/{server['id']}"
    try:
        await cloud.delete("compute", path)
    except Conflict:
        await cloud.post("compute", f"{path}/action", {"unlock": None})
        await cloud.delete("compute", path)


async def _keypairs(cloud: Session) -> list[Any]:
    found = (await cloud.get("compute", "/os-keypairs"))["keypairs"]
    return [item["keypair"] for item in found]


async def _ports(cloud: Session) -> list[Any]:
    """Ports of no service: what DHCP and routers have goes with them."""
    query = {"tenant_id": cloud.project_id}
    found = await cloud.pages("network", "/ports", "ports", query=query)
    return [p for p in _own(cloud, found) if not p["device_owner"].startswith("network:")]


async def _remove_router(cloud: Session, router: Any) -> None:
    path = f"/routers/{router['id']}"
    if router.get("external_gateway_info"):
        await cloud.put("network", path, {"router": {"external_gateway_info": {}}})
    ports = (await cloud.get("network", "/ports", query={"device_id": router["id"]}))["ports"]
    for port in ports:
        mine = port.get("device_id") == router["id"]
        if mine and port["device_owner"].startswith("network:router_interface"):
            body = {"port_id": port["id"]}
            await cloud.put("network", f"{path}/remove_router_interface", body)
    await cloud.delete("network", path)


async def _groups(cloud: Session) -> list[Any]:
    query = {"tenant_id": cloud.project_id}
    found = await cloud.pages("network", "/security-groups", "security_groups", query=query)
    return [group for group in _own(cloud, found) if group["name"] != "default"]


async def _qos_remove(cloud: Session, item: Any) -> None:
    await cloud.delete("volume", f"/qos-specs/{item['id']}?force=True")


async def _remove_aggregate(cloud: Session, item: Any) -> None:
    for host in item.get("hosts") or ():
        path = f"/os-aggregates/{item['id']}/action"
        await cloud.post("compute", path, {"remove_host": {"host": host}})
    await cloud.delete("compute", f"/os-aggregates/{item['id']}")


async def _images(cloud: Session) -> list[Any]:
    query = {"owner": cloud.project_id}
    return _own(cloud, await cloud.pages("image", "/images", "images", query=query))


def _network(name: str, path: str, **more: Any) -> Kind:
    """Networking's lists show what others share, too: only the project's own are asked for."""

    async def listing(cloud: Session) -> list[Any]:
        query = {"tenant_id": cloud.project_id}
        collection = path.removeprefix("/").replace("-", "_")
        return _own(cloud, await cloud.pages("network", path, collection, query=query))

    return Kind(name, "network", path, "", listing=more.pop("listing", listing), **more)


async def _containers(cloud: Session) -> list[Any]:
    return await _bare_pages(cloud, "object-store", "", "name", {"format": "json"})


async def _bare_pages(
    cloud: Session, service: str, path: str, key: str, query: Mapping[str, Any]
) -> list[Any]:
    """Lists that are bare arrays say nothing of a next page: it is asked for until it is empty."""
    found: list[Any] = []
    marker = None
    for _ in range(MOST_PAGES):
        page = await cloud.get(service, path, query={**query, "marker": marker})
        if not page or page[-1][key] == marker:
            break
        found += page
        marker = page[-1][key]
    return found


async def _remove_container(cloud: Session, container: Any) -> None:
    """A list may lag behind and name objects that are gone: what was deleted once is not asked
    for again, and a list of nothing else ends it."""
    name = quote(container["name"])
    tried: set[str] = set()
    while items := await cloud.get("object-store", f"/{name}?format=json"):
        fresh = [item["name"] for item in items if item["name"] not in tried]
        if not fresh:
            break
        tried |= set(fresh)
        for each in fresh:
            with contextlib.suppress(NotFound):
                await cloud.delete("object-store", f"/{name}/{quote(each)}")
    await cloud.delete("object-store", f"/{name}")


async def _stacks(cloud: Session) -> list[Any]:
    return await cloud.pages("orchestration", "/stacks", "stacks")


async def _remove_stack(cloud: Session, stack: Any) -> None:
    await cloud.delete("orchestration", f"/stacks/{stack['stack_name']}/{stack['id']}")


def _plain_list(path: str) -> Listing:
    """Metrics' lists are bare arrays."""

    async def listing(cloud: Session) -> list[Any]:
        if path != "/metric":
            # Archive policies and the like have no pages.
            found: list[Any] = await cloud.get("metric", path)
            return found
        return await _bare_pages(cloud, "metric", path, "id", {"limit": 1000})

    return listing


async def _gnocchi_resources(cloud: Session) -> list[Any]:
    """Their names are their original ids."""
    found = await _bare_pages(cloud, "metric", "/resource/generic", "id", {"limit": 1000})
    return [{**item, "name": item.get("original_resource_id")} for item in found]


async def _alarms(cloud: Session) -> list[Any]:
    found: list[Any] = await cloud.get("alarming", "/alarms")
    return found


PROJECT: tuple[Kind, ...] = (
    Kind(
        "heat.stacks",
        "orchestration",
        "/stacks",
        "stacks",
        named="stack_name",
        waits=True,
        listing=_stacks,
        removal=_remove_stack,
        scoped=True,
    ),
    Kind(
        "nova.servers", "compute", "/servers/detail", "servers", waits=True, removal=_remove_server
    ),
    Kind("nova.server_groups", "compute", "/os-server-groups", "server_groups", scoped=True),
    Kind("nova.keypairs", "compute", "/os-keypairs", "", key="name", listing=_keypairs),
    Kind("manila.shares", "share", "/shares/detail", "shares", waits=True),
    Kind("manila.share_networks", "share", "/share-networks/detail", "share_networks"),
    Kind("manila.security_services", "share", "/security-services/detail", "security_services"),
    Kind("cinder.backups", "volume", "/backups/detail", "backups", waits=True, scoped=True),
    Kind("cinder.snapshots", "volume", "/snapshots/detail", "snapshots", waits=True, scoped=True),
    Kind("cinder.transfers", "volume", "/os-volume-transfer/detail", "transfers", scoped=True),
    Kind("cinder.volumes", "volume", "/volumes/detail", "volumes", waits=True, scoped=True),
    Kind("glance.images", "image", "/images", "images", listing=_images),
    _network("neutron.floatingip", "/floatingips", named="description"),
    _network("neutron.trunk", "/trunks"),
    _network("neutron.router", "/routers", removal=_remove_router),
    _network("neutron.port", "/ports", listing=_ports),
    _network("neutron.subnet", "/subnets"),
    _network("neutron.network", "/networks"),
    _network("neutron.security_group", "/security-groups", listing=_groups),
    Kind("designate.zones", "dns", "/zones", "zones", waits=True),
    Kind("aodh.alarms", "alarming", "/alarms", "", key="alarm_id", listing=_alarms),
    Kind("gnocchi.metric", "metric", "/metric", "", listing=_plain_list("/metric")),
    Kind("gnocchi.resource", "metric", "/resource/generic", "", listing=_gnocchi_resources),
    Kind(
        "swift.container",
        "object-store",
        "",
        "",
        key="name",
        listing=_containers,
        removal=_remove_container,
        scoped=True,
    ),
)

CLOUD: tuple[Kind, ...] = (
    Kind("ironic.nodes", "baremetal", "/nodes", "nodes", "cloud", key="uuid"),
    Kind("gnocchi.archive_policy_rule", "metric", "/archive_policy_rule", "", "cloud", key="name",
         listing=_plain_list("/archive_policy_rule")),
    Kind("gnocchi.archive_policy", "metric", "/archive_policy", "", "cloud", key="name",
         listing=_plain_list("/archive_policy")),
    Kind("gnocchi.resource_type", "metric", "/resource_type", "", "cloud", key="name",
         listing=_plain_list("/resource_type")),
    Kind("nova.flavors", "compute", "/flavors", "flavors", "cloud", query={"is_public": "None"}),
    Kind("nova.aggregates", "compute", "/os-aggregates", "aggregates", "cloud",
         removal=_remove_aggregate),
    Kind("cinder.qos", "volume", "/qos-specs", "qos_specs", "cloud", removal=_qos_remove),
    Kind("cinder.volume_types", "volume", "/types", "volume_types", "cloud",
         query={"is_public": "None"}),
    Kind("keystone.services", "identity", "/services", "services", "cloud"),
    Kind("keystone.roles", "identity", "/roles", "roles", "cloud"),
    Kind("keystone.users", "identity", "/users", "users", "cloud"),
    Kind("keystone.projects", "identity", "/projects", "projects", "cloud"),
)  # fmt: skip


def chosen(kinds: tuple[Kind, ...], wanted: tuple[str, ...]) -> list[Kind]:
    """The kinds of some services (`nova`) or of one name (`neutron.floatingip`)."""
    return [k for k in kinds if k.name in wanted or k.name.partition(".")[0] in wanted]
