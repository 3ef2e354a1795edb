"""Panels: what a service brings to the dashboard, as data.

A service's `panels.py` declares lists with columns, details, forms and actions; the dashboard,
which knows no service, renders them and calls the service's own operations as the signed-in user.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cumulo.core.resource_types import Request

Item = Mapping[str, Any]
Kind = Literal["text", "status", "time", "mono", "list"]


@dataclass(frozen=True)
class Column:
    """One column of a list, or one line of a detail."""

    title: str
    value: Callable[[Item], Any]
    kind: Kind = "text"
    link: bool = False
    """Leads to the detail."""


def column(title: str, key: str, kind: Kind = "text", *, link: bool = False) -> Column:
    """Of a key of the item, or a path of keys with dots."""

    def value(item: Item) -> Any:
        found: Any = item
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    return Column(title, value, kind, link)


@dataclass(frozen=True)
class Options:
    """What a choice offers: a list of the user's own."""

    request: Request
    key: str
    label: Callable[[Item], str] = lambda item: str(item.get("name") or item.get("id"))
    value: str = "id"


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    name: str
    label: str
    kind: Literal["text", "number", "select", "textarea"] = "text"
    required: bool = True
    help: str = ""
    default: str = ""
    options: Options | None = None
    longest: int = 255


@dataclass(frozen=True)
class Action:
    """Something that can be done."""

    name: str
    label: str
    request: Callable[[Item, Mapping[str, str]], Request]
    """(item, form) → what is asked; the item is empty for what makes one."""
    fields: Sequence[Field] = ()
    allowed: Callable[[Item], bool] = lambda item: True
    """Whether it makes sense for an item as it is."""
    danger: bool = False
    """It is asked once more."""


@dataclass(frozen=True)
class Tab:
    """A part of a detail that is read by itself: a log, the story."""

    name: str
    title: str
    request: Callable[[Item], Request]
    text: Callable[[Any], str]
    """The answer's body → what is shown, as it is."""


@dataclass(frozen=True)
class Panel:
    """One kind of thing."""

    name: str
    """In addresses: `servers`."""
    title: str
    one: str
    """A single one, for people: `server`."""
    group: str
    """The part of the menu."""
    items: Request
    key: str
    """Of the list in the answer."""
    columns: Sequence[Column]
    detail: Callable[[str], Request] | None = None
    detail_key: str = ""
    lines: Sequence[Column] = ()
    actions: Sequence[Action] = ()
    create: Action | None = None
    tabs: Sequence[Tab] = ()
    events: str = ""
    """The resource type whose events change the list: `server`."""
    id: str = "id"
    console: Callable[[str], Request] | None = None
    """What opens the console of one in the browser: its answer has the socket's URL."""
    label: Callable[[Item], str] = lambda item: str(item.get("name") or item.get("id"))
    order: int = field(default=50)
    admin: str = ""
    """A rule's service and name that must hold; empty: for everybody."""
