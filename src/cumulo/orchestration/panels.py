"""Orchestration in the dashboard: stacks, from their template to their end."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Panel,
    Part,
    Said,
    Tab,
    column,
    pairs_of,
    part_of_path,
    said,
)
from cumulo.core.resource_types import Request

BASE = "/orchestration/v1/{project}"
LONGEST = 200_000
EXAMPLE = """heat_template_version: 2021-04-16
parameters:
  name:
    type: string
    default: mine
resources:
  network:
    type: OS::Neutron::Net
    properties:
      name: {get_param: name}
"""


def _path(item: Item) -> str:
    return f"{BASE}/stacks/{part_of_path(item['stack_name'])}/{part_of_path(item['id'])}"


def _source(form: Form) -> dict[str, Any]:
    """The template of a form: a file before the text. By a URL there is none: clients fetch what
    they send, and the service fetches nothing for them."""
    return {"template": form.get("file") or form.get("template", "")}


def _wanted(form: Form) -> dict[str, Any]:
    return {
        **_source(form),
        "parameters": pairs_of(form.get("parameters", "")),
        "timeout_mins": int(form.get("timeout") or 60),
        "disable_rollback": form.get("rollback") != "yes",
    }


def _create(item: Item, form: Form) -> Request:
    return Request("POST", f"{BASE}/stacks", {"stack_name": form["name"], **_wanted(form)})


def _update(item: Item, form: Form) -> Request:
    body = _wanted(form)
    if not body["template"]:
        del body["template"]
    return Request("PATCH", _path(item), body)


def _has_template(form: Form) -> bool:
    return bool(form.get("template"))


def _facts(item: Item, form: Form) -> Mapping[str, Request]:
    """The template is looked at; of a stack that is there, what an update would do."""
    if not _has_template(form):
        return {}
    found = {"valid": Request("POST", f"{BASE}/validate", _source(form))}
    if item:
        found["preview"] = Request("PATCH", f"{_path(item)}/preview", _wanted(form))
    return found


def _check(form: Form, facts: Mapping[str, Any]) -> Sequence[Said]:
    valid = facts.get("valid") or {}
    if "fault" in valid:
        return [Said(str(valid["fault"]))]
    made = []
    known = pairs_of(form.get("parameters", ""))
    for name, parameter in (valid.get("Parameters") or {}).items():
        if name in known:
            continue
        about = parameter.get("Description", "")
        what = {"name": name, "kind": parameter.get("Type", ""), "about": about}
        if "Default" in parameter:
            made.append(
                said(
                    "Parameter {name} ({kind}): {default} unless you say so. {about}",
                    **what,
                    default=parameter["Default"],
                )
            )
        else:
            made.append(said("Parameter {name} ({kind}) has to be given. {about}", **what))
    return [*made, *_preview(facts.get("preview") or {})]


def _preview(preview: Mapping[str, Any]) -> Sequence[Said]:
    if "fault" in preview:
        return [Said(str(preview["fault"]))]
    changes = preview.get("resource_changes") or {}
    words = {
        "added": Said("Would be added: {names}"),
        "updated": Said("Would be changed: {names}"),
        "replaced": Said("Would be replaced: {names}"),
        "deleted": Said("Would be deleted: {names}"),
    }
    made = []
    for word, text in words.items():
        names = ", ".join(str(each["resource_name"]) for each in changes.get(word) or ())
        if names:
            made.append(Said(text.text, {"names": names}))
    return made


def _act(verb: str) -> Any:
    return lambda item, form: Request("POST", f"{_path(item)}/actions", {verb: None})


def _rest(item: Item) -> bool:
    return not str(item.get("stack_status")).endswith("IN_PROGRESS")


SETTINGS = (
    Field(
        "parameters",
        "Parameters",
        "pairs",
        required=False,
        help="One name=value a line.",
        longest=50_000,
    ),
    Field("timeout", "Minutes until it is given up", "number", default="60", advanced=True),
    Field(
        "rollback", "Take back what was done if it fails", "check", required=False, advanced=True
    ),
)


def _template(default: str) -> tuple[Field, ...]:
    return (
        Field(
            "template",
            "Template",
            "textarea",
            required=False,
            default=default,
            longest=LONGEST,
        ),
        Field("file", "Or a file", "text file", required=False),
    )


RESOURCES = Part(
    "resources",
    "Resources",
    lambda item, place: Request("GET", f"{_path(item)}/resources"),
    "resources",
    (
        column("Name", "resource_name"),
        column("Status", "resource_status", "status"),
        column("Type", "resource_type"),
        column("Why", "resource_status_reason"),
        column("Id", "physical_resource_id", "mono"),
        Column("Needed by", lambda each: each.get("required_by"), "list"),
    ),
    id="resource_name",
    edges=lambda rows: [
        (row["resource_name"], other) for row in rows for other in row.get("required_by") or ()
    ],
    status="resource_status",
)
OUTPUTS = Part(
    "outputs",
    "Outputs",
    lambda item, place: Request("GET", _path(item)),
    "outputs",
    (
        column("Name", "output_key"),
        Column("Value", lambda each: str(each.get("output_value")), "mono"),
        column("Description", "description"),
    ),
    rows=lambda body, item: body["stack"].get("outputs") or [],
    id="output_key",
)
EVENTS = Part(
    "events",
    "Events",
    lambda item, place: Request(
        "GET", f"{_path(item)}/events?limit=50&sort_keys=event_time&sort_dir=desc"
    ),
    "events",
    (
        column("When", "event_time", "time"),
        column("Resource", "resource_name"),
        column("Status", "resource_status", "status"),
        column("Why", "resource_status_reason"),
    ),
)
STACKS = Panel(
    name="stacks",
    title="Stacks",
    group="Orchestration",
    order=60,
    about="Many things made, changed and removed together, as a template says.",
    items=Request("GET", f"{BASE}/stacks"),
    key="stacks",
    columns=(
        column("Name", "stack_name", link=True),
        column("Status", "stack_status", "status"),
        column("Description", "description"),
        column("Created", "creation_time", "time"),
        column("Changed", "updated_time", "time"),
    ),
    search=("id={id}", "name={q}"),
    label=lambda item: str(item.get("stack_name")),
    everywhere="global_tenant=true",
    everywhere_rule="stacks:global_index",
    detail=lambda id: Request("GET", f"{BASE}/stacks?id={id}"),
    pick=lambda body, id: next(iter(body["stacks"]), None),
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Why", "stack_status_reason"),
        column("Created", "creation_time", "time"),
        column("Changed", "updated_time", "time"),
    ),
    create=(
        Action(
            "create",
            "Launch stack",
            _create,
            fields=(Field("name", "Name"), *_template(EXAMPLE), *SETTINGS),
            facts=_facts,
            check=_check,
        ),
    ),
    actions=(
        Action(
            "update",
            "Update",
            _update,
            fields=(*_template(""), *SETTINGS),
            facts=_facts,
            check=_check,
            allowed=_rest,
            about="Without a template the one that it has is used, with the new parameters.",
            main=True,
        ),
        Action("check", "Check", _act("check"), allowed=_rest),
        Action("suspend", "Suspend", _act("suspend"), allowed=_rest),
        Action(
            "resume",
            "Resume",
            _act("resume"),
            allowed=lambda item: str(item.get("stack_status")).startswith("SUSPEND"),
        ),
        Action(
            "delete",
            "Delete",
            lambda item, form: Request("DELETE", _path(item)),
            danger=True,
            bulk=True,
            about="With all that it has made.",
        ),
    ),
    parts=(OUTPUTS, RESOURCES, EVENTS),
    tabs=(
        Tab(
            "template",
            "Template",
            lambda item: Request("GET", f"{_path(item)}/template"),
            lambda body: json.dumps(body, indent=2, ensure_ascii=False),
        ),
    ),
    events="stack",
)

PANELS = (STACKS,)
