"""The JSON schemas of metadata definitions that clients ask for."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.model.metadef import MOST_NAME, MOST_NAMESPACE, VISIBILITIES

_TEXT: dict[str, Any] = {"type": "string"}
_NAME = {"type": "string", "maxLength": MOST_NAME}
_TEXT80 = {"type": "string", "maxLength": 80}
_FLAG = {"type": "boolean"}
_TYPE = {
    "type": "string",
    "enum": ["array", "boolean", "integer", "number", "object", "string", None],
}
_LINK = {"type": "string", "readOnly": True}
_COUNT = {"$ref": "#/definitions/positiveInteger"}
_COUNT_0 = {"$ref": "#/definitions/positiveIntegerDefault0"}
_TEXTS = {"$ref": "#/definitions/stringArray"}
_PROPERTIES = {"$ref": "#/definitions/property"}
_COUNTS: dict[str, Any] = {
    "positiveInteger": {"type": "integer", "minimum": 0},
    "positiveIntegerDefault0": {"allOf": [_COUNT, {"default": 0}]},
    "stringArray": {"type": "array", "items": _TEXT, "uniqueItems": True},
}
_PROPERTY: dict[str, Any] = {
    "name": _NAME,
    "title": _TEXT,
    "description": _TEXT,
    "operators": {"type": "array", "items": _TEXT},
    "type": _TYPE,
    "required": _TEXTS,
    "minimum": {"type": "number"},
    "maximum": {"type": "number"},
    "maxLength": _COUNT,
    "minLength": _COUNT_0,
    "pattern": {"type": "string", "format": "regex"},
    "enum": {"type": "array"},
    "readonly": _FLAG,
    "default": {},
    "items": {"type": "object", "properties": {"type": _TYPE, "enum": {"type": "array"}}},
    "maxItems": _COUNT,
    "minItems": _COUNT_0,
    "uniqueItems": {"type": "boolean", "default": False},
    "additionalItems": _FLAG,
}
_DEFINITIONS: dict[str, Any] = {
    **_COUNTS,
    "property": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": ["title", "type"],
            "properties": _PROPERTY,
        },
    },
}


def _moments(noun: str) -> dict[str, Any]:
    moment = {"type": "string", "format": "date-time", "readOnly": True}
    return {
        "created_at": {**moment, "description": f"When the {noun} was made"},
        "updated_at": {**moment, "description": f"When the {noun} was last changed"},
    }


def _array(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


_OBJECT = {
    "name": _NAME,
    "description": _TEXT,
    "required": _TEXTS,
    "properties": _PROPERTIES,
}


def _noun(
    name: str,
    properties: dict[str, Any],
    required: list[str],
    definitions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "properties": properties,
        "additionalProperties": False,
        "required": required,
        **({"definitions": definitions} if definitions else {}),
    }


def namespace_schema() -> dict[str, Any]:
    properties = {
        "namespace": {
            "type": "string",
            "description": "The name, one in the whole cloud",
            "maxLength": MOST_NAMESPACE,
        },
        "display_name": {**_TEXT80, "description": "The name for people"},
        "description": {"type": "string", "description": "What it is for", "maxLength": 500},
        "visibility": {
            "type": "string",
            "description": "Who sees it: everybody, or the owner's project",
            "enum": list(VISIBILITIES),
        },
        "protected": {**_FLAG, "description": "It and what it holds cannot be deleted"},
        "owner": {"type": "string", "description": "The owner's project", "maxLength": 255},
        **_moments("namespace"),
        "schema": _LINK,
        "self": _LINK,
        "resource_type_associations": _array(
            {"name": _TEXT, "prefix": _TEXT, "properties_target": _TEXT}
        ),
        "properties": _PROPERTIES,
        "objects": _array(_OBJECT),
        "tags": _array({"name": _TEXT}),
    }
    return _noun("namespace", properties, ["namespace"], _DEFINITIONS)


def object_schema() -> dict[str, Any]:
    properties = {**_OBJECT, "schema": _LINK, "self": _LINK, **_moments("object")}
    return _noun("object", properties, ["name"], _DEFINITIONS)


def property_schema(*, named: bool = True) -> dict[str, Any]:
    """Among others a property's name is its key."""
    required = ["type", "title", *(["name"] if named else [])]
    return _noun("property", _PROPERTY, required, _COUNTS)


def association_schema() -> dict[str, Any]:
    properties = {
        "name": {**_NAME, "description": "Of the type, in the words of orchestration"},
        "prefix": {**_TEXT80, "description": "Before the names of properties on this type"},
        "properties_target": {
            **_TEXT80,
            "description": "Which of the type's several sets of properties is meant",
        },
        **_moments("association"),
    }
    return _noun("resource_type_association", properties, ["name"])


def tag_schema() -> dict[str, Any]:
    return _noun("tag", {"name": _NAME, **_moments("tag")}, ["name"])


def _list_of(name: str, item: dict[str, Any], *, keyed: bool = False) -> dict[str, Any]:
    """`keyed`: an object with the members by their names instead of an array."""
    item = dict(item)
    definitions = item.pop("definitions", None)
    members = (
        {"type": "object", "additionalProperties": item}
        if keyed
        else {"type": "array", "items": item}
    )
    return {
        "name": name,
        "properties": {name: members, "first": _TEXT, "next": _TEXT, "schema": _TEXT},
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
        **({"definitions": definitions} if definitions else {}),
    }


def documents() -> dict[str, dict[str, Any]]:
    """By the last part of their paths"""
    return {
        "namespace": namespace_schema(),
        "namespaces": _list_of("namespaces", namespace_schema()),
        "object": object_schema(),
        "objects": _list_of("objects", object_schema()),
        "property": property_schema(),
        "properties": _list_of("properties", property_schema(named=False), keyed=True),
        "resource_type": association_schema(),
        "resource_types": _list_of("resource_type_associations", association_schema()),
        "tag": tag_schema(),
        "tags": _list_of("tags", tag_schema()),
    }


def operations() -> list[Operation]:
    found = documents()

    def show(call: Call, tx: Tx) -> Any:
        return found[call.url.rstrip("/").rpartition("/")[2]]

    return [Operation("GET", f"/v2/schemas/metadefs/{name}", show) for name in found]
