"""For operators: hosts, aggregates, moves, services, quotas."""

from typing import Any

from cumulo.compute.panels.common import BASE, HOST_OPTIONS, ask
from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Panel,
    Part,
    as_pairs,
    at,
    column,
    delete,
    pairs_of,
    part_of_path,
    ref,
    said,
)
from cumulo.core.resource_types import Request

GROUP = "Cloud"
_HOSTS = "os_compute_api:os-hypervisors:list-detail"


def _share(used: str, most: str) -> Any:
    return lambda h: said("{used} of {most}", used=h.get(used, 0), most=h.get(most, 0))


def _hosts(path: str) -> Request:
    # Newer versions no longer say what is used.
    return Request("GET", f"{BASE}/os-hypervisors{path}", None, "2.79")


def _service(item: Item) -> str:
    return f"/os-services/{part_of_path(at(item, 'service.id'))}"


def _drain(item: Item, form: Form) -> list[Request]:
    wanted = {"status": "disabled", "disabled_reason": form["reason"] or "drained"}
    return [
        ask("PUT", _service(item), wanted),
        *(
            ask("POST", f"/servers/{part_of_path(each['uuid'])}/action", {"migrate": None})
            for each in (item.get("servers") or ())[:200]
        ),
    ]


HOSTS = Panel(
    name="hosts",
    title="Hosts",
    group=GROUP,
    order=900,
    about="The machines that servers run on, and how full they are.",
    items=_hosts("/detail"),
    key="hypervisors",
    columns=(
        column("Name", "hypervisor_hostname", link=True),
        column("State", "state", "status"),
        column("Status", "status", "status"),
        Column("Processors", _share("vcpus_used", "vcpus")),
        Column("Memory, MiB", _share("memory_mb_used", "memory_mb")),
        Column("Disk, GiB", _share("local_gb_used", "local_gb")),
        column("Servers", "running_vms"),
    ),
    detail=lambda id: _hosts(f"/{id}?with_servers=true"),
    detail_key="hypervisor",
    lines=(
        column("Id", "id", "mono"),
        column("State", "state", "status"),
        column("Status", "status", "status"),
        column("Address", "host_ip"),
        column("Kind", "hypervisor_type"),
        Column("Processors", _share("vcpus_used", "vcpus")),
        Column("Memory, MiB", _share("memory_mb_used", "memory_mb")),
        Column("Disk, GiB", _share("local_gb_used", "local_gb")),
        column("Why it is disabled", "service.disabled_reason"),
    ),
    parts=(
        Part(
            "servers",
            "Servers",
            lambda item, place: _hosts(f"/{part_of_path(item['id'])}?with_servers=true"),
            "servers",
            (ref("Name", "uuid", "servers"), column("Id", "uuid", "mono")),
            rows=lambda body, item: body["hypervisor"].get("servers") or [],
            id="uuid",
            panel="servers",
        ),
    ),
    actions=(
        Action(
            "disable",
            "Disable",
            lambda item, form: ask(
                "PUT",
                _service(item),
                {"status": "disabled", "disabled_reason": form["reason"] or "maintenance"},
            ),
            fields=(Field("reason", "Reason", required=False),),
            allowed=lambda item: item.get("status") == "enabled",
            about="It gets no new servers; those that it has run on.",
            main=True,
        ),
        Action(
            "enable",
            "Enable",
            lambda item, form: ask("PUT", _service(item), {"status": "enabled"}),
            allowed=lambda item: item.get("status") == "disabled",
            main=True,
        ),
        Action(
            "drain",
            "Drain",
            _drain,
            fields=(Field("reason", "Reason", required=False),),
            allowed=lambda item: bool(item.get("servers")),
            about="It gets no new servers, and those that it has move to other hosts.",
        ),
    ),
    id="id",
    label=lambda item: str(item.get("hypervisor_hostname")),
    events="hypervisor host",
    rule=_HOSTS,
)
AGGREGATES = Panel(
    name="aggregates",
    title="Aggregates",
    group=GROUP,
    order=905,
    about="Hosts that have something in common: an availability zone, a kind of hardware.",
    items=ask("GET", "/os-aggregates"),
    key="aggregates",
    columns=(
        column("Name", "name", link=True),
        column("Availability zone", "availability_zone"),
        Column("Hosts", lambda item: item.get("hosts"), "list"),
    ),
    detail=lambda id: ask("GET", f"/os-aggregates/{id}"),
    detail_key="aggregate",
    lines=(
        column("Id", "id", "mono"),
        column("Availability zone", "availability_zone"),
        Column(
            "Metadata",
            lambda item: [f"{k}={v}" for k, v in (item.get("metadata") or {}).items()],
            "list",
        ),
    ),
    parts=(
        Part(
            "hosts",
            "Hosts",
            lambda item, place: ask("GET", f"/os-aggregates/{part_of_path(item['id'])}"),
            "hosts",
            (column("Name", "name"),),
            rows=lambda body, item: [{"name": each} for each in body["aggregate"]["hosts"]],
            id="name",
            actions=(
                Action(
                    "remove",
                    "Remove",
                    lambda item, form: ask(
                        "POST",
                        f"/os-aggregates/{part_of_path(item['of']['id'])}/action",
                        {"remove_host": {"host": item["name"]}},
                    ),
                    danger=True,
                ),
            ),
            create=(
                Action(
                    "add",
                    "Add",
                    lambda item, form: ask(
                        "POST",
                        f"/os-aggregates/{part_of_path(item['of']['id'])}/action",
                        {"add_host": {"host": form["host"]}},
                    ),
                    fields=(Field("host", "Host", "select", options=HOST_OPTIONS),),
                ),
            ),
        ),
    ),
    create=(
        Action(
            "create",
            "Create aggregate",
            lambda item, form: ask(
                "POST",
                "/os-aggregates",
                {
                    "aggregate": {
                        "name": form["name"],
                        "availability_zone": form.get("zone") or None,
                    }
                },
            ),
            fields=(Field("name", "Name"), Field("zone", "Availability zone", required=False)),
        ),
    ),
    actions=(
        Action(
            "metadata",
            "Metadata",
            lambda item, form: ask(
                "POST",
                f"/os-aggregates/{part_of_path(item['id'])}/action",
                {"set_metadata": {"metadata": pairs_of(form["metadata"])}},
            ),
            fields=(
                Field(
                    "metadata",
                    "Metadata",
                    "pairs",
                    help="One name=value a line.",
                    default=lambda item: as_pairs(item.get("metadata")),
                    longest=20_000,
                ),
            ),
        ),
        delete(lambda item: f"/compute/v2.1/os-aggregates/{part_of_path(item['id'])}"),
    ),
    marker=False,
    events="aggregate",
)
MIGRATIONS = Panel(
    name="migrations",
    title="Migrations",
    group=GROUP,
    order=910,
    about="Servers that move, or moved, from one host to another.",
    items=ask("GET", "/os-migrations"),
    key="migrations",
    columns=(
        ref("Server", "instance_uuid", "servers"),
        column("Status", "status", "status"),
        column("Kind", "migration_type"),
        column("From", "source_compute"),
        column("To", "dest_compute"),
        column("Changed", "updated_at", "time"),
    ),
    id="uuid",
    events="server",
    found=False,
)
SERVICES = Panel(
    name="services",
    title="Services of compute",
    group=GROUP,
    order=915,
    about="The parts that make compute work, and whether they are heard of.",
    items=ask("GET", "/os-services"),
    key="services",
    columns=(
        column("Name", "binary"),
        column("Host", "host"),
        column("State", "state", "status"),
        column("Status", "status", "status"),
        column("Availability zone", "zone"),
        column("Changed", "updated_at", "time"),
    ),
    marker=False,
    found=False,
)


def _quota(name: str, label: str) -> Field:
    return Field(name, label, "number", default=lambda item: at(item, name), help="")


QUOTAS = Panel(
    name="quotas",
    title="Quotas of compute",
    group=GROUP,
    order=920,
    about="How much each project may have. -1: no limit.",
    items=Request("GET", "/identity/v3/projects"),
    key="projects",
    columns=(column("Project", "name", link=True), column("Id", "id", "mono")),
    search=("name__icontains={q}",),
    detail=lambda id: ask("GET", f"/os-quota-sets/{id}"),
    detail_key="quota_set",
    label=lambda item: str(item.get("name") or item.get("id")),
    lines=(
        column("Servers", "instances"),
        column("Processors", "cores"),
        column("Memory, MiB", "ram"),
        column("Key pairs", "key_pairs"),
        column("Server groups", "server_groups"),
        column("Metadata", "metadata_items"),
    ),
    actions=(
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                f"/os-quota-sets/{part_of_path(item['id'])}",
                {"quota_set": {name: int(value) for name, value in form.items()}},
            ),
            fields=(
                _quota("instances", "Servers"),
                _quota("cores", "Processors"),
                _quota("ram", "Memory, MiB"),
                _quota("key_pairs", "Key pairs"),
                _quota("server_groups", "Server groups"),
            ),
            main=True,
        ),
        Action(
            "reset",
            "Back to the defaults",
            lambda item, form: ask("DELETE", f"/os-quota-sets/{part_of_path(item['id'])}"),
            danger=True,
        ),
    ),
    rule="",
    found=False,
)
__all__ = ["AGGREGATES", "HOSTS", "MIGRATIONS", "QUOTAS", "SERVICES"]
