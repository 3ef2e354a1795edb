"""Compute in the dashboard: servers and key pairs."""

from collections.abc import Mapping
from typing import Any

from cumulo.core.panels import Action, Column, Field, Item, Options, Panel, Tab, column
from cumulo.core.resource_types import Request

BASE = "/compute/v2.1"
VERSION = "2.79"


def _addresses(item: Item) -> list[str]:
    found = item.get("addresses") or {}
    return [each["addr"] for addresses in found.values() for each in addresses]


def _create(item: Item, form: Mapping[str, str]) -> Request:
    server: dict[str, Any] = {
        "name": form["name"],
        "imageRef": form["image"],
        "flavorRef": form["flavor"],
        "networks": [{"uuid": form["network"]}] if form.get("network") else "auto",
    }
    if form.get("key"):
        server["key_name"] = form["key"]
    return Request("POST", f"{BASE}/servers", {"server": server}, VERSION)


def _act(body: Mapping[str, Any]) -> Any:
    def request(item: Item, form: Mapping[str, str]) -> Request:
        return Request("POST", f"{BASE}/servers/{item['id']}/action", dict(body), VERSION)

    return request


def _status(*words: str) -> Any:
    return lambda item: item.get("status") in words


SERVERS = Panel(
    name="servers",
    title="Servers",
    one="server",
    group="Compute",
    order=10,
    items=Request("GET", f"{BASE}/servers/detail", None, VERSION),
    key="servers",
    columns=(
        column("Name", "name", link=True),
        column("Status", "status", "status"),
        Column("Addresses", _addresses, "list"),
        column("Flavor", "flavor.original_name"),
        column("Created", "created", "time"),
    ),
    detail=lambda id: Request("GET", f"{BASE}/servers/{id}", None, VERSION),
    detail_key="server",
    lines=(
        column("Id", "id", "mono"),
        column("Status", "status", "status"),
        column("Task", "OS-EXT-STS:task_state"),
        Column("Why", lambda item: (item.get("fault") or {}).get("message")),
        Column("Addresses", _addresses, "list"),
        column("Flavor", "flavor.original_name"),
        Column("Processors", lambda item: (item.get("flavor") or {}).get("vcpus")),
        Column("Memory, MiB", lambda item: (item.get("flavor") or {}).get("ram")),
        column("Key pair", "key_name"),
        column("Zone", "OS-EXT-AZ:availability_zone"),
        column("Host", "OS-EXT-SRV-ATTR:host"),
        column("Created", "created", "time"),
        column("Changed", "updated", "time"),
    ),
    create=Action(
        "create",
        "Launch server",
        _create,
        fields=(
            Field("name", "Name"),
            Field(
                "image",
                "Image",
                "select",
                options=Options(Request("GET", "/image/v2/images?status=active"), "images"),
            ),
            Field(
                "flavor",
                "Flavor",
                "select",
                options=Options(
                    Request("GET", f"{BASE}/flavors/detail", None, VERSION),
                    "flavors",
                    lambda f: f"{f['name']}: {f['vcpus']} CPU, {f['ram']} MiB, {f['disk']} GiB",
                ),
            ),
            Field(
                "network",
                "Network",
                "select",
                required=False,
                options=Options(
                    Request("GET", "/network/v2.0/networks?router:external=false"), "networks"
                ),
            ),
            Field(
                "key",
                "Key pair",
                "select",
                required=False,
                options=Options(
                    Request("GET", f"{BASE}/os-keypairs", None, VERSION),
                    "keypairs",
                    lambda each: str(each["keypair"]["name"]),
                    "keypair.name",
                ),
            ),
        ),
    ),
    actions=(
        Action("start", "Start", _act({"os-start": None}), allowed=_status("SHUTOFF")),
        Action("stop", "Stop", _act({"os-stop": None}), allowed=_status("ACTIVE")),
        Action("reboot", "Reboot", _act({"reboot": {"type": "SOFT"}}), allowed=_status("ACTIVE")),
        Action(
            "delete",
            "Delete",
            lambda item, form: Request("DELETE", f"{BASE}/servers/{item['id']}", None, VERSION),
            danger=True,
        ),
    ),
    tabs=(
        Tab(
            "log",
            "Log",
            lambda item: Request(
                "POST",
                f"{BASE}/servers/{item['id']}/action",
                {"os-getConsoleOutput": {"length": 500}},
                VERSION,
            ),
            lambda body: str(body["output"]) or "(nothing yet)",
        ),
        Tab(
            "actions",
            "Actions",
            lambda item: Request(
                "GET", f"{BASE}/servers/{item['id']}/os-instance-actions", None, VERSION
            ),
            lambda body: "\n".join(
                f"{a['start_time'][:19]}  {a['action']:24} {a['message'] or ''}"
                for a in body["instanceActions"]
            ),
        ),
    ),
    events="server",
    console=lambda id: Request(
        "POST",
        f"{BASE}/servers/{id}/remote-consoles",
        {"remote_console": {"protocol": "vnc", "type": "novnc"}},
        VERSION,
    ),
)
KEY_PAIRS = Panel(
    name="keypairs",
    title="Key pairs",
    one="key pair",
    group="Compute",
    order=20,
    items=Request("GET", f"{BASE}/os-keypairs", None, VERSION),
    key="keypairs",
    columns=(
        column("Name", "keypair.name"),
        column("Fingerprint", "keypair.fingerprint", "mono"),
        column("Type", "keypair.type"),
    ),
    create=Action(
        "create",
        "Import key pair",
        lambda item, form: Request(
            "POST",
            f"{BASE}/os-keypairs",
            {"keypair": {"name": form["name"], "public_key": form["public_key"].strip()}},
            VERSION,
        ),
        fields=(
            Field("name", "Name"),
            Field(
                "public_key",
                "Public key",
                "textarea",
                help="The line in ~/.ssh/id_ed25519.pub",
                longest=16384,
            ),
        ),
    ),
    id="keypair.name",
    events="keypair",
    label=lambda item: str(item["keypair"]["name"]),
)
HYPERVISORS = Panel(
    name="hosts",
    title="Hosts",
    one="host",
    group="Cloud",
    order=90,
    items=Request("GET", f"{BASE}/os-hypervisors/detail", None, "2.53"),
    key="hypervisors",
    columns=(
        column("Name", "hypervisor_hostname"),
        column("State", "state", "status"),
        column("Status", "status"),
        Column("CPU", lambda h: f"{h.get('vcpus_used')} of {h.get('vcpus')}"),
        Column("Memory, MiB", lambda h: f"{h.get('memory_mb_used')} of {h.get('memory_mb')}"),
        Column("Disk, GiB", lambda h: f"{h.get('local_gb_used')} of {h.get('local_gb')}"),
        column("Servers", "running_vms"),
    ),
    admin="os_compute_api:os-hypervisors:list-detail",
    label=lambda item: str(item.get("hypervisor_hostname")),
    events="host",
)
PANELS = (SERVERS, KEY_PAIRS, HYPERVISORS)
