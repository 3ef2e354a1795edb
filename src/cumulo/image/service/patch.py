"""What clients wish of an image's attributes: creation bodies and JSON patch documents.

Known attributes have their types and limits; `checksum` and the like are read-only, a few names
are reserved, all others are properties, whose values are text.
"""

from typing import Annotated, Any, Literal

import msgspec

from cumulo.core.faults import BadRequest, Conflict, Forbidden, TooLarge
from cumulo.core.wire.coercions import Uuid
from cumulo.image.model.image import (
    CONTAINER_FORMATS,
    DISK_FORMATS,
    VISIBILITIES,
    ImageRow,
)
from cumulo.image.service.protection import EVERYTHING, Access, Verb

MOST_PROPERTIES = 128
MOST_TAGS = 128

READ_ONLY = frozenset(
    (
        "status",
        "created_at",
        "updated_at",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "size",
        "virtual_size",
        "direct_url",
        "self",
        "file",
        "schema",
        "stores",
    )
)
RESERVED = frozenset(("deleted", "deleted_at", "is_public", "location", "locations", "members"))

Tag = Annotated[str, msgspec.Meta(max_length=255)]
Text = Annotated[str, msgspec.Meta(max_length=255)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

# The types of the attributes that clients may set; what stands here is no property.
TYPES: dict[str, Any] = {
    "id": Uuid,
    "name": Text | None,
    "owner": Text | None,
    "visibility": Literal[VISIBILITIES],
    "os_hidden": bool,
    "protected": bool,
    "disk_format": Literal[DISK_FORMATS] | None,
    "container_format": Literal[CONTAINER_FORMATS] | None,
    "min_disk": Amount,
    "min_ram": Amount,
    "tags": list[Tag],
}
_PROPERTY = Annotated[str, msgspec.Meta(max_length=65535)]


Op = Literal["add", "replace", "remove"]
OPS: tuple[Op, ...] = ("add", "replace", "remove")
Path = Annotated[str, msgspec.Meta(pattern="^/.", max_length=1024)]


class PatchStep(msgspec.Struct):
    """One step of a patch document."""

    op: Op
    path: Path
    value: Any = None


def checked(name: str, value: Any) -> Any:
    """The value in its type. Raises BadRequest."""
    try:
        return msgspec.convert(value, TYPES.get(name, _PROPERTY))
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"Provided object does not match schema 'image': {value!r:.200}: {error}. "
            f"Invalid value of '{name}'"
        ) from None


def split(
    body: dict[str, Any], access: Access = EVERYTHING
) -> tuple[dict[str, Any], dict[str, str]]:
    """(attributes, properties) of a creation body, checked."""
    attributes: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for name, value in body.items():
        refuse_name(name)
        if name not in TYPES:
            _refuse_protected(access, "create", name)
        (attributes if name in TYPES else properties)[name] = checked(name, value)
    if "tags" in attributes:
        attributes["tags"] = unique_tags(attributes["tags"])
    refuse_too_many(properties)
    return attributes, properties


def unique_tags(tags: list[str]) -> list[str]:
    found = sorted(set(tags))
    if len(found) > MOST_TAGS:
        raise TooLarge(
            "The limit has been exceeded on the number of allowed image tags. "
            f"Attempted: {len(found)}, Maximum: {MOST_TAGS}"
        )
    return found


def refuse_too_many(properties: dict[str, str]) -> None:
    if len(properties) > MOST_PROPERTIES:
        raise TooLarge(
            "The limit has been exceeded on the number of allowed image properties. "
            f"Attempted: {len(properties)}, Maximum: {MOST_PROPERTIES}"
        )


def refuse_name(name: str) -> None:
    if name in READ_ONLY:
        raise Forbidden(f"Attribute '{name}' is read-only.")
    if not is_free(name):
        raise Forbidden(f"Attribute '{name}' is reserved.")


def is_free(name: str) -> bool:
    """A property may be called so."""
    taken = name in READ_ONLY or name in RESERVED or name.startswith("os_glance")
    return not taken and 0 < len(name) <= 255


def patched(
    row: ImageRow, steps: list[PatchStep], access: Access = EVERYTHING
) -> tuple[dict[str, Any], dict[str, str]]:
    """(changed attributes, all properties) after the steps."""
    changes: dict[str, Any] = {}
    properties = dict(row.properties)
    for step in steps:
        name = _name_of(step)
        refuse_name(name)
        if name == "id":
            raise Forbidden("Attribute 'id' is read-only.")
        if step.op == "remove":
            if name in TYPES:
                raise Forbidden(f"Property {name} may not be removed.")
            if name not in properties or not access.may("read", name):
                raise Conflict(f"Property {name} does not exist.")
            _refuse_protected(access, "delete", name)
            del properties[name]
            continue
        value = checked(name, step.value)
        if name in TYPES:
            changes[name] = unique_tags(value) if name == "tags" else value
        elif step.op == "replace" and not (name in properties and access.may("read", name)):
            raise Conflict(f"Property {name} does not exist.")
        else:
            _refuse_protected(access, "update" if name in properties else "create", name)
            properties[name] = value
    refuse_too_many(properties)
    return changes, properties


def _refuse_protected(access: Access, verb: Verb, name: str) -> None:
    if not access.may(verb, name):
        raise Forbidden(f"Attribute '{name}' is reserved.")


def _name_of(step: PatchStep) -> str:
    """The attribute that the JSON pointer names."""
    parts = step.path[1:].split("/")
    if len(parts) > 1:
        raise BadRequest(f"Invalid JSON pointer for this resource: '{step.path}'")
    text = parts[0]
    if "~" in text.replace("~0", "").replace("~1", ""):
        raise BadRequest(f'Pointer `{step.path}` contains "~" not part of a recognized escape.')
    return text.replace("~1", "/").replace("~0", "~")
