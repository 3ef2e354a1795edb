"""The JSON schemas that image clients ask for, made from the types that requests are checked by."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.model.task import TYPES as TASK_TYPES
from cumulo.image.service.patch import READ_ONLY, TYPES

_TEXT = {"type": "string"}
_STATUSES = [
    "queued",
    "saving",
    "active",
    "killed",
    "deleted",
    "uploading",
    "importing",
    "pending_delete",
    "deactivated",
]
_READ_ONLY_TYPES: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": _STATUSES},
    "locations": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["url", "metadata"],
            "properties": {
                "url": {"type": "string", "maxLength": 2048},
                "metadata": {"type": "object"},
                "validation_data": {"type": "object"},
            },
        },
    },
    "size": {"type": ["null", "integer"]},
    "virtual_size": {"type": ["null", "integer"]},
    "checksum": {"type": ["null", "string"], "maxLength": 32},
    "os_hash_algo": {"type": ["null", "string"], "maxLength": 64},
    "os_hash_value": {"type": ["null", "string"], "maxLength": 128},
}
_DESCRIPTIONS = {
    "id": "Its identifier",
    "name": "What people call it",
    "owner": "The project to which it belongs",
    "visibility": "Who may find and use it",
    "os_hidden": "It is left out of lists unless they are asked for hidden ones",
    "protected": "It cannot be deleted",
    "disk_format": "The form of the disk in the content",
    "container_format": "What the content is wrapped in",
    "min_disk": "The least disk of a server of it, in gibibytes",
    "min_ram": "The least memory of a server of it, in mebibytes",
    "tags": "Words that it is found by",
    "status": "How far it is on its way",
    "created_at": "When it was registered",
    "updated_at": "When it was changed last",
    "checksum": "The MD5 sum of the content",
    "os_hash_algo": "How os_hash_value was computed",
    "os_hash_value": "The secure hash of the content, in hexadecimal",
    "size": "The length of the content in bytes",
    "virtual_size": "The size of the disk inside in bytes",
    "direct_url": "Where the content is kept",
    "self": "The path of the image",
    "file": "The path of its content",
    "schema": "The path of this schema",
    "stores": "The stores that have the content",
    "locations": "Where the content is kept, with what is noted about each place",
}
_OPTIONAL: dict[str, dict[str, Any]] = {
    "architecture": {**_TEXT, "description": "The processor for which it was made"},
    "instance_uuid": {**_TEXT, "description": "The server of which it is a snapshot"},
    "kernel_id": {"type": ["null", "string"], "description": "The image of its kernel"},
    "os_distro": {
        **_TEXT,
        "description": "The short name of its distribution",
    },
    "os_version": {**_TEXT, "description": "The version of its operating system"},
    "ramdisk_id": {"type": ["null", "string"], "description": "The image of its first file system"},
}
"""Properties that every cloud's images may have (`schema-image.json` of the real service)."""


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """One type, or a list of names, as clients read it: no alternatives of schemas."""
    made = {name: value for name, value in schema.items() if name not in ("anyOf", "enum")}
    values = schema.get("enum")
    if "anyOf" in schema:
        kinds = [_plain(each) for each in schema["anyOf"]]
        for kind in kinds:
            made |= kind
        made["type"] = sorted({kind["type"] for kind in kinds}, key=lambda name: name != "null")
        values = made.pop("enum", None)
    elif values is not None:
        types = {"null" if value is None else "string" for value in values}
        kinds_of_text = sorted(types, key=lambda name: name != "null")
        made["type"] = kinds_of_text if len(types) > 1 else kinds_of_text[0]
    if values is not None:
        nullable = "null" in made["type"] and isinstance(made["type"], list)
        made["enum"] = [*([None] if nullable else []), *(v for v in values if v is not None)]
    return made


def image_schema() -> dict[str, Any]:
    schemas, _ = msgspec.json.schema_components(TYPES.values(), ref_template="{name}")
    properties = {name: _plain(schema) for name, schema in zip(TYPES, schemas, strict=True)}
    properties["locations"] = _READ_ONLY_TYPES["locations"]
    for name in sorted(READ_ONLY):
        properties[name] = {**_READ_ONLY_TYPES.get(name, _TEXT), "readOnly": True}
    for name, text in _DESCRIPTIONS.items():
        properties[name] = {**properties[name], "description": text}
    for name, schema in _OPTIONAL.items():
        properties[name] = {**schema, "is_base": False}
    return {
        "name": "image",
        "properties": properties,
        "additionalProperties": {"type": "string"},
        "links": [
            {"rel": "self", "href": "{self}"},
            {"rel": "enclosure", "href": "{file}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def member_schema() -> dict[str, Any]:
    return {
        "name": "member",
        "properties": {
            "member_id": {**_TEXT, "description": "An identifier for the image member"},
            "image_id": {**_TEXT, "description": "An identifier for the image"},
            "created_at": _TEXT,
            "updated_at": _TEXT,
            "status": {"type": "string", "enum": ["pending", "accepted", "rejected"]},
            "schema": {"type": "string", "readOnly": True},
        },
    }


def _list_schema(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item},
            "first": _TEXT,
            "next": _TEXT,
            "schema": _TEXT,
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


def task_schema(*, stub: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": {"type": "string", "description": "An identifier for the task"},
        "type": {"type": "string", "enum": list(TASK_TYPES)},
        "status": {"type": "string", "enum": ["pending", "processing", "success", "failure"]},
        "input": {"type": ["null", "object"]},
        "result": {"type": ["null", "object"]},
        "owner": _TEXT,
        "message": _TEXT,
        "expires_at": {"type": ["null", "string"]},
        "created_at": _TEXT,
        "updated_at": _TEXT,
        "self": {"type": "string", "readOnly": True},
        "schema": {"type": "string", "readOnly": True},
        "image_id": {"type": ["null", "string"]},
        "request_id": {"type": ["null", "string"]},
        "user_id": {"type": ["null", "string"]},
    }
    if stub:
        for name in ("input", "result", "message", "image_id", "request_id", "user_id"):
            del properties[name]
    return {"name": "task", "properties": properties}


def operations() -> list[Operation]:
    documents = {
        "task": task_schema(),
        "tasks": _list_schema("tasks", task_schema(stub=True)),
        "image": image_schema(),
        "images": _list_schema("images", image_schema()),
        "member": member_schema(),
        "members": _list_schema("members", member_schema()),
    }

    def show(call: Call, tx: Tx) -> Any:
        return documents[call.url.rstrip("/").rpartition("/")[2]]

    return [Operation("GET", f"/v2/schemas/{name}", show) for name in documents]
