"""Panels: what a service brings to the dashboard, as data.

A service's `panels.py` (or the modules in its `panels/`) declares lists with columns, details with
their parts, forms and actions in `PANELS`; the dashboard, which knows no service, renders them and
calls the service's own operations as the signed-in user. They are found by their place and imported
when the first page is asked for.

Paths may hold `{project}`, `{user}` and `{domain}`: the signed-in user's own. What comes from an
item goes through `part_of_path`. Every title, label and help is a text that is translated; a text
with values in it is made by `said`.
"""

import importlib
import importlib.metadata
import importlib.util
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from cumulo.core.resource_types import Request

log = logging.getLogger("cumulo.panels")

Item = Mapping[str, Any]
Form = Mapping[str, str]
Kind = Literal["text", "status", "time", "mono", "list", "bytes", "yes"]
"""`list`: a sequence of any of the others. `yes`: a truth. A `Ref` is a link whatever the kind."""
FieldKind = Literal[
    "text",
    "number",
    "select",
    "many",
    "textarea",
    "password",
    "check",
    "pairs",
    "file",
    "text file",
]
"""`many`: several of the options, one a line in the form. `pairs`: lines of `name=value`. `file`:
its bytes are the body of a request (`Ask`), the form has its name. `text file`: the form has its
text."""

OWN_PAGES = frozenset(
    ["access", "account", "assets", "auth", "events", "home", "log", "map", "search", "theme.css"]
)
"""Addresses that are the dashboard's own: no panel has such a name."""
ENTRY_POINTS = "cumulo.panels"
"""Packages bring panels of their own under this group: each entry point is a sequence of Panel."""


@dataclass(frozen=True)
class Said:
    """A text with values in it: the text is translated, then the values are put in."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format_map(dict(self.values))


def said(text: str, /, **values: Any) -> Said:
    return Said(text, values)


@dataclass(frozen=True)
class Ref:
    """A link to one thing of another panel."""

    panel: str
    id: str
    label: str = ""


def part_of_path(text: Any) -> str:
    """An id or a name as one part of a path."""
    return quote(str(text), safe="")


@dataclass(frozen=True)
class Ask(Request):
    """A request with headers, or with bytes for a body."""

    headers: Mapping[str, str] = field(default_factory=dict)
    file: bool = False
    """The body is the file of the form."""
    content: bytes | None = None


@dataclass(frozen=True)
class Column:
    """One column of a list, or one line of a detail."""

    title: str
    value: Callable[[Item], Any]
    kind: Kind = "text"
    link: bool = False
    """Leads to the detail."""
    sort: str = ""
    """The API's key that the list can be sorted by."""


def column(
    title: str, key: str, kind: Kind = "text", *, link: bool = False, sort: str = ""
) -> Column:
    """Of a key of the item, or a path of keys with dots."""
    return Column(title, lambda item: at(item, key), kind, link, sort)


def ref(title: str, key: str, panel: str, label: str = "") -> Column:
    """A link to what the key names; `label`: another key with its name."""

    def value(item: Item) -> Any:
        id = at(item, key)
        return Ref(panel, str(id), str(at(item, label) or "") if label else "") if id else None

    return Column(title, value)


def at(item: Any, key: str) -> Any:
    """The value at a path of keys with dots; None where there is none."""
    if isinstance(item, Mapping) and key in item:
        return item[key]
    found: Any = item
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def named(item: Item) -> str:
    """What a thing is called: its name, or else its id."""
    return str(item.get("name") or item.get("display_name") or item.get("id") or "")


@dataclass(frozen=True)
class Options:
    """What a choice offers: a list of the user's own."""

    request: Request | Callable[[Item], Request]
    key: str
    """Of the list in the answer; empty: the answer is the list."""
    label: Callable[[Item], str] = named
    value: str = "id"
    only: Callable[[Item, Item], bool] = lambda option, item: True
    """(option, item): whether it makes sense."""


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    name: str
    label: str
    kind: FieldKind = "text"
    required: bool = True
    help: str = ""
    default: str | Callable[[Item], Any] = ""
    options: Options | None = None
    choices: Sequence[tuple[str, str]] = ()
    """(value, label)"""
    longest: int = 255
    advanced: bool = False
    """Few need it: it is folded away."""


@dataclass(frozen=True)
class Goes:
    """What else an action takes with it: a list that is shown before."""

    title: str
    request: Callable[[Item], Request]
    key: str
    label: Callable[[Item], str] = named
    only: Callable[[Item, Item], bool] = lambda each, item: True


@dataclass(frozen=True)
class Shown:
    """Something that is told only once, as an answer: a private key, a secret."""

    title: str
    text: str
    file: str = ""
    """The name under which it can be saved."""


Requested = Request | Sequence[Request]


@dataclass(frozen=True)
class Action:
    """Something that can be done."""

    name: str
    label: str
    request: Callable[[Item, Form], Requested]
    """(item, form) → what is asked, one after the other; the item is empty for what makes one."""
    fields: Sequence[Field] = ()
    allowed: Callable[[Item], bool] = lambda item: True
    """Whether it makes sense for an item as it is. Whether the user may is asked of the rules."""
    danger: bool = False
    """It is asked once more."""
    about: str = ""
    """What it does, in a sentence or two."""
    goes: Sequence[Goes] = ()
    bulk: bool = False
    """It can be done to several at once."""
    then: Callable[[Item, Form, Any], Sequence[Request]] | None = None
    """(item, form, first answer) → what is asked next."""
    undo: Callable[[Any], Request] | None = None
    """What takes the first back when the next ones are refused."""
    shows: Callable[[Any], Sequence[Shown]] | None = None
    download: Callable[[Item], str] | None = None
    """The answer is a file of that name."""
    facts: Callable[[Item, Form], Mapping[str, Request]] = lambda item, form: {}
    """What `check` needs to know. What was refused is `{"fault": why}`."""
    check: Callable[[Form, Mapping[str, Any]], Sequence[Said]] | None = None
    """(form so far, answers to the facts) → what would be refused, said while one types."""
    same: Callable[[Form], Mapping[str, str]] | None = None
    """The same by other ways: title → command or template."""
    gone: bool = False
    """The item is not there afterwards; a dangerous action's never is."""
    main: bool = False
    """Among the few that are always shown; the others are in a menu."""


@dataclass(frozen=True)
class Tab:
    """A part of a detail that is a text read by itself: a log."""

    name: str
    title: str
    request: Callable[[Item], Request]
    text: Callable[[Any], str]
    """The answer's body → what is shown, as it is."""
    follows: bool = False
    """It is read again while one looks."""
    allowed: Callable[[Item], bool] = lambda item: True


@dataclass(frozen=True)
class Part:
    """A part of a detail that is a list: rules of a group, records of a zone."""

    name: str
    title: str
    items: Callable[[Item, str], Request]
    """(item, place): `place` is where one is inside, for lists with folders."""
    key: str
    """Of the list in the answer; empty: the answer is the list."""
    columns: Sequence[Column]
    actions: Sequence[Action] = ()
    """Of one row; their item is the row with the detail's item as `of`."""
    create: Sequence[Action] = ()
    """Their item has the detail's item as `of`, and `place`."""
    id: str = "id"
    panel: str = ""
    """Rows lead to the details of that panel."""
    place: Callable[[Item], str] | None = None
    """Rows that lead further inside say where; empty: they do not."""
    rows: Callable[[Any, Item], Sequence[Item]] | None = None
    """(answer, item) → the rows, where the answer is no such list."""
    allowed: Callable[[Item], bool] = lambda item: True
    about: str = ""
    edges: Callable[[Sequence[Item]], Sequence[tuple[str, str]]] | None = None
    """Rows → pairs of their ids, the first needed by the second: the rows are drawn as well."""
    status: str = "status"
    """The key of a row's status, for the picture."""


@dataclass(frozen=True)
class Plot:
    """A part of a detail that is a curve."""

    name: str
    title: str
    request: Callable[[Item], Request]
    points: Callable[[Any], Sequence[tuple[str, float]]]
    """The answer's body → moments and values."""
    unit: str = ""
    allowed: Callable[[Item], bool] = lambda item: True


@dataclass(frozen=True)
class Filter:
    """A choice that narrows a list, in the database."""

    name: str
    """Of the query's parameter."""
    label: str
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Panel:
    """One kind of thing."""

    name: str
    """In addresses: `servers`."""
    title: str
    group: str
    """The part of the menu."""
    items: Request
    key: str
    """Of the list in the answer; empty: the answer is the list."""
    columns: Sequence[Column]
    about: str = ""
    """What it is, in a sentence, for whoever has none yet."""
    detail: Callable[[str], Request] | None = None
    detail_key: str = ""
    pick: Callable[[Any, str], Item | None] | None = None
    """(answer, id) → the item, where the detail's answer is something else."""
    whole: bool = False
    """`pick` gets the answer's `body` with its `headers` (small letters) and the own `project`."""
    lines: Sequence[Column] = ()
    actions: Sequence[Action] = ()
    create: Sequence[Action] = ()
    tabs: Sequence[Tab] = ()
    parts: Sequence[Part] = ()
    plots: Sequence[Plot] = ()
    events: str = ""
    """The resource types whose events change the list, with spaces: `server`."""
    id: str = "id"
    console: Callable[[str], Request] | None = None
    """What opens the screen of one in the browser: its answer has the socket's URL."""
    serial: Callable[[str], Request] | None = None
    """The same for its serial line."""
    label: Callable[[Item], str] = named
    order: int = 50
    search: Sequence[str] = ()
    """Queries with `{q}` that find things by what somebody types, tried in their order; those with
    `{id}` for ids alone, with `{ip}` for addresses."""
    pattern: bool = False
    """The search's value is a regular expression: what is typed is quoted."""
    marker: bool = True
    """The list has pages."""
    filters: Sequence[Filter] = ()
    everywhere: str = ""
    """The query of a list of all projects' things; for who may by `everywhere_rule`."""
    own: str = ""
    """The query of the own project's things for who sees all projects' otherwise."""
    everywhere_rule: str = ""
    rows: Callable[[Any], Sequence[Item]] | None = None
    """The answer → rows, where it is no such list."""
    found: bool = True
    """What is of this panel is found by the search over everything."""
    told: bool = True
    """What is told of things of its kind leads to it; not for who is always the user's own."""
    alike: bool = True
    """What the detail answers has all that the list's rows have."""
    target: Callable[[Item], Mapping[str, Any]] = lambda item: {}
    """What the service's rules ask about one, besides whose it is."""
    rule: str = ""
    """A rule of the service that must hold besides the list's own: for lists that everybody may
    ask for, and that only operators have a use for."""

    @property
    def rowwise(self) -> bool:
        """Whether one row can be shown anew by itself, for an event of its id."""
        plain = self.alike and self.detail is not None and not self.whole
        return plain and self.id in ("id", "uuid")


def delete(
    path: Callable[[Item], str],
    version: str | None = None,
    *,
    label: str = "Delete",
    goes: Sequence[Goes] = (),
    allowed: Callable[[Item], bool] = lambda item: True,
    bulk: bool = True,
    about: str = "",
) -> Action:
    """The action that most things have: gone for good."""
    return Action(
        "delete",
        label,
        lambda item, form: Request("DELETE", path(item), None, version),
        allowed=allowed,
        danger=True,
        goes=goes,
        bulk=bulk,
        about=about,
        gone=True,
    )


def lines_of(text: str) -> list[str]:
    """The values of a field `many`."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def pairs_of(text: str) -> dict[str, str]:
    """The values of a field `pairs`."""
    found = {}
    for line in lines_of(text):
        name, _, value = line.partition("=")
        found[name.strip()] = value.strip()
    return found


def as_pairs(values: Any) -> str:
    """A mapping as the lines of a field `pairs`."""
    return "\n".join(f"{k}={v}" for k, v in sorted((values or {}).items()))


METADATA = Field(
    "metadata",
    "Metadata",
    "pairs",
    required=False,
    help="One name=value a line.",
    default=lambda item: as_pairs(item.get("metadata")),
    longest=20_000,
)


def given(form: Form, *names: str) -> dict[str, Any]:
    """Of a form, what was filled in."""
    return {name: form[name] for name in names if form.get(name)}


def amount(size: Any) -> str:
    """Bytes for people."""
    if size is None or size == "":
        return ""
    left = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if left < 1024 or unit == "TiB":
            return f"{left:.0f} {unit}" if unit == "B" or left >= 100 else f"{left:.1f} {unit}"
        left /= 1024
    return ""


@dataclass(frozen=True)
class Layer:
    """One kind of thing in a drawing, in a column of its own."""

    panel: str
    """Whose details its things lead to."""
    request: Request
    key: str
    note: Callable[[Item, Mapping[str, Sequence[Item]]], str] = lambda item, all: ""
    """(item, rows of all layers): the small second line."""
    only: Callable[[Item, Mapping[str, Sequence[Item]]], bool] = lambda item, all: True


@dataclass(frozen=True)
class Drawing:
    """How things hang together, as a live picture."""

    name: str
    title: str
    group: str
    about: str
    layers: Mapping[str, Layer]
    """From the left to the right."""
    others: Mapping[str, tuple[Request, str]]
    """What else has to be read for the edges: name → request and key."""
    edges: Callable[[Mapping[str, Sequence[Item]]], Sequence[tuple[str, str]]]
    """Of all rows, with the signed-in one's project as `project`."""
    events: str = ""


@dataclass(frozen=True)
class Gauge:
    """A quota for the overview: what is used of how much."""

    title: str
    request: Request
    used: Callable[[Any], float]
    most: Callable[[Any], float]
    """-1: as much as one likes."""
    unit: str = ""
    order: int = 50


@dataclass(frozen=True)
class Figure:
    """A figure for the overview: the cost of the month."""

    title: str
    request: Callable[[str], Request]
    """(this moment) → what is asked."""
    text: Callable[[Any], str]
    panel: str = ""


@dataclass(frozen=True)
class Brought:
    """All that services and packages bring."""

    panels: list[Panel] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    gauges: list[Gauge] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What could not be loaded, and why: for operators."""


def load(services: Iterable[str]) -> Brought:
    """`PANELS`, `DRAWINGS`, `GAUGES` and `FIGURES` of each service's panels, and the panels of
    installed packages, in the menu's order. What cannot be loaded is left out: the other pages do
    not need it."""
    found = Brought()
    for name in services:
        if importlib.util.find_spec(f"cumulo.{name}.panels") is None:
            continue
        try:
            module = importlib.import_module(f"cumulo.{name}.panels")
        except Exception as error:
            _left_out(found, f"cumulo.{name}.panels", error)
            continue
        found.panels.extend(module.PANELS)
        found.drawings.extend(getattr(module, "DRAWINGS", ()))
        found.gauges.extend(getattr(module, "GAUGES", ()))
        found.figures.extend(getattr(module, "FIGURES", ()))
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            found.panels.extend(_of_package(entry.load(), {each.name for each in found.panels}))
        except Exception as error:
            _left_out(found, entry.value, error)
    found.panels.sort(key=lambda panel: panel.order)
    return found


def _of_package(brought: Any, known: Collection[str]) -> list[Panel]:
    """Raises TypeError, ValueError for what is no sequence of panels with names of their own."""
    made = list(brought)
    for each in made:
        if not isinstance(each, Panel):
            raise TypeError(f"{each!r:.100} is no Panel")
        texts = (each.name, each.title, each.group, each.about, each.events)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(f"panel {each.name!r:.100}: what it is called must be text")
        if each.name in known or each.name in OWN_PAGES:
            raise ValueError(f"there is a page of the name {each.name!r} already")
    return made


def _left_out(found: Brought, what: str, error: Exception) -> None:
    log.error("the panels of %s cannot be shown", what, exc_info=error)
    found.problems.append(f"The panels of {what} cannot be shown: {error}"[:300])
