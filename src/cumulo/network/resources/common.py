"""What the types of networks have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cumulo.core.resource_types import (
    Others,
    Place,
    Request,
    ResourceType,
    items,
    mapping,
    rest,
    text,
)

BASE = "/network/v2.0"
Given = Mapping[str, Any]
NOT_SENT = ("value_specs", "tags", "replacement_policy")


def plain(given: Given, names: Mapping[str, str], *without: str) -> dict[str, Any]:
    """Given properties under their API names."""
    return {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and name not in ("value_specs", *without)
    } | dict(given.get("value_specs") or {})


def subnets_of(network: Any, others: Others) -> list[str]:
    """The template's subnets of a network, both named in the same way."""
    if not network:
        return []
    return [
        name
        for name, given in others.get("OS::Neutron::Subnet", ())
        if network in (given.get("network"), given.get("network_id"))
    ]


def network_of(given: Given) -> Any:
    return given.get("network") or given.get("network_id")


def interfaces_to(port: Any, others: Others) -> list[str]:
    """The router interfaces that lead to a port; all, where it cannot be told which."""
    name = port.get("get_resource") if isinstance(port, dict) else None
    ports = [given for each, given in others.get("OS::Neutron::Port", ()) if each == name]
    subnets = subnets_of(network_of(ports[0]), others) if ports else []
    wanted = [{"get_resource": each} for each in subnets]
    interfaces = others.get("OS::Neutron::RouterInterface", ())
    known = [
        each
        for each, given in interfaces
        if (given.get("subnet") or given.get("subnet_id")) in wanted
    ]
    return known or [each for each, _ in interfaces]


SPECS = mapping(None, "Extra parameters to include in the request.", default={}, update=True)
NAME = text("A symbolic name.", update=True)
STANDARD = {
    "status": "The status.",
    "name": "The name.",
    "tenant_id": "The project that owns it.",
    "admin_state_up": "The administrative status.",
}

TAGS = items(text(), "Tags.", update=True)


def noun(
    name: str,
    plural: str,
    key: str,
    *,
    sent: Callable[[Given, Place], Mapping[str, Any]],
    **more: Any,
) -> ResourceType:
    """One collection of network's API: `sent` makes the body of a create and, of the properties
    that have changed, that of an update. Tags have a request of their own."""
    collection = f"{BASE}/{plural}"

    def update(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
        some = {n: v for n, v in changed.items() if n not in NOT_SENT}
        body = dict(sent(some, place)) | {
            n: None for n, v in some.items() if v is None and n in more["properties"]
        }
        body = {renamed.get(n, n): v for n, v in body.items()}
        if "name" in some and some["name"] is None:
            body["name"] = place.name
        body |= dict(now.get("value_specs") or {}) if "value_specs" in changed else {}
        body = {n: emptied.get(n) if v is None else v for n, v in body.items()}
        return [Request("PUT", f"{collection}/{physical}", {key: body})] if body else []

    def after(physical: str, given: Given, body: Any, place: Place) -> Sequence[Request]:
        wanted = sorted(set(given.get("tags") or ()))
        if wanted == sorted(((body or {}).get(key) or {}).get("tags") or ()):
            return []
        return [Request("PUT", f"{collection}/{physical}/tags", {"tags": wanted})]

    renamed = more.pop("renamed", {})
    emptied = more.pop("emptied", {})
    more.setdefault("update", update)
    type_ = rest(name, collection, key, body=sent, **more)
    return replace(type_, after=after) if "tags" in more["properties"] else type_
