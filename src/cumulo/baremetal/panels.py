"""Bare metal in the dashboard: nodes, what they are, and what is done to them."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Panel,
    Part,
    column,
    delete,
    given,
    pairs_of,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request

BASE = "/baremetal/v1"
VERSION = "1.80"


def ask(method: str, path: str, body: Any = None) -> Request:
    return Request(method, f"{BASE}{path}", body, VERSION)


def _path(item: Item) -> str:
    return f"/nodes/{part_of_path(item['uuid'])}"


def _provision(name: str, label: str, target: str, *states: str, **more: Any) -> Action:
    return Action(
        name,
        label,
        lambda item, form: ask("PUT", f"{_path(item)}/states/provision", {"target": target}),
        allowed=lambda item: item.get("provision_state") in states,
        **more,
    )


def _power(name: str, label: str, target: str, now: str) -> Action:
    return Action(
        name,
        label,
        lambda item, form: ask("PUT", f"{_path(item)}/states/power", {"target": target}),
        allowed=lambda item: item.get("power_state") == now,
    )


def _create(item: Item, form: Form) -> Request:
    node: dict[str, Any] = {"driver": form["driver"], **given(form, "name", "resource_class")}
    if form.get("driver_info"):
        node["driver_info"] = pairs_of(form["driver_info"])
    return ask("POST", "/nodes", node)


def _pairs(key: str) -> Any:
    return lambda item: [f"{k}={v}" for k, v in sorted((item.get(key) or {}).items())]


PORTS = Part(
    "ports",
    "Network cards",
    lambda item, place: ask("GET", f"{_path(item)}/ports/detail"),
    "ports",
    (
        column("MAC", "address", "mono"),
        column("Boots by network", "pxe_enabled", "yes"),
        column("Physical network", "physical_network"),
    ),
    id="uuid",
    actions=(
        Action(
            "delete",
            "Delete",
            lambda item, form: ask("DELETE", f"/ports/{part_of_path(item['uuid'])}"),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Add",
            lambda item, form: ask(
                "POST", "/ports", {"node_uuid": item["of"]["uuid"], "address": form["address"]}
            ),
            fields=(Field("address", "MAC"),),
        ),
    ),
)
HISTORY = Part(
    "history",
    "History",
    lambda item, place: ask("GET", f"{_path(item)}/history"),
    "history",
    (
        column("When", "created_at", "time"),
        column("Severity", "severity"),
        column("Event", "event"),
    ),
    id="uuid",
)
NODES = Panel(
    name="nodes",
    title="Bare metal nodes",
    group="Cloud",
    order=940,
    about="Real machines that the cloud gives out whole.",
    items=ask("GET", "/nodes/detail"),
    key="nodes",
    columns=(
        Column("Name", lambda item: item.get("name") or item["uuid"][:8], link=True, sort="name"),
        column("State", "provision_state", "status", sort="provision_state"),
        column("Power", "power_state"),
        column("Maintenance", "maintenance", "yes"),
        column("Class", "resource_class"),
        ref("Server", "instance_uuid", "servers"),
    ),
    id="uuid",
    label=lambda item: str(item.get("name") or item.get("uuid")),
    detail=lambda id: ask("GET", f"/nodes/{id}"),
    lines=(
        column("Id", "uuid", "mono"),
        column("State", "provision_state", "status"),
        column("Power", "power_state"),
        column("Why", "last_error"),
        column("Maintenance", "maintenance", "yes"),
        column("Driver", "driver"),
        column("Class", "resource_class"),
        Column("Properties", _pairs("properties"), "list"),
        ref("Server", "instance_uuid", "servers"),
        column("Changed", "updated_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Enroll node",
            _create,
            fields=(
                Field("name", "Name", required=False),
                Field(
                    "driver",
                    "Driver",
                    "select",
                    default="redfish",
                    choices=(("redfish", "Redfish"), ("ipmi", "IPMI")),
                ),
                Field(
                    "driver_info",
                    "Address and password of its BMC",
                    "pairs",
                    required=False,
                    help="One name=value a line.",
                    longest=8000,
                ),
                Field("resource_class", "Class", required=False),
            ),
        ),
    ),
    actions=(
        _provision("manage", "Manage", "manage", "enroll", "available", "clean failed", main=True),
        _provision("inspect", "Inspect", "inspect", "manageable", main=True),
        _provision("provide", "Provide", "provide", "manageable", main=True),
        _provision("deploy", "Deploy", "active", "available", "deploy failed", main=True),
        _provision("undeploy", "Undeploy", "deleted", "active", "deploy failed", danger=True),
        _power("on", "Power on", "power on", "power off"),
        _power("off", "Power off", "power off", "power on"),
        _power("reboot", "Reboot", "rebooting", "power on"),
        Action(
            "maintenance",
            "Maintenance",
            lambda item, form: ask(
                "PUT", f"{_path(item)}/maintenance", {"reason": form.get("reason") or None}
            ),
            fields=(Field("reason", "Reason", required=False),),
            allowed=lambda item: not item.get("maintenance"),
        ),
        Action(
            "end_maintenance",
            "End maintenance",
            lambda item, form: ask("DELETE", f"{_path(item)}/maintenance"),
            allowed=lambda item: bool(item.get("maintenance")),
        ),
        delete(lambda item: f"{BASE}{_path(item)}", VERSION),
    ),
    parts=(PORTS, HISTORY),
    events="node",
    rule="baremetal:node:create",
)
PANELS = (NODES,)
