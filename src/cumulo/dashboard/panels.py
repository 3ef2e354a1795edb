"""What the cloud itself shows to its operators: machines, and things that nobody knows."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Item,
    Options,
    Panel,
    Shown,
    column,
    given,
    part_of_path,
)
from cumulo.core.resource_types import Request

BASE = "/cumulo/hosts"


def _path(item: Item) -> str:
    return f"{BASE}/{part_of_path(item['name'])}"


def _joined(body: Any) -> Sequence[Shown]:
    return [Shown("Command", f"./cumulo join {body['url']} --token {body['token']}")]


def _unknown_id(item: Item) -> str:
    # No slash: an id is one part of an address, and servers decode addresses before they look.
    return f"{item['host']}~{item['kind']}~{item['id']}"


def _named(item: Item) -> dict[str, str]:
    return {name: str(item[name]) for name in ("host", "kind", "id")}


MACHINES = Panel(
    name="machines",
    title="Machines",
    group="Cloud",
    order=901,
    about="All machines of the cloud, and what is on them.",
    items=Request("GET", BASE),
    key="hosts",
    columns=(
        column("Name", "name", link=True),
        Column("State", lambda h: "up" if h.get("alive") else "down", "status"),
        column("Enabled", "enabled", "yes"),
        Column("Kinds of work", lambda h: h.get("kinds"), "list"),
        Column("What is on it", lambda h: [f"{v} {k}" for k, v in h["has"].items()], "list"),
        column("Last heard of", "last_seen", "time"),
    ),
    id="name",
    detail=lambda id: Request("GET", f"{BASE}/{id}"),
    lines=(
        Column("State", lambda h: "up" if h.get("alive") else "down", "status"),
        column("Connected", "connected", "yes"),
        column("Enabled", "enabled", "yes"),
        column("Joined from elsewhere", "joined", "yes"),
        Column("Kinds of work", lambda h: h.get("kinds"), "list"),
        Column("What is on it", lambda h: [f"{v} {k}" for k, v in h["has"].items()], "list"),
        column("Certificate until", "certificate_until", "time"),
        column("Last heard of", "last_seen", "time"),
    ),
    create=(
        Action(
            "join",
            "Add machine",
            lambda item, form: Request("POST", f"{BASE}/tokens", given(form, "name")),
            fields=(Field("name", "Name", required=False, help="Empty: any."),),
            about="A command to run on it; good once, for an hour.",
            shows=_joined,
        ),
    ),
    actions=(
        Action(
            "disable",
            "Disable",
            lambda item, form: Request("POST", f"{_path(item)}/disable"),
            allowed=lambda item: bool(item.get("enabled")),
            about="It gets no new work.",
            main=True,
        ),
        Action(
            "enable",
            "Enable",
            lambda item, form: Request("POST", f"{_path(item)}/enable"),
            allowed=lambda item: not item.get("enabled"),
            main=True,
        ),
        Action(
            "delete",
            "Remove",
            lambda item, form: Request("POST", f"{_path(item)}/remove"),
            allowed=lambda item: bool(item.get("joined")),
            danger=True,
        ),
    ),
    marker=False,
    events="host",
)
UNKNOWN = Panel(
    name="unknown",
    title="Unknown things",
    group="Cloud",
    order=902,
    about="What is on machines and not in the cloud's records. It is kept until you decide.",
    items=Request("GET", f"{BASE}/unknown"),
    key="unknown",
    rows=lambda body: [{**each, "place": _unknown_id(each)} for each in body["unknown"]],
    columns=(
        column("Id", "id", link=True),
        column("Kind", "kind"),
        column("Host", "host"),
        column("Found", "found_at", "time"),
    ),
    id="place",
    label=lambda item: str(item.get("id")),
    lines=(
        column("Id", "id", "mono"),
        column("Kind", "kind"),
        column("Host", "host"),
        Column("Facts", lambda i: [f"{k}={v}" for k, v in i["facts"].items()], "list"),
        column("Found", "found_at", "time"),
    ),
    actions=(
        Action(
            "adopt",
            "Adopt",
            lambda item, form: Request(
                "POST", f"{BASE}/unknown/adopt", {**_named(item), "project": form["project"]}
            ),
            fields=(
                Field(
                    "project",
                    "Project",
                    "select",
                    options=Options(Request("GET", "/identity/v3/projects"), "projects"),
                ),
            ),
            gone=True,
        ),
        Action(
            "delete",
            "Remove",
            lambda item, form: Request("POST", f"{BASE}/unknown/remove", _named(item)),
            danger=True,
        ),
    ),
    marker=False,
    found=False,
)
PANELS = (MACHINES, UNKNOWN)
