"""A template, taken apart: sections and definitions, with functions still in place.

CFN templates become the same form as HOT ones: only the names of keys differ.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.orchestration.language.documents import bounded_data
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.versions import Version, cfn_version, hot_version

HOT_SECTIONS = (
    "heat_template_version",
    "description",
    "parameter_groups",
    "parameters",
    "resources",
    "outputs",
    "conditions",
)
_HOT_RESOURCE = {
    "type": "type",
    "properties": "properties",
    "metadata": "metadata",
    "depends_on": "depends_on",
    "deletion_policy": "deletion_policy",
    "update_policy": "update_policy",
    "description": "description",
    "external_id": "external_id",
    "condition": "condition",
}
_CFN_RESOURCE = {
    "Type": "type",
    "Properties": "properties",
    "Metadata": "metadata",
    "DependsOn": "depends_on",
    "DeletionPolicy": "deletion_policy",
    "UpdatePolicy": "update_policy",
    "Description": "description",
    "Condition": "condition",
}
_CFN_SECTIONS = {
    "Description": "description",
    "Parameters": "parameters",
    "Mappings": "mappings",
    "Conditions": "conditions",
    "Resources": "resources",
    "Outputs": "outputs",
}
POLICIES = {"Delete": "Delete", "Retain": "Retain", "Snapshot": "Snapshot"}
MOST_RESOURCES = 1000
NAME_LENGTH = 255
MOST_LETTERS = 1000
MOST_OUTPUTS = 1000


class ResourceDefinition(msgspec.Struct, frozen=True):
    """A resource as a template has it; values are snippets, unresolved."""

    name: str
    type: str
    properties: dict[str, Any] = {}
    metadata: Any = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: Any = "Delete"
    update_policy: dict[str, Any] = {}
    description: str = ""
    external_id: Any = None
    condition: Any = None


class OutputDefinition(msgspec.Struct, frozen=True):
    name: str
    value: Any
    description: str = ""
    condition: Any = None


class Template(msgspec.Struct, frozen=True):
    """What a stack is made from."""

    version: Version
    text: dict[str, Any]
    """As it came, for `template show`."""
    description: str
    parameters: dict[str, Any]
    parameter_groups: list[Any]
    conditions: dict[str, Any]
    resources: dict[str, ResourceDefinition]
    outputs: dict[str, OutputDefinition]
    mappings: dict[str, Any] = {}


def parse(document: Any) -> Template:
    """Raises Invalid for what is no template."""
    if not isinstance(document, dict):
        raise Invalid("The template is not a JSON object or YAML mapping.")
    bounded_data(document, "template")
    keys = [
        key
        for key in (
            "heat_template_version",
            "AWSTemplateFormatVersion",
            "HeatTemplateFormatVersion",
        )
        if key in document
    ]
    if not keys:
        raise Invalid("Template format version not found.")
    if len(keys) > 1:
        raise Invalid(f"Ambiguous versions ({', '.join(keys)})")
    key = keys[0]
    named = document[key]
    if not isinstance(named, str | int | float):
        raise Invalid(f"{key} must be text")
    if key == "heat_template_version":
        return _hot(document, hot_version(str(named)))
    return _cfn(document, cfn_version(key, str(named)))


def _hot(document: dict[str, Any], version: Version) -> Template:
    for section in document:
        known = section in HOT_SECTIONS and (section != "conditions" or version.has_conditions)
        if not known:
            raise Invalid(f"The template section is invalid: {section}")
    return Template(
        version,
        document,
        _description(document.get("description")),
        _section(document, "parameters"),
        _list(document, "parameter_groups"),
        _section(document, "conditions"),
        _resources(_section(document, "resources"), _HOT_RESOURCE, version),
        _outputs(_section(document, "outputs"), ("value", "description", "condition"), version),
    )


def _cfn(document: dict[str, Any], version: Version) -> Template:
    given: dict[str, Any] = {}
    for section, value in document.items():
        if section in ("AWSTemplateFormatVersion", "HeatTemplateFormatVersion"):
            continue
        if section not in _CFN_SECTIONS or (section == "Conditions" and not version.has_conditions):
            raise Invalid(f"The template section is invalid: {section}")
        given[_CFN_SECTIONS[section]] = value
    outputs = _outputs(_section(given, "outputs"), ("Value", "Description", "Condition"), version)
    return Template(
        version,
        document,
        _description(given.get("description")),
        _section(given, "parameters"),
        [],
        _section(given, "conditions"),
        _resources(_section(given, "resources"), _CFN_RESOURCE, version),
        outputs,
        _section(given, "mappings"),
    )


def _description(value: Any) -> str:
    return "No description" if value is None else str(value)


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f'"{name}" must be a map', name)
    return value


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"The {name} should be a list", name)
    return value


def _resources(
    section: dict[str, Any], keys: Mapping[str, str], version: Version
) -> dict[str, ResourceDefinition]:
    if len(section) > MOST_RESOURCES:
        raise Invalid(f"Maximum resources per stack exceeded: {len(section)} of {MOST_RESOURCES}.")
    made = {}
    for name, body in section.items():
        path = f"resources.{name}"
        if not name or len(name) > NAME_LENGTH or "/" in name:
            raise Invalid("a resource's name has 1 to 255 letters and no slash", path)
        if not isinstance(body, dict):
            raise Invalid("Resource definition must be a map with the resource's type in it", path)
        made[name] = _resource(name, body, keys, version, path)
    return made


def _resource(
    name: str, body: dict[str, Any], keys: Mapping[str, str], version: Version, path: str
) -> ResourceDefinition:
    given: dict[str, Any] = {}
    for key, value in body.items():
        if key not in keys or (keys[key] == "condition" and not version.has_conditions):
            raise Invalid(f'"{key}" is not a valid keyword inside a resource definition', path)
        given[keys[key]] = value
    kind = given.get("type")
    if not isinstance(kind, str) or not kind:
        raise Invalid("Each resource must contain a type key.", path)
    if len(kind) > MOST_LETTERS:
        raise Invalid(f"the type has more than {MOST_LETTERS} letters", path)
    for key in ("properties", "update_policy"):
        value = given.get(key)
        if value is not None and not isinstance(value, dict):
            raise Invalid(f"{key} must be a map", path)
    depends = given.get("depends_on") or ()
    names = (depends,) if isinstance(depends, str) else depends
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
        raise Invalid("depends_on must be a name or a list of names", path)
    return ResourceDefinition(
        name,
        kind,
        given.get("properties") or {},
        given.get("metadata"),
        tuple(names),
        policy_of(given.get("deletion_policy"), version, path),
        given.get("update_policy") or {},
        str(given.get("description") or ""),
        given.get("external_id"),
        given.get("condition"),
    )


def policy_of(value: Any, version: Version, path: str) -> Any:
    """A deletion policy by its proper name; a function stays one until parameters are known."""
    if value is None:
        return "Delete"
    if isinstance(value, dict):
        return value
    known = POLICIES | ({n.lower(): n for n in POLICIES} if version.since("2016-10-14") else {})
    if not isinstance(value, str) or value not in known:
        raise Invalid(f'Invalid deletion policy "{str(value)[:100]}"', path)
    return known[value]


def _outputs(
    section: dict[str, Any], keys: tuple[str, str, str], version: Version
) -> dict[str, OutputDefinition]:
    value_key, description_key, condition_key = keys
    if len(section) > MOST_OUTPUTS:
        raise Invalid(f"more than {MOST_OUTPUTS} outputs")
    made = {}
    for name, body in section.items():
        path = f"outputs.{name}"
        if not isinstance(body, dict) or value_key not in body:
            raise Invalid(f"Each output must contain a {value_key} key.", path)
        for key in body:
            if key not in keys or (key == condition_key and not version.has_conditions):
                raise Invalid(f'"{key}" is not a valid keyword inside an output definition', path)
        made[name] = OutputDefinition(
            name,
            body[value_key],
            str(body.get(description_key) or "No description given"),
            body.get(condition_key),
        )
    return made
