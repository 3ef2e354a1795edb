"""What templates can ask of block storage: OS::Cinder::… types, by its own operations."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from cumulo.core.resource_types import (
    READY,
    WORKING,
    Finder,
    Place,
    Request,
    ResourceType,
    Snapshot,
    State,
    flag,
    mapping,
    number,
    rest,
    text,
)

BASE = "/volume/v3"
VERSION = "3.59"
FINDERS = (
    Finder("volume", f"{BASE}/volumes", "volume", "cinder.volume", version=VERSION),
    Finder("volume_snapshot", f"{BASE}/snapshots", "snapshot", "cinder.snapshot", version=VERSION),
    Finder("volume_type", f"{BASE}/types", "volume_type", "cinder.vtype", version=VERSION),
)
Given = Mapping[str, Any]


def _volume(given: Given, place: Place) -> dict[str, Any]:
    names = {"image": "imageRef", "source_volid": "source_volid"}
    made = {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and name not in ("scheduler_hints", "read_only")
    }
    return made


_SOURCES = ("snapshot_id", "image", "imageRef", "source_volid", "backup_id")


def _update_volume(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
    one = f"{BASE}/volumes/{physical}"
    made = []
    if "volume_type" in changed:
        wish = {"new_type": changed["volume_type"], "migration_policy": "on-demand"}
        made.append(Request("POST", f"{one}/action", {"os-retype": wish}, VERSION))
    plain = {n: changed[n] for n in ("name", "description", "metadata") if n in changed}
    if "name" in plain and plain["name"] is None:
        plain["name"] = place.name
    if plain:
        made.append(Request("PUT", one, {"volume": plain}, VERSION))
    if "size" in changed:
        body = {"os-extend": {"new_size": changed["size"]}}
        made.append(Request("POST", f"{one}/action", body, VERSION))
    if "read_only" in changed:
        body = {"os-update_readonly_flag": {"readonly": bool(changed["read_only"])}}
        made.append(Request("POST", f"{one}/action", body, VERSION))
    return made


def _volume_state(body: Any) -> State:
    word = body["volume"]["status"]
    if word in ("available", "in-use"):
        return READY
    if word.startswith("error"):
        return State("failed", f"ResourceInError: Went to status {word}")
    return WORKING


VOLUME = rest(
    "OS::Cinder::Volume",
    f"{BASE}/volumes",
    "volume",
    version=VERSION,
    description="A resource that implements Cinder volumes.",
    properties={
        "name": text("A name used to distinguish the volume.", update=True),
        "description": text("A description of the volume.", update=True),
        "size": number(
            "The size of the volume in GB.", update=True, constraints=[{"range": {"min": 1}}]
        ),
        "snapshot_id": text("The snapshot to make it from.", find="volume_snapshot"),
        "source_volid": text("The volume to make it from.", find="volume"),
        "backup_id": text("The backup to make it from."),
        "image": text("The image to make it from.", find="image"),
        "imageRef": text("Deprecated.", stands_for="image", find="image"),
        "volume_type": text("The type.", update=True, find="volume_type"),
        "availability_zone": text("The availability zone."),
        "metadata": mapping(None, "Key/value pairs.", update=True, default={}),
        "read_only": flag("Whether it can only be read.", update=True),
        "multiattach": flag("Whether several servers may have it."),
        "scheduler_hints": mapping(None, "Hints for the scheduler."),
    },
    attributes={
        "availability_zone": "The availability zone.",
        "size": "The size in GB.",
        "snapshot_id": "The snapshot that it was made from.",
        "source_volid": "The volume that it was made from.",
        "display_name": "The name.",
        "display_description": "The description.",
        "volume_type": "The type.",
        "metadata": "Key/value pairs.",
        "metadata_values": "Key/value pairs.",
        "status": "The current status.",
        "created_at": "When it was made.",
        "bootable": "Whether it can be booted or not.",
        "encrypted": "Whether it is encrypted.",
        "attachments": "A string representation of its attachments.",
        "attachments_list": "Its attachments.",
        "multiattach": "Whether several servers may have it.",
    },
    attribute=lambda name, body, read: _volume_attribute(name, body),
    body=_volume,
    update=_update_volume,
    state=_volume_state,
    # A volume with snapshots cannot go: what is kept of it is a volume of its own.
    snapshot=Snapshot(
        lambda physical, body, place: Request(
            "POST",
            f"{BASE}/volumes",
            {
                "volume": {
                    "source_volid": physical,
                    "size": body["volume"]["size"],
                    "name": f"{place.name}-snapshot",
                    "metadata": {"snapshot_of": physical},
                }
            },
            VERSION,
        ),
        lambda answer: str(answer["volume"]["id"]),
        lambda kept: Request("GET", f"{BASE}/volumes/{kept}", None, VERSION),
        lambda body: _volume_state(body),
        lambda kept: Request("DELETE", f"{BASE}/volumes/{kept}", None, VERSION),
        lambda given, kept: {
            **{n: v for n, v in given.items() if n not in _SOURCES},
            "source_volid": kept,
        },
    ),
    lost=lambda body: body["volume"]["status"] in ("error", "deleting"),
    check=lambda given: (
        None
        if any(given.get(name) for name in ("size", "snapshot_id", "source_volid", "backup_id"))
        else "If none of backup_id, snapshot_id, source_volid is given, size is required."
    ),
)

_ALIASES = {
    "display_name": "name",
    "display_description": "description",
    "metadata_values": "metadata",
    "attachments_list": "attachments",
}


def _volume_attribute(name: str, body: Any) -> Any:
    if body is None or name not in _ALIASES:
        return NotImplemented
    return body["volume"].get(_ALIASES[name])


def _attachments(given: Given) -> str:
    return f"/compute/v2.1/servers/{given['instance_uuid']}/os-volume_attachments"


def _attach(given: Given, place: Place) -> Request:
    body = {"volumeId": given["volume_id"]}
    if given.get("mountpoint"):
        body["device"] = given["mountpoint"]
    return Request("POST", _attachments(given), {"volumeAttachment": body}, "2.1")


def _attachment_state(body: Any) -> State:
    return (
        _volume_state(body)
        if body["volume"]["status"] == "in-use"
        else (
            State("failed", f"volume is {body['volume']['status']}")
            if body["volume"]["status"].startswith("error")
            else WORKING
        )
    )


VOLUME_ATTACHMENT = ResourceType(
    "OS::Cinder::VolumeAttachment",
    {
        "instance_uuid": text("The server.", required=True, find="server"),
        "volume_id": text("The volume.", required=True, find="volume"),
        "mountpoint": text("Where the guest may see it."),
    },
    _attach,
    lambda answer: str(answer["volumeAttachment"]["id"]),
    lambda physical, given, place: Request(
        "GET", f"{BASE}/volumes/{given['volume_id']}", None, VERSION
    ),
    lambda physical, now, changed, place: [],
    lambda physical, given, place: Request(
        "DELETE", f"{_attachments(given)}/{given['volume_id']}", None, "2.1"
    ),
    description="Resource for associating volume to instance.",
    exclusive=("volume_id",),
    state=_attachment_state,
    lost=lambda body: (
        body["volume"]["status"] == "available" or body["volume"]["status"].startswith("error")
    ),
    gone=lambda body: body is None or body["volume"]["status"] in ("available", "deleting"),
)


def _type_after(physical: str, given: Given, body: Any, place: Place) -> list[Request]:
    """Key/value pairs and projects as they shall be."""
    one, made = f"{BASE}/types/{physical}", []
    wanted = {str(n): str(v) for n, v in (given.get("metadata") or {}).items()}
    found = ((body or {}).get("volume_type") or {}).get("extra_specs") or {}
    for name in sorted(set(found) - set(wanted)):
        made.append(Request("DELETE", f"{one}/extra_specs/{quote(name, safe='')}", None, VERSION))
    if {name: found.get(name) for name in wanted} != wanted:
        made.append(Request("POST", f"{one}/extra_specs", {"extra_specs": wanted}, VERSION))
    return made


VOLUME_TYPE = rest(
    "OS::Cinder::VolumeType",
    f"{BASE}/types",
    "volume_type",
    version=VERSION,
    description="A resource for creating volume types; administrators only.",
    properties={
        "name": text("Name of the volume type.", required=True, update=True),
        "metadata": mapping(None, "The extra specs key and value pairs.", update=True),
        "is_public": flag("Whether everybody may use it.", default=True, update=True),
        "description": text("Description of the volume type.", update=True),
    },
    body=lambda given, place: {
        {"is_public": "os-volume-type-access:is_public"}.get(name, name): value
        for name, value in given.items()
        if value is not None and name != "metadata"
    },
    update=lambda physical, now, changed, place: [
        Request(
            "PUT",
            f"{BASE}/types/{physical}",
            {"volume_type": {n: v for n, v in changed.items() if n != "metadata"}},
            VERSION,
        )
        for _ in [1]
        if set(changed) - {"metadata"}
    ],
    after=_type_after,
)


def _quota(given: Given, place: Place) -> Request:
    some = {n: v for n, v in given.items() if n != "project" and v is not None}
    path = f"{BASE}/os-quota-sets/{given['project']}"
    return Request("PUT", path, {"quota_set": some}, VERSION)


QUOTA = ResourceType(
    "OS::Cinder::Quota",
    {
        "project": text("The project.", required=True, find="project"),
        **{
            name: number("A limit.", update=True, constraints=[{"range": {"min": -1}}])
            for name in ("gigabytes", "volumes", "backups", "snapshots", "backup_gigabytes")
        },
    },
    _quota,
    lambda answer: "quota",
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [_quota(now, place)],
    lambda physical, given, place: Request(
        "DELETE", f"{BASE}/os-quota-sets/{given['project']}", None, VERSION
    ),
    description="A project's quotas of volumes; administrators only.",
    waits_for_gone=False,
    check=lambda given: None if len(given) > 1 else "At least one of the limits must be specified.",
)
TYPES = (VOLUME, VOLUME_ATTACHMENT, VOLUME_TYPE, QUOTA)
