"""Servers: the list, one with all that hangs on it, and what can be done to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.compute.panels.common import (
    FLAVOR_OPTIONS,
    HOST_OPTIONS,
    IMAGE_OPTIONS,
    ask,
    server_path,
)
from cumulo.compute.panels.launch import LAUNCH
from cumulo.core.panels import (
    METADATA,
    Action,
    Column,
    Field,
    Filter,
    Form,
    Goes,
    Item,
    Options,
    Panel,
    Part,
    Plot,
    Ref,
    Tab,
    at,
    column,
    delete,
    lines_of,
    named,
    pairs_of,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request


def _addresses(item: Item) -> list[str]:
    found = item.get("addresses") or {}
    return [each["addr"] for addresses in found.values() for each in addresses]


def _image(item: Item) -> Any:
    image = item.get("image")
    return Ref("images", image["id"]) if image else None


def _keys(item: Item) -> Any:
    return [
        Ref("volumes", each["id"]) for each in item.get("os-extended-volumes:volumes_attached", ())
    ]


def _body(body: Mapping[str, Any]) -> Any:
    def request(item: Item, form: Form) -> Request:
        return ask("POST", f"{server_path(item)}/action", dict(body))

    return request


def _status(*words: str) -> Any:
    return lambda item: item.get("status") in words


def _plain(name: str, label: str, body: Mapping[str, Any], *states: str, **more: Any) -> Action:
    """An action without questions."""
    return Action(name, label, _body(body), allowed=_status(*states), **more)


_OFF_OR_ON = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")


def _rebuild(item: Item, form: Form) -> Request:
    body: dict[str, Any] = {"imageRef": form["image"]}
    return ask("POST", f"{server_path(item)}/action", {"rebuild": body})


def _of(item: Item) -> Item:
    found: Item = item["of"]
    return found


def _add_interface(item: Item, form: Form) -> Request:
    wanted: dict[str, Any] = {}
    if form.get("port"):
        wanted = {"port_id": form["port"]}
    elif form.get("network"):
        wanted = {"net_id": form["network"]}
        if form.get("address"):
            wanted["fixed_ips"] = [{"ip_address": form["address"]}]
    return ask("POST", f"{server_path(_of(item))}/os-interface", {"interfaceAttachment": wanted})


def _tags(item: Item, form: Form) -> Request:
    return ask("PUT", f"{server_path(item)}/tags", {"tags": lines_of(form["tags"])})


def _edit(item: Item, form: Form) -> Sequence[Request]:
    body = {"name": form["name"], "description": form["description"] or None}
    return [ask("PUT", server_path(item), {"server": body})]


def _live(item: Item, form: Form) -> Request:
    wanted = {"host": form.get("host") or None}
    return ask("POST", f"{server_path(item)}/action", {"migrate": wanted})


ACTIONS = (
    _plain("start", "Start", {"os-start": None}, "SHUTOFF", bulk=True, main=True),
    _plain("stop", "Stop", {"os-stop": None}, "ACTIVE", "ERROR", bulk=True, main=True),
    _plain(
        "confirm", "Confirm resize", {"confirmResize": None}, "VERIFY_RESIZE", bulk=True, main=True
    ),
    _plain("revert", "Revert resize", {"revertResize": None}, "VERIFY_RESIZE", main=True),
    _plain("unpause", "Unpause", {"unpause": None}, "PAUSED", main=True),
    _plain("resume", "Resume", {"resume": None}, "SUSPENDED", main=True),
    _plain("unshelve", "Unshelve", {"unshelve": None}, "SHELVED", "SHELVED_OFFLOADED", main=True),
    _plain("unrescue", "End rescue", {"unrescue": None}, "RESCUE", main=True),
    _plain("restore", "Restore", {"restore": None}, "SOFT_DELETED", main=True),
    _plain("reboot", "Reboot", {"reboot": {"type": "SOFT"}}, "ACTIVE", bulk=True, main=True),
    _plain(
        "hard_reboot",
        "Hard reboot",
        {"reboot": {"type": "HARD"}},
        *_OFF_OR_ON,
        "ERROR",
        about="As if the power had been off for a moment.",
    ),
    _plain("pause", "Pause", {"pause": None}, "ACTIVE"),
    _plain("suspend", "Suspend", {"suspend": None}, "ACTIVE"),
    _plain(
        "shelve",
        "Shelve",
        {"shelve": None},
        *_OFF_OR_ON,
        about="Its disk is kept as an image, and nothing of a host is used any more.",
    ),
    Action(
        "snapshot",
        "Create image",
        lambda item, form: ask(
            "POST", f"{server_path(item)}/action", {"createImage": {"name": form["name"]}}
        ),
        fields=(Field("name", "Name", default=lambda item: f"{named(item)}-image"),),
        allowed=_status(*_OFF_OR_ON),
    ),
    Action(
        "resize",
        "Resize",
        lambda item, form: ask(
            "POST", f"{server_path(item)}/action", {"resize": {"flavorRef": form["flavor"]}}
        ),
        fields=(Field("flavor", "Flavor", "select", options=FLAVOR_OPTIONS),),
        allowed=_status("ACTIVE", "SHUTOFF"),
        about="It gets another flavor; afterwards you confirm it, or go back.",
    ),
    Action(
        "rebuild",
        "Rebuild",
        _rebuild,
        fields=(
            Field(
                "image",
                "Image",
                "select",
                options=IMAGE_OPTIONS,
                default=lambda item: at(item, "image.id"),
            ),
        ),
        allowed=_status("ACTIVE", "SHUTOFF", "ERROR"),
        about="It begins anew from an image. What is on its own disk is lost.",
    ),
    Action(
        "rescue",
        "Rescue",
        lambda item, form: ask(
            "POST",
            f"{server_path(item)}/action",
            {"rescue": {"rescue_image_ref": form["image"]} if form.get("image") else None},
        ),
        fields=(Field("image", "Image", "select", required=False, options=IMAGE_OPTIONS),),
        allowed=_status("ACTIVE", "SHUTOFF", "ERROR"),
        about="It starts from another image, with its own disk beside it, for repairs.",
    ),
    Action(
        "edit",
        "Edit",
        _edit,
        fields=(
            Field("name", "Name", default=named),
            Field(
                "description",
                "Description",
                required=False,
                default=lambda item: item.get("description") or "",
            ),
        ),
    ),
    Action(
        "metadata",
        "Metadata",
        lambda item, form: ask(
            "PUT", f"{server_path(item)}/metadata", {"metadata": pairs_of(form["metadata"])}
        ),
        fields=(METADATA,),
    ),
    Action(
        "tags",
        "Tags",
        _tags,
        fields=(
            Field(
                "tags",
                "Tags",
                "textarea",
                required=False,
                help="One a line.",
                default=lambda item: "\n".join(item.get("tags") or ()),
                longest=4000,
            ),
        ),
    ),
    Action(
        "password",
        "Set password",
        lambda item, form: ask(
            "POST",
            f"{server_path(item)}/action",
            {"changePassword": {"adminPass": form["password"]}},
        ),
        fields=(Field("password", "New password", "password"),),
        allowed=_status("ACTIVE"),
        about="Of the administrator in the guest, by its agent.",
    ),
    Action(
        "lock",
        "Lock",
        _body({"lock": None}),
        allowed=lambda item: not item.get("locked"),
        about="Nothing is done to it until it is unlocked.",
    ),
    Action(
        "unlock", "Unlock", _body({"unlock": None}), allowed=lambda item: bool(item.get("locked"))
    ),
    Action(
        "migrate",
        "Move to another host",
        _live,
        fields=(Field("host", "Host", "select", required=False, options=HOST_OPTIONS),),
        allowed=_status("ACTIVE", "SHUTOFF"),
    ),
    Action(
        "reset",
        "Reset state",
        _body({"os-resetState": {"state": "active"}}),
        allowed=_status("ERROR"),
    ),
    delete(
        lambda item: f"/compute/v2.1{server_path(item)}",
        goes=(
            Goes(
                "Disks that go with it",
                lambda item: ask("GET", f"{server_path(item)}/os-volume_attachments"),
                "volumeAttachments",
                lambda each: str(each["volumeId"]),
                lambda each, item: bool(each.get("delete_on_termination")),
            ),
            Goes(
                "Interfaces that go with it",
                lambda item: ask("GET", f"{server_path(item)}/os-interface"),
                "interfaceAttachments",
                lambda each: (
                    ", ".join(a["ip_address"] for a in each["fixed_ips"]) or each["port_id"]
                ),
            ),
        ),
    ),
)
INTERFACES = Part(
    "interfaces",
    "Interfaces",
    lambda item, place: ask("GET", f"{server_path(item)}/os-interface"),
    "interfaceAttachments",
    (
        Column("Addresses", lambda each: [a["ip_address"] for a in each["fixed_ips"]], "list"),
        column("MAC", "mac_addr", "mono"),
        column("Status", "port_state", "status"),
        ref("Network", "net_id", "networks"),
        ref("Port", "port_id", "ports"),
    ),
    id="port_id",
    actions=(
        Action(
            "detach",
            "Detach",
            lambda item, form: ask(
                "DELETE",
                f"{server_path(_of(item))}/os-interface/{part_of_path(item['port_id'])}",
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "attach",
            "Attach interface",
            _add_interface,
            fields=(
                Field(
                    "network",
                    "Network",
                    "select",
                    required=False,
                    options=Options(
                        Request("GET", "/network/v2.0/networks?router:external=false&limit=500"),
                        "networks",
                    ),
                ),
                Field("address", "Address", required=False, help="Empty: a free one."),
                Field(
                    "port",
                    "Or a port that is free",
                    "select",
                    required=False,
                    options=Options(
                        Request(
                            "GET", "/network/v2.0/ports?device_id=&project_id={project}&limit=500"
                        ),
                        "ports",
                    ),
                ),
            ),
        ),
    ),
)
VOLUMES = Part(
    "volumes",
    "Volumes",
    lambda item, place: ask("GET", f"{server_path(item)}/os-volume_attachments"),
    "volumeAttachments",
    (
        ref("Volume", "volumeId", "volumes"),
        column("Device", "device", "mono"),
        column("Goes with the server", "delete_on_termination", "yes"),
    ),
    id="volumeId",
    actions=(
        Action(
            "detach",
            "Detach",
            lambda item, form: ask(
                "DELETE",
                f"{server_path(_of(item))}/os-volume_attachments/{part_of_path(item['volumeId'])}",
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "attach",
            "Attach volume",
            lambda item, form: ask(
                "POST",
                f"{server_path(_of(item))}/os-volume_attachments",
                {"volumeAttachment": {"volumeId": form["volume"]}},
            ),
            fields=(
                Field(
                    "volume",
                    "Volume",
                    "select",
                    options=Options(
                        Request("GET", "/volume/v3/volumes/detail?status=available", None, "3.59"),
                        "volumes",
                        lambda v: f"{named(v)} ({v['size']} GiB)",
                    ),
                ),
            ),
        ),
    ),
)


def _group(verb: str) -> Any:
    def request(item: Item, form: Form) -> Request:
        name = form.get("group") or item.get("id")
        return ask("POST", f"{server_path(_of(item))}/action", {verb: {"name": name}})

    return request


GROUPS = Part(
    "groups",
    "Security groups",
    lambda item, place: ask("GET", f"{server_path(item)}/os-security-groups"),
    "security_groups",
    (column("Name", "name", link=True), column("Description", "description")),
    panel="securitygroups",
    actions=(Action("remove", "Remove", _group("removeSecurityGroup"), danger=True),),
    create=(
        Action(
            "add",
            "Add security group",
            _group("addSecurityGroup"),
            fields=(
                Field(
                    "group",
                    "Security group",
                    "select",
                    options=Options(
                        Request("GET", "/network/v2.0/security-groups?project_id={project}"),
                        "security_groups",
                    ),
                ),
            ),
        ),
    ),
)
HISTORY = Part(
    "actions",
    "Actions",
    lambda item, place: ask("GET", f"{server_path(item)}/os-instance-actions"),
    "instanceActions",
    (
        column("When", "start_time", "time"),
        column("Action", "action"),
        column("Result", "message"),
        column("Request", "request_id", "mono"),
    ),
    id="request_id",
)


def _measures(name: str, aggregation: str = "mean") -> Any:
    return lambda item: Request(
        "GET",
        f"/metric/v1/resource/instance/{part_of_path(item['id'])}/metric/{name}/measures"
        f"?aggregation={aggregation}",
    )


def _points(scale: float = 1.0) -> Any:
    return lambda body: [(str(at), value * scale) for at, _, value in body]


PLOTS = (
    Plot("cpu", "Processor time a second", _measures("cpu", "rate:mean"), _points(1e-9 / 60), "s"),
    Plot("memory", "Memory", _measures("memory.usage"), _points(), "MiB"),
    Plot(
        "read", "Read from disks", _measures("disk.device.read.bytes", "rate:mean"), _points(), "B"
    ),
    Plot(
        "write",
        "Written to disks",
        _measures("disk.device.write.bytes", "rate:mean"),
        _points(),
        "B",
    ),
)
SERVERS = Panel(
    name="servers",
    title="Servers",
    group="Compute",
    order=10,
    about="Virtual machines: started from an image, on a network, with a flavor that says how big.",
    items=ask("GET", "/servers/detail"),
    key="servers",
    columns=(
        column("Name", "name", link=True, sort="display_name"),
        column("Status", "status", "status"),
        Column("Addresses", _addresses, "list"),
        column("Flavor", "flavor.original_name"),
        column("Created", "created", "time", sort="created_at"),
    ),
    filters=(
        Filter(
            "status",
            "Any status",
            (("ACTIVE", "On"), ("SHUTOFF", "Off"), ("ERROR", "Failed"), ("BUILD", "Building")),
        ),
    ),
    search=("uuid={id}", "name={q}", "ip=^{ip}$"),
    pattern=True,
    everywhere="all_tenants=1",
    everywhere_rule="os_compute_api:servers:detail:get_all_tenants",
    detail=lambda id: ask("GET", f"/servers/{id}"),
    detail_key="server",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Task", "OS-EXT-STS:task_state"),
        Column("Why", lambda item: (item.get("fault") or {}).get("message")),
        Column("Addresses", _addresses, "list"),
        column("Flavor", "flavor.original_name"),
        Column("Processors", lambda item: (item.get("flavor") or {}).get("vcpus")),
        Column("Memory, MiB", lambda item: (item.get("flavor") or {}).get("ram")),
        Column("Disk, GiB", lambda item: (item.get("flavor") or {}).get("disk")),
        Column("Image", _image),
        Column("Volumes", _keys, "list"),
        ref("Key pair", "key_name", "keypairs", "key_name"),
        Column("Locked", lambda item: item.get("locked") or None, "yes"),
        Column("Tags", lambda item: item.get("tags"), "list"),
        Column(
            "Metadata",
            lambda item: [f"{k}={v}" for k, v in (item.get("metadata") or {}).items()],
            "list",
        ),
        column("Zone", "OS-EXT-AZ:availability_zone"),
        column("Host", "OS-EXT-SRV-ATTR:host"),
        ref("Project", "tenant_id", "projects"),
        column("Created", "created", "time"),
        column("Changed", "updated", "time"),
    ),
    create=(LAUNCH,),
    actions=ACTIONS,
    parts=(INTERFACES, VOLUMES, GROUPS, HISTORY),
    tabs=(
        Tab(
            "log",
            "Log",
            lambda item: ask(
                "POST",
                f"{server_path(item)}/action",
                {"os-getConsoleOutput": {"length": 500}},
            ),
            lambda body: str(body["output"]),
            follows=True,
        ),
    ),
    plots=PLOTS,
    events="server",
    console=lambda id: ask(
        "POST",
        f"/servers/{id}/remote-consoles",
        {"remote_console": {"protocol": "vnc", "type": "novnc"}},
    ),
    serial=lambda id: ask(
        "POST",
        f"/servers/{id}/remote-consoles",
        {"remote_console": {"protocol": "serial", "type": "serial"}},
    ),
)
