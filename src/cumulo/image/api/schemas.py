"""The JSON schemas that image clients ask for, made from the types that requests are checked by."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.model.task import TYPES as TASK_TYPES
from cumulo.image.service.patch import READ_ONLY, TYPES

_TEXT = {"type": "string"}
_READ_ONLY_TYPES: dict[str, dict[str, Any]] = {
    "status": {
        "type": "string",
        "enum": ["queued", "saving", "active", "killed", "deleted", "deactivated"],
    },
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


def image_schema() -> dict[str, Any]:
    schemas, _ = msgspec.json.schema_components(TYPES.values(), ref_template="{name}")
    properties: dict[str, Any] = dict(zip(TYPES, schemas, strict=True))
    properties["locations"] = _READ_ONLY_TYPES["locations"]
    for name in sorted(READ_ONLY):
        properties[name] = {**_READ_ONLY_TYPES.get(name, _TEXT), "readOnly": True}
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
