"""Resource types, template versions, validation, and who serves."""

import re
from typing import Any

from cumulo import __version__
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.orchestration.api.bodies import StackWish, flag_of, wish_of
from cumulo.orchestration.language.described import DESCRIBED
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.parameters import SHOWN, Parameter
from cumulo.orchestration.language.versions import CFN, HOT
from cumulo.orchestration.service.blueprint import Blueprint
from cumulo.orchestration.service.checking import Wish
from cumulo.orchestration.service.properties import shown_schema
from cumulo.orchestration.service.stacks import Stacks


class TypesApi:
    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._types = stacks.engine.types

    def operations(self) -> list[Operation]:
        versions = "stacks:list_template_versions"
        return [
            Operation("GET", "/resource_types", self.index, policy="stacks:list_resource_types"),
            Operation(
                "GET", "/resource_types/{type_name}", self.show, policy="stacks:resource_schema"
            ),
            Operation(
                "GET",
                "/resource_types/{type_name}/template",
                self.generated,
                policy="stacks:generate_template",
            ),
            Operation("GET", "/template_versions", self.versions, policy=versions),
            Operation(
                "GET",
                "/template_versions/{version}/functions",
                self.functions,
                policy="stacks:list_template_functions",
            ),
            Operation(
                "POST",
                "/validate",
                self.validate,
                policy="stacks:validate_template",
                body=StackWish,
                writes=False,
            ),
            Operation("GET", "/build_info", self.build_info, policy="build_info:build_info"),
            Operation("GET", "/services", self.services, policy="service:index"),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        names = self._types.names()
        wanted = call.query.get("name")
        if wanted:
            from cumulo.core.wire.patterns import BadPattern, Pattern

            try:
                pattern = Pattern(f"^(?:{wanted})")
            except BadPattern as problem:
                raise BadRequest(f"Invalid name pattern: {problem}") from None
            names = [each for each in names if pattern.found_in(each)]
        if flag_of(call.query.get("with_description"), "with_description"):
            described = [
                {"resource_type": each, "description": self._types.handler(each).description}
                for each in names
            ]
            return {"resource_types": described}
        return {"resource_types": names}

    def show(self, call: Call, tx: Tx) -> Any:
        name = call.path["type_name"]
        handler = self._handler(name)
        show = {"type": "map", "description": "Detailed information about resource."}
        return {
            "resource_type": name,
            "properties": {key: shown_schema(each) for key, each in handler.properties.items()},
            "attributes": {
                **{
                    key: {"type": "string", "description": said}
                    for key, said in handler.attributes.items()
                },
                "show": show,
            },
            "support_status": {
                "status": "SUPPORTED",
                "message": None,
                "version": None,
                "previous_status": None,
            },
            "description": handler.description,
        }

    def _handler(self, name: str) -> Any:
        if name not in self._types.names():
            raise NotFound(f"The Resource Type ({name}) could not be found.")
        return self._types.handler(name)

    def generated(self, call: Call, tx: Tx) -> Any:
        """A template with one resource of the type, its properties as parameters."""
        name = call.path["type_name"]
        handler = self._handler(name)
        hot = call.query.get("template_type", "cfn") == "hot"
        kinds = {
            "integer": "number",
            "number": "number",
            "boolean": "boolean",
            "list": "comma_delimited_list",
            "map": "json",
        }
        resource = re.sub(r"\W", "", name.rpartition("::")[2])
        parameters: dict[str, Any] = {}
        for key, one in handler.properties.items():
            if one.stands_for:
                continue
            kind = kinds.get(one.kind, "string")
            shown: dict[str, Any] = {"type": kind} if hot else {"Type": SHOWN[kind]}
            if one.description:
                shown["description" if hot else "Description"] = one.description
            if one.default is not None:
                shown["default" if hot else "Default"] = one.default
            parameters[key] = shown
        get, attribute = ("get_param", "get_attr") if hot else ("Ref", "Fn::GetAtt")
        values = {key: {get: key} for key in parameters}
        outputs = {
            key: {
                ("description" if hot else "Description"): said,
                ("value" if hot else "Value"): {attribute: [resource, key]},
            }
            for key, said in handler.attributes.items()
        }
        if hot:
            return {
                "heat_template_version": "2016-10-14",
                "description": f"Initial template of {resource}",
                "parameters": parameters,
                "resources": {resource: {"type": name, "properties": values}},
                "outputs": outputs,
            }
        return {
            "HeatTemplateFormatVersion": "2012-12-12",
            "Description": f"Initial template of {resource}",
            "Parameters": parameters,
            "Resources": {resource: {"Type": name, "Properties": values}},
            "Outputs": outputs,
        }

    def versions(self, call: Call, tx: Tx) -> Any:
        aliases: dict[str, list[str]] = {}
        for name, one in HOT.items():
            if name != one.name:
                aliases.setdefault(one.name, []).append(name)
        hot = [
            {
                "version": f"heat_template_version.{name}",
                "type": "hot",
                "aliases": [f"heat_template_version.{each}" for each in aliases.get(name, ())],
            }
            for name in HOT
            if name[0].isdigit()
        ]
        cfn = [
            {"version": "HeatTemplateFormatVersion.2012-12-12", "type": "cfn", "aliases": []},
            {"version": "AWSTemplateFormatVersion.2010-09-09", "type": "cfn", "aliases": []},
        ]
        return {"template_versions": sorted([*hot, *cfn], key=lambda each: str(each["version"]))}

    def functions(self, call: Call, tx: Tx) -> Any:
        asked = call.path["version"]
        name = asked.rpartition(".")[2]
        found = HOT.get(name) or CFN.get(name)
        if found is None:
            raise NotFound(f"The Template Version ({asked}) could not be found.")
        names = set(found.functions)
        if flag_of(call.query.get("with_condition_func"), "with_condition_func"):
            names |= found.conditions
        return {
            "template_functions": [
                {"functions": each, "description": DESCRIBED.get(each, "A function.")}
                for each in sorted(names)
            ]
        }

    def validate(self, call: Call, tx: Tx) -> Any:
        wish = wish_of(call.body)
        ignored = call.query.get("ignore_errors") is not None
        nested = flag_of(call.query.get("show_nested"), "show_nested") or False
        try:
            blueprint = self._stacks.look_at(tx, call.principal, wish, unchecked=ignored)
            body = _validated(blueprint)
            if nested:
                levels = self._stacks.looked_inside(tx, call.principal, blueprint)
                inner = _inside(blueprint, levels)
                body |= {"NestedParameters": inner} if inner else {}
        except Invalid as problem:
            raise BadRequest(str(problem), kind="StackValidationFailed") from None
        return body | {"Environment": self._shown_environment(blueprint, wish)}

    @staticmethod
    def _shown_environment(blueprint: Blueprint, wish: Wish) -> dict[str, Any]:
        """Templates that are types stand for themselves in the registry."""
        shown = dict(blueprint.environment.shown())
        if not shown["encrypted_param_names"]:
            del shown["encrypted_param_names"]
        shown["parameters"] = {**shown["parameters"], **wish.parameters}
        used = {blueprint.kind_of(name) for name in blueprint.definitions}
        files = {kind: kind for kind in used if kind in blueprint.files}
        shown["resource_registry"] = {**files, **shown["resource_registry"]}
        return shown

    def build_info(self, call: Call, tx: Tx) -> Any:
        return {"api": {"revision": __version__}, "engine": {"revision": __version__}}

    def services(self, call: Call, tx: Tx) -> Any:
        return {
            "services": [
                {
                    "id": "cumulo",
                    "binary": "heat-engine",
                    "engine_id": "cumulo",
                    "host": "cumulo",
                    "hostname": "cumulo",
                    "topic": "engine",
                    "report_interval": 60,
                    "status": "up",
                    "created_at": tx.now,
                    "updated_at": tx.now,
                    "deleted_at": None,
                }
            ]
        }


def _validated(blueprint: Blueprint) -> dict[str, Any]:
    given = {**blueprint.environment.parameter_defaults, **blueprint.given}
    body: dict[str, Any] = {
        "Description": blueprint.template.description,
        "Parameters": {
            name: _parameter(one, blueprint.values.get(name), given.get(name) is not None)
            for name, one in blueprint.parameters.items()
        },
    }
    if blueprint.template.parameter_groups:
        body["ParameterGroups"] = blueprint.template.parameter_groups
    return body


def _inside(blueprint: Blueprint, levels: list[Any]) -> dict[str, Any]:
    """What the stacks inside take, by the resource that they are."""
    found = {}
    for name, inner, below in levels:
        if inner is None:
            continue
        one = _validated(inner) | {"Type": blueprint.definitions[name].type}
        deeper = _inside(inner, below)
        found[name] = one | ({"NestedParameters": deeper} if deeper else {})
    return found


def _parameter(one: Parameter, value: Any, known: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Type": SHOWN[one.type],
        "Description": one.description,
        "NoEcho": "true" if one.hidden else "false",
        "Label": one.label or one.name,
    }
    if one.has_default:
        made["Default"] = one.default
    if known:
        made["Value"] = value
    for constraint in one.constraints:
        if constraint.kind == "length":
            made |= {f"{k.title()}Length": v for k, v in constraint.value.items()}
        elif constraint.kind == "range":
            made |= {f"{k.title()}Value": v for k, v in constraint.value.items()}
        elif constraint.kind == "allowed_values":
            made["AllowedValues"] = constraint.value
        elif constraint.kind == "allowed_pattern":
            made["AllowedPattern"] = constraint.value
        elif constraint.kind == "custom_constraint":
            made["CustomConstraint"] = constraint.value
        if constraint.description:
            made["ConstraintDescription"] = constraint.description
    return made
