"""What templates can ask of image: names of images become ids, and OS::Glance::WebImage."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import (
    READY,
    WORKING,
    Finder,
    Place,
    Request,
    ResourceType,
    State,
    flag,
    items,
    mapping,
    number,
    text,
)

BASE = "/image/v2/images"
FINDERS = (Finder("image", BASE, "image", "glance.image", bare=True),)
Given = Mapping[str, Any]
_PLAIN = ("visibility", "protected", "min_disk", "min_ram", "os_hidden")
_NAMES = {"architecture", "kernel_id", "os_distro", "os_version", "ramdisk_id"}


def _image(given: Given, place: Place) -> Request:
    names = ("id", "tags", *_PLAIN, *sorted(_NAMES))
    body: dict[str, Any] = {"name": given.get("name") or place.name}
    body |= {name: given[name] for name in names if given.get(name) is not None}
    body |= {"disk_format": given["disk_format"], "container_format": given["container_format"]}
    body |= {str(key): str(value) for key, value in (given.get("extra_properties") or {}).items()}
    return Request("POST", BASE, body)


def _import(physical: str, given: Given, body: Any, place: Place) -> Sequence[Request]:
    """The content is fetched by image itself, under its own rules for addresses."""
    if place.physical is not None:
        return []
    how = {"name": "web-download", "uri": given["location"]}
    return [Request("POST", f"{BASE}/{physical}/import", {"method": how})]


def _update(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
    """A JSON patch, as image takes it."""
    patch: list[dict[str, Any]] = []
    for name, value in changed.items():
        if name == "extra_properties":
            before = place.before.get("extra_properties") or {}
            after = value or {}
            patch += [{"op": "remove", "path": f"/{k}"} for k in before if k not in after]
            patch += [{"op": "add", "path": f"/{k}", "value": str(v)} for k, v in after.items()]
        elif name == "name":
            patch.append({"op": "replace", "path": "/name", "value": value or place.name})
        elif value is None and name in _NAMES:
            patch.append({"op": "remove", "path": f"/{name}"})
        elif value is not None:
            op = "add" if name in _NAMES else "replace"
            patch.append({"op": op, "path": f"/{name}", "value": value})
    kind = "application/openstack-images-v2.1-json-patch"
    headers = {"Content-Type": kind}
    return [Request("PATCH", f"{BASE}/{physical}", patch, headers=headers)] if patch else []


def _state(body: Any) -> State:
    word = body["status"]
    if word in ("active", "deactivated"):
        return READY
    if word in ("killed", "deleted", "pending_delete"):
        return State("failed", f"the image went to status {word}")
    failed = body.get("os_glance_failed_import")
    return State("failed", "the import of the image has failed") if failed else WORKING


WEB_IMAGE = ResourceType(
    "OS::Glance::WebImage",
    {
        "name": text("Name for the image.", update=True),
        "id": text("The image's id; a UUID."),
        "visibility": text(
            "Who sees it.",
            default="private",
            update=True,
            constraints=[{"allowed_values": ["public", "private", "community", "shared"]}],
        ),
        "os_hidden": flag("Whether lists leave it out.", default=False, update=True),
        "protected": flag("Whether it cannot be deleted.", default=False, update=True),
        "min_disk": number("Least disk of a server, GB.", default=0, update=True),
        "min_ram": number("Least memory of a server, MB.", default=0, update=True),
        "disk_format": text("Disk format of image.", required=True),
        "container_format": text("Container format of image.", required=True),
        "location": text("URL where its content is.", required=True),
        "tags": items(text(), "Tags.", update=True),
        "extra_properties": mapping(None, "More properties.", default={}, update=True),
        "architecture": text("Operating system architecture.", update=True),
        "kernel_id": text("Its kernel.", update=True),
        "os_distro": text("The operating system's name.", update=True),
        "os_version": text("The operating system's version.", update=True),
        "ramdisk_id": text("Its RAM disk.", update=True),
    },
    _image,
    lambda answer: str(answer["id"]),
    lambda physical, given, place: Request("GET", f"{BASE}/{physical}"),
    _update,
    lambda physical, given, place: Request("DELETE", f"{BASE}/{physical}"),
    attributes={"status": "Its status."},
    attribute=lambda name, body, read: None if body is None else body.get(name),
    state=_state,
    after=_import,
    description="An image whose content is fetched from a URL.",
)
TYPES = (WEB_IMAGE,)
