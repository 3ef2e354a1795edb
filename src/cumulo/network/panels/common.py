"""What the network's panels have in common."""

from typing import Any

from cumulo.core.panels import Action, Field, Form, Item, Options, named, part_of_path
from cumulo.core.resource_types import Request

BASE = "/network/v2.0"
OWN = "project_id={project}"
EVERYWHERE = "sort_key=id"
SEARCH = ("id={id}", "name~={q}")


def path_of(collection: str, item: Item) -> str:
    return f"{BASE}/{collection}/{part_of_path(item['id'])}"


def collection_of(noun: str) -> Any:
    return lambda item: path_of(noun, item)


def edit(collection: str, key: str, *more: Field) -> Action:
    """Another name and description, and what else can be changed."""

    def request(item: Item, form: Form) -> Request:
        body: dict[str, Any] = {"name": form["name"], "description": form["description"]}
        for each in more:
            value = form.get(each.name, "")
            body[each.name] = value == "yes" if each.kind == "check" else value
        return Request("PUT", path_of(collection, item), {key: body})

    return Action(
        "edit",
        "Edit",
        request,
        fields=(
            Field("name", "Name", required=False, default=lambda item: item.get("name") or ""),
            Field(
                "description",
                "Description",
                required=False,
                default=lambda item: item.get("description") or "",
            ),
            *more,
        ),
    )


def check(name: str, label: str, help: str = "") -> Field:
    """A truth that is shown as it is now."""
    return Field(
        name,
        label,
        "check",
        required=False,
        help=help,
        default=lambda item: "yes" if item.get(name) else "",
    )


def networks(query: str = "") -> Options:
    asked = f"{BASE}/networks?limit=500" + (f"&{query}" if query else "")
    return Options(Request("GET", asked), "networks")


def subnet_label(subnet: Item) -> str:
    return f"{named(subnet)} ({subnet['cidr']})" if subnet.get("name") else str(subnet["cidr"])
