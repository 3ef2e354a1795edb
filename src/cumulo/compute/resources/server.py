"""OS::Nova::Server: made, changed in place as far as compute can, and removed."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.compute.resources import server_networks
from cumulo.core.resource_types import (
    READY,
    WORKING,
    Others,
    Place,
    Property,
    Reader,
    Request,
    ResourceType,
    Snapshot,
    State,
    flag,
    items,
    mapping,
    number,
    text,
)

BASE = "/compute/v2.1"
VERSION = "2.79"
Given = Mapping[str, Any]
TRANSPORTS = ("POLL_SERVER_CFN", "POLL_TEMP_URL")


def _server(given: Given, place: Place) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": given.get("name") or place.name,
        "flavorRef": given["flavor"],
        "networks": server_networks.wanted(given, place),
        "metadata": {str(k): str(v) for k, v in (given.get("metadata") or {}).items()},
        "config_drive": bool(given.get("config_drive")),
    }
    if given.get("image"):
        made["imageRef"] = given["image"]
    for name, wanted in (
        ("key_name", "key_name"),
        ("availability_zone", "availability_zone"),
        ("admin_pass", "adminPass"),
        ("tags", "tags"),
        ("personality", "personality"),
    ):
        if given.get(name):
            made[wanted] = given[name]
    if given.get("diskConfig"):
        made["OS-DCF:diskConfig"] = given["diskConfig"]
    if given.get("security_groups"):
        made["security_groups"] = [{"name": each} for each in given["security_groups"]]
    data = given.get("user_data")
    if data:
        made["user_data"] = base64.b64encode(str(data).encode()).decode()
    devices = _devices(given)
    if devices:
        made["block_device_mapping_v2"] = devices
    return made


def _devices(given: Given) -> list[dict[str, Any]]:
    made = []
    for each in given.get("block_device_mapping_v2") or ():
        one = {k: v for k, v in each.items() if v is not None}
        for name, source in (
            ("image", "image"),
            ("snapshot_id", "snapshot"),
            ("volume_id", "volume"),
            ("image_id", "image"),
        ):
            if name in one:
                one["uuid"], one["source_type"] = one.pop(name), source
        one.setdefault("source_type", "blank")
        swap, ephemeral = one.pop("swap_size", None), one.pop("ephemeral_size", None)
        if swap is not None or ephemeral is not None:
            one |= {"guest_format": "swap"} if swap is not None else {}
            one["volume_size"] = ephemeral if swap is None else swap
            one |= {"boot_index": -1, "delete_on_termination": True}
            if one.get("ephemeral_format"):
                one["guest_format"] = one["ephemeral_format"]
        one.pop("ephemeral_format", None)
        one["destination_type"] = "volume" if one["source_type"] != "blank" else "local"
        made.append(one)
    for each in given.get("block_device_mapping") or ():
        made.append(
            {
                "source_type": "volume" if each.get("volume_id") else "snapshot",
                "destination_type": "volume",
                "uuid": each.get("volume_id") or each.get("snapshot_id"),
                "boot_index": 0 if each.get("device_name") in ("vda", "/dev/vda") else None,
                "delete_on_termination": bool(each.get("delete_on_termination")),
            }
        )
    return made


def _server_state(body: Any) -> State:
    server = body["server"]
    if server["status"] == "ERROR":
        why = (server.get("fault") or {}).get("message", "Unknown")
        return State("failed", f'ResourceInError: Went to status ERROR due to "Message: {why}"')
    if server["status"] in ("ACTIVE", "SUSPENDED", "SHUTOFF", "PAUSED", "RESCUE"):
        return WORKING if server.get("OS-EXT-STS:task_state") else READY
    return WORKING


def _untrue(given: Given, body: Any, place: Place) -> Mapping[str, str]:
    """A host that cannot start it with its new flavor leads it back."""
    there = body["server"]["flavor"].get("original_name")
    read = None if place.read is None else place.read(f"{BASE}/flavors/{given['flavor']}", VERSION)
    if there is None or read is None or read["flavor"]["name"] == there:
        return {}
    return {"flavor": f"The server has the flavor {there} yet: its resize failed on the host."}


def _checked(body: Any) -> str | None:
    status = body["server"]["status"]
    return None if status == "ACTIVE" else f"Server is {status}, expected ACTIVE"


def _update_server(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
    one = f"{BASE}/servers/{physical}"
    made = []
    if "name" in changed:
        name = changed["name"] or place.name
        made.append(Request("PUT", one, {"server": {"name": name}}, VERSION))
    if "metadata" in changed:
        content = {str(k): str(v) for k, v in (changed["metadata"] or {}).items()}
        made.append(Request("PUT", f"{one}/metadata", {"metadata": content}, VERSION))
    if "tags" in changed:
        made.append(Request("PUT", f"{one}/tags", {"tags": changed["tags"] or []}, VERSION))
    if changed.get("admin_pass"):
        made.append(_action(physical, {"changePassword": {"adminPass": changed["admin_pass"]}}))
    return made


def _action(physical: str, body: Mapping[str, Any]) -> Request:
    return Request("POST", f"{BASE}/servers/{physical}/action", body, VERSION)


def _update_server_later(
    physical: str, now: Given, changed: Given, place: Place
) -> Sequence[Request]:
    """Each of them takes the server as a whole."""
    made = []
    if "flavor" in changed:
        made.append(_action(physical, {"resize": {"flavorRef": changed["flavor"]}}))
    if "image" in changed:
        made.append(_action(physical, {"rebuild": {"imageRef": changed["image"]}}))
    if "networks" in changed:
        made += server_networks.changes(physical, now, place)
    return made


def _replaces_server(now: Given, changed: Given) -> bool:
    return (
        ("flavor" in changed and now.get("flavor_update_policy") == "REPLACE")
        or ("image" in changed and now.get("image_update_policy") == "REPLACE")
        or ("image" in changed and not changed["image"])
        or ("user_data" in changed and now.get("user_data_update_policy") != "IGNORE")
    )


def _confirmed(physical: str, body: Any) -> Sequence[Request]:
    """A resize that an update has asked for waits to be confirmed."""
    server = body["server"]
    if server["status"] != "VERIFY_RESIZE" or server.get("OS-EXT-STS:task_state"):
        return []
    return [_action(physical, {"confirmResize": None})]


SERVER = ResourceType(
    "OS::Nova::Server",
    {
        "name": text("Server name.", update=True),
        "image": text("The image to boot from.", update=True, find="image"),
        "flavor": text("The flavor.", required=True, update=True, find="flavor"),
        "flavor_update_policy": text(
            "What another flavor means: the server is resized, or another one is made.",
            default="RESIZE",
            update=True,
            constraints=[{"allowed_values": ["RESIZE", "REPLACE"]}],
        ),
        "image_update_policy": text(
            "What another image means: the server is rebuilt, or another one is made.",
            default="REBUILD",
            update=True,
            constraints=[{"allowed_values": ["REBUILD", "REPLACE"]}],
        ),
        "key_name": text("Name of keypair to inject into the server."),
        "availability_zone": text("Name of the availability zone."),
        "security_groups": items(text(), "Names or ids of security groups.", default=[]),
        "networks": server_networks.PROPERTY,
        "metadata": mapping(None, "Key/value pairs.", update=True, default={}),
        "user_data": Property("any", "User data script.", update=True),
        "user_data_format": text(
            "How the user data is handed over.",
            default="RAW",
            constraints=[{"allowed_values": ["HEAT_CFNTOOLS", "RAW", "SOFTWARE_CONFIG"]}],
        ),
        "user_data_update_policy": text(
            "What other user data means: another server is made, or this one stays as it is.",
            default="REPLACE",
            update=True,
            constraints=[{"allowed_values": ["REPLACE", "IGNORE"]}],
        ),
        "software_config_transport": text(
            "How the server is to receive the metadata of deployments.",
            default="POLL_SERVER_CFN",
            update=True,
            constraints=[
                {
                    "allowed_values": list(TRANSPORTS),
                    "description": "Guests are given no password, and there is no messaging "
                    "service: POLL_SERVER_CFN and POLL_TEMP_URL are done.",
                }
            ],
        ),
        "deployment_swift_data": mapping(None, "Not done.", update=True),
        "reservation_id": text("Not done."),
        "config_drive": flag("Whether it gets a config drive."),
        "admin_pass": text("The administrator's password.", update=True),
        "diskConfig": text(
            "How the disk is partitioned.", constraints=[{"allowed_values": ["AUTO", "MANUAL"]}]
        ),
        "scheduler_hints": mapping(None, "Hints for the scheduler."),
        "tags": items(text(), "Tags of the server.", update=True),
        "block_device_mapping": items(
            mapping(
                {
                    "device_name": text("The device's name.", required=True),
                    "volume_id": text("The volume.", find="volume"),
                    "snapshot_id": text("The snapshot.", find="volume_snapshot"),
                    "volume_size": number("GB."),
                    "delete_on_termination": flag("Whether it goes with the server."),
                }
            ),
            "Volumes to boot from or to have.",
        ),
        "block_device_mapping_v2": items(
            mapping(
                {
                    "device_name": text("The device's name."),
                    "volume_id": text("The volume.", find="volume"),
                    "image": text("The image.", find="image"),
                    "image_id": text("Deprecated.", stands_for="image", find="image"),
                    "ephemeral_size": number("GB of an empty disk that goes with the server."),
                    "ephemeral_format": text("Its file system."),
                    "swap_size": number("GB of swap."),
                    "snapshot_id": text("The snapshot.", find="volume_snapshot"),
                    "device_type": text("cdrom or disk."),
                    "disk_bus": text("The bus."),
                    "boot_index": number("The order in which it is booted from."),
                    "volume_size": number("GB."),
                    "delete_on_termination": flag("Whether it goes with the server."),
                }
            ),
            "Disks to boot from or to have.",
        ),
    },
    lambda given, place: Request(
        "POST",
        f"{BASE}/servers",
        {"server": _server(given, place)}
        | (
            {"os:scheduler_hints": given["scheduler_hints"]} if given.get("scheduler_hints") else {}
        ),
        VERSION,
    ),
    lambda answer: str(answer["server"]["id"]),
    lambda physical, given, place: Request("GET", f"{BASE}/servers/{physical}", None, VERSION),
    _update_server,
    lambda physical, given, place: Request("DELETE", f"{BASE}/servers/{physical}", None, VERSION),
    attributes={
        "name": "Name of the server.",
        "addresses": "A dict of all network addresses with corresponding port_id and subnets.",
        "networks": "A dict of assigned network addresses of the form: {net: [address …]}.",
        "first_address": "Deprecated: the first address.",
        "instance_name": "AWS compatible instance name.",
        "accessIPv4": "The manually assigned alternative public IPv4 address.",
        "accessIPv6": "The manually assigned alternative public IPv6 address.",
        "os_collect_config": "What os-collect-config of the guest is configured with.",
        "tags": "Tags of the server.",
    },
    attribute=lambda name, body, read: _server_attribute(name, body, read),
    state=_server_state,
    gone=lambda body: body is None or body["server"]["status"] in ("DELETED", "SOFT_DELETED"),
    description="A resource for managing Nova instances.",
    check=lambda given: _wrong_together(given),
    suspend=lambda physical: _action(physical, {"suspend": None}),
    resume=lambda physical: _action(physical, {"resume": None}),
    suspended=lambda body: body["server"]["status"] == "SUSPENDED",
    stands_on=lambda given, others: _subnets_of_networks(given, others),
    first=server_networks.ports_wanted,
    last=server_networks.ports_gone,
    release=server_networks.released,
    regain=lambda physical, given, place: server_networks.changes(physical, given, place),
    after=lambda physical, given, body, place: server_networks.connected(physical, given, place),
    later=_update_server_later,
    untrue=_untrue,
    checked=_checked,
    replaces=_replaces_server,
    follow_up=_confirmed,
    lost=lambda body: body["server"]["status"] in ("ERROR", "DELETED", "SOFT_DELETED"),
    snapshot=Snapshot(
        lambda physical, body, place: _action(
            physical, {"createImage": {"name": f"{place.name}-snapshot"}}
        ),
        lambda answer: str(answer["image_id"]),
        lambda kept: Request("GET", f"/image/v2/images/{kept}"),
        lambda body: _image_state(body),
        lambda kept: Request("DELETE", f"/image/v2/images/{kept}"),
        lambda given, kept: {**given, "image": kept},
    ),
)


_SOURCES = ("image", "block_device_mapping", "block_device_mapping_v2")
_NOT_DONE = ("deployment_swift_data", "reservation_id")


def _wrong_together(given: Given) -> str | None:
    named = next((name for name in _NOT_DONE if given.get(name)), None)
    if named is not None:
        return f"{named} is not supported: nothing here is done by it"
    if not any(given.get(name) for name in _SOURCES):
        return "Neither image nor bootable volume is specified for instance"
    return None


def _subnets_of_networks(given: Given, others: Others) -> list[str]:
    """The template's subnets of the networks in which it gets ports of its own."""
    networks = given.get("networks")
    wanted = [
        each.get("network") or each.get("uuid")
        for each in (networks if isinstance(networks, list) else ())
        if isinstance(each, dict) and not each.get("port")
    ]
    return [
        name
        for name, subnet in others.get("OS::Neutron::Subnet", ())
        if (subnet.get("network") or subnet.get("network_id")) in [n for n in wanted if n]
    ]


def _image_state(body: Any) -> State:
    word = body["status"]
    if word in ("active", "deactivated"):
        return READY
    if word in ("queued", "saving", "importing", "uploading"):
        return WORKING
    return State("failed", f"the image went to status {word}")


def _server_attribute(name: str, body: Any, read: Reader) -> Any:
    if body is None:
        return NotImplemented
    server = body["server"]
    if name == "networks":
        return _by_name_and_id(server, read)
    if name == "addresses":
        return _addresses(server, read)
    if name == "first_address":
        return next((a["addr"] for found in server["addresses"].values() for a in found), "")
    if name == "instance_name":
        return server.get("OS-EXT-SRV-ATTR:instance_name")
    return NotImplemented


def _by_name_and_id(server: Any, read: Reader) -> dict[str, Any]:
    """Each network's addresses, under its name and its id."""
    found = _addresses(server, read)
    return {net: [each["addr"] for each in listed] for net, listed in found.items()}


def _addresses(server: Any, read: Reader) -> dict[str, Any]:
    """Each network's addresses, under its name and its id, with port and subnets."""
    found = read(f"/network/v2.0/ports?device_id={server['id']}")
    by_mac = {port["mac_address"]: port for port in (found or {}).get("ports", ())}
    made: dict[str, Any] = {}
    for net, addresses in server["addresses"].items():
        made[net] = [address | _port_of(address, by_mac, read) for address in addresses]
        for address in addresses:
            port = by_mac.get(address["OS-EXT-IPS-MAC:mac_addr"])
            if port is not None:
                made[port["network_id"]] = made[net]
    return made


def _port_of(address: Any, by_mac: Mapping[str, Any], read: Reader) -> dict[str, Any]:
    """The port that an address is of, with its subnets and network."""
    port = by_mac.get(address["OS-EXT-IPS-MAC:mac_addr"])
    if port is None:
        return {"port": None, "subnets": [], "network": None}
    ids = dict.fromkeys(each["subnet_id"] for each in port["fixed_ips"])
    subnets = [read(f"/network/v2.0/subnets/{each}") for each in ids]
    network = read(f"/network/v2.0/networks/{port['network_id']}")
    return {
        "port": port["id"],
        "subnets": [each["subnet"] for each in subnets if each is not None],
        "network": None if network is None else network["network"],
    }
