"""Types of software configurations: each is a row, made at once and never changed."""

import email
from collections.abc import Mapping
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import msgspec
import yaml

from cumulo.core.faults import NotFound
from cumulo.core.resource_types import Property, flag, items, mapping, text
from cumulo.orchestration.language.functions import Budget
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.software import ConfigRow
from cumulo.orchestration.service.handlers import Work
from cumulo.orchestration.service.own_types import Own
from cumulo.orchestration.service.software import MOST_CONFIG, Software

KINDS = ["String", "Number", "CommaDelimitedList", "Json", "Boolean"]
INPUT = mapping(
    {
        "name": text("Name of the input.", required=True),
        "description": text("Description of the input."),
        "type": text(
            "Type of the value of the input.",
            default="String",
            constraints=[{"allowed_values": KINDS}],
        ),
        "default": Property("any", "Default value for the input if none is specified."),
        "replace_on_change": flag("Whether another value makes another deployment.", default=False),
    }
)
OUTPUT = mapping(
    {
        "name": text("Name of the output.", required=True),
        "description": text("Description of the output."),
        "type": text(
            "Type of the value of the output.",
            default="String",
            constraints=[{"allowed_values": KINDS}],
        ),
        "error_output": flag("Whether any value of it means a failure.", default=False),
    }
)
COMMON = {
    "group": text("Namespace to group this software config by.", default="Heat::Ungrouped"),
    "options": mapping(None, "Options of the tool that handles it."),
    "inputs": items(INPUT, "Inputs."),
    "outputs": items(OUTPUT, "Outputs."),
}


class _Config(Own):
    attributes = {"config": "The config value of the software config."}

    def __init__(self, software: Software) -> None:
        self.software = software

    def content(self, work: Work) -> str:
        """The text of the configuration."""
        return str(work.properties.get("config") or "")

    def options(self, work: Work) -> dict[str, Any]:
        return dict(work.properties.get("options") or {})

    def create(self, work: Work) -> str | None:
        given = work.properties
        row = self.software.create_config(
            work.tx,
            work.stack.project_id,
            name=work.place.name,
            config=self.content(work),
            group=given.get("group") or "Heat::Ungrouped",
            options=self.options(work),
            inputs=[_plain(each) for each in given.get("inputs") or ()],
            outputs=[_plain(each) for each in given.get("outputs") or ()],
        )
        return row.id

    def delete(self, work: Work) -> None:
        found = self._row(work)
        if found is not None:
            self.software.delete_config(work.tx, found)

    def _row(self, work: Work) -> ConfigRow | None:
        physical = work.row.physical_id
        try:
            found = self.software.config(work.tx, physical or "", work.stack.project_id)
        except NotFound:
            return None
        return found

    def attribute(self, work: Work, name: str) -> Any:
        if name != "config":
            raise KeyError(name)
        row = self._row(work)
        return None if row is None else self.software.shown(row)["config"]


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


class SoftwareConfig(_Config):
    """`OS::Heat::SoftwareConfig`"""

    description = "A resource for describing and storing software configuration."
    properties = {**COMMON, "config": text("Configuration script or manifest.")}


class StructuredConfig(_Config):
    """`OS::Heat::StructuredConfig`: data in which inputs have their places."""

    description = "A resource which has same logic with OS::Heat::SoftwareConfig, with data."
    properties = {
        **COMMON,
        "config": mapping(None, "Map representing the configuration data structure."),
        "input_key": text("Key of a map that stands for an input.", default="get_input"),
        "input_values_validate": text(
            "Whether inputs that are not given are refused.",
            default="LAX",
            constraints=[{"allowed_values": ["LAX", "STRICT"]}],
        ),
    }

    def content(self, work: Work) -> str:
        return msgspec.json.encode(work.properties.get("config") or {}).decode()

    def options(self, work: Work) -> dict[str, Any]:
        given = work.properties
        own = {"input_key": given["input_key"], "validate": given["input_values_validate"]}
        return {**(given.get("options") or {}), "structured": own}


class SoftwareComponent(_Config):
    """`OS::Heat::SoftwareComponent`: one configuration for each action."""

    description = "A resource for describing and storing a software component."
    properties = {
        "configs": items(
            mapping(
                {
                    "actions": items(
                        text(
                            "",
                            constraints=[
                                {
                                    "allowed_values": [
                                        "CREATE",
                                        "UPDATE",
                                        "DELETE",
                                        "SUSPEND",
                                        "RESUME",
                                    ]
                                }
                            ],
                        ),
                        "Lifecycle actions to which the configuration applies.",
                        required=True,
                    ),
                    "config": text("Configuration script or manifest."),
                    "tool": text("The tool that handles it.", required=True),
                }
            ),
            "The configurations of the lifecycle's actions.",
            required=True,
        ),
        "options": COMMON["options"],
        "inputs": COMMON["inputs"],
        "outputs": COMMON["outputs"],
    }

    def check(self, properties: Mapping[str, Any]) -> str | None:
        actions = [action for each in properties["configs"] for action in each["actions"]]
        twice = {each for each in actions if actions.count(each) > 1} if len(actions) < 50 else {""}
        return "Defining more than one configuration for the same action" if twice else None

    def content(self, work: Work) -> str:
        configs = [_plain(each) for each in work.properties["configs"]]
        return msgspec.json.encode({"configs": configs}).decode()

    def create(self, work: Work) -> str | None:
        work.properties = {**work.properties, "group": "component"}
        return super().create(work)


class CloudConfig(_Config):
    """`OS::Heat::CloudConfig`: what cloud-init is told."""

    description = "A configuration resource for representing cloud-init cloud-config."
    properties = {"cloud_config": mapping(None, "Map representing the cloud-config data.")}

    def content(self, work: Work) -> str:
        data = work.properties.get("cloud_config") or {}
        return f"#cloud-config\n{yaml.safe_dump(data, default_flow_style=False)}"


class MultipartMime(_Config):
    """`OS::Heat::MultipartMime`: several texts for cloud-init in one."""

    description = "Assembles a collection of software configurations as a multi-part message."
    properties = {
        "parts": items(
            mapping(
                {
                    "config": text("Content of the part, or a configuration.", required=True),
                    "filename": text("Optional filename to associate with part."),
                    "subtype": text("Optional subtype to specify with the type."),
                    "type": text(
                        "Whether the part is itself a message of several.",
                        default="text",
                        constraints=[{"allowed_values": ["text", "multipart"]}],
                    ),
                }
            ),
            "Parts belonging to this message.",
        ),
        "group": COMMON["group"],
    }

    def content(self, work: Work) -> str:
        found: list[MIMEBase] = []
        budget, known = Budget(MOST_CONFIG), dict[str, str]()
        for each in work.properties.get("parts") or ():
            given = each["config"]
            if given not in known:
                known[given] = config_text(self.software, work, given)
            content = known[given]
            budget.spend(len(content), "parts")
            subtype = each.get("subtype") or "x-shellscript"
            if each["type"] == "multipart":
                found += inner_parts(content)
                continue
            found.append(part(content, subtype, each.get("filename") or ""))
        return str(multipart(found))


def config_text(software: Software, work: Work, given: str) -> str:
    """The text itself, or that of the project's configuration that it is the id of."""
    if len(given) != 36:
        return given
    try:
        return software.text(software.config(work.tx, given, work.stack.project_id))
    except NotFound:
        return given


def part(content: str, subtype: str, filename: str = "") -> MIMEBase:
    if not subtype.replace("-", "").replace(".", "").isalnum():
        raise Invalid(f"{subtype[:50]} is no subtype")
    charset = "us-ascii" if content.isascii() else "utf-8"
    made = MIMEText(content, _subtype=subtype, _charset=charset)
    if filename:
        made.add_header("Content-Disposition", "attachment", filename=filename)
    return made


def inner_parts(content: str) -> list[Any]:
    message = email.message_from_string(content)
    if not message.is_multipart():
        return [part(content, "plain")]
    return [each for each in message.get_payload() if not isinstance(each, str)]


def multipart(parts: list[Any]) -> MIMEMultipart:
    return MIMEMultipart(_subparts=parts)
