"""What block storage's panels have in common."""

from typing import Any

from cumulo.core.panels import (
    Field,
    Item,
    said,
)
from cumulo.core.resource_types import Request

BASE = "/volume/v3"
VERSION = "3.59"
SEARCH = ("id={id}", "name~={q}")


def ask(method: str, path: str, body: Any = None) -> Request:
    return Request(method, f"{BASE}{path}", body, VERSION)


def size_of(item: Item) -> Any:
    return said("{n} GiB", n=item.get("size"))


def is_(*words: str) -> Any:
    return lambda item: item.get("status") in words


EDIT_FIELDS = (
    Field("name", "Name", required=False, default=lambda item: item.get("name") or ""),
    Field(
        "description",
        "Description",
        required=False,
        default=lambda item: item.get("description") or "",
    ),
)
